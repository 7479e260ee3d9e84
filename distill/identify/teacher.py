"""A recording as the teacher: its law is read from the changes between neighbouring frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.identify.recording import Recordings, check_dt
from equations.perception import perceive
from equations.rule.init import Init
from equations.rule.rule import Display
from equations.rule.stencils import Stencil

if TYPE_CHECKING:
    from distill.sampling import Samples

Array = npt.NDArray[np.floating]
HELD_OUT = 5  # one pair of frames in this many is held out
REACH = 2  # frames on either side that the central derivative uses


class RecordingTeacher:
    """Frames (t, channel, h, w), `dt` apart, of a system with a local rule on a periodic grid.

    frames: one recording, or several that may differ in size and length.
    clamp: cells that end on its borders are left out.
    update_rate: below 1, cells that did not change count as masked and are left out.
    centred: for sampled continuous time.
    walls: leave out the cells along the edges, for frames that are not those of a torus.

    A sample is (perception of a frame, change to the next frame / dt); with `centred` the change is the derivative at
    the frame itself, by the central difference of fourth order. Settled frames teach little: record the transient.
    Raises InputError for fewer than two frames, NaN, or frames that never change.
    """

    def __init__(
        self,
        frames: Array | Sequence[Array],
        dt: float,
        channels: Sequence[str],
        stencils: Sequence[Stencil],
        *,
        clamp: tuple[float, float] | None = None,
        update_rate: float = 1.0,
        display: Display | None = None,
        centred: bool = False,
        walls: bool = False,
    ) -> None:
        several = (frames,) if isinstance(frames, np.ndarray) else tuple(frames)
        data = Recordings(several, tuple(channels), dt)
        data.check_change()
        self.recordings, self.frames = data.frames, data.frames[0]
        self.centred = centred and min(map(len, self.recordings)) > 2 * REACH + 1
        self.channels, self.stencils = data.channels, tuple(stencils)
        self.dt, self.clamp, self.display = check_dt(dt), clamp, display
        self.update_rate, self.walls = update_rate, walls
        self.mask: Literal["cell", "channel"] = "cell"
        self.init: Init | None = look_alike(self.frames[0])

    def rollout(self, *, size: tuple[int, int], steps: int, seed: int, every: int) -> Array:
        """The recorded frames 0, every, 2·every, … up to `steps`; size and seed are the recording's own."""
        return self.frames[: steps + 1 : every]

    def closed_form(self) -> dict[str, Expr] | None:
        return None

    def samples(self, *, rows: int, seed: int) -> Samples:
        """About `rows` cells of neighbouring frames; the middle fifth of the recording is held out.

        A recording of fewer than six frames is split by cells instead.
        """
        from distill.sampling import join_samples

        rng = np.random.default_rng(seed)
        parts: dict[bool, list[tuple[Array, Array]]] = {False: [], True: []}
        for frames in self.recordings:
            for is_held, found in self._sampled(frames, -(-rows // len(self.recordings)), rng).items():
                parts[is_held] += found
        # two float32 frames, each rounded by half a unit in the last place, and as much again from computing them
        ulp = max(float(np.abs(frames).max()) for frames in self.recordings) * 2.0**-23 / self.dt
        return join_samples(self, parts, ulp**2)

    def _sampled(self, frames: Array, rows: int, rng: np.random.Generator) -> dict[bool, list[tuple[Array, Array]]]:
        """About `rows` cells of one recording, by whether they are held out."""
        places = range(REACH, len(frames) - REACH) if self.centred else range(len(frames) - 1)
        held = _middle(len(places))
        share = -(-rows // max(1, len(places) - len(held)))  # rows of one pair
        parts: dict[bool, list[tuple[Array, Array]]] = {False: [], True: []}
        for number, index in enumerate(places):
            x, y = self._pair(index, frames)
            chosen = rng.permutation(len(x))
            if held:
                parts[number in held].append((x[chosen[:share]], y[chosen[:share]]))
            else:
                cut = len(x) // HELD_OUT
                parts[True].append((x[chosen[:cut][:share]], y[chosen[:cut][:share]]))
                parts[False].append((x[chosen[cut:][:share]], y[chosen[cut:][:share]]))
        return parts

    def _pair(self, index: int, frames: Array | None = None) -> tuple[Array, Array]:
        """Perception (cells, features) of frame `index` and the update (cells, channels) that followed."""
        frames = self.frames if frames is None else frames
        now, after = frames[index].astype(np.float64), frames[index + 1].astype(np.float64)
        x = perceive(now, self.stencils).reshape(len(self.channels) * len(self.stencils), -1).T
        change = _central(frames, index) if self.centred else after - now
        y = (change / self.dt).reshape(len(self.channels), -1).T
        keep = np.ones(len(x), bool)
        if self.walls:
            inner = np.zeros(now.shape[1:], bool)
            inner[1:-1, 1:-1] = True
            keep &= inner.ravel()
        if self.update_rate < 1:
            keep &= (y != 0).any(axis=1)
        if self.clamp is not None:
            flat = after.reshape(len(self.channels), -1)
            keep &= ((flat > self.clamp[0]) & (flat < self.clamp[1])).all(axis=0)
        return x[keep], y[keep]


def _middle(pairs: int) -> frozenset[int]:
    """The held-out pairs: a block in the middle, so that training sees early and late frames; none if there are few."""
    count = pairs // HELD_OUT
    start = (pairs - count) // 2
    return frozenset(range(start, start + count))


def _central(frames: Array, index: int) -> Array:
    """The derivative at a frame, times dt: exact for polynomials of degree 4."""
    before2, before, after, after2 = (frames[index + k].astype(np.float64) for k in (-2, -1, 1, 2))
    derivative: Array = (8 * (after - before) - (after2 - before2)) / 12
    return derivative


def look_alike(frame: Array) -> Init:
    """A noise init with the first frame's mean and spread per channel, for runs of the found rule."""
    mean = frame.mean(axis=(1, 2))
    spread = np.sqrt(3.0) * frame.std(axis=(1, 2))  # uniform noise of ±a has deviation a/√3
    return Init("noise", background=tuple(map(float, mean)), amplitude=tuple(map(float, spread)))
