"""One law with few terms, fitted as the steps of a rule and as a differential equation: evidence in spite of noise.

Products of fields up to degree 3, slopes and Laplacians. Both fits have the same number of terms, the same products,
and nearly the same noise. So noise cancels in the difference between what they leave unexplained in a block of windows.
This difference is often clear where both explain the recording to within its noise. It says nothing where neither does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from distill.identify.stencil import LAP5, LAP8, LAP9, LAPX
from distill.identify.unbiased import unbiased_product
from distill.weak.both_ways import STEPS, step_rows, through
from distill.weak.bumps import Bump, bump_rows
from distill.weak.grams import Grams, make_grams
from distill.weak.selection import in_errors, signed_ranks
from distill.weak.supports import SMALLEST, choose_bump, power_of
from distill.weak.system import Setting, System, centres, place_of
from equations.rule.stencils import DX, DY, LAP

Array = npt.NDArray[np.float64]

LONG = 1 / 4  # share of the frames in half a window: the difference between both ways lasts, noise does not
NARROW = 2 / 3  # of the usual width in space: the difference is largest at short wavelengths
LAPLACIANS = (LAP5, LAP9, LAP, LAP8, LAPX)
DERIVATIVES = "derivatives"
EXPLAINED = 0.002  # share of the squared change that the better fit may leave unexplained …
OF_NOISE = 0.3  # … or this share of what noise adds


@dataclass(frozen=True)
class Comparison:
    """What was left unexplained both ways.

    steps, continuous: shares of the squared change that neither the law nor noise explains.
    errors: how many standard errors the difference is from 0; above 0 where derivatives leave more than steps.
    step: length of the rule's step that fits best, in frames; 0 for 3 x 3 stencils in continuous time.
    explains: whether the better of both explains the recording.
    """

    steps: float
    continuous: float
    errors: float
    step: float
    explains: bool


def compare_same_terms(
    recordings: Sequence[Array], noise: Array, replicas: int, rng: np.random.Generator
) -> Comparison:
    """Steps against derivatives for recordings (t, channel, h, w), with equal terms.

    noise: standard deviation of each channel's white noise, more of which is added `replicas` times.
    """
    bumps = _windows(recordings, noise)
    parts = [_features(recordings, noise, bumps)]
    for _ in range(replicas):
        noisy = [f + noise[:, None, None] * rng.standard_normal(f.shape) for f in recordings]
        parts.append(_features(noisy, noise * np.sqrt(2), bumps))
    left = {(way, step): _unexplained(parts, way, step) for way in parts[0].linear for step in parts[0].change}
    continuous = left.pop((DERIVATIVES, 0.0))
    rules = {key: losses for key, losses in left.items() if key[0] != DERIVATIVES}
    best = min(rules, key=lambda key: float((rules[key][0] - rules[key][1]).sum()))
    losses, disturbed = rules[best]
    clean, other = losses - disturbed, continuous[0] - continuous[1]
    difference = other - clean
    relative = difference / np.clip(losses + continuous[0], 1e-300, None)
    errors = max((in_errors(d) for d in (difference, relative, signed_ranks(difference))), key=abs)
    least = min(float(clean.sum()), float(other.sum()))
    explains = least <= max(EXPLAINED, OF_NOISE * float(disturbed.sum()))
    return Comparison(float(clean.sum()), float(other.sum()), errors, best[1], explains)


@dataclass(frozen=True, eq=False)
class _Features:
    """Of every window the products (rows, terms), slopes and Laplacians by name, change by step, and the block."""

    products: Array
    linear: dict[str, Array]
    change: dict[float, Array]
    place: npt.NDArray[np.intp]


def _windows(recordings: Sequence[Array], noise: Array) -> tuple[Bump, Bump, Bump]:
    along = [choose_bump(recordings, axis, order, noise, LONG) for axis, order in ((0, 1), (2, 2), (3, 2))]
    halves = [max(SMALLEST, round(NARROW * b.half)) for b in along[1:]]
    return along[0], *(Bump(half, power_of(half, 2)) for half in halves)  # type: ignore[return-value]


def _features(recordings: Sequence[Array], noise: Array, bumps: tuple[Bump, Bump, Bump]) -> _Features:
    parts = [_of_recording(frames, noise, bumps, index) for index, frames in enumerate(recordings)]
    return _Features(
        np.concatenate([p.products for p in parts]),
        {way: np.concatenate([p.linear[way] for p in parts]) for way in parts[0].linear},
        {step: np.concatenate([p.change[step] for p in parts]) for step in parts[0].change},
        np.concatenate([p.place for p in parts]),
    )


def _of_recording(frames: Array, noise: Array, bumps: tuple[Bump, Bump, Bump], index: int) -> _Features:
    t, channels, h, w = frames.shape
    inner = Setting((), (Bump(bumps[0].half + 1, bumps[0].power), *bumps[1:]), (), False)
    where = centres((t, h - 2, w - 2), inner)
    where = [where[0], where[1] + 1, where[2] + 1]  # stencils look one cell around
    down, across = (
        [bump_rows(size, bump, at.tolist(), order) for order in range(3)]
        for size, bump, at in zip((h, w), bumps[1:], where[1:], strict=True)
    )

    def over_time(field: Array, rows: Array) -> Array:
        return np.asarray((rows @ field.reshape(t, -1)).reshape(-1, h, w))

    def over_space(field: Array, y: int = 0, x: int = 0) -> Array:
        return np.asarray(np.matmul(down[y] @ field, across[x].T).ravel())

    time = bump_rows(t, bumps[0], where[0].tolist(), 0)
    covariance = np.diag(np.square(noise))
    products = [
        over_space(over_time(unbiased_product([frames[:, c] for c in factors], factors, covariance), time))
        for degree in (1, 2, 3)
        for factors in combinations_with_replacement(range(channels), degree)
    ]
    fields = [over_time(frames[:, c], time) for c in range(channels)]
    slopes = [over_space(through(f, s)) for f in fields for s in (DX, DY)]
    linear = {s.name: [*slopes, *(over_space(through(f, s)) for f in fields)] for s in LAPLACIANS}
    linear[DERIVATIVES] = [-over_space(f, *moved) for f in fields for moved in ((0, 1), (1, 0))]
    linear[DERIVATIVES] += [over_space(f, 2, 0) + over_space(f, 0, 2) for f in fields]
    change = {}
    for step in (*STEPS, 0.0):
        rows = step_rows(t, bumps[0], where[0].tolist(), step)
        change[step] = np.stack([over_space(over_time(frames[:, c], rows)) for c in range(channels)], axis=1)
    place = place_of(where)
    return _Features(
        np.stack([np.ones(len(products[0])), *products], axis=1),
        {way: np.stack(columns, axis=1) for way, columns in linear.items()},
        change,
        np.column_stack([np.full(len(place), index), place]),
    )


def _unexplained(parts: Sequence[_Features], way: str, step: float) -> tuple[Array, Array]:
    """Of each block, the held-out loss and what noise adds to it, mean over channels."""
    _, block = np.unique(parts[0].place, axis=0, return_inverse=True)
    rows = [(np.concatenate([p.products, p.linear[way]], axis=1), p.change[step]) for p in parts]

    def system(features: Array, change: Array) -> System:
        return System(features, change, block.ravel().astype(np.intp), parts[0].place[:, 1:])

    first = system(*rows[0])
    errors = [system(features - first.features, change - first.change) for features, change in rows[1:]]
    grams: list[Grams] = [make_grams(first, errors, c) for c in range(first.change.shape[1])]
    found = [g.held_out(range(g.terms)) for g in grams]
    return np.mean([f[0] for f in found], axis=0), np.mean([f[1] for f in found], axis=0)
