"""The printed Python script computes the reference's states."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from equations.printers import print_rule
from equations.rule.display import render
from equations.rule.rule import Rule
from tests.test_equations.awkward import AWKWARD, COLOURED, PrinterConformance, Run, State


class TestPython(PrinterConformance):
    def build(self, rule: Rule, folder: Path) -> Run:
        script = folder / "rule.py"
        script.write_text(print_rule(rule, "python"), encoding="utf-8")
        module = runpy.run_path(str(script))

        def run(size: tuple[int, int], steps: int, seed: int) -> State:
            state = module["start"](*size, seed)
            for index in range(steps):
                state = module["step"](state, index, seed)
            return state

        return run


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", COLOURED)
def test_colours_are_those_of_the_library(label: str, tmp_path: Path) -> None:
    script = tmp_path / "rule.py"
    script.write_text(print_rule(COLOURED[label], "python"), encoding="utf-8")
    module = runpy.run_path(str(script))
    state = module["step"](module["start"](13, 21, 5), 0, 5)
    picture = module["picture"](state)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, render(COLOURED[label], state))


def test_a_rule_without_colours_has_no_pictures() -> None:
    assert "def picture" not in print_rule(AWKWARD["spots"], "python")


def test_the_script_takes_width_and_height(tmp_path: Path) -> None:
    rule = AWKWARD["endless clamp"]
    (tmp_path / "rule.py").write_text(print_rule(rule, "python"), encoding="utf-8")
    command = [sys.executable, "-W", "error", "rule.py", "--steps", "3", "--size", "7x5", "--out", "s.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    got = np.load(tmp_path / "s.npy")
    np.testing.assert_array_equal(got, TestPython().build(rule, tmp_path)((5, 7), 3, 0))
    assert got.shape == (2, 5, 7)
