"""Samples: perceptions and updates of the teacher's cells, on states that the teacher really visits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from distill.fronts.select import ROUNDING
from distill.teacher import AnsweringTeacher, HasSamples, Teacher, answering, features_of
from equations.errors import InputError
from equations.perception import perceive
from equations.rule.mask import shift_seed

Array = npt.NDArray[np.float64]
ROLLOUTS = 4  # for training; one more is held out
VIEWS = 4  # random projections in which near-duplicates are recognised
BOX = 0.5  # width of a box of near-duplicates there, in standard deviations

Pair = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]  # perceptions, and the updates on them


@dataclass(frozen=True, eq=False)  # by identity: comparing arrays is never meant
class Samples:
    """Training and held-out samples.

    X, Y: perceptions (n, features) and updates (n, channels) to fit.
    X_held, Y_held: the same from other rollouts, to judge by.
    rounding: mean squared error of Y itself, for example from the digits it was stored with; one or (channels,).

    All are float64 and finite, with at least two rows each. Raises InputError otherwise.
    """

    X: Array
    Y: Array
    names: tuple[str, ...]
    channels: tuple[str, ...]
    X_held: Array
    Y_held: Array
    rounding: float | Array = 0.0

    def __post_init__(self) -> None:
        for name in ("X", "Y", "X_held", "Y_held"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float64))
            width = len(self.names if name.startswith("X") else self.channels)
            value = getattr(self, name)
            if value.ndim != 2 or value.shape[1] != width or len(value) < 2:
                raise InputError(f"samples: expected {name} of (at least 2 rows, {width}), got {value.shape}")
            if not np.isfinite(value).all():
                raise InputError(
                    f"samples: expected finite numbers, got NaN or infinity in {name}; the teacher's rollout diverged"
                )
        if len(self.X) != len(self.Y) or len(self.X_held) != len(self.Y_held):
            raise InputError("samples: expected as many rows in Y as in X")

    @property
    def variance(self) -> Array:
        """Variance of each channel's held-out update, (channels,); 1 where a channel never changes."""
        spread = self.Y_held.var(axis=0)
        return np.where(spread > 0, spread, 1.0)

    @property
    def floor(self) -> Array:
        """(channels,): losses at or below this are float32 rounding rather than misfit."""
        return np.maximum(ROUNDING * self.variance, self.rounding)

    def subset(self, rows: int, seed: int) -> Samples:
        """At most `rows` training rows, drawn without replacement; the held-out side stays whole."""
        if rows >= len(self.X):
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.X), rows, replace=False))
        return replace(self, X=self.X[chosen], Y=self.Y[chosen])

    def summary(self) -> dict[str, object]:
        """Plain data for a report."""
        return {"rows": len(self.X), "held_out_rows": len(self.X_held), "features": list(self.names)}


def sample(
    teacher: Teacher,
    *,
    rows: int = 20_000,
    size: tuple[int, int] = (64, 64),
    rollouts: int = ROLLOUTS,
    steps: int = 400,
    seed: int = 0,
) -> Samples:
    """About `rows` samples from `rollouts` runs of the teacher, and a quarter as many from one more run.

    The times between frames grow, so that young, middle and old states have equal weight. Every run has its own first
    state and masks. Of a training frame's cells, a third are drawn at random, a third with a probability that grows
    with the size of their update, and a third with one that grows with the rarity of their perception in the frame, so
    that few of many similar cells are taken. Held-out cells are drawn at random, from a run of their own.

    A teacher that has its own samples (a recording) supplies them instead. Raises InputError when the teacher never
    changes or diverges.
    """
    for name, value in (("rows", rows), ("rollouts", rollouts), ("steps", steps)):
        if not value >= 1:
            raise InputError(f"sampling: expected {name} of at least 1, got {value}")
    if isinstance(teacher, HasSamples):
        return teacher.samples(rows=rows, seed=seed)
    teacher = answering(teacher)
    parts = []
    for run in range(rollouts + 1):
        frames = teacher.rollout(size=size, steps=steps, seed=shift_seed(seed, run), every=max(1, steps // 50))
        frames = frames[ages(len(frames))]
        held = run == rollouts
        share = -(-rows // (4 * len(frames))) if held else -(-rows // (rollouts * len(frames)))
        rng = np.random.default_rng((seed, run))
        parts.append(_label(teacher, frames, share, rng, lively=not held))
    samples = join_samples(teacher, {False: parts[:-1], True: parts[-1:]})
    if not np.any(samples.Y):
        raise InputError("the teacher never changes any cell: expected a trained network or a model that moves")
    return samples


def join_samples(teacher: Teacher, parts: Mapping[bool, Sequence[Pair]], rounding: float | Array = 0.0) -> Samples:
    """The teacher's samples from pairs (X, Y). parts: the pairs to fit under False, those to judge by under True."""
    (X, Y), (X_held, Y_held) = (
        [np.concatenate(side) for side in zip(*parts[held], strict=True)] for held in (False, True)
    )
    return Samples(X, Y, features_of(teacher), teacher.channels, X_held, Y_held, rounding)


def add_states(
    samples: Samples, teacher: AnsweringTeacher, states: Iterable[npt.NDArray[np.floating]], *, rows: int, seed: int
) -> Samples:
    """`samples` with about `rows` more training rows from `states`, each (channel, h, w), labelled by the teacher.

    The held-out side is untouched: fidelity is always measured on the teacher's own states.
    """
    frames = list(states)
    if not frames:
        return samples
    rng = np.random.default_rng((seed, 0xADD))
    x, y = _label(teacher, frames, -(-rows // len(frames)), rng, lively=False)
    return replace(samples, X=np.concatenate([samples.X, x]), Y=np.concatenate([samples.Y, y]))


def ages(frames: int) -> list[int]:
    """Indices 0, 1, 2, 4, 8, … and the last: young, middle and old states."""
    indices = [0] + [1 << power for power in range(frames.bit_length()) if 1 << power < frames]
    return sorted({*indices, frames - 1})


def _label(
    teacher: AnsweringTeacher,
    frames: Iterable[npt.NDArray[np.floating]],
    share: int,
    rng: np.random.Generator,
    *,
    lively: bool,
) -> tuple[Array, Array]:
    """`share` cells of each frame with the teacher's update on them: (n, features), (n, channels)."""
    xs, ys = [], []
    for frame in frames:
        seen = perceive(np.asarray(frame, np.float32), teacher.stencils)
        x = np.ascontiguousarray(seen.reshape(len(seen), -1).T)
        y = np.asarray(teacher.update(x), np.float64)
        chosen = _choose(x, y, min(share, len(x)), rng) if lively else rng.permutation(len(x))[:share]
        xs.append(x[chosen].astype(np.float64))
        ys.append(y[chosen])
    return np.concatenate(xs), np.concatenate(ys)


def _choose(x: Array, y: Array, share: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`share` different rows: a third at random, a third by the size of their update, a third by their rarity."""
    chosen = rng.permutation(len(y))[: share - 2 * (share // 3)]
    for weight in (np.square(y).sum(axis=1), 1.0 / crowd(x, rng)):
        free = np.ones(len(y), bool)
        free[chosen] = False
        rest = np.flatnonzero(free)
        mean = weight[rest].mean() if len(rest) else 0.0
        if not mean > 0:  # nothing moves, so all rows are equivalent
            keys = rng.gumbel(size=len(rest))
        else:
            # the largest Gumbel keys are a draw without replacement, with probability ∝ weight
            keys = np.log(weight[rest] / mean + 1e-3) + rng.gumbel(size=len(rest))
        chosen = np.concatenate([chosen, rest[np.argsort(-keys, kind="stable")[: share // 3]]])
    return chosen


def crowd(x: Array, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each row, the number of rows (itself included) in the same box of a few random projections."""
    spread = x.std(axis=0)
    scaled = x / np.where(spread > 0, spread, 1.0)
    views = scaled @ rng.normal(size=(x.shape[1], VIEWS)) / np.sqrt(x.shape[1])
    _, box, count = np.unique(
        np.floor(views / BOX + rng.uniform(size=VIEWS)), axis=0, return_inverse=True, return_counts=True
    )
    found: npt.NDArray[np.int64] = count[box.ravel()]
    return found
