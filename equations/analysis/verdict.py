"""What kind of pattern a rule makes, by name, each with its reason; and what can be said where no name is safe.

The conditions are those of J. D. Murray, Mathematical Biology II (3rd ed., 2003), chapter 2, in terms of the
eigenvalues λ(k) of the rule on its grid rather than of a partial differential equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from equations.analysis.dispersion import REAL, ZERO, Dispersion, Wave, over_directions, refine
from equations.analysis.fixed_points import FixedPoint
from equations.analysis.grid import GridInstability, grid_instability, largest_stable_step
from equations.analysis.jacobian import Linearisation
from equations.analysis.kicks import Kicks

Array = npt.NDArray[Any]
Name = Literal[
    "Turing", "Turing-Hopf", "wave", "Hopf", "bistable", "excitable", "monostable", "unstable", "neutral", "undecided"
]
State = Literal["stable", "neutral", "Turing", "wave", "saddle", "unstable node", "unstable focus"]
MOST_CHANNELS = 4  # beyond these no search for fixed points is thorough, and no name is given


@dataclass(frozen=True, eq=False)
class Reading:
    """One fixed point read: `state` says what small disturbances do there.

    "stable": all die; "Turing", "wave": uniform ones die, but waves grow, standing or oscillating; "saddle",
    "unstable node", "unstable focus": uniform ones grow. `band`: standing waves grow that the uniform state has not
    by itself: the Turing band. `wave`: the fastest wave with k ≠ 0 that fits the grid, `best`: on an infinite grid;
    of the Turing band where there is one. `wavelengths`: shortest, mean and longest over the directions, in cells, if
    it grows. `kicks` is None where none were tried.
    """

    point: FixedPoint
    linear: Linearisation
    relation: Dispersion
    state: State
    band: bool
    wave: Wave | None
    best: Wave | None
    wavelengths: tuple[float, float, float] | None
    grid: GridInstability | None
    dt_max: float | None
    kicks: Kicks | None = None

    @property
    def cycles(self) -> list[float]:
        """The periods of the cycles that pushes from here ended on."""
        return [o.period for o in self.kicks.orbits if o.kind == "cycle" and o.period] if self.kicks else []


@dataclass(frozen=True)
class Verdict:
    """`name`, its main `reason` in a sentence, `notes` with what else is to be said; `about`: which fixed point."""

    name: Name
    reason: str
    notes: tuple[str, ...]
    about: int | None


def read_point(point: FixedPoint, relation: Dispersion) -> Reading:
    """The state of a fixed point, from its dispersion relation."""
    small = ZERO * relation.scale
    uniform = relation.uniform()
    growing = [wave for wave in uniform if wave.eigenvalue.real > small]
    fastest = relation.fastest()
    turing = _turing_band(relation)
    if growing:
        down = any(wave.eigenvalue.real < -small for wave in uniform)
        focus = any(wave.oscillates for wave in growing)
        state: State = "unstable focus" if focus else "saddle" if down else "unstable node"
    elif fastest is not None and fastest.eigenvalue.real > small:
        state = "wave" if fastest.oscillates else "Turing"
    else:
        state = "neutral" if max(wave.eigenvalue.real for wave in uniform) >= -small else "stable"
    wave = turing if turing is not None and state != "wave" else fastest
    best, lengths = wave, None
    if wave is not None and wave.eigenvalue.real > small:
        best = refine(relation.linear, wave)
        lengths = over_directions(relation.linear, best)
    grid, most = grid_instability(relation), largest_stable_step(relation)
    return Reading(point, relation.linear, relation, state, turing is not None, wave, best, lengths, grid, most)


def _turing_band(relation: Dispersion) -> Wave | None:
    """The fastest standing wave that needs diffusion to grow: it outgrows all uniform disturbances, or it is a saddle
    (det −J(k) < 0) where the uniform state has no growing real eigenvalue, at rest or oscillating."""
    values, small = relation.eigenvalues, ZERO * relation.scale
    up = (np.abs(values.imag) <= REAL * np.maximum(np.abs(values), 1e-300)) & (values.real > small)
    uniform = relation.uniform()[0].eigenvalue.real
    saddle = (up.sum(axis=-1) % 2 == 1) & (up[0, 0].sum() == 0)
    faster = values.real > max(uniform, 0) * (1 + 1e-3) + small
    return relation.fastest(up & (saddle[..., None] | faster))


def judge_rule(readings: Sequence[Reading], *, complete: bool, continuum: bool, tried: int) -> Verdict:
    """The verdict of a rule, from all its fixed points; the first that applies of the names in order."""
    if not readings:
        return Verdict("undecided", f"no uniform state at rest was found from {tried} starts", (), None)
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
    orbits = [orbit for r in readings if r.kicks for orbit in r.kicks.orbits]
    saddles = {index for index, r in enumerate(readings) if r.state == "saddle"}
    going_round = max((len(saddles.intersection(orbit.passed)) for orbit in orbits), default=0) > 1
    for index, r in enumerate(readings):
        if r.state == "unstable focus" and _stays(r) and not going_round:
            first = r.relation.uniform()[0]
            reason = (
                f"at {describe(r)} uniform oscillations of angular frequency {first.frequency:.4g} grow "
                f"(rate {first.growth:.3g}), too slowly for the runs to reach a cycle"
            )
            return Verdict("Hopf", reason, notes, index)
    if any(r.state == "neutral" for r in readings):
        index = next(i for i, r in enumerate(readings) if r.state == "neutral")
        return Verdict(
            "neutral", f"at {describe(readings[index])} some disturbances neither grow nor die", notes, index
        )
    ends = {orbit.kind for orbit in orbits}
    reason = "no uniform state is stable"
    if going_round:
        reason += ": uniform states go from one saddle to the next and stay ever longer (a heteroclinic cycle)"
    elif "wandering" in ends:
        reason += ": uniform states wander without settling"
    elif "diverged" in ends:
        reason += ": uniform states run away"
    return Verdict("unstable", reason, notes, 0)


def _stays(r: Reading) -> bool:
    """Whether nothing that is pushed from here comes to rest elsewhere or runs away."""
    return r.kicks is not None and not any(orbit.kind == "diverged" for orbit in r.kicks.orbits)


def _single(readings: Sequence[Reading], index: int, notes: tuple[str, ...]) -> Verdict:
    r = readings[index]
    if r.kicks and r.cycles:
        reason = f"{describe(r)} is stable, and beside it there is a cycle of period {min(r.cycles):.4g}"
        return Verdict("bistable", reason, notes, index)
    if r.kicks and r.kicks.threshold is not None:
        reason = (
            f"{describe(r)} is the one stable state; a push of {r.kicks.channel} beyond {r.kicks.threshold:.2g} of its "
            f"range comes back by a detour {r.kicks.detour:.3g} times as far"
        )
        wave = "the law itself grows no small disturbance: patterns come of pushes, and no wavelength can be predicted"
        return Verdict("excitable", reason, (*notes, wave), index)
    reason = f"{describe(r)} is stable to all waves, and the only such state; what is pushed comes straight back to it"
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
        notes.append(f"{describe(calm)} is stable to all waves: from there a pattern needs a push")
    return tuple(notes)


def describe(r: Reading) -> str:
    """`u = 1, v = 0.9`; of many channels the first three."""
    pairs = list(zip(r.linear.rule.channels, r.point.values, strict=True))
    text = ", ".join(f"{name} = {value:.4g}" for name, value in pairs[:3])
    return text + (", …" if len(pairs) > 3 else "")


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
