"""Recordings that no law of the library made: nothing in them may be called found and be wrong.

from benchmarks.pde_controls import CONTROLS
recording = CONTROLS["lenia"](seed=0)
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.pde_data import PDE, Array, Complex, Plane, Recording, Stepper, record, solve
from benchmarks.pde_systems import PDES, diffusing, smooth_noise, starts

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


def one_species(name: str, seed: int) -> Recording:
    """The first channel of a system of several."""
    whole = _of(name, seed)
    return replace(whole, frames=whole.frames[:, :1], channels=whole.channels[:1])


def uneven(name: str, seed: int) -> Recording:
    """A system whose first channel also grows where the sine of x is above 0, and decays where it is below."""
    pde = PDES[name]

    def rest(p: Plane, f: Array, v: Complex) -> list[Complex]:
        first, *others = pde.rest(p, f, v)
        return [first + p.hat(0.5 * np.sin(2 * np.pi * np.arange(p.n) / p.n) * f[0]), *others]

    return solve(replace(pde, rest=rest), frames=FRAMES, seed=seed)


def shaken(name: str, seed: int) -> Recording:
    """A system with noise that acts on its first channel, smooth over 2 cells, new in each step of the solver."""
    rng, pde = _rng(seed, "shaken"), PDES[name]
    plane = Plane(SIZE * pde.fine, pde.dx, pde.fine)
    h = pde.dt / pde.steps
    step, frames = Stepper(pde, plane, h), []
    v = np.array([plane.hat(f) for f in pde.start(plane, np.random.default_rng(seed))]) * plane.kept
    for _ in range(FRAMES):
        frames.append([plane.back(x)[:: pde.fine, :: pde.fine] for x in v])
        for _ in range(pde.steps):
            v = step(v)
            v[0] += np.sqrt(h) * plane.hat(smooth_noise(plane, rng, 1, 2.0, 0.5)[0])
    return Recording(np.array(frames), pde.dt, pde.dx, pde.channels)


def crowded(seed: int) -> Recording:
    """Growth that a crowd within 5 cells limits: du/dt = 0.3 ∇²u + u (1 - the mean of u around), an equation of Fisher
    with a kernel (Britton 1989).
    """

    def rest(p: Plane, f: Array, v: Complex) -> list[Complex]:
        return [p.hat(f[0] * (1 - p.back(v[0] * np.exp(-p.k2 * 12.5))))]

    pde = PDE(None, ("u",), 1.0, 0.1, diffusing(0.3), rest, starts(1, 3.0, 0.25, (1.0,)))
    return solve(pde, frames=FRAMES, seed=seed)


def blurred(name: str, seed: int) -> Recording:
    """A system through a lens that blurs by 1.5 cells, each frame exposed for three frames' time."""
    sharp = _of(name, seed)
    seen = gaussian_filter(sharp.frames, (0, 0, 1.5, 1.5), mode="wrap")
    return replace(sharp, frames=(seen[:-2] + seen[1:-1] + seen[2:]) / 3)


def gif(name: str, seed: int) -> Recording:
    """A system as a GIF: its fields as red and green, 64 colours chosen anew for each frame."""
    from PIL import Image

    sharp = _of(name, seed)
    low, high = (f(axis=(0, 2, 3), keepdims=True) for f in (sharp.frames.min, sharp.frames.max))
    levels = np.round(255 * (sharp.frames - low) / (high - low)).astype(np.uint8)
    channels, frames = levels.shape[1], []
    for frame in levels:
        colours = np.zeros((SIZE, SIZE, 3), np.uint8)
        colours[..., :channels] = frame.transpose(1, 2, 0)
        file = io.BytesIO()
        Image.fromarray(colours).quantize(64).save(file, "GIF")
        seen = np.asarray(Image.open(file).convert("RGB"), np.float64)
        frames.append(seen[..., :channels].transpose(2, 0, 1) / 255)
    return replace(sharp, frames=np.array(frames))


def flicker(name: str, seed: int) -> Recording:
    """A system whose brightness differs by 5 % from frame to frame."""
    sharp, rng = _of(name, seed), _rng(seed, "flicker")
    return replace(sharp, frames=sharp.frames * (1 + 0.05 * rng.standard_normal((FRAMES, 1, 1, 1))))


def fading(name: str, seed: int) -> Recording:
    """A system whose brightness falls by 30 %."""
    sharp = _of(name, seed)
    return replace(sharp, frames=sharp.frames * np.linspace(1, 0.7, FRAMES)[:, None, None, None])


def dropped(name: str, seed: int) -> Recording:
    """A system without a tenth of its frames, as if none was missing."""
    sharp, rng = _of(name, seed), _rng(seed, "dropped")
    return replace(sharp, frames=sharp.frames[rng.uniform(size=FRAMES) > 0.1])


def gamma(name: str, seed: int) -> Recording:
    """A system by a camera whose answer to light is a power of 0.8."""
    sharp = _of(name, seed)
    low, high = (f(axis=(0, 2, 3), keepdims=True) for f in (sharp.frames.min, sharp.frames.max))
    return replace(sharp, frames=((sharp.frames - low) / (high - low)) ** 0.8)


CAMERA: dict[str, Callable[[str, int], Recording]] = {
    "blurred": blurred,
    "gif": gif,
    "flicker": flicker,
    "fading": fading,
    "dropped-frames": dropped,
    "gamma": gamma,
}
CONTROLS: dict[str, Callable[[int], Recording]] = {
    "lenia": lenia,
    "smooth-life": smooth_life,
    "noise-video": noise_video,
    "stochastic": stochastic,
    "whirl": whirl,
    "hidden-fitzhugh-nagumo": lambda seed: _of("hidden-species", seed),
    "hidden-lambda-omega": partial(one_species, "lambda-omega"),
    "hidden-gray-scott": partial(one_species, "gray-scott"),
    "uneven-medium": lambda seed: _of("uneven-medium", seed),
    "nonlocal": lambda seed: _of("nonlocal", seed),
    **{name: partial(made, "lambda-omega") for name, made in CAMERA.items()},
}
UNSEEN = ("brusselator", "ginzburg-landau", "swift-hohenberg")  # no test of a cause was tuned on these
OTHERS: dict[str, Callable[[int], Recording]] = {
    "nonlocal-fisher": crowded,
    **{f"hidden-{name}": partial(one_species, name) for name in ("brusselator", "ginzburg-landau", "food-chain")},
    **{f"uneven-{name}": partial(uneven, name) for name in UNSEEN},
    **{f"stochastic-{name}": partial(shaken, name) for name in UNSEEN},
    **{f"{kind}-{name}": partial(made, name) for name in UNSEEN for kind, made in CAMERA.items()},
}
