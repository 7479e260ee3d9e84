"""The tutorials run, at a small size, and use only names that there are."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_srnca.tiny import config

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
TUTORIALS = sorted(FOLDER.glob("*.py"))
SMALL: dict[str, dict[str, Any]] = {  # constants of each tutorial, at the size of the tests
    "own_photo_to_law": {"SIZE": 16, "ITERATIONS": 2, "EFFORT": 0.1},
    "recording_to_equation": {},  # seconds as it is
    "read_a_law": {"SIDE": 32, "STEPS": 300},
    "use_a_rule_elsewhere": {"SIDE": 24, "STEPS": 20},
    "hyperparameter_study": {"TRIALS": 2, "ITERATIONS": 2, "SIZE": 16},
    "pysr_in_this_pipeline": {"EVALUATIONS": 500},
}


def shrink(tree: ast.Module, values: dict[str, Any]) -> None:
    """Replace the values of constants that are assigned at the top level; each must be there."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in values:
            name = node.targets[0].id
            node.value = ast.copy_location(ast.Constant(values[name]), node.value)
            found.add(name)
    assert found == set(values)


def run(path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[dict[str, Any], str]:
    """The tutorial's variables and what it printed."""
    import matplotlib
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1]))  # of the programs that it starts
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    shrink(tree, SMALL[path.stem])
    space: dict[str, Any] = {"__name__": "__main__"}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(tree, str(path), "exec"), space)
    plt.close("all")
    return space, said.getvalue()


def test_there_are_tutorials_and_each_has_a_size_for_tests() -> None:
    assert [path.stem for path in TUTORIALS] == sorted(SMALL)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_is_in_percent_format_and_its_names_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    title, underline = (ast.get_docstring(tree) or "").splitlines()[:2]
    assert underline == "=" * len(title)
    assert len(re.findall(r"^# %%$", text, re.MULTILINE)) >= 4
    assert "not run when the site was built" in text or "ran when the site was built" in text
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in ("equations", "distill", "srnca"):
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"
    imported = {a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {*sys.stdlib_module_names, "numpy", "matplotlib", "sympy", "torch"}


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if path.stem == "own_photo_to_law":  # a small network; the default one takes minutes to distil
        small = config(colours="map", clamp=(-1.0, 1.0))  # bounded, so that some rule survives
        monkeypatch.setattr("srnca.texture.config.PRESETS", {"default": small})
    space, said = run(path, monkeypatch, tmp_path)
    if path.stem == "recording_to_equation":
        assert space["clean"].verdict == "found"
        assert set(space["clean"].coefficients("u")) == {"u", "u**3", "u**2*v", "u*v**2", "v**3", "lap(u)"}
        assert space["alone"].verdict == "none"
    if path.stem == "read_a_law":
        assert 2.7 < 2 * 3.1416 / space["fastest"] / 4.7 < 2.8
        assert space["found"].verdict.name == "Turing"
    if path.stem == "use_a_rule_elsewhere":
        assert "largest difference: 0.0" in said
    if path.stem == "own_photo_to_law":
        assert (tmp_path / "photo-rule" / "rule.json").is_file()
    if path.stem == "hyperparameter_study":
        assert len(space["list_results"](space["open_study"]("plants"))) == 2
    if path.stem == "pysr_in_this_pipeline":
        assert space["front"]
