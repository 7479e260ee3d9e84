"""Importing is free; the lazy names are all there; errors and files behave."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import equations
from equations.errors import DivergenceError, InputError, MissingPartError, SrncaError
from equations.files import atomic, write_bytes, write_text


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import equations", ("torch", "llvmlite", "sympy", "numpy", "scipy", "juliacall")),
        ("from equations import Rule, load_rule, models, simulate, print_rule, render; models.get('gray-scott')",
         ("torch", "llvmlite", "matplotlib", "juliacall")),
        ("import equations.backends, equations.expressions.numeric, equations.comparison.rollouts",
         ("torch", "llvmlite")),
    ],
)  # fmt: skip
def test_imports_are_free(statement: str, absent: tuple[str, ...]) -> None:
    code = f"import sys; {statement}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lazy_names() -> None:
    for name in equations.__all__:
        assert getattr(equations, name) is not None
    assert set(equations.__all__) <= set(dir(equations))
    assert {name for home, names in equations._HOMES.items() for name in names or [home]} == set(equations.__all__)
    importlib.import_module("equations.simulation")
    assert callable(equations.simulate)  # a module of that name would hide it
    with pytest.raises(AttributeError, match="no attribute 'simulated'"):
        equations.simulated


def test_errors() -> None:
    for kind in (InputError, MissingPartError, DivergenceError):
        assert issubclass(kind, SrncaError)
    error = pickle.loads(pickle.dumps(DivergenceError("gone", step=3, channel="u", y=1, x=2)))
    assert (str(error), error.step, error.channel, error.y, error.x) == ("gone", 3, "u", 1, 2)


def test_files_are_whole_or_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    with pytest.raises(RuntimeError, match="half"):
        _write_half(path)
    assert path.read_text() == "é\n"
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(InputError, match="existing, writable folder"):
        write_text(tmp_path / "no" / "a.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        write_text(tmp_path / "folder", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "folder"]


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _write_half(path: Path) -> None:
    with atomic(path) as temporary:
        assert (temporary.suffix, temporary.parent) == (path.suffix, path.parent)
        temporary.write_text("half")
        raise RuntimeError("half")
