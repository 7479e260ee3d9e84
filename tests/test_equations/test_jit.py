"""Compiled kernels are kept on disk, and a damaged or foreign cache does no harm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from equations import models
from equations.backends.llvm import cache as kernels
from equations.backends.llvm import jit
from equations.backends.llvm.kernel import kernel_ir
from equations.backends.reference import make_stepper
from tests.test_equations.helpers import make_rule

RULE = make_rule({"u": "0.1*u_lap - 0.01*u", "v": "0.3*u"})
STEP = """
import sys, numpy as np
from equations.backends.llvm import cache as kernels
from equations.backends.llvm import jit
from equations import models, simulate
def refuse(source): raise SystemExit(7)
if sys.argv[1] == "cached": jit._compile = refuse
frames = simulate(models.get("gray-scott"), size=16, steps=9, every=9)
sys.stdout.buffer.write(frames[-1].tobytes())
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SRNCA_CACHE", str(tmp_path / "given"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    jit.compile_entries.cache_clear()
    yield tmp_path / "given" / "srnca-kernels"
    jit.compile_entries.cache_clear()


def compile_and_step() -> None:
    from equations.backends.llvm.steppers import make_stepper as fused_stepper

    jit.compile_entries.cache_clear()
    state = np.random.default_rng(0).random((2, 8, 9)).astype(np.float32)
    np.testing.assert_allclose(fused_stepper(RULE)(state, 0, 3, 0), make_stepper(RULE)(state, 0, 3, 0), rtol=1e-6)


def test_the_second_process_finds_the_kernel(cache: Path) -> None:
    def run(mode: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-c", STEP, mode], capture_output=True, check=False)

    assert run("cached").returncode == 7, "an empty cache must lead to the compiler"
    first, second = run("fresh"), run("cached")
    assert first.returncode == second.returncode == 0, second.stderr
    assert first.stdout == second.stdout


def test_damaged_kernels_are_compiled_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_and_step()
    (kernel,) = cache.iterdir()
    whole = kernel.read_bytes()
    compiled = []
    monkeypatch.setattr(jit, "_compile", lambda source, real=jit._compile: compiled.append(1) or real(source))
    compile_and_step()
    assert not compiled
    for damaged in (b"", whole[:-1], whole[:40], b"x" + whole[1:], whole[:-1] + b"?"):
        kernel.write_bytes(damaged)
        compile_and_step()
        assert compiled.pop()
        assert kernel.read_bytes() == whole


def test_other_rules_types_and_processors_have_other_kernels(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_and_step()
    jit.compile_run(kernel_ir(RULE, "float64"))
    jit.compile_run(kernel_ir(RULE.replace(dt=0.5), "float32"))
    assert len(list(cache.iterdir())) == 3
    monkeypatch.setattr(jit.llvm, "get_host_cpu_name", lambda: "x86-64")
    jit.compile_entries.cache_clear()
    jit.compile_run(kernel_ir(RULE, "float32"))
    assert len(list(cache.iterdir())) == 4


def test_the_cache_can_be_off_full_or_unwritable(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNCA_CACHE", "")
    compile_and_step()
    assert not cache.exists()
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SRNCA_CACHE", str(blocked / "below"))
    compile_and_step()
    monkeypatch.setenv("SRNCA_CACHE", str(cache.parent))
    for dt in (0.1, 0.2, 0.3, 0.4):
        jit.compile_run(kernel_ir(RULE.replace(dt=dt), "float32"), keep=2)
    assert len(list(cache.iterdir())) == 2


def test_the_folder_is_the_users_own(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compile_and_step()
    assert cache.stat().st_mode & 0o077 == 0
    monkeypatch.delenv("SRNCA_CACHE")
    if sys.platform.startswith("linux"):
        assert kernels.cache_folder() == tmp_path / "home" / "srnca" / "kernels"


def test_a_big_rule_compiles() -> None:
    names = tuple("abcdefgh")
    updates = {c: " + ".join(f"0.0{i + 1}*{d}_lap*abs({c}_dx)" for i, d in enumerate(names)) for c in names}
    rule = make_rule(updates, models.get("gray-scott").stencils[:1] + RULE.stencils[1:])
    assert jit.compile_run(kernel_ir(rule, "float32"))
