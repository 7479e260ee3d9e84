"""The report of a distillation: plain JSON data, the same object that `--json` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from distill.fidelity import held_out, r2
from distill.on_policy import stability
from distill.sampling import Samples
from distill.teacher import compose
from equations.expressions.terms import split_terms
from equations.rule.rule import Candidate, Rule

if TYPE_CHECKING:
    from distill.refine import RefinedRule, RefineResult
    from distill.run import Run


def make_report(
    run: Run,
    engine: str,
    rule: Rule,
    chosen: Mapping[str, Candidate],
    samples: Samples,
    refined: RefineResult | None,
) -> dict[str, Any]:
    """Fidelity to the teacher, size, stability, time per stage, and provenance.

    r2, terms: of the final rule.
    unseen: channels that the rule leaves out, because no shown channel depends on them.
    regression: r2 and terms of the rule before refinement, and the engine that found each of its equations.
    refine: the front of terms against texture loss (the worst of 400 and 1,600 steps).
    on_policy: the distance of the rule's states from the teacher's before each round and after the last one; null
        where the rule ran away.
    left_out: sentences about what a deadline cut short; empty where no time was set.
    engines: what happened to each engine that took part.
    notes: sentences that the user must read.

    A caller that has a picture adds texture losses.
    """
    engines = {channel: candidate.engine for channel, candidate in chosen.items()}
    regression = compose(run.teacher, {channel: candidate.expr for channel, candidate in chosen.items()})
    return {
        "r2": r2(rule, *held_out(samples, rule)),
        "terms": count(rule),
        "unseen": [channel for channel in run.teacher.channels if channel not in rule.channels],
        "regression": {
            "r2": r2(regression, *held_out(samples, regression)),
            "terms": count(regression),
            "engine": engines,
        },
        "refine": [] if refined is None else [front_row(point) for point in refined.front],
        "on_policy": [distance if math.isfinite(distance) else None for distance in run.distances],
        "left_out": run.deadline.left_out,
        "stability": stability(rule, samples, size=run.size, steps=run.steps, seed=run.seed),
        "time_s": dict(run.times),
        "engine": engine,
        "engines": _engines(run, chosen),
        "notes": list(run.happenings.notes),
        "seed": run.seed,
        "provenance": {
            "distilled_from": type(run.teacher).__name__,
            "engine": engine,
            "engines": engines,
            "seed": run.seed,
            "size": list(run.size),
            "steps": run.steps,
            "max_terms": run.max_terms,
            "samples": samples.summary(),
            "versions": versions(),
        },
    }


def _engines(run: Run, chosen: Mapping[str, Candidate]) -> dict[str, str]:
    """Engine -> what went wrong with it, or ok, and how many of the chosen equations it found."""
    found = {}
    for name, troubles in run.happenings.troubles.items():
        count = sum(candidate.engine == name for candidate in chosen.values())
        status = "; ".join(dict.fromkeys(troubles)) or "ok"
        found[name] = f"{status}, {count} of {len(chosen)} equations chosen"
    return found


def front_row(point: RefinedRule) -> dict[str, Any]:
    return {
        "terms_per_channel": point.terms,
        "loss": point.loss,
        "score": point.score,
        "start": point.start,
        "lasts": point.lasts,
    }


def count(rule: Rule) -> dict[str, Any]:
    """Numbers of additive terms; in `distinct`, a term that several channels have counts once."""
    terms = rule.terms()
    total = sum(terms.values())
    shared = {basis for expr in rule.expressions for _, basis in split_terms(expr)}
    return {"total": total, "per_channel": total / len(terms), "by_channel": terms, "distinct": len(shared)}


def versions() -> dict[str, str]:
    found = {}
    for name in ("numpy", "sympy", "pyoperon", "pysr"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
