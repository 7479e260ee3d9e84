"""The result of `srnca verify --against` as tables and as JSON data."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from srnca.cli.checks_text import checks_data, checks_table
from srnca.cli.output import number, table

if TYPE_CHECKING:
    from equations.comparison import Match, Ranking, Rollouts, TermMatch
    from srnca.automata.verification import Check

MOST_TERMS = 24  # terms in the table; --json has them all


def checks_of(match: Match, rollouts: Rollouts | None) -> list[Check]:
    """The checks that a rule has to pass to be the model, each with its value and its threshold."""
    from equations.comparison.match import CLOSE, THRESHOLD
    from equations.comparison.rollouts import HISTOGRAM, SPECTRUM
    from srnca.automata.verification import Check

    checks = [
        Check.at_most("law", match.distance, THRESHOLD, "distance of the two laws, at most"),
        Check.at_most(
            "coefficients", match.worst_error, CLOSE, "worst relative error; 1 for a term too many or too few, at most"
        ),
    ]
    if rollouts is not None:
        last = "" if rollouts.diverged is None else f"; before a run diverged: {rollouts.diverged}"
        when = f"after {rollouts.steps[-1] if rollouts.steps else 0} steps, worst channel, at most{last}"
        for name, found, threshold, what in (
            ("spectrum", rollouts.spectrum, SPECTRUM, "distance of radial spectra"),
            ("histogram", rollouts.histogram, HISTOGRAM, "distance of values"),
        ):
            check = Check.at_most(name, max(found.values()), threshold, f"{what} {when}")
            checks.append(replace(check, ok=check.ok and rollouts.diverged is None))
    return checks


def describe_match(match: Match, rollouts: Rollouts | None, checks: list[Check]) -> str:
    """How the rule reads as the model, its terms, how long runs of both agree, and the checks."""
    parts = ["\n".join(_reading(match))]
    if match.terms:
        parts.append(_terms(match.terms))
    if match.notes:
        parts.append("\n".join(match.notes))
    parts.append("the runs are not compared: a channel has no counterpart" if rollouts is None else _runs(rollouts))
    return "\n\n".join([*parts, checks_table(checks)])


def describe_ranking(ranking: Ranking) -> str:
    """One row for each model, the closest first, and the verdict."""
    from equations.comparison import THRESHOLD

    rows: list[tuple[str, ...]] = [("", "model", "nearest preset", "distance", "shared", "missing", "spurious")]
    for match in ranking.matches:
        counts = [sum(term.status == kind for term in match.terms) for kind in ("shared", "missing", "spurious")]
        mark = "=" if match in ranking.found else ""
        rows.append((mark, match.model, match.preset, number(match.distance), *map(str, counts)))
    names = [f"{m.model} (a special case: {_zeros(m)})" if m.special else m.model for m in ranking.found]
    if not names:
        verdict = f"none of these: a rule is a model whose distance is at most {THRESHOLD:g}"
    elif len(names) == 1:
        verdict = f"it is {names[0]}; distance at most {THRESHOLD:g}"
    else:
        verdict = f"it is {' and '.join(names)}: their laws coincide here; distance at most {THRESHOLD:g}"
    return f"{table(rows)}\n\n{verdict}"


def match_data(match: Match, rollouts: Rollouts | None, checks: list[Check]) -> dict[str, Any]:
    """The comparison as JSON data."""
    data: dict[str, Any] = {
        **checks_data(checks),
        **asdict(match),
        "terms": [{**asdict(term), "differs": term.differs} for term in match.terms],
    }
    if rollouts is not None:
        data["rollouts"] = {
            "parted": rollouts.parted,
            "steps": rollouts.steps,
            "apart": rollouts.apart,
            "spectrum": rollouts.spectrum,
            "histogram": rollouts.histogram,
            "statistics": {
                c: {"rule": asdict(ours), "model": asdict(theirs)} for c, (ours, theirs) in rollouts.statistics.items()
            },
            "diverged": rollouts.diverged,
        }
    return data


def ranking_data(ranking: Ranking) -> dict[str, Any]:
    """The ranking as JSON data; without the terms, which a comparison with one model gives."""
    from equations.comparison import THRESHOLD

    return {
        "ok": bool(ranking.found),
        "found": [match.model for match in ranking.found],
        "threshold": THRESHOLD,
        "models": [{k: v for k, v in asdict(match).items() if k != "terms"} for match in ranking.matches],
    }


def _reading(match: Match) -> list[str]:
    fitted = (
        f"fitted, {match.preset_distance:.2g} from this preset's" if match.preset_distance else "found, this preset's"
    )
    lines = [f"{match.model}:{match.preset}, parameters {'held' if match.held else fitted}"]
    lines.append("  ".join(f"{name} = {value:.4g}" for name, value in match.parameters.items()))
    if match.undetermined:
        lines.append(f"not determined, other values give the same law in other units: {', '.join(match.undetermined)}")
    sizes = {c: "" if abs(a - 1) < 1e-4 else f"{a:.4g} " for c, a in match.scales.items()}
    if match.special:
        lines.append(f"a special case of it: {_zeros(match)}")
    pairs = [f"{ours} is {sizes[theirs]}{theirs}" for theirs, ours in match.channels.items()]
    lines.append(f"in the rule, {', '.join(pairs)}")
    if match.time != 1:
        lines.append(f"the rule's time step is {match.time:.4g} times the model's")
    for channels, what in (
        (match.missing_channels, "channels of the model without a counterpart"),
        (match.extra_channels, "channels of the rule without a counterpart"),
        (match.left_out, "channels of the rule that nothing here depends on"),
    ):
        if channels:
            lines.append(f"{what}: {', '.join(channels)}")
    return lines


def _terms(terms: tuple[TermMatch, ...]) -> str:
    rows = [("", "of", "term", "rule", "model", "error", "")]
    shown = sorted(terms, key=lambda term: (not term.differs, -term.cost))[:MOST_TERMS]
    order = {id(term): i for i, term in enumerate(terms)}
    for term in sorted(shown, key=lambda term: order[id(term)]):
        error = "" if term.error is None else f"{100 * term.error:+.2g} %" if abs(term.error) > 1e-6 else "0"
        note = term.stencil or ""
        if term.below > 1e-6:
            note = f"{note} numbers below the line {100 * term.below:.2g} % off".strip()
        if term.status != "shared":
            note = f"{term.status}, {term.cost:.2g} of the distance"
        mark = {"shared": "~" if term.differs else "=", "missing": "-", "spurious": "+"}[term.status]
        text = term.term if len(term.term) <= 40 else term.term[:39] + "…"
        rows.append((mark, term.channel, text, _value(term.rule), _value(term.model), error, note))
    more = len(terms) - len(shown)
    return table(rows) + (f"\n… and {more} more terms" if more else "")


def _zeros(match: Match) -> str:
    return ", ".join(f"{parameter} = 0" for parameter in match.special)


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _runs(rollouts: Rollouts) -> str:
    from equations.comparison.rollouts import PARTED

    together = f"together for all of {rollouts.steps[-1] if rollouts.steps else 0} steps"
    parted = together if rollouts.parted is None else f"parted at step {rollouts.parted}"
    rows: list[tuple[str, ...]] = [
        ("last state", "", "mean", "deviation", "skewness", "correlation length", "spectrum", "histogram")
    ]
    for channel, (ours, theirs) in rollouts.statistics.items():
        for who, found in (("rule", ours), ("model", theirs)):
            values = (found.mean, found.deviation, found.skewness, found.correlation_length)
            ends = (
                (number(rollouts.spectrum[channel]), number(rollouts.histogram[channel])) if who == "rule" else ("", "")
            )
            rows.append((channel if who == "rule" else "", who, *map(number, values), *ends))
    return f"from the same state: {parted} (rms difference over {PARTED:g} of the deviation)\n{table(rows)}"
