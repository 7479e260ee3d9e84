"""Whether Julia is ready is found out without starting it; a stand-in `julia` knows only `--version`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import distill
from distill.engines import get_engine, unavailable
from distill.engines.pysr import probe as package_probe
from distill.engines.pysr.probe import probe

posix_only = pytest.mark.skipif(os.name != "posix", reason="the stand-in for julia is a shell script")
HINT = "import pysr"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Julia, no settings, an empty project."""
    for name in list(os.environ):
        if "JULIA" in name:
            monkeypatch.delenv(name)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("JULIAUP_DEPOT_PATH", str(tmp_path / "depot"))
    monkeypatch.setenv("PYTHON_JULIAPKG_PROJECT", str(tmp_path / "project"))


def make_julia(folder: Path, version: str = "1.10.9") -> Path:
    """A `julia` that answers `--version` and leaves a trace when it is asked for anything else."""
    path = folder / "julia"
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo "julia version {version}"; else touch "$0.ran"; fi\n'
    )
    path.chmod(0o755)
    return path


def make_project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "Project.toml").write_text("[deps]\n")
    return folder


def make_resolved(project: Path, julia: Path, override: str | None = None, **changes: object) -> None:
    """What juliapkg writes when it has set everything up."""
    from juliapkg import deps

    meta = {
        "meta_version": deps.META_VERSION,
        "dev": deps.STATE["dev"],
        "version": "1.10.9",
        "executable": str(julia),
        "libjulia": "libjulia.so",
        "bindir": str(julia.parent),
        "deps_files": {
            file: {"timestamp": os.path.getmtime(file), "hash_sha256": deps._get_hash(file)}
            for file in deps.deps_files()
        },
        "pkgs": [],
        "offline": False,
        "override_executable": override,
        **changes,
    }
    folder = project / "pyjuliapkg"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(meta))


def test_no_julia_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    reason = probe()
    assert reason is not None
    assert reason.startswith("engine pysr: Julia is not ready (could not find Julia")
    assert HINT in reason
    assert "operon or sparse" in reason
    assert capsys.readouterr() == ("", "")  # juliapkg prints; we do not
    assert unavailable("pysr") == reason
    assert package_probe is probe


@pytest.mark.parametrize("package", ["pysr", "juliacall", "juliapkg"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[probe.__module__]
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == package else object())
    assert f"the Python package {package} is not installed; run `pip install pysr`" in str(probe())


@posix_only
def test_resolved_is_ready(tmp_path: Path) -> None:
    julia = make_julia(tmp_path / "bin")
    make_resolved(tmp_path / "project", julia)
    assert probe() is None
    assert not Path(f"{julia}.ran").exists()


@posix_only
def test_the_engine_is_there_even_where_julia_is_not() -> None:
    assert get_engine("pysr").name == "pysr"


@posix_only
@pytest.mark.parametrize("changes", [{"meta_version": 1}, {"version": "1.9.0"}, {"deps_files": {}}, {"offline": True}])
def test_what_juliapkg_would_set_up_anew_is_not_ready(tmp_path: Path, changes: dict[str, object]) -> None:
    make_resolved(tmp_path / "project", make_julia(tmp_path / "bin"), **changes)
    assert "Julia 1.10.9 is there, but its packages for PySR are not set up yet" in str(probe())


@posix_only
def test_an_executable_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    julia = make_julia(tmp_path / "mine")
    monkeypatch.setenv("PYTHON_JULIAPKG_EXE", str(julia))
    assert "Julia 1.10.9 is there" in str(probe())
    make_resolved(tmp_path / "project", julia, override=str(julia))
    assert probe() is None
    monkeypatch.setenv("PYTHON_JULIAPKG_EXE", "/nowhere/julia")
    assert "/nowhere/julia is not a Julia executable" in str(probe())


@posix_only
def test_offline_the_project_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_julia(tmp_path / "bin")
    monkeypatch.setenv("PYTHON_JULIAPKG_OFFLINE", "yes")
    assert "has no Project.toml" in str(probe())
    make_project(tmp_path / "project")
    assert probe() is None
    monkeypatch.setenv("PYTHON_JULIAPKG_OFFLINE", "perhaps")
    assert "must be one of: yes, no" in str(probe())


@posix_only
def test_an_old_julia_is_not_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_julia(tmp_path / "bin", "1.6.7")
    assert "could not find Julia" in str(probe())
    assert capsys.readouterr() == ("", "")


@posix_only
def test_juliacall_with_executable_and_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_JULIACALL_EXE", str(make_julia(tmp_path / "bin")))
    assert "PYTHON_JULIACALL_EXE is set and PYTHON_JULIACALL_PROJECT is not; set " in str(probe())
    monkeypatch.setenv("PYTHON_JULIACALL_PROJECT", str(tmp_path / "own"))
    assert "has no Project.toml; set " in str(probe())
    make_project(tmp_path / "own")
    assert probe() is None
    monkeypatch.setenv("PYTHON_JULIACALL_EXE", "/bin/true")
    assert "/bin/true is not a Julia executable; set " in str(probe())
    monkeypatch.delenv("PYTHON_JULIACALL_EXE")
    assert "PYTHON_JULIACALL_PROJECT is set and PYTHON_JULIACALL_EXE is not; set " in str(probe())
    monkeypatch.setenv("PYTHON_JULIACALL_BINDIR", str(tmp_path / "bin"))
    assert probe() is None


@posix_only
@pytest.mark.parametrize("name", ["EXE", "PROJECT"])
def test_the_advice_is_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Where one of the pair is set, `import pysr` would only fail; where none is, it sets Julia up."""
    assert "import pysr" in str(probe())
    monkeypatch.setenv(f"PYTHON_JULIACALL_{name}", str(make_julia(tmp_path / "bin")))
    reason = str(probe())
    assert "import pysr" not in reason
    assert "or unset both, or use engine operon or sparse" in reason
    assert reason.count("PYTHON_JULIACALL_EXE") == 2  # what is wrong, and what to do


@posix_only
def test_damaged_state_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    make_resolved(tmp_path / "project", make_julia(tmp_path / "bin"))
    (tmp_path / "project" / "pyjuliapkg" / "meta.json").write_text("{")
    assert "Julia is not ready" in str(probe())


def test_juliapkg_is_left_as_it_was(tmp_path: Path) -> None:
    from juliapkg.state import STATE

    STATE["project"], before = "/somewhere/else", STATE["project"]
    kept = dict(STATE)
    try:
        probe()
        assert kept == STATE
    finally:
        STATE["project"] = before
    assert not (tmp_path / "project").exists()  # nor is anything written


def test_importing_and_probing_load_neither_julia_nor_torch() -> None:
    program = """
import sys
import distill, distill.engines.pysr.worker
from distill.engines import get_engine, unavailable
early = "numpy" in sys.modules  # PySR wants to load Julia's libraries before NumPy's
unavailable("pysr"), get_engine("pysr")
print(sorted({"pysr", "juliacall", "torch"} & set(sys.modules)), early, "juliapkg" in sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(distill.__file__).parent.parent)}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert run.stdout == "[] False True\n"
