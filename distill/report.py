"""The report of a distillation: plain JSON data, the same object that `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from distill.fidelity import r2
from distill.sampling import Samples
from distill.stages import stability
from distill.teacher import compose
from equations.rule import Candidate, Rule

if TYPE_CHECKING:
    from distill.pipeline import Run


def make_report(
    run: Run,
    engine: str,
    rule: Rule,
    chosen: Mapping[str, Candidate],
    samples: Samples,
    texture_front: Sequence[tuple[float, float, Rule]],
) -> dict[str, Any]:
    """Fidelity to the teacher, size, stability, time per stage, and where everything came from.

    `r2` and `terms` are those of the final rule; `regression` holds those of the rule before refinement and
    the engine of each of its equations. Texture losses are added by the caller that has a picture.
    """
    engines = {channel: candidate.engine for channel, candidate in chosen.items()}
    regression = compose(run.teacher, {channel: candidate.expr for channel, candidate in chosen.items()})
    return {
        "r2": r2(rule, samples.X_held, samples.Y_held),
        "terms": count(rule),
        "regression": {
            "r2": r2(regression, samples.X_held, samples.Y_held),
            "terms": count(regression),
            "engine": engines,
        },
        "refine": [{"terms_per_channel": terms, "loss": loss} for terms, loss, _ in texture_front],
        "stability": stability(rule, samples, size=run.size, steps=run.steps, seed=run.seed),
        "time_s": dict(run.times),
        "engine": engine,
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
            "versions": _versions(),
        },
    }


def count(rule: Rule) -> dict[str, Any]:
    """Additive terms: total, per channel on average, by channel."""
    terms = rule.terms()
    total = sum(terms.values())
    return {"total": total, "per_channel": total / len(terms), "by_channel": terms}


def _versions() -> dict[str, str]:
    found = {}
    for name in ("numpy", "sympy", "pyoperon", "pysr"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
