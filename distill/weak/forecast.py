"""A forecast by the law from a late frame, compared with the frames that follow: for periodic recordings.

Pseudo-spectral in space; in time Runge-Kutta of fourth order with the channels' own linear terms solved exactly
(integrating factor). The number of steps between frames is doubled until the forecast no longer changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distill.weak.forms import evaluate
from distill.weak.terms import Part, Term

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

LONGEST = 8  # frames of a forecast at most
MOST_STEPS = 64  # between two frames
SAME = 0.02  # of the change; a forecast that moves less when its step is halved is good enough
RUNAWAY = 60.0  # logarithm of the growth over a forecast beyond which a law is ill-posed
LARGEST = 1e6


class Spectral:
    """The right-hand side of a law in units of cells, frames and scales, on a periodic plane.

    weights: (terms, channels), coefficients.
    """

    def __init__(self, terms: Sequence[Term], weights: Array, shape: tuple[int, int]) -> None:
        self.terms, self.weights, self.shape = terms, weights, shape
        ky = 2 * np.pi * np.fft.fftfreq(shape[0])[:, None]
        kx = 2 * np.pi * np.fft.rfftfreq(shape[1])[None, :]
        self.kept = (np.abs(ky) < np.pi * 0.9) & (np.abs(kx) < np.pi * 0.9)
        self.k = (1j * ky, 1j * kx)
        channels = weights.shape[1]
        self.linear = np.zeros((channels, shape[0], shape[1] // 2 + 1), dtype=complex)
        self.own = np.zeros_like(weights, dtype=bool)
        for index, term in enumerate(terms):
            plain = len(term.channels) == 1 and term.saturation is None
            if plain and not any(direction for _, direction in term.parts[0].factors):
                c = term.channels[0]
                self.own[index, c] = True
                self.linear[c] += weights[index, c] * sum(p.weight * self._symbol(p.moved) for p in term.parts)

    def _symbol(self, moved: tuple[int, int]) -> Complex:
        return np.asarray(self.k[0] ** moved[0] * self.k[1] ** moved[1], dtype=complex)

    def rest(self, v: Complex) -> Complex:
        """All terms but those of `linear`, of Fourier coefficients (channels, h, w // 2 + 1)."""
        fields: dict[tuple[int, str], Array] = {}

        def field(factor: tuple[int, str]) -> Array:
            if factor not in fields:
                c, direction = factor
                hat = v[c] * self.k[1 if direction == "x" else 0] if direction else v[c]
                fields[factor] = np.fft.irfft2(hat, s=self.shape)
            return fields[factor]

        def transformed(part: Part, term: Term) -> Complex:
            values, inside = np.ones(self.shape), term.saturation
            if term.free is not None:
                fields = [unit * field((c, "")) for c, unit in enumerate(term.free.units)]
                values = evaluate(term.free.basis, term.free.names, fields)
            if inside is not None:
                raised = field((inside.channel, "")) ** inside.power
                values = raised / (raised + inside.half**inside.power)
            for factor in part.factors:
                values = values * field(factor)
            return np.asarray(part.weight * self._symbol(part.moved) * np.fft.rfft2(values))

        result = np.zeros_like(v)
        for index, term in enumerate(self.terms):
            wanted = np.where(self.own[index], 0.0, self.weights[index])
            if wanted.any():
                hat = sum((transformed(part, term) for part in term.parts), np.zeros_like(v[0]))
                result += wanted[:, None, None] * hat
        return result * self.kept


def forecast(law: Spectral, start: Array, frames: int, *, same: float = SAME) -> Array | None:
    """The frames (frames, channel, h, w) that follow `start`; None when the law grows without bound.

    same: share of the change by which halving the step may still move them.
    """
    if float(law.linear.real.max()) * frames > RUNAWAY:
        return None
    last: Array | None = None
    steps = 2
    while steps <= MOST_STEPS:
        found = _integrate(law, start, frames, steps)
        if found is not None and last is not None:
            moved = float(np.square(found - start).mean())
            if float(np.square(found - last).mean()) <= same**2 * max(moved, 1e-12):
                return found
        last, steps = found, steps * 2
    return None


def _integrate(law: Spectral, start: Array, frames: int, steps: int) -> Array | None:
    h = 1.0 / steps
    half = np.exp(law.linear * h / 2)
    whole = half * half
    v = np.fft.rfft2(start)
    seen = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(frames):
            for _ in range(steps):
                a = law.rest(v)
                b = law.rest(half * (v + h / 2 * a))
                c = law.rest(half * v + h / 2 * b)
                d = law.rest(whole * v + h * half * c)
                v = whole * v + h / 6 * (whole * a + 2 * half * (b + c) + d)
            state = np.fft.irfft2(v, s=law.shape)
            if not np.isfinite(state).all() or np.abs(state).max() > LARGEST:
                return None
            seen.append(state)
    return np.array(seen)


def mirrored(state: Array) -> Array:
    """A state (channel, h, w) beside its mirror images, (channel, 2h, 2w): periodic, and without steps at its edges."""
    wide = np.concatenate([state, state[:, :, ::-1]], axis=2)
    return np.asarray(np.concatenate([wide, wide[:, ::-1]], axis=1))


def denoised(frame: Array, noise: Array) -> tuple[Array, Array]:
    """A frame (channel, h, w) through a Wiener filter, and what noise remains in each channel, as a deviation."""
    size = frame.shape[1] * frame.shape[2]
    power = np.square(np.abs(np.fft.fft2(frame)))
    floor = size * np.square(noise)[:, None, None]
    smooth = _blurred(power)
    kept = np.clip(smooth - floor, 0.0, None) / np.clip(smooth, 1e-300, None)
    kept[:, 0, 0] = 1.0
    clean = np.fft.ifft2(np.fft.fft2(frame) * kept).real
    return np.asarray(clean), np.asarray(noise * np.sqrt(kept.mean(axis=(1, 2))))


def _blurred(power: Array) -> Array:
    """The mean of each Fourier coefficient's power and that of its eight neighbours."""
    shifted = [np.roll(power, (dy, dx), axis=(1, 2)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return np.asarray(np.mean(shifted, axis=0))


def compare(predicted: Array, seen: Array, start: Array, noise: Array) -> float:
    """The error of a forecast as a share of the change, root mean square over frames and channels, without noise."""
    level = np.square(noise)[:, None, None]
    wrong = float((np.square(predicted - seen) - level).mean())
    change = float((np.square(seen - start) - level).mean())
    return float(np.sqrt(max(wrong, 0.0) / max(change, 1e-12)))
