"""Where a uniform state ends up under the rule's own steps: at rest, on a cycle, wandering, or diverged.

With an update rate below 1 the cells take different steps, so that no uniform state stays uniform. The mean step,
dt · rate, is used instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from equations.analysis.jacobian import UniformRule

Array = npt.NDArray[Any]
LIMIT = 1e6  # beyond this absolute value a run has diverged
_KEPT = 4000  # at most this many states of a run are stored


@dataclass(frozen=True)
class Orbit:
    """How one run ended.

    kind: "rest", "cycle", "slowing" (a cycle whose period grows), "wandering" or "diverged".
    rest: the index of the fixed point at which it came to rest.
    period: of the cycle, in units of time.
    swing: (C,) highest minus lowest value in the last quarter of the run.
    passed: the indices of the fixed points that it came close to, in order.
    """

    kind: Literal["rest", "cycle", "slowing", "wandering", "diverged"]
    rest: int | None
    period: float | None
    swing: Array
    passed: tuple[int, ...]


def follow(uniform: UniformRule, states: Array, steps: int) -> tuple[Array, Array]:
    """Run states (n, C) for `steps` steps: times (t,) and states (t, n, C), at most about 4,000 evenly spaced ones."""
    rule = uniform.rule
    stride = max(1, -(-steps // _KEPT))
    current, kept, at = states.astype(float), [states.astype(float)], [0]
    gain = rule.dt * rule.update_rate
    for done in range(1, steps + 1):
        current = current + gain * uniform.update(current)
        if rule.clamp is not None:
            current = np.clip(current, *rule.clamp)
        if done % stride == 0:
            current = np.where(np.abs(current) <= LIMIT, current, np.nan)
            kept.append(current)
            at.append(done)
    return np.array(at) * rule.dt, np.stack(kept)


def judge(times: Array, path: Array, rests: Array, scale: Array) -> Orbit:
    """How a path (t, C) ended. rests: (m, C) the fixed points. scale: (C,) the size by which distances are judged."""
    last = path[-1]
    passed = _passed(path, rests, scale)
    if not np.isfinite(last).all():
        return Orbit("diverged", None, None, np.full(len(scale), np.inf), passed)
    tail = path[len(path) // 2 :]
    swing = np.ptp(tail[len(tail) // 2 :], axis=0)
    gaps = (np.abs(rests - last) / scale).max(axis=1) if len(rests) else np.array([np.inf])
    if gaps.min() < 0.02 and (swing / scale).max() < 0.02:
        return Orbit("rest", int(gaps.argmin()), None, swing, passed)
    channel = int(np.argmax(np.ptp(tail, axis=0) / scale))
    crossings = _crossings(times[len(path) // 2 :], tail[:, channel])
    periods = np.diff(crossings)
    if len(periods) >= 3:
        early, late = np.ptp(tail[: len(tail) // 2], axis=0), swing
        steady = np.abs(late - early).max() <= 0.05 * late.max()
        if steady and periods.std() <= 0.05 * periods.mean():  # the later periods are the truer ones
            return Orbit("cycle", None, float(periods[len(periods) // 2 :].mean()), swing, passed)
        if (np.diff(periods) > 0).all():
            return Orbit("slowing", None, float(periods[-1]), swing, passed)
    return Orbit("wandering", None, None, swing, passed)


def _passed(path: Array, rests: Array, scale: Array) -> tuple[int, ...]:
    """The indices of the fixed points within 5 % of the scale of which a path comes, in order, one entry per visit."""
    if not len(rests):
        return ()
    with np.errstate(invalid="ignore"):
        near = (np.abs(path[:, None] - rests) / scale).max(axis=2) < 0.05  # (t, m)
    nearest = np.where(near.any(axis=1), near.argmax(axis=1), -1)
    changes = nearest[np.flatnonzero(np.diff(nearest, prepend=-1))]
    return tuple(int(index) for index in changes if index >= 0)


def _crossings(times: Array, values: Array) -> Array:
    """The times at which values rise through the middle of their range, interpolated."""
    middle = (values.max() + values.min()) / 2
    below = values < middle
    rises = np.flatnonzero(below[:-1] & ~below[1:])
    part = (middle - values[rises]) / (values[rises + 1] - values[rises])
    return np.asarray(times[rises] + part * (times[rises + 1] - times[rises]))
