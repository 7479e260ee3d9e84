"""The report of a law of few species: plain JSON data, with those keys of other distillations that have a meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.report import count, front_row, versions
from distill.species.scale import Scale
from equations.expressions.terms import count_inner, count_terms, split_terms
from equations.rule.display import formulas_of
from equations.rule.mask import shift_seed
from equations.rule.rule import Rule
from equations.simulation import roll

if TYPE_CHECKING:
    from distill.refine.refinement import RefineResult

STEPS = 2000  # of the run that shows whether the law stays bounded
RUNAWAY = 4  # a state beyond the usual range by this factor has run away


def make_species_report(
    refined: RefineResult,
    *,
    species: int,
    scale: Scale,
    scores: Mapping[str, float],
    size: tuple[int, int],
    seed: int,
    terms: int,
    limit: float,
    times: Mapping[str, float],
    left_out: list[str],
) -> dict[str, Any]:
    """Size, start, stability, time of each stage, and provenance; the caller adds texture losses and the judge.

    species: how many were asked for, `numbers` of the law in all and of its colours, its `start`, the score of every
        start after a short tuning (`starts`; null where it ran away), and the pattern that was measured in the picture:
        `wavelength` in cells, `direction` of its wave vector in degrees, and how `directed` it is, from 0 to 1.
    refine: the front; `terms_per_channel` there counts colours too, and `numbers` is the number in all.
    """
    rule = refined.rule
    return {
        "terms": count(rule),
        "species": {
            "asked": species,
            "numbers": count_numbers(rule),
            "start": rule.provenance["start"],
            "starts": {name: score if math.isfinite(score) else None for name, score in scores.items()},
            "wavelength": scale.wavelength,
            "direction": math.degrees(scale.direction),
            "directed": scale.directed,
        },
        "refine": [
            {
                **front_row(point),
                "terms_per_channel": point.terms / len(point.rule.channels),
                "numbers": round(point.terms),
            }
            for point in refined.front
        ],
        "left_out": left_out,
        "stability": _stability(rule, size, seed, limit),
        "time_s": dict(times),
        "engine": "species",
        "notes": [],
        "seed": seed,
        "provenance": {
            "distilled_from": "a picture",
            "engine": "species",
            "species": species,
            "seed": seed,
            "size": list(size),
            "max_terms": terms,
            "versions": versions(),
        },
    }


def count_numbers(rule: Rule) -> dict[str, int]:
    """The numbers that a person would copy: of the laws, of the colours, and both.

    A term has one, and those inside it, such as k and c of tanh(k·u − c), count once for all colours.
    """
    laws = sum(count_terms(expr) for expr in rule.expressions)
    formulas = formulas_of(rule).values()
    bases = {basis for formula in formulas for _, basis in split_terms(formula)}
    colours = sum(count_terms(expr) for expr in formulas) + count_inner(bases)
    return {"all": laws + colours, "laws": laws, "colours": colours}


def _stability(rule: Rule, size: tuple[int, int], seed: int, limit: float) -> dict[str, Any]:
    run = roll(rule, size=size, steps=STEPS, seed=shift_seed(seed, 2000), every=STEPS // 20, stop_above=RUNAWAY * limit)
    return {
        "stable": run.diverged_at is None,
        "diverged_at_step": run.diverged_at,
        "steps": STEPS,
        "max_abs": float(np.abs(run.frames).max()),
    }
