"""The same products of fields in the same windows twice: through 3 × 3 stencils, and under derivatives.

And their change: by the steps of a rule, of several lengths, and in continuous time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from distill.identify.stencil import CORNERS
from distill.weak.bumps import Bump, bump_derivative, bump_rows
from distill.weak.system import Setting, System, centres, place_of
from equations.rule.stencils import DX, DY, Stencil

Array = npt.NDArray[np.float64]

STEPS = (1.0, 1 / 2, 1 / 4, 1 / 8, 1 / 16)  # of a rule, in frames, that are tried beside continuous time
MANY = 3  # channels from which on there are fewer products
PLAIN, DERIVED = (6, 4), (3, 2)  # highest degree of products by themselves, and under derivatives; fewer, many channels
ACROSS = Stencil("across", ((0.0, 0.0, 0.0), (1.0, -2.0, 1.0), (0.0, 0.0, 0.0)))
DOWN = Stencil("down", ((0.0, 1.0, 0.0), (0.0, -2.0, 0.0), (0.0, 1.0, 0.0)))
DIAGONAL = Stencil("diagonal", ((1.0, 0.0, -1.0), (0.0, 0.0, 0.0), (-1.0, 0.0, 1.0)))
STENCILS = (ACROSS, DOWN, CORNERS, DIAGONAL, DX, DY)
DERIVATIVES: tuple[dict[tuple[int, int], float], ...] = (  # ∂y^a ∂x^b moved to the test function, and their weights
    {(0, 2): 1.0},
    {(2, 0): 1.0},
    {(0, 4): 1.0, (2, 2): 2.0, (4, 0): 1.0},
    {(1, 1): 1.0},
    {(0, 1): -1.0},
    {(1, 0): -1.0},
)


@dataclass(frozen=True, eq=False)
class BothWays:
    """Features by stencils and by derivatives (rows, terms), changes by step length (rows, channels), and the rows'
    places (rows, 4): recording, t, y, x.
    """

    features: dict[str, Array]
    change: dict[float, Array]
    place: npt.NDArray[np.intp]


def both_ways(recordings: Sequence[Array], setting: Setting) -> BothWays:
    features: dict[str, list[Array]] = {"steps": [], "continuous": []}
    change: dict[float, list[Array]] = {step: [] for step in (*STEPS, 0.0)}
    places = []
    for index, frames in enumerate(recordings):
        inner = replace(setting, bumps=(Bump(setting.bumps[0].half + 1, setting.bumps[0].power), *setting.bumps[1:]))
        where = centres((frames.shape[0], frames.shape[2] - 2, frames.shape[3] - 2), inner)
        where = [where[0], where[1] + 1, where[2] + 1]  # stencils look one cell around
        steps, derived = _features(frames, setting.bumps, where)
        features["steps"].append(steps)
        features["continuous"].append(derived)
        for step, found in change.items():
            rows = step_rows(len(frames), setting.bumps[0], where[0].tolist(), step)
            found.append(_over(frames, rows, setting.bumps, where))
        places.append(np.column_stack([np.full(len(steps), index), place_of(where)]))
    return BothWays(
        {name: np.concatenate(found) for name, found in features.items()},
        {step: np.concatenate(found) for step, found in change.items()},
        np.concatenate(places),
    )


def system_of(part: BothWays, name: str, step: float) -> System:
    _, block = np.unique(part.place, axis=0, return_inverse=True)
    return System(part.features[name], part.change[step], block.ravel().astype(np.intp), part.place[:, 1:])


def step_rows(size: int, bump: Bump, places: Sequence[int], step: float) -> Array:
    """Weights (centres, size) that give the mean change by steps of this length (in frames, 0 for du/dt) in windows."""
    if step == 0:
        return -bump_rows(size, bump, places, 1)
    scale = float(bump_derivative(np.arange(-bump.half, bump.half + 1) / bump.half, bump.power, 0).sum())
    rows = np.zeros((len(places), size))
    for row, centre in zip(rows, places, strict=True):
        x = np.arange(size) - centre
        later, now = (bump_derivative((x - s) / bump.half, bump.power, 0) for s in (step, 0.0))
        row[:] = (later - now) / (step * scale)
    return rows


def _over(frames: Array, time: Array, bumps: Sequence[Bump], where: Sequence[npt.NDArray[np.intp]]) -> Array:
    """Each channel averaged with weights in time, and over the windows in space, (rows, channels)."""
    t, channels, h, w = frames.shape
    rows = bump_rows(h, bumps[1], where[1].tolist(), 0)
    columns = bump_rows(w, bumps[2], where[2].tolist(), 0)
    seen = (time @ frames.reshape(t, -1)).reshape(-1, channels, h, w)
    return np.stack([np.matmul(rows @ seen[:, c], columns.T).ravel() for c in range(channels)], axis=1)


def _features(frames: Array, bumps: Sequence[Bump], where: Sequence[npt.NDArray[np.intp]]) -> tuple[Array, Array]:
    """The same products of channels, plain and under the six stencils, or plain and under as many derivatives."""
    t, channels, h, w = frames.shape
    time = bump_rows(t, bumps[0], where[0].tolist(), 0)
    rows = [bump_rows(h, bumps[1], where[1].tolist(), k) for k in range(5)]
    columns = [bump_rows(w, bumps[2], where[2].tolist(), k) for k in range(5)]
    plain, by_stencil, by_derivative = [np.ones(len(where[0]) * len(where[1]) * len(where[2]))], [], []
    most, most_derived = (of[channels >= MANY] for of in (PLAIN, DERIVED))
    for degree in range(1, most + 1):
        for factors in combinations_with_replacement(range(channels), degree):
            field = np.prod([frames[:, c] for c in factors], axis=0)
            seen = (time @ field.reshape(t, -1)).reshape(-1, h, w)
            plain.append(np.matmul(rows[0] @ seen, columns[0].T).ravel())
            if degree > most_derived:
                continue
            for stencil, parts in zip(STENCILS, DERIVATIVES, strict=True):
                seen_through = through(seen, stencil)
                by_stencil.append(np.matmul(rows[0] @ seen_through, columns[0].T).ravel())
                moved = [weight * np.matmul(rows[a] @ seen, columns[b].T) for (a, b), weight in parts.items()]
                by_derivative.append(np.sum(moved, axis=0).ravel())
    return np.stack([*plain, *by_stencil], axis=1), np.stack([*plain, *by_derivative], axis=1)


def through(fields: Array, stencil: Stencil) -> Array:
    """Fields (k, h, w) through a stencil; wrong in the outermost cells, which no window reaches."""
    result = np.zeros_like(fields)
    for dy, line in enumerate(stencil.kernel):
        for dx, weight in enumerate(line):
            if weight:
                result += weight * np.roll(fields, (1 - dy, 1 - dx), axis=(1, 2))
    return result
