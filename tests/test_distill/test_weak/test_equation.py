"""What a found equation says."""

from __future__ import annotations

import json
from dataclasses import replace

from distill.weak.equation import ChannelLaw, Equation, FoundTerm, worst

TERMS = (FoundTerm("u", -1.0, 0.01), FoundTerm("lap(u)", 0.5, 0.002), FoundTerm("1", 0.25, 0.001))
LAW = ChannelLaw("u", TERMS, 1e-5, 1e-5, 0.01, "found")
EQUATION = Equation((LAW,), (1000.0,), 0.1, 0.5, "walls", (0.02,), (8, 9, 9), "found")


def test_a_found_law_is_written_with_its_errors():
    assert LAW.text() == "du/dt = -(1 ± 0.01) u + (0.5 ± 0.002) lap(u) + (0.25 ± 0.001)"


def test_no_errors_stand_beside_a_law_that_is_not_found():
    law = replace(LAW, verdict="partly", reasons=("a reason",))
    equation = replace(EQUATION, laws=(law,), verdict="partly", reasons=("u: a reason",))
    assert "±" not in equation.text()
    assert "u: a reason" in equation.text()
    assert equation.to_json()["equation"]["u"][0] == [-1.0, None, "u"]


def test_text_says_what_coefficients_are_in():
    text = EQUATION.text()
    for part in ("u stands for the recorded value minus 1000", "walls", "dt = 0.1", "dx = 0.5", "continuous time"):
        assert part in text


def test_json_has_the_keys_of_the_file():
    data = json.loads(json.dumps(EQUATION.to_json()))
    assert data["verdict"] == "found"
    assert data["time"] == "continuous"
    assert data["equation"]["u"] == [[-1.0, 0.01, "u"], [0.5, 0.002, "lap(u)"], [0.25, 0.001, "1"]]
    assert EQUATION.coefficients("u") == {"u": -1.0, "lap(u)": 0.5, "1": 0.25}


def test_an_empty_law_is_no_change():
    assert replace(LAW, terms=()).text() == "du/dt = 0"


def test_the_worst_verdict_counts():
    assert worst(["found", "none", "partly"]) == "none"
