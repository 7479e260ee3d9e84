"""The dispersion relation of a rule at a uniform state: growth rate and frequency of every wave that fits the grid.

One step multiplies a wave by the eigenvalues μ = 1 + dt·λ of the matrix 1 + dt·G(k), which uses the stencils' exact
Fourier symbols. The growth rate is ln|μ| / dt and the angular frequency |arg μ| / dt, per unit of time. Where Re λ > 0
the wave grows at any time step. Where Re λ ≤ 0 and |μ| > 1 only the time step makes it grow; it is stable for
dt ≤ −2 Re λ / |λ|².
Types as in M. C. Cross, P. C. Hohenberg, Reviews of Modern Physics 65 (1993) 851-1112, section IV.A.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.jacobian import Linearisation

Array = npt.NDArray[Any]
REAL = 1e-6  # an eigenvalue counts as real if its imaginary part is below this part of its absolute value
ZERO = 1e-9  # a growth rate counts as 0 if it is below this part of the largest |λ|
_ROWS = 1 << 21  # numbers in one batch of matrices


@dataclass(frozen=True)
class Wave:
    """A wave vector with one of its eigenvalues.

    kx, ky: in radians per cell.
    eigenvalue: λ, per unit of time.
    multiplier: μ = 1 + dt·λ, per step.
    dt: the rule's time step.
    """

    kx: float
    ky: float
    eigenvalue: complex
    multiplier: complex
    dt: float

    @property
    def wave_number(self) -> float:
        """|k| in radians per cell."""
        return math.hypot(self.kx, self.ky)

    @property
    def wavelength(self) -> float:
        """In cells; infinite for the uniform state."""
        return 2 * math.pi / self.wave_number if self.wave_number else math.inf

    @property
    def growth(self) -> float:
        """ln|μ| / dt."""
        return math.log(max(abs(self.multiplier), 1e-300)) / self.dt

    @property
    def frequency(self) -> float:
        """Angular, |arg μ| / dt, in radians per unit time."""
        return abs(math.atan2(self.multiplier.imag, self.multiplier.real)) / self.dt

    @property
    def oscillates(self) -> bool:
        """Whether λ is complex."""
        return abs(self.eigenvalue.imag) > REAL * max(abs(self.eigenvalue), 1e-300)


@dataclass(frozen=True, eq=False)
class Dispersion:
    """The eigenvalues of all wave vectors that fit a periodic grid (h, w); of k and −k only one is stored.

    `kx` (1, w), `ky` (h//2 + 1, 1) in radians per cell; `eigenvalues` (h//2 + 1, w, C), λ per unit time.
    """

    linear: Linearisation
    kx: Array
    ky: Array
    eigenvalues: Array

    @property
    def dt(self) -> float:
        """The rule's time step."""
        return self.linear.rule.dt

    @property
    def multipliers(self) -> Array:
        """μ = 1 + dt·λ, for each eigenvalue."""
        return 1 + self.dt * self.eigenvalues

    @property
    def scale(self) -> float:
        """The largest |λ|, by which growth rates are judged to be small."""
        return float(np.abs(self.eigenvalues).max())

    @property
    def growth(self) -> Array:
        """The largest ln|μ| / dt at each wave vector (h//2 + 1, w)."""
        largest: Array = np.log(np.maximum(np.abs(self.multipliers).max(axis=-1), 1e-300)) / self.dt
        return largest

    def plane(self, values: Array) -> Array:
        """Extend values (h//2 + 1, w) of the half plane to all wave vectors: a picture (h, w), k = 0 in the middle."""
        half, w = values.shape
        h = round(2 * math.pi / float(self.ky[1, 0]))
        full = np.empty((h, w))
        full[:half] = values
        rows = np.arange(half, h)
        full[rows] = values[h - rows][:, (-np.arange(w)) % w]
        return np.fft.fftshift(full)

    def uniform(self) -> list[Wave]:
        """The waves of k = 0, fastest growing first."""
        values = self.eigenvalues[0, 0]
        return [self.wave((0, 0), i) for i in np.argsort(-values.real, kind="stable")]

    def wave(self, place: tuple[int, int], index: int) -> Wave:
        """The wave at row and column `place`, of eigenvalue `index`."""
        value = complex(self.eigenvalues[(*place, index)])
        return Wave(float(self.kx[0, place[1]]), float(self.ky[place[0], 0]), value, 1 + self.dt * value, self.dt)

    def fastest(self, chosen: Array | None = None) -> Wave | None:
        """The wave of the largest Re λ with k ≠ 0, among `chosen` (h//2 + 1, w, C) if given; None if there is none."""
        rate = self.eigenvalues.real.copy()
        rate[0, 0] = -np.inf
        if chosen is not None:
            rate = np.where(chosen, rate, -np.inf)
        row, column, index = np.unravel_index(int(np.argmax(rate)), rate.shape)
        return None if rate[row, column, index] == -np.inf else self.wave((int(row), int(column)), int(index))


def dispersion(linear: Linearisation, size: tuple[int, int]) -> Dispersion:
    """The dispersion relation on the grid `size` (h, w)."""
    h, w = size
    kx = 2 * math.pi * np.fft.fftfreq(w)[None, :]
    ky = 2 * math.pi * np.arange(h // 2 + 1)[:, None] / h
    parts = [np.linalg.eigvals(linear.generator(kx, rows)) for rows in _bands(ky, w * len(linear.point) ** 2)]
    return Dispersion(linear, kx, ky, np.concatenate(parts))


def along(linear: Linearisation, direction: tuple[float, float], numbers: Array) -> Array:
    """Eigenvalues (n, C) at any wave numbers (n,), in radians per cell, along a direction (x, y)."""
    x, y = np.array(direction) / math.hypot(*direction)
    return np.asarray(np.linalg.eigvals(linear.generator(x * numbers, y * numbers)))


def refine(linear: Linearisation, wave: Wave) -> Wave:
    """The maximum of Re λ nearest to `wave`, over all wave vectors: the fastest wave of an infinite grid."""
    from scipy.optimize import minimize

    def leading(k: Array) -> complex:
        values = np.linalg.eigvals(linear.generator(k[0], k[1]))
        return complex(values[np.argmax(values.real)])

    start = np.array([wave.kx, wave.ky])
    width = 0.5 * max(wave.wave_number, 1e-3)
    simplex = start + np.array([[0, 0], [0.1, 0], [0, 0.1]]) * width
    options = {"initial_simplex": simplex, "xatol": 1e-7, "fatol": 1e-14, "maxiter": 400}
    best = minimize(lambda k: -leading(k).real, start, method="Nelder-Mead", options=options).x
    value, dt = leading(best), linear.rule.dt
    if value.real < wave.eigenvalue.real or np.abs(best - start).max() > width or np.abs(best).max() > math.pi:
        return wave
    return Wave(float(best[0]), float(best[1]), value, 1 + dt * value, dt)


def over_directions(linear: Linearisation, wave: Wave) -> tuple[float, float, float]:
    """Shortest, mean and longest wavelength, in cells, of the fastest waves in 24 directions.

    On a grid the fastest wave number depends a little on the direction: a five-point Laplacian damps diagonal waves
    less. Only directions whose growth rate is within 1 % of the best count; for an isotropic rule these are all. The
    mean is taken over wave numbers, as in a radial spectrum.
    """
    angles = math.atan2(wave.ky, wave.kx) + np.pi * np.arange(24) / 24
    numbers = wave.wave_number * np.linspace(0.7, 1.4, 141)
    found = []
    for angle in angles:
        rate = along(linear, (math.cos(angle), math.sin(angle)), numbers).real.max(axis=-1)
        top = int(np.argmax(rate))
        found.append((rate[top], _vertex(numbers, rate, top)))
    best = max(rate for rate, _ in found)
    chosen = np.array([number for rate, number in found if rate >= best - 0.01 * abs(best)])
    shortest, mean, longest = (float(2 * math.pi / k) for k in (chosen.max(), chosen.mean(), chosen.min()))
    return shortest, mean, longest


def _vertex(numbers: Array, values: Array, top: int) -> float:
    """The vertex of the parabola through the highest value and its two neighbours; `numbers` are evenly spaced."""
    if not 0 < top < len(numbers) - 1:
        return float(numbers[top])
    left, middle, right = values[top - 1 : top + 2]
    bend = left - 2 * middle + right
    return float(numbers[top] + (0.5 * (left - right) / bend if bend else 0.0) * (numbers[1] - numbers[0]))


def _bands(ky: Array, row: int) -> Iterator[Array]:
    step = max(1, _ROWS // max(1, row))
    for start in range(0, len(ky), step):
        yield ky[start : start + step]
