"""Recordings as training needs them: windows to roll out in, the units of change, a part that is held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from distill.identify.recording import Recordings
from equations.errors import InputError
from equations.rule.checks import check_channels

HELD_OUT = 5  # one frame in this many is kept for judging, in the middle, where there are enough
ENOUGH = 10  # frames
QUIET = 0.05  # what a window in which nothing happens counts for against an average one
DEAD = 1e-7  # a channel that changes by less than this share of its size stands still: float32 keeps no more


@dataclass(frozen=True)
class Window:
    """Frames first … first + length of one recording."""

    recording: int
    first: int


class Footage:
    """Recordings of one system, each frames (t, channel, h, w), `dt` apart; they may differ in length and size.

    Raises InputError for fewer than two frames, numbers that are not finite, grids below 3 × 3, or frames of which a
    channel never changes.
    """

    def __init__(self, recordings: Sequence[np.ndarray], names: Sequence[str], dt: float, dx: float = 1.0) -> None:
        data = Recordings(tuple(recordings), check_channels(tuple(names)), float(dt), float(dx))
        self.names, self.dt, self.dx = data.channels, data.dt, data.dx
        for f in data.frames:
            if min(f.shape[2:]) < 3:
                raise InputError(f"recording: expected a grid of at least 3 x 3 cells, got {f.shape[3]} x {f.shape[2]}")
        self.frames = tuple(torch.from_numpy(f) for f in data.frames)
        still = (self.change <= DEAD * self.size).nonzero().flatten().tolist()
        if still:
            which = "frames" if len(still) == len(self.names) else f"channel {self.names[still[0]]}"
            raise InputError(
                f"recording: expected {which} to change, got the same each time; start from a random state, and record "
                "before it settles"
            )

    @cached_property
    def size(self) -> Tensor:
        """The largest |value| of each channel, (channel,)."""
        return torch.stack([f.abs().amax(dim=(0, 2, 3)) for f in self.frames]).amax(dim=0).double()

    @cached_property
    def change(self) -> Tensor:
        """The root mean square change from frame to frame, (channel,)."""
        return self.change_over(1)

    def change_over(self, frames: int) -> Tensor:
        """The same over so many frames: the unit of errors at that age, (channel,)."""
        total, count = torch.zeros(len(self.names), dtype=torch.float64), 0
        for f in self.frames:
            if len(f) > frames:
                moved = (f[frames:] - f[:-frames]).double()
                total += moved.square().sum(dim=(0, 2, 3))
                count += moved[:, 0].numel()
        return (total / max(1, count)).sqrt()

    @property
    def longest(self) -> int:
        """The most frames after a first one that any recording has."""
        return max(len(f) for f in self.frames) - 1

    def windows(self, length: int, *, held: bool = False) -> list[Window]:
        """All windows of `length` frames after the first: those inside the held-out part, or those that touch none of
        it. Where a recording is too short to hold any out, held-out windows are those of training.
        """
        found = []
        for index, f in enumerate(self.frames):
            low, high = self._held(len(f))
            for first in range(len(f) - length):
                last = first + length
                inside = low <= first and last < high
                outside = last < low or first >= high
                if inside if held else outside:
                    found.append(Window(index, first))
        if not found and held:
            return self.windows(length)
        return found or [Window(i, t) for i, f in enumerate(self.frames) for t in range(len(f) - length)]

    @staticmethod
    def _held(count: int) -> tuple[int, int]:
        length = count // HELD_OUT if count >= ENOUGH else 0
        low = (count - length) // 2
        return low, low + length

    def draw(self, length: int, count: int, random: torch.Generator) -> list[Window]:
        """`count` different windows (fewer where there are fewer), the livelier the likelier; in order."""
        known = self.windows(length)
        activity = torch.stack([self.activity(w, length) for w in known])
        weights = activity / activity.mean().clamp(min=1e-30) + QUIET
        chosen = torch.multinomial(weights, min(count, len(known)), generator=random)
        return [known[i] for i in sorted(chosen.tolist())]

    def activity(self, window: Window, length: int) -> Tensor:
        """How much happens in a window of `length` frames: mean square change in units of the channels' own."""
        return self._activity[window.recording][window.first : window.first + length].mean()

    @cached_property
    def _activity(self) -> list[Tensor]:
        """Of each recording: the mean square change to the next frame in units of the channels' own, (t - 1,)."""
        unit = self.change[:, None, None]
        return [((f[1:] - f[:-1]).double() / unit).square().mean(dim=(1, 2, 3)) for f in self.frames]

    def fingerprint(self) -> str:
        """A short text that differs between recordings."""
        digest = hashlib.sha256(repr((self.names, self.dt, self.dx)).encode())
        for f in self.frames:
            digest.update(repr(tuple(f.shape)).encode() + f.numpy().tobytes())
        return digest.hexdigest()[:16]

    def excerpt(self, numbers: int) -> Footage:
        """At most about `numbers` values: of each recording its liveliest stretch of neighbouring frames."""
        share = numbers // len(self.frames)
        kept = []
        for f, activity in zip(self.frames, self._activity, strict=True):
            length = min(len(f), max(3, share // f[0].numel()))
            sums = torch.cat([torch.zeros(1, dtype=torch.float64), activity]).cumsum(0)
            first = int((sums[length - 1 :] - sums[: len(f) - length + 1]).argmax())
            kept.append(f[first : first + length].numpy())
        return Footage(kept, self.names, self.dt, self.dx)
