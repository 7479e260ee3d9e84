"""Recordings as tensors, for training and refitting: windows to roll out in, units of change, a held-out part."""

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

HELD_OUT = 5  # one frame in this many, in the middle, is held out …
LEAST_FRAMES = 10  # … from recordings of at least this length
QUIET_WEIGHT = 0.05  # weight in drawing of a window without change; that of an average one is about 1
STILL = 1e-7  # a channel that changes by less than this share of its size is constant: float32 resolves no more


@dataclass(frozen=True)
class Window:
    """Consecutive frames of one recording.

    recording: its index.
    first: index of the first frame.
    """

    recording: int
    first: int


class Footage:
    """`Recordings` as float32 tensors (t, channel, h, w), one for each recording.

    names: the channels.
    Raises InputError as `Recordings` does, and for grids below 3 × 3 or a channel that never changes.
    """

    def __init__(self, recordings: Sequence[np.ndarray], names: Sequence[str], dt: float, dx: float = 1.0) -> None:
        data = Recordings(tuple(recordings), check_channels(tuple(names)), float(dt), float(dx))
        self.names, self.dt, self.dx = data.channels, data.dt, data.dx
        for f in data.frames:
            if min(f.shape[2:]) < 3:
                raise InputError(f"recording: expected a grid of at least 3 x 3 cells, got {f.shape[3]} x {f.shape[2]}")
        self.frames = tuple(torch.from_numpy(f) for f in data.frames)
        still = (self.change <= STILL * self.size).nonzero().flatten().tolist()
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
        """The root mean square change over this many frames, (channel,): the unit of a forecast's error at that age."""
        total, count = torch.zeros(len(self.names), dtype=torch.float64), 0
        for f in self.frames:
            if len(f) > frames:
                moved = (f[frames:] - f[:-frames]).double()
                total += moved.square().sum(dim=(0, 2, 3))
                count += moved[:, 0].numel()
        return (total / max(1, count)).sqrt()

    @property
    def longest(self) -> int:
        """Frames of the longest recording, without its first."""
        return max(len(f) for f in self.frames) - 1

    def windows(self, length: int, *, held: bool = False) -> list[Window]:
        """All windows of a first frame and `length` more that lie outside the held-out part, or (`held`) inside it.

        Where all recordings are too short to hold any out, the held-out windows are those of training.
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
        length = count // HELD_OUT if count >= LEAST_FRAMES else 0
        low = (count - length) // 2
        return low, low + length

    def draw(self, length: int, count: int, random: torch.Generator) -> list[Window]:
        """At most `count` different windows, in order; windows with more change are more likely."""
        known = self.windows(length)
        activity = torch.stack([self.activity(w, length) for w in known])
        weights = activity / activity.mean().clamp(min=1e-30) + QUIET_WEIGHT
        chosen = torch.multinomial(weights, min(count, len(known)), generator=random)
        return [known[i] for i in sorted(chosen.tolist())]

    def activity(self, window: Window, length: int) -> Tensor:
        """Mean square change from frame to frame in a window, relative to the channels' own (`change`)."""
        return self._activity[window.recording][window.first : window.first + length].mean()

    @cached_property
    def _activity(self) -> list[Tensor]:
        """For each recording the mean square change to the next frame, relative to `change`, (t - 1,)."""
        unit = self.change[:, None, None]
        return [((f[1:] - f[:-1]).double() / unit).square().mean(dim=(1, 2, 3)) for f in self.frames]

    def fingerprint(self) -> str:
        """A short hash of the frames, names, dt and dx."""
        digest = hashlib.sha256(repr((self.names, self.dt, self.dx)).encode())
        for f in self.frames:
            digest.update(repr(tuple(f.shape)).encode() + f.numpy().tobytes())
        return digest.hexdigest()[:16]

    def excerpt(self, numbers: int) -> Footage:
        """About `numbers` values at most: of each recording the consecutive frames with the most change."""
        share = numbers // len(self.frames)
        kept = []
        for f, activity in zip(self.frames, self._activity, strict=True):
            length = min(len(f), max(3, share // f[0].numel()))
            sums = torch.cat([torch.zeros(1, dtype=torch.float64), activity]).cumsum(0)
            first = int((sums[length - 1 :] - sums[: len(f) - length + 1]).argmax())
            kept.append(f[first : first + length].numpy())
        return Footage(kept, self.names, self.dt, self.dx)
