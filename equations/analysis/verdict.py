"""Which kind of pattern a rule makes, with the reason; "undecided", with what can be said, where none is certain.

The conditions are those of J. D. Murray, Mathematical Biology II (3rd ed., 2003), chapter 2, in terms of the
eigenvalues λ(k) of the rule on its grid rather than of a partial differential equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from equations.analysis.one_point import Reading, describe

Name = Literal[
    "Turing", "Turing-Hopf", "wave", "Hopf", "bistable", "excitable", "monostable", "unstable", "neutral", "undecided"
]
MOST_CHANNELS = 4  # with more channels the search for fixed points is not thorough, and the verdict is undecided


@dataclass(frozen=True)
class Verdict:
    """The verdict on a rule.

    name: the kind of pattern.
    reason: why, in a sentence.
    notes: further findings, each a sentence.
    about: the index of the fixed point that the verdict is about; None for none.
    """

    name: Name
    reason: str
    notes: tuple[str, ...]
    about: int | None


def judge_rule(readings: Sequence[Reading], *, complete: bool, continuum: bool, tried: int) -> Verdict:
    """The verdict on a rule, from all its fixed points: the first name, in a fixed order, whose conditions hold."""
    if not readings:
        found = (
            "there is no uniform state at rest" if complete else f"no uniform state at rest was found in {tried} tries"
        )
        return Verdict("undecided", found, (), None)
    channels = len(readings[0].point.values)
    notes = _notes(readings, complete or continuum)
    if continuum:
        return _neutral(readings[0], notes)
    if channels > MOST_CHANNELS:
        reason = (
            f"with {channels} channels not all uniform states at rest can be found, and whether a pattern comes from "
            "one of them is open; the notes hold what can be said"
        )
        return Verdict("undecided", reason, notes, 0)
    rough = [r for r in readings if not r.linear.smooth]
    if rough:
        index = readings.index(rough[0])
        reason = (
            f"the rule has a kink in {', '.join(rough[0].linear.kinks[:4])} at {describe(rough[0])}: it has no "
            "linearisation there, and the numbers below are of the middle between both sides"
        )
        return Verdict("undecided", reason, notes, index)
    return _named(readings, notes)


def _named(readings: Sequence[Reading], notes: tuple[str, ...]) -> Verdict:
    for index, r in enumerate(readings):
        if r.state == "unstable focus" and r.band and r.cycles:
            return Verdict("Turing-Hopf", f"at {describe(r)} {_turns(r)}, and {_grows(r)} as well", notes, index)
    for name in ("Turing", "wave"):
        for index, r in enumerate(readings):
            if r.state == name:
                how = "standing" if name == "Turing" else "oscillating"
                reason = f"{describe(r)} is stable to uniform disturbances, but {how} {_grows(r)}"
                return Verdict(name, reason, notes, index)
    for index, r in enumerate(readings):
        if r.state not in ("stable", "neutral") and r.cycles:
            return Verdict("Hopf", f"at {describe(r)} {_turns(r)}", notes, index)
    stable = [index for index, r in enumerate(readings) if r.state == "stable"]
    if len(stable) > 1:
        where = " and ".join(describe(readings[i]) for i in stable[:3])
        return Verdict("bistable", f"{len(stable)} uniform states are stable to all waves: {where}", notes, stable[0])
    if stable:
        return _single(readings, stable[0], notes)
    return _none_stable(readings, notes)


def _none_stable(readings: Sequence[Reading], notes: tuple[str, ...]) -> Verdict:
    """The verdict where no fixed point is stable and no limit cycle was found."""
    orbits = [orbit for r in readings if r.perturbations for orbit in r.perturbations.orbits]
    saddles = {index for index, r in enumerate(readings) if r.state == "saddle"}
    reason = "no uniform state is stable"
    if max((len(saddles.intersection(orbit.passed)) for orbit in orbits), default=0) > 1:
        reason += ": uniform states go from one saddle to the next and stay ever longer (a heteroclinic cycle)"
        return Verdict("unstable", reason, notes, 0)
    for index, r in enumerate(readings):
        if r.state == "unstable focus" and _stays(r):
            first = r.relation.uniform()[0]
            slow = (
                f"at {describe(r)} uniform oscillations of angular frequency {first.frequency:.4g} grow "
                f"(rate {first.growth:.3g}), too slowly for the runs to reach a cycle"
            )
            return Verdict("Hopf", slow, notes, index)
    if all(r.state == "neutral" for r in readings):
        return Verdict("neutral", f"at {describe(readings[0])} some disturbances neither grow nor die", notes, 0)
    ends = {orbit.kind for orbit in orbits}
    if "wandering" in ends:
        reason += ": uniform states wander without settling"
    elif "diverged" in ends:
        reason += ": uniform states run away"
    return Verdict("unstable", reason, notes, 0)


def _stays(r: Reading) -> bool:
    """Whether no push from here makes the state diverge."""
    return r.perturbations is not None and not any(orbit.kind == "diverged" for orbit in r.perturbations.orbits)


def _single(readings: Sequence[Reading], index: int, notes: tuple[str, ...]) -> Verdict:
    r = readings[index]
    if r.perturbations and r.cycles:
        reason = f"{describe(r)} is stable, and beside it there is a cycle of period {min(r.cycles):.4g}"
        return Verdict("bistable", reason, notes, index)
    pushed = r.perturbations
    if pushed and pushed.threshold is not None:
        reason = (
            f"{describe(r)} is the one stable state; a disturbance of {pushed.channel} beyond {pushed.threshold:.2g} "
            f"of its range returns, but only after moving {pushed.detour:.3g} times as far away"
        )
        wave = "no small disturbance grows: patterns need a large one to start, and no wavelength can be predicted"
        return Verdict("excitable", reason, (*notes, wave), index)
    reason = f"{describe(r)} is stable to all waves, and the only such state; disturbances decay"
    invaded = [other for other in readings if other.state in ("saddle", "unstable node")]
    if invaded:
        reason += f"; {describe(invaded[0])} is unstable and is invaded by it"
    return Verdict("monostable", reason, notes, index)


def _neutral(r: Reading, notes: tuple[str, ...]) -> Verdict:
    reason = f"uniform states are not isolated: a whole continuum of them rests, {describe(r)} among them"
    return Verdict("neutral", f"{reason}; {_grows(r) if r.wavelengths else 'no wave grows there'}", notes, 0)


def _notes(readings: Sequence[Reading], complete: bool) -> tuple[str, ...]:
    notes = []
    if not complete:
        several = "states" if len(readings) > 1 else "state"
        notes.append(f"{len(readings)} uniform {several} at rest found by search; there may be more")
    for r in readings:
        if not r.linear.smooth:
            kinks = ", ".join(r.linear.kinks[:4]) + (", …" if len(r.linear.kinks) > 4 else "")
            notes.append(f"at {describe(r)} the rule has a kink in {kinks}: no linearisation holds on both its sides")
        if any(r.point.held):
            names = [name for name, held in zip(r.linear.rule.channels, r.point.held, strict=True) if held]
            notes.append(f"at {describe(r)} the clamp holds {', '.join(names)}: small disturbances of it vanish")
    rule = readings[0].linear.rule
    if rule.masked:
        notes.append(f"cells take {rule.update_rate:g} of the steps: growth rates are means over the draws of the mask")
    notes += [
        f"at {describe(r)} uniform oscillations grow and standing {_grows(r)}; no cycle was found around it"
        for r in readings
        if r.state == "unstable focus" and r.band and not r.cycles
    ]
    if len(readings) > 1 and any(r.state == "Turing" for r in readings) and any(r.state == "stable" for r in readings):
        calm = next(r for r in readings if r.state == "stable")
        notes.append(
            f"{describe(calm)} is stable to all waves: from there a pattern needs a large disturbance to start"
        )
    return tuple(notes)


def _grows(r: Reading) -> str:
    assert r.best is not None
    assert r.wavelengths is not None
    return f"waves of {r.wavelengths[1]:.4g} cells grow (rate {r.best.growth:.3g})"


def _turns(r: Reading) -> str:
    first = r.relation.uniform()[0]
    period = f"the uniform state runs on a cycle of period {min(r.cycles):.4g}"
    if first.oscillates:
        return f"uniform oscillations of angular frequency {first.frequency:.4g} grow; {period}"
    return f"uniform disturbances grow; {period}"
