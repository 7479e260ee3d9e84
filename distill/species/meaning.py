"""What a law of few species means: what makes its pattern, which terms it needs, and which textbook system is near.

All is plain JSON data for the report. Lengths are in cells, which are the pixels of the picture that was compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from distill.refine.pictures import first_state, rgb_of
from distill.refine.settings import Objective
from distill.refine.table import Floats, TermTable
from distill.species.scale import measure_scale
from equations.analysis import Analysis, analyze, as_data
from equations.errors import InputError
from equations.expressions.terms import join_terms
from equations.printers.text import print_expression
from equations.rule.mask import shift_seed
from equations.rule.rule import Rule

LEAST_SIDE = 96  # cells: of the grid that is analysed, so that its wavelengths lie close together
STEPS = 1000  # of the runs that are compared
RUNAWAY = 100.0  # a state beyond this has run away
FAINT = 0.1  # a picture with less than this share of the law's contrast has no pattern
SAME = 0.1  # wavelengths that differ by at most this share count as the same
TWICE = 2.0  # and distances by at most this factor
OUTCOMES = ("runs away", "no pattern", "another pattern", "much the same")


def analyze_law(rule: Rule, *, size: tuple[int, int], seed: int) -> Analysis:
    """The analysis of a law for pictures of `size`, (h, w); small ones are analysed on a larger grid."""
    return analyze(rule, size=(max(size[0], LEAST_SIDE), max(size[1], LEAST_SIDE)), seed=seed)


def explain(rule: Rule, objective: Objective, *, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """The analysis of a law, its half time step, what it is without each of its terms, and its nearest textbook system.

    objective: its `judge` compares pictures. size: (h, w) of the pictures. Returns plain data.
    """
    found = analyze_law(rule, size=size, seed=seed)
    runs = _Runs(TermTable(rule), objective, size, seed)
    own = runs.measured(runs.table.constants(), STEPS)
    return {
        "analysis": as_data(found),
        "wavelength": _wavelengths(found, own),
        "half_step": _half_step(runs, own),
        "without": _knocked_out(runs, own),
        "nearest": _nearest(rule),
    }


@dataclass(frozen=True)
class _Seen:
    """What a picture measures; contrast and distance are None where the law ran away."""

    contrast: float | None = None
    distance: float | None = None
    wavelength: float | None = None


@dataclass(frozen=True)
class _Runs:
    """Runs of a law with other constants, all from the same first state."""

    table: TermTable
    objective: Objective
    size: tuple[int, int]
    seed: int

    def measured(self, constants: Floats, steps: int) -> _Seen:
        rule = self.table.rule
        start = first_state(rule, self.size, shift_seed(self.seed, 77))[None]
        state = self.table.kernel.last(constants, start, steps)
        if not np.abs(state).max() <= RUNAWAY:
            return _Seen()
        picture = np.clip(rgb_of(rule, state), 0, 1)
        with torch.no_grad():
            distance = float(self.objective.judge(torch.from_numpy(picture)).mean())
        contrast = float(picture[0].std(axis=(1, 2)).max())
        try:
            return _Seen(contrast, distance, measure_scale(picture[0].transpose(1, 2, 0)).wavelength)
        except InputError:
            return _Seen(contrast, distance)


def _wavelengths(found: Analysis, own: _Seen) -> dict[str, Any]:
    """Predicted by the linearised law beside measured, and why they differ where they do."""
    predicted = found.predicted
    measured = None if found.measured is None else found.measured.wavelength
    early = None if found.measured is None else found.measured.early
    lengths = {"predicted": predicted, "measured": measured, "measured_small": early, "of_picture": own.wavelength}
    data: dict[str, Any] = {"cells": lengths}
    data["difference"] = None if not (predicted and measured) else measured / predicted - 1
    data["why"] = _why(found, predicted, measured, early)
    return data


def _why(found: Analysis, predicted: float | None, measured: float | None, early: float | None) -> str:
    if predicted is None and measured is not None:
        return (
            f"nothing is predicted: the verdict is {found.verdict.name}. The pattern does not grow from small "
            "disturbances, it needs the large first state that the law has"
        )
    if predicted is None:
        return f"nothing is predicted: the verdict is {found.verdict.name}"
    if measured is None:
        return "the run ended without a wavelength"
    if abs(measured / predicted - 1) <= SAME:
        return "the prediction holds"
    if early is not None and abs(early / predicted - 1) <= SAME:
        return "it holds while the pattern is small; as it grows the reactions are no longer linear and choose another"
    return "several waves grow at nearly the same rate, and which one wins is not decided by its first growth"


def _half_step(runs: _Runs, own: _Seen) -> dict[str, Any]:
    """Whether the law makes the same picture with half the time step: then it is an equation in time."""
    half = runs.measured(runs.table.constants() / np.float32(2), 2 * STEPS)
    same = False
    if half.wavelength and own.wavelength and half.distance is not None and own.distance is not None:
        same = abs(half.wavelength / own.wavelength - 1) <= SAME and half.distance <= TWICE * own.distance
    whole = {"wavelength": own.wavelength, "distance": own.distance}
    return {"same": same, "wavelength": half.wavelength, "distance": half.distance, "of_law": whole}


def _knocked_out(runs: _Runs, own: _Seen) -> list[dict[str, Any]]:
    """What is left of the picture without each term of the laws, the most needed term first."""
    rows, table = [], runs.table
    for number, (channel, basis) in enumerate(table.places):
        constants = table.constants()
        term = join_terms([(float(f"{constants[number]:.4g}"), table.bases[basis])])
        constants[number] = 0
        seen = runs.measured(constants, STEPS)
        rows.append(
            {
                "species": table.rule.channels[channel],
                "term": print_expression(term),
                "outcome": _outcome(seen, own),
                "distance": seen.distance,
                "wavelength": seen.wavelength,
            }
        )
    return sorted(rows, key=lambda row: (OUTCOMES.index(row["outcome"]), -(row["distance"] or 0)))


def _outcome(seen: _Seen, own: _Seen) -> str:
    if seen.contrast is None or seen.distance is None:
        return "runs away"
    if seen.contrast < FAINT * (own.contrast or 0):
        return "no pattern"
    return "another pattern" if seen.distance > TWICE * (own.distance or 0) else "much the same"


def _nearest(rule: Rule) -> dict[str, Any]:
    """The model of the catalogue whose equations, in units of its own, come nearest, and by which terms they differ."""
    from equations.comparison import identify

    ranking = identify(rule)
    best = ranking.matches[0]
    apart = [
        {"species": term.channel, "term": term.term, "status": term.status, "law": term.rule, "model": term.model}
        for term in best.terms
        if term.differs
    ]
    return {
        "model": best.model,
        "preset": best.preset,
        "distance": best.distance,
        "is": bool(ranking.found),
        "parameters": dict(best.parameters),
        "differs": apart,
    }
