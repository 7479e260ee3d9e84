"""Starting points of a comparison: rough pairings, time steps, parameters and units, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from equations.comparison.cells import Cells, model_cells
from equations.comparison.family import Family
from equations.comparison.fractions import written_alike
from equations.comparison.pairings import Pairing, pairings
from equations.comparison.parameters import fit_parameters
from equations.comparison.reduced_law import Law
from equations.comparison.rescale import law_in_units
from equations.comparison.scales import best_scales
from equations.comparison.subject import Subject

EXACT = 1e-6  # a rule is a preset if the sum of its coefficients' deviations is at most this
PRESETS = 2  # presets of each pairing from which the parameters are fitted


@dataclass(frozen=True)
class Start:
    """One way to read a rule as a model.

    pairing: the model's channels → the rule's.
    time: the time of a step, in the model's time steps.
    law: the rule's law in the model's names and the rule's units.
    names: all of the rule's channels → their names in `law`.
    values: the model's parameters.
    scales: the units of the rule's channels, by the model's names.
    left: the sum of the coefficients' deviations that remain.
    settled: whether the parameters are final and need no fit.
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
    """All starts, ordered by `left`; they are settled with a given preset, or where a preset fits exactly."""
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
    """The smallest deviation first; of equals, the one with the fewest rescaled channels."""
    return round(start.left, 9), sum(abs(a - 1) > 1e-9 for a in start.scales.values())


def _times(ratio: float) -> list[float]:
    """The times of a step to try, in the model's time steps: equal steps, or equal units of time."""
    return [1.0] if abs(ratio - 1) < 1e-9 else [1.0, ratio]


def _of_presets(
    subject: Subject, family: Family, pairing: Pairing, time: float, preset: str | None, changes: Mapping[str, float]
) -> list[Start]:
    """The best few starts with the parameters of a preset."""
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


def usual_cells(family: Family) -> Cells:
    """Cells of a run of the model's first preset."""
    return model_cells(family.model.name, next(iter(family.model.presets)))


def _fitted(start: Start, family: Family, changes: Mapping[str, float]) -> Start:
    step = family.model.dt * start.time
    alike = written_alike(start.law, family.law(start.values, step))
    fit = fit_parameters(
        alike, family, start.values, start.scales, tuple(changes), step, usual_cells(family), rough=True
    )
    return Start(start.pairing, start.time, start.law, start.names, fit.values, fit.scales, fit.left, settled=False)


def _unshared(rule: Law, model: Law) -> int:
    """How many terms only one of them has."""
    ours = {c: set(u.terms) for c, u in rule.updates.items()}
    return sum(len(ours.get(c, set()) ^ set(u.terms)) for c, u in model.updates.items())
