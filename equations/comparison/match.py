"""A rule against one model: pairing, units and parameters in which they are closest, and what differs then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from equations.comparison.cells import Cells, model_cells
from equations.comparison.family import Family, family_of
from equations.comparison.first_states import Start, find_starts, usual_cells
from equations.comparison.foreign import Foreign
from equations.comparison.fractions import written_alike
from equations.comparison.parameters import fit_parameters
from equations.comparison.reduced_law import Law
from equations.comparison.rescale import law_in_units
from equations.comparison.subject import Subject
from equations.comparison.term_by_term import TermMatch, match_terms
from equations.models.model import Model
from equations.rule.rule import Rule

THRESHOLD = 0.05  # the rule is the model if their distance is at most this
CLOSE = 0.1  # if a coefficient's relative error is larger than this, the numbers are not the model's
AT_HOME = 0.02  # parameters within this distance of a preset have that preset's typical run
TRIED = 2  # how many starts are worked out in full


@dataclass(frozen=True)
class Match:
    """How a rule and a model correspond, and what differs.

    model, preset: their names; the preset is the given one, or the one nearest to the fitted parameters.
    held: whether the parameters are held at the preset's values, not fitted.
    preset_distance: distance of the parameters from the preset's, the mean of |a - b|/(|a| + |b|).
    parameters: the values used.
    undetermined: parameters whose other values give the same law, in other units.
    channels: the model's channels → the rule's.
    scales: by the model's channel, the rule's values over the model's.
    time: the model's time step in this match, in its usual time steps.
    distance: the mean of `by_channel`; each of the `extra_channels` counts as one more channel of distance 1.
    by_channel: the distances of the updates (see `match_terms`); 1 for the `missing_channels`.
    special: parameters that are 0 here and in no preset.
    terms: all terms of both.
    missing_channels: the model's channels without a counterpart.
    extra_channels: the rule's channels without a counterpart that are shown or needed.
    left_out: the rule's other channels.
    notes: what else differs.
    """

    model: str
    preset: str
    held: bool
    preset_distance: float
    parameters: Mapping[str, float]
    undetermined: tuple[str, ...]
    channels: Mapping[str, str]
    scales: Mapping[str, float]
    time: float
    distance: float
    by_channel: Mapping[str, float]
    special: tuple[str, ...]
    terms: tuple[TermMatch, ...]
    missing_channels: tuple[str, ...]
    extra_channels: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the rule is the model, by the threshold."""
        return self.distance <= THRESHOLD

    @property
    def worst_error(self) -> float:
        """The largest relative error of a shared term; 1 where a term with an effect is missing or spurious."""
        return max((term.worst for term in self.terms), default=1.0)

    @property
    def differences(self) -> tuple[TermMatch, ...]:
        """The terms that are not the same in both."""
        return tuple(term for term in self.terms if term.differs)


def compare_with_model(
    rule: Rule | Subject, name: str, preset: str | None = None, changes: Mapping[str, float] | None = None
) -> Match:
    """The best match of `rule` and the model called `name`, in any names and units of the rule's channels.

    preset: the model's parameters are held at its values; without one they are fitted.
    changes: parameters that are held at these values.
    Raises InputError for an unknown model, preset or parameter.
    """
    subject = rule if isinstance(rule, Subject) else Subject(rule)
    family, changes = family_of(name), dict(changes or {})
    family.model.values(preset, **changes)  # raises for unknown names
    starts = find_starts(subject, family, preset, changes)[:TRIED]
    best = min((_work_out(subject, family, start, preset, changes) for start in starts), key=_preference)
    if preset is not None or not best.same or not best.preset_distance:
        return best
    # a fit spreads one wrong coefficient over many parameters: prefer the preset's own where they explain as much
    held = replace(compare_with_model(subject, name, best.preset, changes), held=False)
    return held if held.same and len(held.differences) <= len(best.differences) else best


def _preference(match: Match) -> tuple[float, bool, int, int]:
    """The sort key: the smallest distance first; of equals, the fewest changes of time, units and names."""
    moved = sum(m != r for m, r in match.channels.items())
    return round(match.distance, 7), match.time != 1, sum(abs(a - 1) > 1e-9 for a in match.scales.values()), moved


def _work_out(
    subject: Subject, family: Family, start: Start, preset: str | None, changes: Mapping[str, float]
) -> Match:
    model, step, undetermined = family.model, family.model.dt * start.time, tuple[str, ...]()
    if not start.settled:
        alike = written_alike(start.law, family.law(start.values, step))
        fit = fit_parameters(alike, family, start.values, start.scales, tuple(changes), step, usual_cells(family))
        start, undetermined = replace(start, values=fit.values, scales=fit.scales), fit.undetermined
    theirs = family.law(start.values, step)
    ours = written_alike(law_in_units(start.law, {c: c for c in start.pairing}, start.scales), theirs)
    nearest = preset or min(model.presets, key=lambda name: _away(model, name, start.values, undetermined))
    away = _away(model, nearest, start.values, undetermined)
    grounds = [model_cells(model.name, nearest)]
    if preset is None and (away > AT_HOME or undetermined):
        grounds.append(_own_cells(subject, model, nearest, start))
    needed = subject.needs(set(start.pairing.values()) | subject.shown) - set(start.pairing.values())
    found = [_on(cells, subject, start, ours, theirs, step) for cells in grounds]
    by_channel, terms = max(found, key=lambda pair: sum(pair[0].values()))
    unpaired = [c for c in subject.rule.channels if c not in start.pairing.values()]
    return Match(
        model=model.name,
        preset=nearest,
        held=preset is not None,
        preset_distance=away,
        parameters=dict(start.values),
        undetermined=undetermined,
        channels=dict(start.pairing),
        scales=dict(start.scales),
        time=start.time,
        distance=(sum(by_channel.values()) + len(needed)) / (len(model.channels) + len(needed)),
        by_channel=by_channel,
        special=() if preset else tuple(p for p, value in start.values.items() if not value and _never_zero(model, p)),
        terms=tuple(terms),
        missing_channels=tuple(c for c in model.channels if c not in start.pairing),
        extra_channels=tuple(c for c in unpaired if c in needed),
        left_out=tuple(c for c in unpaired if c not in needed),
        notes=_notes(subject.rule, model, start.scales),
    )


def _on(
    cells: Cells, subject: Subject, start: Start, ours: Law, theirs: Law, step: float
) -> tuple[dict[str, float], list[TermMatch]]:
    """Each channel's distance on these cells, 1 for a channel that the rule does not have, and the terms."""
    foreign = Foreign(subject, start.names, start.scales, cells)
    by_channel, terms = dict.fromkeys(theirs.channels, 1.0), list[TermMatch]()
    for channel in start.pairing:
        updates = ours.updates[channel], theirs.updates[channel]
        by_channel[channel], found = match_terms(channel, *updates, cells, foreign.size, step)
        terms += found
    return by_channel, terms


def _own_cells(subject: Subject, model: Model, preset: str, start: Start) -> Cells:
    """Cells of the rule's own run in the model's names and units; a preset's run may be unlike it."""
    own = subject.cells_from(model.preset(preset).init or model.init, start.pairing, start.scales)
    return own.in_units(start.names, {r: start.scales[m] for m, r in start.pairing.items()})


def _away(model: Model, preset: str, values: Mapping[str, float], undetermined: tuple[str, ...]) -> float:
    """The distance of a preset's parameters from these values, over the determined ones."""
    pairs = [(values[p], at) for p, at in model.values(preset).items() if p not in undetermined]
    parts = [abs(a - b) / max(abs(a) + abs(b), 1e-12) for a, b in pairs]
    return sum(parts) / len(parts) if parts else 0.0


def _never_zero(model: Model, parameter: str) -> bool:
    return all(model.values(preset)[parameter] for preset in model.presets)


def _notes(rule: Rule, model: Model, scales: Mapping[str, float]) -> tuple[str, ...]:
    """Differences that are not in the laws: clamps and masks."""
    notes = []
    wanted = "none" if model.clamp is None else f"[{model.clamp[0]:.4g}, {model.clamp[1]:.4g}]"
    ends = [sorted((rule.clamp[0] / a, rule.clamp[1] / a)) for a in scales.values()] if rule.clamp else []
    found = {f"[{low:.4g}, {high:.4g}]" for low, high in ends} or {"none"}
    if found != {wanted}:
        notes.append(f"clamp: the rule's is {' and '.join(sorted(found))} in the model's units, the model's {wanted}")
    if rule.masked:
        notes.append(f"mask: the rule's cells take {rule.update_rate:g} of the steps, the model's all")
    return tuple(notes)
