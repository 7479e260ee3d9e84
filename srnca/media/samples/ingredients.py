"""What the plants share: periodic noise, scattered points, cell borders, colour ramps, a light on a relief.

Every field lives on the torus [0, 1)^2 and is a function of position, so a picture has the same pattern at
any size and its opposite edges join. Coordinates and fields are (n, n) float64; x runs right, y runs down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Field = NDArray[np.float64]
Colour = tuple[float, float, float]  # red, green, blue in 0..255, as a colour picker shows them


def grid(n: int) -> tuple[Field, Field]:
    """x and y of the pixel centres of an n x n picture, each (n, n) in (0, 1)."""
    centres = (np.arange(n) + 0.5) / n
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return x, y


def noise(
    rng: np.random.Generator, x: Field, y: Field, cells: tuple[int, int], octaves: int = 1, gain: float = 0.5
) -> Field:
    """Smooth periodic noise of about zero mean and unit variance at (x, y).

    cells: random values across and down the picture in the first octave; each further octave doubles both and
    is `gain` as strong. Cubic B-spline interpolation of a random lattice (lattice noise, Perlin 1985).
    """
    total, power = np.zeros_like(x), 0.0
    for octave in range(octaves):
        across, down = cells[0] << octave, cells[1] << octave
        lattice = rng.standard_normal((down, across))
        lattice = (lattice - lattice.mean()) / max(float(lattice.std()), 1e-9)
        at = np.stack([y * down, x * across])
        total += gain**octave * ndimage.map_coordinates(lattice, at, order=3, mode="grid-wrap")
        power += gain ** (2 * octave)
    return total / np.sqrt(0.6 * power)  # interpolation between lattice points leaves about 0.6 of the variance


def scatter(rng: np.random.Generator, count: int, candidates: int = 12) -> Field:
    """(count, 2) points (x, y) spread evenly but irregularly on the torus (best candidate, Mitchell 1991)."""
    points = rng.random((1, 2))
    for _ in range(count - 1):
        trial = rng.random((candidates, 2))
        gap = np.abs(trial[:, None] - points[None])  # (candidates, points, 2)
        gap = np.minimum(gap, 1 - gap)
        best = np.argmax((gap**2).sum(axis=2).min(axis=1))
        points = np.vstack([points, trial[best]])
    return points


def borders(
    x: Field,
    y: Field,
    sites: Field,
    box: tuple[float, float] = (1.0, 1.0),
    web: float = 0.0,
    thin: float = 0.0,
) -> tuple[Field, NDArray[np.intp]]:
    """Distance to the nearest border between the Voronoi cells of `sites`, and each pixel's cell number.

    sites: (count, 2), at least 2. box: the period of each axis; 0 is not periodic. web > 0 fills the corners
    where three cells meet, as tissue does, over about that distance (a smooth minimum). thin: level borders
    count as 1 + thin times as far away as upright ones, so that they come out thinner.
    """
    periods = np.asarray(box)
    wrapped = [np.mod(a, p) if p else a for a, p in zip((x.ravel(), y.ravel()), box, strict=True)]
    at = np.stack(wrapped, axis=1)
    near = min(6, len(sites))
    _, order = cKDTree(sites, boxsize=periods).query(at, k=near)
    offset = sites[order] - at[:, None]  # (pixels, near, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset -= np.where(periods > 0, periods * np.round(offset / periods), 0.0)
    own, others = offset[:, :1], offset[:, 1:]
    across = others - own
    length = np.sqrt((across**2).sum(axis=2)).clip(1e-9)
    # The border is the perpendicular bisector: project its midpoint on the line between the two sites.
    gaps = ((own + others) / 2 * across).sum(axis=2) / length
    gaps *= 1 + thin * (across[..., 1] / length) ** 2
    if web > 0:
        nearest = gaps.min(axis=1, keepdims=True)
        gaps = nearest[:, 0] - web * np.log(np.exp(-(gaps - nearest) / web).sum(axis=1))
    else:
        gaps = gaps.min(axis=1)
    return gaps.reshape(x.shape), order[:, 0].reshape(x.shape)


def nested_borders(rng: np.random.Generator, x: Field, y: Field, parents: NDArray[np.intp], count: int) -> Field:
    """Distance to the borders that split each parent cell further, so that fine veins end on coarse ones.

    parents: (n, n) cell numbers. count: fine cells in the whole picture.
    """
    distance = np.ones_like(x)
    sites = scatter(rng, count)
    n = x.shape[0]
    column, row = np.clip((sites.T * n).astype(int), 0, n - 1)
    owner = parents[row, column]
    for parent in np.unique(owner):
        inside, children = parents == parent, sites[owner == parent]
        if len(children) > 1:
            distance[inside] = borders(x[inside], y[inside], children)[0]
    return distance


def ramp(low: float, high: float, value: Field) -> Field:
    """0 below low, 1 above high, smooth between (low > high turns it round)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def paint(under: Field | Colour, over: Field | Colour, amount: Field) -> Field:
    """(n, n, 3): `over` laid on `under` with opacity `amount` (n, n) in [0, 1]; colours in 0..255."""
    a, b = np.asarray(under, dtype=float), np.asarray(over, dtype=float)
    return a + (b - a) * np.clip(amount, 0, 1)[..., None]


def shade(height: Field, light: tuple[float, float] = (-0.6, -0.8)) -> Field:
    """Light from the top left on a relief given in picture widths: about -1..1, 0 where flat."""
    n = height.shape[0]
    down, right = ((np.roll(height, -1, a) - np.roll(height, 1, a)) * (n / 2) for a in (0, 1))
    return np.tanh(right * light[0] + down * light[1]) * -1.0


def palette(colours: Sequence[Colour], value: Field) -> Field:
    """(n, n, 3): colours evenly spaced over value 0..1, linear between."""
    stops = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(value, stops, [c[i] for c in colours]) for i in range(3)], axis=-1)
