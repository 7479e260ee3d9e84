"""Imports point one way (equations <- distill <- srnca), and what should be cheap to import is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "equations": {"equations"},
    "distill": {"equations", "distill"},
    "srnca": {"equations", "distill", "srnca"},
}
HEAVY = (
    "torch",
    "torchvision",
    "juliacall",
    "juliapkg",
    "pysr",
    "llvmlite",
    "pyoperon",
    "sklearn",
    "matplotlib",
    "pandas",
    "jinja2",
)
NEVER_AT_TOP = {"torchvision", "pysr", "juliacall"}  # they break, or start Julia: only inside a function


def imported(tree: ast.AST, package: str) -> set[str]:
    """Top-level names that a module imports anywhere, type checking and function bodies included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(package if node.level else str(node.module).partition(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            names |= {str(a.value).partition(".")[0] for a in node.args[:1] if isinstance(a, ast.Constant)}
    return names


def imported_on_loading(tree: ast.Module) -> set[str]:
    """Top-level names imported by statements that run when the module is loaded."""
    names: set[str] = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= imported(node, "")
        elif isinstance(node, (ast.Try, ast.If, ast.With, ast.ClassDef)):
            waiting += [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return names


def wrong_imports(root: Path) -> list[str]:
    """Every import below `root` that points the wrong way or must not happen on loading."""
    wrong = []
    for package, allowed in ALLOWED.items():
        for path in sorted((root / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
            outside = imported(tree, package) & (set(ALLOWED) | {"tests", "benchmarks"}) - allowed
            early = imported_on_loading(tree) & NEVER_AT_TOP
            wrong += [f"{path.relative_to(root)} imports {name}" for name in sorted(outside)]
            wrong += [f"{path.relative_to(root)} loads {name} at once" for name in sorted(early)]
    return wrong


def loaded_by(code: str) -> set[str]:
    """The heavy modules that a fresh process holds after running `code`."""
    report = f"import sys\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_imports_point_one_way() -> None:
    for package in ALLOWED:
        assert list((ROOT / package).rglob("*.py")), f"{package} holds no modules: nothing was checked"
    assert wrong_imports(ROOT) == []


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("equations/rule/rule.py", "import distill"),
        ("equations/deep/nested.py", "def f():\n    from srnca.texture.network import NCA"),
        ("equations/types.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import srnca"),
        ("equations/sly.py", "import importlib\nimportlib.import_module('srnca.texture.network')"),
        ("distill/pipeline.py", "from srnca import train"),
        ("distill/julia.py", "try:\n    import pysr\nexcept ImportError:\n    pysr = None"),
        ("srnca/vision.py", "import torchvision.models"),
        ("srnca/checks.py", "from tests.test_srnca import test_imports"),
    ],
)
def test_the_check_finds_a_planted_import(tmp_path: Path, where: str, line: str) -> None:
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert len(wrong_imports(tmp_path)) == 1


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("equations/rule/rule.py", "import sympy\nfrom . import ops\nfrom equations import errors"),
        ("distill/pipeline.py", "import equations\nfrom distill import sampling"),
        ("srnca/vision.py", "def weights():\n    import torchvision"),
        ("srnca/all.py", "import equations, distill, torch"),
    ],
)
def test_the_check_lets_good_imports_pass(tmp_path: Path, where: str, line: str) -> None:
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert wrong_imports(tmp_path) == []


def test_importing_equations_is_light() -> None:
    assert loaded_by("import equations") == set()


@pytest.mark.parametrize(
    "words",
    [
        "train missing.png",
        "train --frames missing.npz",
        "distill --checkpoint missing.pt",
        "simulate missing.pt",
        "simulate missing",
        "verify learned:snake --checkpoint missing.pt",
        "page learned:snake --checkpoint missing.pt",
        "sweep missing.png --study missing",
        "explore missing",
        "rate missing",
    ],
)
def test_a_missing_file_is_said_before_anything_slow_is_loaded(words: str) -> None:
    assert (
        loaded_by(f"from srnca.cli.app import main\nassert main({words.split()!r}) == 2") & {"torch", "optuna"} == set()
    )


def test_using_a_rule_needs_no_torch_and_no_julia() -> None:
    code = (
        "from equations import models, Simulator\n"
        "Simulator(models.get('gray-scott'), size=8, backend='reference').step(1)"
    )
    assert not loaded_by(code) & {"torch", "juliacall", "juliapkg", "pysr", "matplotlib"}


def test_importing_the_other_packages_is_light() -> None:
    assert loaded_by("import distill, srnca") == set()


def test_refinement_and_its_kernels_are_loaded_when_they_are_needed() -> None:
    code = "import distill.pipeline, distill.unfinished, distill.on_policy, distill.report, equations.rule.reduce"
    assert not loaded_by(code) & {"torch", "llvmlite", "matplotlib"}


def test_identifying_a_rule_from_a_recording_needs_no_torch() -> None:
    assert loaded_by("import distill.identify, distill.identify.recording") == set()


def test_refinement_names_what_others_use() -> None:
    from distill import refine

    assert set(refine.__all__) == {
        *("Objective", "RefineResult", "RefinedRule", "Settings", "choose", "levels", "refine")
    }
    for name in refine.__all__:
        assert getattr(refine, name) is not None


def test_no_import_starts_julia_or_torchvision() -> None:
    code = "import srnca.texture.training, srnca.texture.checkpoint, srnca.texture.distill, distill.pipeline"
    assert not loaded_by(code) & {"juliacall", "juliapkg", "pysr", "torchvision"}


def test_the_check_of_loaded_modules_can_fail() -> None:
    assert loaded_by("import juliapkg") == {"juliapkg"}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["distill", "--help"], ["models", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_by(f"from srnca.cli.app import main\nassert main({arguments!r}) == 0") == set()


def test_the_first_help_is_there_before_numpy() -> None:
    """Loading NumPy takes as long as all the rest of `srnca --help`."""
    code = "import sys\nfrom srnca.cli.app import main\nassert main(['--help']) == 0\nassert 'numpy' not in sys.modules"
    assert loaded_by(code) == set()


def test_public_names_are_there() -> None:
    import srnca

    assert {name for names in srnca._HOMES.values() for name in names} <= set(srnca.__all__)
    for name in srnca.__all__:
        assert getattr(srnca, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = srnca.trian  # type: ignore[attr-defined]
