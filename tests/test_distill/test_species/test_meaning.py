"""What a law means: its verdict, its wavelength, its half time step, and what it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distill.refine.table import TermTable
from distill.species import meaning
from distill.species.meaning import explain
from equations import models
from equations.rule.colours import Display
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import ID, LAP
from equations.rule.symbols import symbol
from tests.test_distill.test_species.made import contrast_of, waves

U, V, COLOURS = symbol("u"), symbol("v"), ("r", "g", "b")


def turing() -> Rule:
    """The activator and the inhibitor from which searches start, with a term that does nothing."""
    return Rule(
        channels=("u", "v"),
        stencils=(ID, LAP),
        updates={
            "u": 0.09 * U - 0.135 * V - 0.09 * U**3 + 1e-7 * U * V + 0.3 * symbol("u_lap"),
            "v": 0.09 * U - 0.108 * V + 1.5 * symbol("v_lap"),
        },
        init=Init("noise", (0.0, 0.0), (0.3, 0.3)),
        display=Display(colours=dict.fromkeys(COLOURS, 0.5 + 0.3 * U)),
    )


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meaning, "LEAST_SIDE", 48)
        patch.setattr(meaning, "_nearest", lambda rule: {})
        return explain(turing(), contrast_of(waves(48, 12.0, 0.0)), size=(48, 48), seed=0)


def test_the_verdict_is_turing_and_the_prediction_is_measured(found: dict[str, Any]) -> None:
    assert found["analysis"]["verdict"]["name"] == "Turing"
    waves_found = found["wavelength"]
    assert waves_found["cells"]["measured"] == pytest.approx(waves_found["cells"]["predicted"], rel=0.15)
    assert waves_found["why"]


def test_half_the_time_step_makes_the_same_pattern(found: dict[str, Any]) -> None:
    assert found["half_step"]["same"]
    assert found["half_step"]["wavelength"] == pytest.approx(found["half_step"]["of_law"]["wavelength"], rel=0.1)


def test_a_map_that_needs_its_long_step_is_told_from_an_equation_in_time() -> None:
    flipping = turing().replace(updates={"u": -2.6 * U + 1.5 * U**3, "v": -V})
    runs = meaning._Runs(TermTable(flipping), contrast_of(waves(16, 5.0, 0.0)), (16, 16), 0)
    assert not meaning._half_step(runs, runs.measured(runs.table.constants(), meaning.STEPS))["same"]


def test_terms_are_knocked_out_one_by_one(found: dict[str, Any]) -> None:
    outcome = {(row["species"], row["term"].split("*", 1)[1]): row["outcome"] for row in found["without"]}
    assert len(outcome) == 8
    assert outcome["u", "u"] == "no pattern"
    assert outcome["u", "u**3"] == "runs away"
    assert outcome["u", "u*v"] == "much the same"
    ranks = [meaning.OUTCOMES.index(row["outcome"]) for row in found["without"]]
    assert ranks == sorted(ranks)


@pytest.mark.slow
def test_the_nearest_textbook_system_is_named_with_what_differs() -> None:
    near = meaning._nearest(models.get("schnakenberg"))
    assert (near["model"], near["is"]) == ("schnakenberg", True)
    assert near["distance"] == pytest.approx(0, abs=1e-6)
    assert near["differs"] == []
    assert np.isfinite(list(near["parameters"].values())).all()
