"""Columns of the linear system for quotients, at many half-saturations K."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distill.weak.bumps import bump_rows
from distill.weak.scaling import Scaled
from distill.weak.system import Setting, centres
from distill.weak.terms import Saturation, Term, make_quotient

Array = npt.NDArray[np.float64]

HALVES = tuple(0.1 * 1.28**k for k in range(16))  # up to 4, in units of a channel's size
POWERS = (1, 2)
BELOW = 0.2  # of K: as far below 0 as values may lie, for odd powers


class Column(NamedTuple):
    """A quotient in every window, and its derivative by log K; noise: what noise changes in both."""

    term: Term
    value: Array
    slope: Array
    noise: tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Columns:
    """Makes them, for the windows of the polynomial terms.

    noisy: of each replica the recordings with noise added once more.
    """

    scaled: Scaled
    setting: Setting
    noisy: list[list[Array]]

    @cached_property
    def forms(self) -> list[list[Column]]:
        """For each form of quotient its columns, one for each K."""
        names, found = self.scaled.channels, []
        lowest = np.min([f.min(axis=(0, 2, 3)) for f in self.scaled.frames], axis=0)
        for d in range(len(names)):
            for power in POWERS:
                halves = [half for half in HALVES if power % 2 == 0 or lowest[d] > -BELOW * half]
                for other in [(), *((k,) for k in range(len(names)) if k != d)]:
                    terms = [make_quotient(names, Saturation(d, power, half), other) for half in halves]
                    if len(terms) > 2:
                        found.append(self._grid(terms))
        return found

    def _grid(self, terms: list[Term]) -> list[Column]:
        columns = [self.of(self.scaled.frames, term, 1.0) for term in terms]
        noisy = [self.of(self.noisy[0], term, np.sqrt(2)) for term in terms]
        width = 2 * np.log(HALVES[1] / HALVES[0])
        found = []
        for k in range(1, len(terms) - 1):
            slope, other = (columns[k + 1] - columns[k - 1]) / width, (noisy[k + 1] - noisy[k - 1]) / width
            found.append(Column(terms[k], columns[k], slope, (noisy[k] - columns[k], other - slope)))
        return found

    @cached_property
    def _rows(self) -> list[tuple[Array, Array, Array]]:
        """Of each recording the windows' weights along t, y and x."""
        found = []
        for frames in self.scaled.frames:
            shape = (frames.shape[0], frames.shape[2], frames.shape[3])
            places = centres(shape, self.setting)
            t, y, x = (
                bump_rows(n, bump, centre.tolist(), 0)
                for n, bump, centre in zip(shape, self.setting.bumps, places, strict=True)
            )
            found.append((t, y, x))
        return found

    def of(self, recordings: Sequence[Array], term: Term, noise: float) -> Array:
        """The term averaged over every window; noise: in units of the recordings' own."""
        found = []
        for frames, (t, y, x) in zip(recordings, self._rows, strict=True):
            field = saturated(frames, term, noise * self.scaled.noise)
            over_time = (t @ field.reshape(len(field), -1)).reshape(-1, *field.shape[1:])
            found.append(np.matmul(y @ over_time, x.T).ravel())
        return np.concatenate(found)


def saturated(frames: Array, term: Term, noise: Array) -> Array:
    """The field (t, h, w) of a quotient, less what noise adds to it on average, to second order: half its second
    derivative times the variance.

    frames: (t, channel, h, w). noise: standard deviation of each channel's white noise.
    """
    inside = term.saturation
    assert inside is not None
    u, below = frames[:, inside.channel], inside.half**inside.power
    above = u if inside.power == 1 else u * u
    part = 1 / (below + above)
    value = above * part
    level = float(noise[inside.channel]) ** 2
    if level and inside.power == 1:
        value += level * below * part**3
    elif level:
        value -= level * below * (below - 3 * above) * part**3
    for c in term.channels:
        value = value * frames[:, c]
    return np.asarray(value)
