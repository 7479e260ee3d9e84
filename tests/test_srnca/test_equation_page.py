"""The page of an equation: what stands on it, and what must not."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

import pytest

from benchmarks.pde_data import record
from distill.weak.discretise import Discretised, discretise
from distill.weak.equation import Equation
from distill.weak.find import find_equation
from srnca.pages.equation_page import report_equation
from tests.test_distill.test_weak.laws import written


@cache
def found(name: str, *, walls: bool = False) -> tuple[Equation, Discretised | None]:
    recording = record(name, size=40, frames=40)
    frames = recording.frames[:, :, :30, :28] if walls else recording.frames
    equation = find_equation(frames, recording.channels, recording.dt, recording.dx)
    return equation, None if equation.verdict == "none" else discretise(equation, frames)


def page_of(tmp_path: Path, equation: Equation, rule: Discretised | None, name: str = "rec") -> str:
    report_equation(tmp_path / "report.html", equation, rule, name, {"recordings": [f"{name}.npz"]})
    return html.unescape((tmp_path / "report.html").read_text())


def test_a_found_law_stands_with_errors_forecast_residuals_and_rule(tmp_path: Path) -> None:
    equation, rule = found("allen-cahn")
    page = page_of(tmp_path, equation, rule)
    assert "Found: this law explains the recording." in page
    assert page.count("<mo>±</mo>") == 3
    assert len(re.findall(r'alt="u, (recorded|forecast|difference), frame \d+"', page)) == 15
    assert page.count('alt="residual of u in space"') == 1
    assert "explained by noise" in page
    assert rule is not None
    assert rule.text() in page
    assert "Why it is not found" not in page


def test_a_law_that_is_not_found_has_causes_and_no_errors(tmp_path: Path) -> None:
    equation, rule = found("uneven-medium")
    page = page_of(tmp_path, equation, rule)
    assert equation.verdict != "found"
    assert "Why it is not found" in page
    assert all(reason in page for reason in equation.reasons)
    assert "<mo>±</mo>" not in page
    assert "There is none" in page or "rule.json" in page


def test_between_walls_the_forecast_is_mirrored(tmp_path: Path) -> None:
    equation, rule = found("allen-cahn", walls=True)
    assert equation.boundary == "walls"
    assert equation.evidence is not None
    assert equation.evidence.forecast is not None
    assert equation.evidence.forecast.seen.shape[2:] == (30, 28)
    # these walls are no walls, but edges of a piece: the forecast is wrong there, and that is nothing against the law
    assert equation.verdict == "found"
    page = page_of(tmp_path, equation, rule)
    assert "taken for such that nothing passes" in page


def test_text_of_unknown_origin_stays_text(tmp_path: Path) -> None:
    equation = written({"u": {"lap(u)": 1.0}}, offsets=(2.0,))
    page = page_of(tmp_path, equation, None, "<script>alert(1)</script>\x1b[2J")
    raw = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in raw
    assert "&lt;script&gt;alert(1)" in raw
    assert "\x1b" not in page
    assert "u stands for the recorded value minus 2." in page


@pytest.mark.parametrize("boundary", ["periodic", "walls"])
def test_a_page_without_evidence_is_a_page(tmp_path: Path, boundary: str) -> None:
    page = page_of(tmp_path, written({"u": {"dx(u)": 1.0}}, boundary=boundary), None)
    assert page.startswith("<!DOCTYPE html>")
    assert f"{boundary} boundary" in page
