"""Recordings that no law of the library made: nothing in them may be called found and be wrong.

from benchmarks.pde_controls import CONTROLS
recording = CONTROLS["lenia"](seed=0)
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.pde_data import Array, Recording, record

SIZE, FRAMES = 64, 120


def _rng(seed: int, word: str) -> np.random.Generator:
    return np.random.default_rng((seed, sum(map(ord, word))))


def _film(frames: list[Array], dt: float = 1.0) -> Recording:
    """One channel, cells of width 1."""
    return Recording(np.array(frames)[:, None], dt, 1.0, ("u",))


def _ring(radius: float, inner: float, outer: float, soft: float) -> Array:
    """The Fourier transform of a ring of total weight 1 between two radii, in shares of `radius`."""
    axis = np.minimum(np.arange(SIZE), SIZE - np.arange(SIZE)) / radius
    r = np.hypot(axis[:, None], axis[None, :])
    ring = 1 / (1 + np.exp(-(r - inner) / soft)) / (1 + np.exp((r - outer) / soft))
    return np.asarray(np.fft.rfft2(ring / ring.sum()))


def _around(field: Array, kernel: Array) -> Array:
    return np.asarray(np.fft.irfft2(np.fft.rfft2(field) * kernel, s=field.shape))


def lenia(seed: int) -> Recording:
    """Chan 2019: growth by a Gaussian of the weighted mean over a ring of radius 13; dt 0.1."""
    rng, kernel = _rng(seed, "lenia"), _ring(13.0, 0.25, 0.75, 0.06)
    field = np.clip(gaussian_filter(rng.uniform(size=(SIZE, SIZE)), 5, mode="wrap") * 16 - 7.6, 0, 1)
    frames = []
    for _ in range(FRAMES):
        frames.append(field)
        growth = 2 * np.exp(-np.square((_around(field, kernel) - 0.15) / 0.03) / 2) - 1
        field = np.clip(field + 0.1 * growth, 0, 1)
    return _film(frames, 0.1)


def smooth_life(seed: int) -> Recording:
    """Rafler 2011: disc and ring of radius 3 and 9, transitions b 0.278-0.365, d 0.267-0.445, as du/dt = s - u."""
    rng = _rng(seed, "smooth life")
    disc, ring = _ring(9.0, -1.0, 1 / 3, 0.05), _ring(9.0, 1 / 3, 1.0, 0.05)
    field = np.clip(gaussian_filter(rng.uniform(size=(SIZE, SIZE)), 3, mode="wrap") * 10 - 4.6, 0, 1)
    frames = []

    def rise(x: Array, at: Array | float, width: float) -> Array:
        return np.asarray(1 / (1 + np.exp(-4 * (x - at) / width)))

    for _ in range(FRAMES):
        frames.append(field)
        n, m = _around(field, ring), _around(field, disc)
        alive = rise(m, 0.5, 0.147)
        low, high = 0.278 + alive * (0.267 - 0.278), 0.365 + alive * (0.445 - 0.365)
        field = field + 0.1 * (rise(n, low, 0.028) * (1 - rise(n, high, 0.028)) - field)
    return _film(frames, 0.1)


def noise_video(seed: int) -> Recording:
    """Noise that is smooth over 3 cells and 4 frames, of no dynamics at all."""
    field = _rng(seed, "noise video").standard_normal((FRAMES, SIZE, SIZE))
    return _film(list(gaussian_filter(field, (4, 3, 3), mode="wrap") * 50))


def stochastic(seed: int) -> Recording:
    """Allen-Cahn with noise that acts on the dynamics, smooth over 2 cells, new in each of ten steps a frame."""
    rng = _rng(seed, "stochastic")
    field, frames = gaussian_filter(rng.standard_normal((SIZE, SIZE)), 3, mode="wrap") * 5, []
    for _ in range(FRAMES):
        frames.append(field)
        for _ in range(10):
            force = gaussian_filter(rng.standard_normal((SIZE, SIZE)), 2, mode="wrap") * 7
            lap = sum(np.roll(field, s, a) for a in (0, 1) for s in (-1, 1)) - 4 * field
            field = field + 0.01 * (field - field**3 + 0.5 * lap) + 0.1 * 0.5 * force
    return _film(frames, 0.1)


def whirl(seed: int) -> Recording:
    """A picture carried around by a swirl: the velocity depends on the place, and is no field of the recording."""
    rng = _rng(seed, "whirl")
    picture = np.fft.rfft2(gaussian_filter(rng.standard_normal((SIZE, SIZE)), 3, mode="wrap") * 10)
    k = 2 * np.pi * np.fft.fftfreq(SIZE)
    kx, ky = k[None, : SIZE // 2 + 1], k[:, None]
    phase = 2 * np.pi * np.arange(SIZE) / SIZE
    across, down = np.sin(phase)[:, None] + np.zeros(SIZE), -np.sin(phase)[None, :] + np.zeros((SIZE, 1))
    frames = []

    def slope(v: Array) -> Array:
        x, y = (np.fft.irfft2(1j * k * v, s=(SIZE, SIZE)) for k in (kx, ky))
        return np.asarray(np.fft.rfft2(-across * x - down * y) - 0.05 * (kx**2 + ky**2) * v)

    for _ in range(FRAMES):
        frames.append(np.fft.irfft2(picture, s=(SIZE, SIZE)))
        for _ in range(2):  # Runge-Kutta of fourth order
            a = slope(picture)
            b = slope(picture + 0.05 * a)
            c = slope(picture + 0.05 * b)
            picture = picture + 0.1 / 6 * (a + 2 * b + 2 * c + slope(picture + 0.1 * c))
    return _film(frames, 0.2)


def _of(name: str, seed: int) -> Recording:
    return record(name, frames=FRAMES, seed=seed)


def one_species(name: str) -> Callable[[int], Recording]:
    """The first channel of a system of two."""

    def made(seed: int) -> Recording:
        whole = _of(name, seed)
        return replace(whole, frames=whole.frames[:, :1], channels=whole.channels[:1])

    return made


def blurred(seed: int) -> Recording:
    """Lambda-omega through a lens that blurs by 1.5 cells, each frame exposed for three frames' time."""
    sharp = _of("lambda-omega", seed)
    seen = gaussian_filter(sharp.frames, (0, 0, 1.5, 1.5), mode="wrap")
    return replace(sharp, frames=(seen[:-2] + seen[1:-1] + seen[2:]) / 3)


def gif(seed: int) -> Recording:
    """Lambda-omega as a GIF: both fields as red and green, 64 colours chosen anew for each frame and dithered."""
    from PIL import Image

    sharp = _of("lambda-omega", seed)
    low, high = (f(axis=(0, 2, 3), keepdims=True) for f in (sharp.frames.min, sharp.frames.max))
    levels = np.round(255 * (sharp.frames - low) / (high - low)).astype(np.uint8)
    frames = []
    for red, green in levels:
        picture = Image.fromarray(np.stack([red, green, np.zeros_like(red)], axis=2)).quantize(64)
        file = io.BytesIO()
        picture.save(file, "GIF")
        frames.append(np.asarray(Image.open(file).convert("RGB"), np.float64)[..., :2].transpose(2, 0, 1) / 255)
    return replace(sharp, frames=np.array(frames))


def flicker(seed: int) -> Recording:
    """Lambda-omega whose brightness differs by 5 % from frame to frame."""
    sharp, rng = _of("lambda-omega", seed), _rng(seed, "flicker")
    return replace(sharp, frames=sharp.frames * (1 + 0.05 * rng.standard_normal((FRAMES, 1, 1, 1))))


def fading(seed: int) -> Recording:
    """Lambda-omega whose brightness falls by 30 %."""
    sharp = _of("lambda-omega", seed)
    return replace(sharp, frames=sharp.frames * np.linspace(1, 0.7, FRAMES)[:, None, None, None])


def dropped(seed: int) -> Recording:
    """Lambda-omega without a tenth of its frames, as if none was missing."""
    sharp, rng = _of("lambda-omega", seed), _rng(seed, "dropped")
    return replace(sharp, frames=sharp.frames[rng.uniform(size=FRAMES) > 0.1])


def gamma(seed: int) -> Recording:
    """Lambda-omega by a camera whose answer to light is a power of 0.8."""
    sharp = _of("lambda-omega", seed)
    low, high = (f(axis=(0, 2, 3), keepdims=True) for f in (sharp.frames.min, sharp.frames.max))
    return replace(sharp, frames=((sharp.frames - low) / (high - low)) ** 0.8)


CONTROLS: dict[str, Callable[[int], Recording]] = {
    "lenia": lenia,
    "smooth-life": smooth_life,
    "noise-video": noise_video,
    "stochastic": stochastic,
    "whirl": whirl,
    "hidden-fitzhugh-nagumo": lambda seed: _of("hidden-species", seed),
    "hidden-lambda-omega": one_species("lambda-omega"),
    "hidden-gray-scott": one_species("gray-scott"),
    "uneven-medium": lambda seed: _of("uneven-medium", seed),
    "nonlocal": lambda seed: _of("nonlocal", seed),
    "blurred": blurred,
    "gif": gif,
    "flicker": flicker,
    "fading": fading,
    "dropped-frames": dropped,
    "gamma": gamma,
}
