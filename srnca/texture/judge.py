"""The judge: a fixed measure of how like its target a picture is, on which nothing is trained.

A texture loss flatters what was trained on it. The judge therefore looks at a picture in another way, by counting, and
has no gradient to follow:

patterns     local ternary patterns (Tan & Triggs 2010): for each pixel, which of its eight neighbours are clearly
             lighter, and which are clearly darker; histograms of the patterns, on several scales.
hues         the same patterns in the two colours that vary less: coloured noise, where the target has none.
pairs        co-occurrence of colours (after Haralick et al. 1973): how often a colour of the target's palette lies at a
             given distance and direction from another.
shapes       Minkowski functionals of what is lighter than a threshold (Mecke 1996): area, length of the outline across
             and along, and Euler number: how many pieces less how many holes. Spots, worms and nets differ in them.

All are compared in units of the differences between parts of the target; see weighing.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError
from srnca.texture.controls import flat, random_phases
from srnca.texture.weighing import SURROGATES, counted, part_of, weigh

Array = NDArray[np.float64]
Group = tuple[str, int]  # the kind of statistic, and the scale or distance
Statistics = dict[Group, Array]

GROUPS = ("patterns", "hues", "pairs", "shapes")
CLEARLY = (0.15, 0.1, 0.1)  # a neighbour that differs by this much counts, for the three colours; 1 is the contrast
RADII = (1, 2)  # pixels: distances of the neighbours in lightness; 1 in the other colours
THRESHOLDS = 9
DISTANCES = (1, 2, 4, 8)  # pixels, of pairs
TONES = 8  # colours of the palette
FAINT = 0.02  # standard deviation of the second colour, below which a tone of lightness has no second hue
LEAST = 1e-3  # strict with regular textures; see `weigh`
VISIBLE = {"hues": 0.1}  # differences below these are not seen; others 0.02
SMALLEST, MOST_SCALES = 8, 4
NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))  # in turn around the pixel


class Judge:
    """Distance of pictures from a target: 0 is perfect, 1 a flat picture; another piece of a photo has 0.01 to 0.1.

    Pictures may differ from the target in size, but must have at least 8 pixels a side on the coarsest scale: half of
    the target's shorter side is always enough. Raises InputError for smaller ones.
    """

    def __init__(self, target: NDArray[np.floating]) -> None:
        """target: (h, w, 3) in [0, 1], at least 16 pixels a side. Raises InputError for a smaller one."""
        height, width = target.shape[:2]
        side = min(height, width)
        self.scales = min(MOST_SCALES, (side // (2 * SMALLEST)).bit_length())
        if not self.scales:
            raise InputError(f"judge: expected a target of at least 16 pixels a side, got {height}x{width}")
        self.distances = [far for far in DISTANCES if 8 * far <= side]  # parts have half the side, and room for them
        self._set_palette(np.asarray(target, np.float64))
        wanted = self.statistics(target)
        places = [(part_of(height, y), part_of(width, x)) for y in range(3) for x in range(3)]
        parts = [self.statistics(target[rows, columns]) for rows, columns in places]
        random = np.random.default_rng(20001010)
        fields = [self.statistics(random_phases(target, random, histogram=True)) for _ in range(SURROGATES)]
        self._wanted = wanted
        self._weights = {
            group: weigh(
                wanted[group],
                np.stack([p[group] for p in parts]),
                np.stack([f[group] for f in fields]),
                visible=VISIBLE.get(group[0], 0.02),
                least=LEAST,
            )
            for group in wanted
        }
        self._unit = 1.0
        self._unit = max(float(self(flat(target))), 1e-3)

    def __call__(self, picture: NDArray[np.floating]) -> float:
        """The distance of one picture (h, w, 3), at the target's scale; infinite where it is not finite."""
        return float(np.mean([*self.by_group(picture).values()])) / self._unit

    def mean(self, pictures: NDArray[np.floating]) -> float:
        """The mean distance of pictures (n, h, w, 3)."""
        return float(np.mean([self(picture) for picture in pictures]))

    def by_group(self, picture: NDArray[np.floating]) -> dict[str, float]:
        """The distance of each of GROUPS; they are averaged, and divided by that of a flat picture."""
        if not np.isfinite(picture).all():
            return dict.fromkeys(GROUPS, np.inf)
        found: dict[str, list[float]] = {group: [] for group in GROUPS}
        for (kind, scale), value in self.statistics(picture).items():
            apart = (value - self._wanted[kind, scale]) ** 2 @ self._weights[kind, scale]
            found[kind].append(float(counted(apart)))
        return {group: float(np.mean(values)) for group, values in found.items()}

    def statistics(self, picture: NDArray[np.floating]) -> Statistics:
        """All statistics of a picture (h, w, 3), clipped to [0, 1]."""
        height, width = picture.shape[:2]
        if min(height, width) < SMALLEST << (self.scales - 1):
            raise InputError(
                f"picture: expected at least {SMALLEST << (self.scales - 1)} pixels a side to compare it with the "
                f"target, got {height}x{width}"
            )
        colours = (np.clip(picture, 0, 1).astype(np.float64) - self._mean) @ self._axes
        found = dict(self._pairs(colours))
        for scale, smaller in enumerate(_pyramid(colours, self.scales)):
            found["shapes", scale] = _shapes(smaller[..., 0], self._thresholds[scale])
            lightness = [_patterns(smaller[..., 0], radius, CLEARLY[0]) for radius in RADII]
            found["patterns", scale] = np.concatenate(lightness)
            found["hues", scale] = np.concatenate([_patterns(smaller[..., c], 1, CLEARLY[c]) for c in (1, 2)])
        return found

    def _set_palette(self, target: Array) -> None:
        """Axes of colour space, thresholds of lightness and the palette, all from the target."""
        self._mean = target.mean(axis=(0, 1))
        pixels = (target - self._mean).reshape(-1, 3)
        variances, axes = np.linalg.eigh(pixels.T @ pixels / len(pixels))
        axes = axes[:, ::-1] * np.where(axes[:, ::-1].sum(axis=0) < 0, -1, 1)  # the sign of an axis is free
        self._axes = axes / max(float(np.sqrt(variances.clip(0).sum())), 0.03)
        colours = (target - self._mean) @ self._axes
        levels = np.linspace(0, 1, THRESHOLDS + 2)[1:-1]
        self._thresholds = [np.quantile(c[..., 0], levels) for c in _pyramid(colours, self.scales)]
        self._first = np.quantile(colours[..., 0], np.linspace(0, 1, TONES // 2 + 1)[1:-1])
        tones = np.digitize(colours[..., 0], self._first)
        every = np.median(colours[..., 1])
        self._second = np.array([_second_hue(colours[..., 1][tones == k], every) for k in range(TONES // 2)])

    def _pairs(self, colours: Array) -> Iterator[tuple[Group, Array]]:
        tones = np.digitize(colours[..., 0], self._first)
        tones = 2 * tones + (colours[..., 1] > self._second[tones])
        height, width = tones.shape
        for far in self.distances:
            counts = []
            for dy, dx in ((0, far), (far, 0), (far, far), (far, -far)):
                one = tones[: height - dy, max(0, -dx) : width - max(0, dx)]
                other = tones[dy:, max(0, dx) : width + min(0, dx)]
                counts.append(_shares(one * TONES + other, TONES**2))
            yield ("pairs", far), np.concatenate(counts)


def _second_hue(values: Array, otherwise: float) -> float:
    """From where on the second colour of one tone of lightness counts as another hue: half of it does, or none.

    A grey picture has no second hue, and rounding must not make one.
    """
    if not len(values):
        return otherwise
    middle = float(np.median(values))
    return middle if values.std() > FAINT else middle + CLEARLY[1]


def _pyramid(colours: Array, scales: int) -> Iterator[Array]:
    for scale in range(scales):
        if scale:
            height, width = (length // 2 * 2 for length in colours.shape[:2])
            colours = colours[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
        yield colours


def _shares(values: NDArray[np.integer], kinds: int) -> Array:
    """Square roots of the shares of values 0 … kinds − 1: their sampling error does not depend on the share."""
    return np.sqrt(np.bincount(values.ravel(), minlength=kinds) / values.size)


def _share(on: NDArray[np.bool_]) -> float:
    return np.count_nonzero(on) / on.size


def _patterns(light: Array, radius: int, clearly: float) -> Array:
    height, width = light.shape
    centre = light[radius : height - radius, radius : width - radius]
    light_enough, dark_enough = centre + clearly, centre - clearly
    lighter, darker = np.zeros((2, *centre.shape), np.uint8)
    for bit, (dy, dx) in enumerate(NEIGHBOURS):
        rows = slice(radius * (1 + dy), height - radius * (1 - dy))
        columns = slice(radius * (1 + dx), width - radius * (1 - dx))
        lighter |= (light[rows, columns] > light_enough).view(np.uint8) << bit
        darker |= (light[rows, columns] < dark_enough).view(np.uint8) << bit
    return np.concatenate([_shares(UNIFORM[p], int(UNIFORM.max()) + 1) for p in (lighter, darker)])


def _shapes(light: Array, thresholds: Array) -> Array:
    """Area, outline in both directions and Euler number of what lies above each threshold, per pixel."""
    count, found = np.count_nonzero, []
    for threshold in thresholds:
        on = light > threshold
        across, down = on[:, 1:] & on[:, :-1], on[1:] & on[:-1]
        squares = across[1:] & across[:-1]
        euler = (count(on) - count(across) - count(down) + count(squares)) / on.size
        found += [_share(on), _share(on[1:] != on[:-1]), _share(on[:, 1:] != on[:, :-1]), 2 * euler]
    return np.array(found)


def _uniform() -> NDArray[np.int64]:
    """The kind of each of the 256 patterns: 58 with at most two changes around the circle, and one for all others."""
    kinds, next_kind = np.full(256, 58), 0
    for pattern in range(256):
        bits = [pattern >> i & 1 for i in range(8)]
        if sum(bits[i] != bits[i - 1] for i in range(8)) <= 2:
            kinds[pattern], next_kind = next_kind, next_kind + 1
    return kinds


UNIFORM = _uniform()
