"""What is settled before terms are searched: the noise, the scheme in time, and the Laplacian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.identify.blocks import Blocks, make_blocks
from distill.identify.candidate_terms import candidate_terms, plain_terms
from distill.identify.choose import AGREEING_DRAWS, draws, held_out_errors
from distill.identify.noise import Noise, smooth
from distill.identify.paths import best_path
from distill.identify.schemes import Scheme, radius_for
from distill.identify.stencil import CORNERS, EDGES, FREE, candidates, mix
from distill.identify.system import LEAST_SIDE, System, Windows
from distill.weak.boundary import decide
from equations.rule.stencils import DX, DY, ID, feature_names

Array = npt.NDArray[np.float64]

DERIVATIVES = ("auto", "step", "multistep", "weak", "savgol")
ORDERS = (1, 2, 4, 6)
CLEARLY = 0.05  # a less usual stencil or scheme must lower the error by this share
FREE_STENCILS = (ID, EDGES, CORNERS, DX, DY)
MOST_TIME, MOST_SPACE = 6, 8  # the radius of windows is at most a 6th of the frames and an 8th of the shorter side
EXACT = 1e-7  # relative error below which no further scheme is tried
COMPARED_TERMS = 10  # most terms of the equations that schemes and stencils are compared by
ROWS = 6000
SUBSTEPS = (2, 4, 8, 16, 32)  # steps between two frames that are tried …
NEARBY = (0.625, 0.75, 0.875, 1.125, 1.25, 1.5)  # … and then these shares of the best one


@dataclass(frozen=True)
class Survey:
    """What was settled.

    derivative: one of DERIVATIVES, but auto.
    windows: scheme in time and windows.
    stencil: a Laplacian's name, or "free".
    frames: the recordings to continue with; smoothed for savgol.
    tried: held-out error of every scheme and stencil that was tried, over the least of them.
    """

    derivative: str
    windows: Windows
    stencil: str
    frames: tuple[Array, ...]
    noise: Noise
    tried: Mapping[str, float]


def survey(
    recordings: Sequence[Array],
    dt: float,
    channels: Sequence[str],
    noise: Noise,
    *,
    derivative: str = "auto",
    stencil: str = "auto",
    dx: float = 1.0,
    boundary: str = "auto",
    further: Sequence[Expr] = (),
    seed: int = 0,
) -> Survey:
    """Settle what is not given.

    Every scheme and stencil is tried with a small library: products of states, slopes, and the Laplacian over edges and
    over corners. A less usual one is taken only where the held-out error of its best equations is clearly lower.
    boundary: "periodic", "walls", or "auto": as the edges of the frames look.
    further: terms of the states that are added to this library.
    """
    if derivative == "auto":
        derivative = "weak" if noise.some else ("step" if min(map(len, recordings)) < 8 else "auto")
    frames = tuple(smooth(f, noise.bands) for f in recordings) if derivative == "savgol" else tuple(recordings)
    levels = noise.levels if derivative != "savgol" else np.zeros_like(noise.levels)
    shortest = min(map(len, recordings))
    orders = [o for o in ORDERS if o == 1 or shortest > o + 1]
    orders = {"step": [1], "multistep": [o for o in orders if o > 1] or [1]}.get(derivative, orders)
    if derivative == "weak":
        orders = [o for o in orders if o in (1, 4)]
    large = all(min(f.shape[2:]) >= LEAST_SIDE for f in recordings)
    walls = large and decide(boundary, recordings, noise.levels) == "walls"

    def windows_of(order: int) -> Windows:
        found = windows_for(order, noise, recordings) if derivative == "weak" else Windows(Scheme(order))
        return replace(found, walls=walls)

    scores: dict[tuple[int, str], Array] = {}
    names = candidates(dx) if stencil == "auto" else [stencil]
    for order in orders:
        system = System(frames, dt, channels, FREE_STENCILS, windows_of(order), levels, rows=ROWS, seed=seed)
        scores |= {(order, name): e for name, e in _errors(system, names, stencil, further, seed).items()}
        if min(e.sum() for e in scores.values()) < EXACT:
            break
    orders = [o for o in orders if any(o == tried for tried, _ in scores)]
    order, name = _preferred(scores, orders, [*names, FREE] if stencil == "auto" else names, seed)
    windows = windows_of(order)
    if order > 1:
        substeps, more = _substeps(frames, dt, channels, windows, levels, name, further, seed)
        windows = replace(windows, scheme=replace(windows.scheme, substeps=substeps))
        scores |= more
    if derivative == "auto":
        derivative = "step" if order == 1 else "multistep"
    totals = {key: float(e.sum()) for key, e in scores.items()}
    least = min(totals.values())
    tried = {f"{n}, {_scheme_name(o)}": e / least for (o, n), e in totals.items()}
    return Survey(derivative, windows, name, frames, noise, tried)


def _scheme_name(order: int) -> str:
    if order < 0:
        return f"{-order} steps a frame"
    return "step" if order == 1 else f"order {order}"


def _substeps(
    frames: Sequence[Array],
    dt: float,
    channels: Sequence[str],
    windows: Windows,
    levels: Array,
    name: str,
    further: Sequence[Expr],
    seed: int,
) -> tuple[int, dict[tuple[int, str], Array]]:
    """The number of steps between two frames, and the errors of all numbers n that were tried, under the key −n.

    The number is 0, for continuous time, unless another is clearly better.
    """
    scores: dict[tuple[int, str], Array] = {}

    def try_counts(counts: Sequence[int]) -> None:
        for count in counts:
            if (-count, name) not in scores:
                tried = replace(windows, scheme=replace(windows.scheme, substeps=count))
                system = System(frames, dt, channels, FREE_STENCILS, tried, levels, rows=ROWS, seed=seed)
                scores[-count, name] = _errors(system, [name], name, further, seed)[name]

    try_counts((0, *SUBSTEPS))
    best = -min(scores, key=lambda key: float(scores[key].sum()))[0]
    if best:
        try_counts(sorted({round(best * share) for share in NEARBY} - {0, 1}))
    first, _ = _preferred(scores, [0, min(scores, key=lambda key: float(scores[key].sum()))[0]], [name], seed)
    return -first, {key: e for key, e in scores.items() if key[0]}


def windows_for(order: int, noise: Noise, recordings: Sequence[Array]) -> Windows:
    """Windows whose spectrum ends where there is more noise than signal: the widest that keep the signal."""
    shortest, side = min(map(len, recordings)), min(min(f.shape[2:]) for f in recordings)
    radius = min(radius_for(noise.bands[0]), (shortest - 2) // MOST_TIME)
    across = min(radius_for(noise.bands[1]), side // MOST_SPACE)
    return Windows(Scheme(order, max(0, radius), max(1, radius // 2)), max(0, across))


def _errors(system: System, names: Sequence[str], stencil: str, further: Sequence[Expr], seed: int) -> dict[str, Array]:
    """Held-out error in every block for each stencil, summed over channels as shares of their power.

    The error due to noise differs between stencils. The least of them is added to all, so that noise alone does not
    decide.
    """
    channels = system.channels
    free = candidate_terms(channels, system.names, small=True)
    count = len(further)

    def columns(of: System) -> Array:
        found = of.columns(free)
        return np.concatenate([found, of.values(further)], axis=1) if count else found

    blocks = make_blocks(system, columns, seed, replicas=1, plain=range(len(free.terms)))
    order = [len(term) for term in free.terms] + [4] * count
    found = {}
    if stencil in ("auto", FREE):
        found[FREE] = _error(blocks, order, plain_terms(free, channels), channels, count)
    for name in names:
        if name == FREE:
            continue
        stencils = (ID, ID, DX, DY)  # only the names count
        short = feature_names(channels, (ID, EDGES, *stencils[2:]))
        named = candidate_terms(channels, short, small=True)
        matrix = mix(free, named, name)
        whole = np.zeros((len(matrix) + count, len(order)))
        whole[: len(matrix), : len(free.terms)] = matrix
        whole[len(matrix) :, len(free.terms) :] = np.eye(count)
        order_named = [len(term) for term in named.terms] + [4] * count
        found[name] = _error(blocks.mixed(whole), order_named, plain_terms(named, channels), channels, count)
    noise = min((noise for _, noise in found.values()), key=lambda n: float(n.sum()))
    return {name: np.maximum(error + noise, 1e-30) for name, (error, _) in found.items()}


def _error(
    blocks: Blocks, order: Sequence[int], plain: Sequence[int], channels: Sequence[str], further: int
) -> tuple[Array, Array]:
    """The held-out error in every block without that due to noise, and the error due to noise."""
    total, noise = np.full(len(blocks.rows), 1e-30), np.zeros(len(blocks.rows))
    plain = [*plain, *range(len(order) - further, len(order))]
    everything = np.ones(len(blocks.rows))
    for channel in range(len(channels)):
        path = best_path(blocks.problem(everything, channel, order), plain, COMPARED_TERMS)
        errors = held_out_errors(blocks, channel, path)
        power = float(blocks.power[:, channel].sum())
        if power > 0:
            total += min(errors, key=lambda e: float(e.sum())) / power
            if path:
                noise += blocks.disturbance(channel, path[-1], blocks.fit(everything, channel, path[-1])) / power
    return total, noise


def _preferred(
    scores: Mapping[tuple[int, str], Array], orders: Sequence[int], names: Sequence[str], seed: int
) -> tuple[int, str]:
    """The first scheme and stencil, in order of preference, that is not clearly worse than the best in most draws."""
    best = min(scores, key=lambda key: float(scores[key].sum()))
    mix = np.array(draws(len(scores[best]), seed))
    least = mix @ scores[best]
    for order in orders:
        for name in names:
            if np.mean((1 - CLEARLY) * (mix @ scores[order, name]) > least) < AGREEING_DRAWS:
                return order, name
    return best
