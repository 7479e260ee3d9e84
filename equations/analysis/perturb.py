"""What a uniform state does when it is pushed: it returns at once, returns by a long detour (excitable), or leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.jacobian import UniformRule
from equations.analysis.orbits import Orbit, follow, judge
from equations.rule.rule import Rule
from equations.simulation import first_init

Array = npt.NDArray[Any]
TINY = 1e-3  # size of a push, relative to the scale, that the linearisation still describes
LARGEST = 2.0  # size of the largest push, relative to the scale
_SIZES = 14  # sizes of pushes, besides the tiny one
_DETOUR = 2.5  # a detour goes at least this many times as far, relative to its push, as a tiny push goes
_SHARP = 2.0  # and this many times as far as the next smaller push: a threshold, not a gradual growth
_FAR = 0.25  # and at least this far, relative to the scale
MOST_STEPS = 20_000
_LENGTHS = 15  # a run lasts this many e-folds of the slowest rate


@dataclass(frozen=True)
class Perturbations:
    """What pushes from one uniform state lead to.

    orbits: how each run ended.
    threshold: the smallest push, relative to the scale of its channel, from which the state returns by a detour; None
        where there is none.
    channel: the channel of that push.
    detour: how many times as far as the push the state went.
    """

    orbits: tuple[Orbit, ...]
    threshold: float | None
    channel: str | None
    detour: float | None


def scales(rule: Rule, points: Array) -> Array:
    """The scale of each channel (C,): its largest absolute value at a fixed point or in the first state.

    No scale is below a tenth of the largest one.
    """
    init = first_init(rule)
    rows = [np.abs(init.background), np.abs(init.amplitude), *np.abs(points)]
    if init.square:
        rows.append(np.abs(init.square))
    largest = np.max(rows, axis=0)
    return np.asarray(np.maximum(largest, max(0.1 * largest.max(), 1e-9)))


def duration(rule: Rule, rates: Array) -> int:
    """The number of steps that lasts 15 e-folds of the slowest rate (per unit of time), 2,000 to 20,000."""
    rates = np.abs(rates[np.abs(rates) > 1e-4 * np.abs(rates).max(initial=0)])
    slowest = rates.min(initial=np.inf)
    steps = _LENGTHS / slowest / rule.dt if 0 < slowest < np.inf else MOST_STEPS
    return int(min(max(steps, 2000), MOST_STEPS))


def perturb(
    uniform: UniformRule, home: Array, rests: Array, scale: Array, steps: int, positive: Sequence[bool]
) -> Perturbations:
    """Push the uniform state `home` (C,) in each channel, up and down, by sizes from tiny to twice the scale.

    rests: (m, C) all fixed points. scale: (C,) of each channel. steps: the length of the runs, which grows up to 20,000
    while some are undecided. positive: for each channel whether it is never negative.
    """
    count = len(home)
    sizes = np.concatenate([[TINY], np.geomspace(0.01, LARGEST, _SIZES)])
    signs = np.concatenate([np.eye(count), -np.eye(count)])  # (2C, C)
    pushes = (sizes[:, None, None] * signs * scale).reshape(-1, count)
    init = first_init(uniform.rule)
    if init.square and np.abs(np.array(init.background) - home).max() < 0.5 * scale.max():
        pushes = np.vstack([pushes, np.array(init.square) - home])  # the rule's own push
    starts = home + pushes
    if uniform.rule.clamp is not None:
        starts = np.clip(starts, *uniform.rule.clamp)
    starts = np.where(positive, np.maximum(starts, 0), starts)
    path, orbits = _run(uniform, starts, rests, scale, steps)
    with np.errstate(invalid="ignore"):
        away = np.nan_to_num((np.abs(path - home) / scale).max(axis=2), nan=np.inf)  # (t, n)
    begun = np.maximum(away[0], 1e-12)
    gain = away.max(axis=0) / begun
    gain[begun <= TINY / 2] = 1  # not pushed at all: the state lies at the clamp's border or at 0
    here = int(np.argmin(np.abs(rests - home).max(axis=1)))
    linear = gain[: 2 * count]
    found = None
    for i in range(4 * count, len(sizes) * 2 * count):
        back = orbits[i].kind == "rest" and orbits[i].rest == here
        sharp = gain[i] >= _SHARP * gain[i - 2 * count]  # of the next smaller push
        detour = gain[i] >= _DETOUR * max(linear[i % (2 * count)], 1.0) and away[:, i].max() >= _FAR
        if back and sharp and detour and (found is None or begun[i] < begun[found]):
            found = i
    if found is None:
        return Perturbations(orbits, None, None, None)
    channel = uniform.rule.channels[int(np.argmax(np.abs(pushes[found]) / scale))]
    return Perturbations(orbits, float(begun[found]), channel, float(gain[found]))


def _run(
    uniform: UniformRule, starts: Array, rests: Array, scale: Array, steps: int
) -> tuple[Array, tuple[Orbit, ...]]:
    while True:
        times, path = follow(uniform, starts, steps)  # (t, n, C)
        orbits = tuple(judge(times, path[:, i], rests, scale) for i in range(len(starts)))
        if steps >= MOST_STEPS or not any(orbit.kind == "wandering" for orbit in orbits):
            return path, orbits
        steps = min(5 * steps, MOST_STEPS)
