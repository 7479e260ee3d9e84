"""Recordings of known partial differential equations, solved to high accuracy and then sampled.

    from benchmarks.pde_data import PDES, record
    recording = record("lambda-omega", seed=0)

Pseudo-spectral in space, exponential time differencing of fourth order in time (Cox & Matthews 2002; coefficients by
contour integrals as in Kassam & Trefethen 2005), on a finer grid than is recorded. `error_of_step` repeats a recording
with half the time step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
Law = dict[str, dict[str, float]]
CONTOUR = np.exp(1j * np.pi * (np.arange(16) + 0.5) / 16)  # points of the upper half of the unit circle


class Plane:
    """A periodic plane of n × n cells, and derivatives of Fourier coefficients on it.

    cell: width of a recorded cell. fine: cells of this plane in it, along each axis.
    """

    def __init__(self, n: int, cell: float, fine: int) -> None:
        self.n, self.cell = n, cell
        dx = cell / fine
        k = 2 * np.pi * np.fft.fftfreq(n, dx)
        self.kx, self.ky = k[None, : n // 2 + 1].copy(), k[:, None].copy()
        self.kx[0, -1] = abs(self.kx[0, -1])
        self.k2 = self.kx**2 + self.ky**2
        top = np.abs(k).max() * 2 / 3
        self.kept = (np.abs(self.kx) < top) & (np.abs(self.ky) < top)  # the rule of two thirds against aliasing

    def hat(self, values: Array) -> Complex:
        return np.fft.rfft2(values)

    def back(self, hat: Complex) -> Array:
        return np.fft.irfft2(hat, s=(self.n, self.n))

    def gradient(self, hat: Complex) -> tuple[Array, Array]:
        return self.back(1j * self.kx * hat), self.back(1j * self.ky * hat)


@dataclass(frozen=True)
class PDE:
    """A system and how it is recorded.

    law: for each channel its terms, written as `distill.weak.terms` does; None when no library has them.
    linear: of a plane, for each channel the factor of its own Fourier coefficient, solved exactly.
    rest: of a plane, the fields and their Fourier coefficients, everything else as Fourier coefficients.
    start: of a plane and a random generator, the first fields.
    settle: time that passes before the recording.
    steps: of the solver, between two frames.
    fine: cells of the solver for one that is recorded, along each axis.
    hidden: channels that are solved and not recorded, the last ones.
    """

    law: Law | None
    channels: tuple[str, ...]
    dx: float
    dt: float
    linear: Callable[[Plane], list[Array]] | Callable[[Plane], list[Complex]]
    rest: Callable[[Plane, Array, Complex], list[Complex]]
    start: Callable[[Plane, np.random.Generator], Array]
    settle: float = 0.0
    steps: int = 2
    fine: int = 2
    hidden: int = 0


@dataclass(frozen=True)
class Recording:
    """frames (t, channel, h, w), with dt, dx and the channels' names."""

    frames: Array
    dt: float
    dx: float
    channels: tuple[str, ...]


class Stepper:
    """Fourth-order exponential time differencing with the step h."""

    def __init__(self, pde: PDE, plane: Plane, h: float) -> None:
        self.pde, self.plane = pde, plane
        symbol = np.array([np.broadcast_to(s, plane.k2.shape) for s in pde.linear(plane)])
        lh = symbol * h
        self.e, self.e2 = np.exp(lh), np.exp(lh / 2)
        total = [np.zeros_like(lh, dtype=complex) for _ in range(4)]
        for point in np.concatenate([CONTOUR, CONTOUR.conj()]):
            r = lh + point
            exp = np.exp(r)
            total[0] += (np.exp(r / 2) - 1) / r
            total[1] += (-4 - r + exp * (4 - 3 * r + r**2)) / r**3
            total[2] += (2 + r + exp * (r - 2)) / r**3
            total[3] += (-4 - 3 * r - r**2 + exp * (4 - r)) / r**3
        self.q, self.f1, self.f2, self.f3 = (h * t / 32 for t in total)

    def rest(self, v: Complex) -> Complex:
        fields = np.array([self.plane.back(x) for x in v])
        return np.array(self.pde.rest(self.plane, fields, v)) * self.plane.kept

    def __call__(self, v: Complex) -> Complex:
        n0 = self.rest(v)
        a = self.e2 * v + self.q * n0
        na = self.rest(a)
        b = self.e2 * v + self.q * na
        nb = self.rest(b)
        c = self.e2 * a + self.q * (2 * nb - n0)
        return self.e * v + self.f1 * n0 + 2 * self.f2 * (na + nb) + self.f3 * self.rest(c)


def record(
    name: str, *, size: int = 64, frames: int = 61, seed: int = 0, refine: int = 1, mirrored: bool = False
) -> Recording:
    """Solve one of PDES, QUOTIENTS or FREEFORMS from a random start and sample it.

    refine: divides the solver's time step. mirrored: the start is its own mirror image about the first row and column,
    and so is all that follows where the law has no direction.
    """
    from benchmarks.pde_freeforms import FREEFORMS
    from benchmarks.pde_systems import PDES, QUOTIENTS

    pde = (PDES | QUOTIENTS | FREEFORMS)[name]
    return solve(pde, size=size, frames=frames, seed=seed, refine=refine, mirrored=mirrored)


def solve(
    pde: PDE, *, size: int = 64, frames: int = 61, seed: int = 0, refine: int = 1, mirrored: bool = False
) -> Recording:
    """`record` for any system."""
    plane = Plane(size * pde.fine, pde.dx, pde.fine)
    steps = pde.steps * refine
    step = Stepper(pde, plane, pde.dt / steps)
    start = pde.start(plane, np.random.default_rng(seed))
    if mirrored:
        for axis in (1, 2):
            start = (start + np.roll(np.flip(start, axis), 1, axis)) / 2
    v = np.array([plane.hat(f) for f in start]) * plane.kept
    for _ in range(round(pde.settle / pde.dt) * steps):
        v = step(v)
    seen = []
    for _ in range(frames):
        seen.append([plane.back(x)[:: pde.fine, :: pde.fine] for x in v[: len(v) - pde.hidden]])
        for _ in range(steps):
            v = step(v)
    return Recording(np.array(seen), pde.dt, pde.dx, pde.channels)


def error_of_step(name: str, **how: int) -> float:
    """The largest difference that half the time step makes, as a share of the fields' spread."""
    whole, half = record(name, **how), record(name, refine=2, **how)
    spread = whole.frames.std(axis=(0, 2, 3))[:, None, None]
    return float((np.abs(whole.frames - half.frames) / spread).max())


def add_noise(recording: Recording, share: float, seed: int = 0) -> Recording:
    """White noise whose standard deviation is this share of each channel's own."""
    size = recording.frames.std(axis=(0, 2, 3))[:, None, None]
    noise = np.random.default_rng(seed).standard_normal(recording.frames.shape)
    return Recording(recording.frames + share * size * noise, recording.dt, recording.dx, recording.channels)
