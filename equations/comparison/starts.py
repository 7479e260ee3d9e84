"""Where a comparison starts: pairings, time steps, parameters and units, all of them rough, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from equations.comparison.family import Family
from equations.comparison.fractions import written_alike
from equations.comparison.pairings import Pairing, pairings
from equations.comparison.parameters import fit_parameters
from equations.comparison.reduced_law import Law
from equations.comparison.rescale import law_in_units
from equations.comparison.scales import best_scales
from equations.comparison.subject import Subject

EXACT = 1e-6  # what is left of a preset's coefficients, in all, when a rule is that preset
PRESETS = 2  # of a pairing that a fit of the parameters starts from


@dataclass(frozen=True)
class Start:
    """One way to read a rule as a model, and how much of the coefficients is then left.

    `law` is the rule's own, in the model's names and the rule's units; `names` are those of all of the rule's channels
    in it. `settled` says that the parameters are not to be fitted.
    """

    pairing: Pairing
    time: float
    law: Law
    names: Mapping[str, str]
    values: Mapping[str, float]
    scales: Mapping[str, float]
    left: float
    settled: bool


def find_starts(subject: Subject, family: Family, preset: str | None, changes: Mapping[str, float]) -> list[Start]:
    """All starts in the order of what is left: settled ones with a preset, or where a preset fits exactly."""
    model = family.model
    usual = family.law(model.values(preset, **changes))
    pairs = pairings(subject.law, usual)
    found = [
        start
        for time in _times(subject.rule.dt / model.dt)
        for pairing in pairs
        for start in _of_presets(subject, family, pairing, time, preset, changes)
    ]
    if preset is None and min(start.left for start in found) > EXACT:
        found = [_fitted(start, family, changes) for start in found]
    return sorted(found, key=_order)


def _order(start: Start) -> tuple[float, int]:
    """The least that is left; of equals, the least rescaled."""
    return round(start.left, 9), sum(abs(a - 1) > 1e-9 for a in start.scales.values())


def _times(ratio: float) -> list[float]:
    """The model's time steps to try, in parts of its own: a step is a step, or a second is a second."""
    return [1.0] if abs(ratio - 1) < 1e-9 else [1.0, ratio]


def _of_presets(
    subject: Subject, family: Family, pairing: Pairing, time: float, preset: str | None, changes: Mapping[str, float]
) -> list[Start]:
    """A start for each preset, its parameters held; the best few."""
    model, back = family.model, {r: m for m, r in pairing.items()}
    names = {c: back.get(c, f"{c}_rule" if c in model.channels else c) for c in subject.rule.channels}
    law = law_in_units(subject.law, names, {}, pairing.values())
    found = []
    for name in [preset] if preset else model.presets:
        values = model.values(name, **changes)
        theirs = family.law(values, model.dt * time)
        alike = written_alike(law, theirs)
        scales = best_scales(alike, theirs)
        left = scales.left + _unshared(alike, theirs)
        found.append(Start(pairing, time, law, names, values, scales.values, left, settled=True))
    return sorted(found, key=_order)[:PRESETS]


def _fitted(start: Start, family: Family, changes: Mapping[str, float]) -> Start:
    step = family.model.dt * start.time
    alike = written_alike(start.law, family.law(start.values, step))
    fit = fit_parameters(alike, family, start.values, start.scales, tuple(changes), step, rough=True)
    return Start(start.pairing, start.time, start.law, start.names, fit.values, fit.scales, fit.left, settled=False)


def _unshared(rule: Law, model: Law) -> int:
    """How many terms only one of them has."""
    ours = {c: set(u.terms) for c, u in rule.updates.items()}
    return sum(len(ours.get(c, set()) ^ set(u.terms)) for c, u in model.updates.items())
