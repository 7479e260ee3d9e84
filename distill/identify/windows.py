"""Rollouts beside a recording: batches of windows, states filtered of noise, and bounds for the rollouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.identify.footage import Footage, Window

GAINS = (1.0, 0.6, 0.35, 0.2, 0.1, 0.05)  # weights of the recorded frame, against the forecast, that are tried
IMPROVEMENT = 0.98  # a gain below 1 must lower the forecasts' error by 2 %: needless filtering makes states lag behind
MARGIN = 1.0  # rollouts may leave the recording's range by this many times its width on either side

Step = Callable[[Tensor], Tensor]  # from a frame to the next one, (all channels, batch, h, w)
States = tuple[Tensor, ...]  # of every recording, (t, all channels, h, w)


@dataclass(frozen=True, eq=False)
class Batch:
    """Rollouts on grids of one size.

    first (all channels, batch, h, w): the states that they start from.
    later (frames, shown channels, batch, h, w): the recorded frames that follow.
    weight (batch, 1, 1): of squared errors; windows with much change weigh less.
    """

    first: Tensor
    later: Tensor
    weight: Tensor


def gather(
    footage: Footage, states: States, windows: Sequence[Window], length: int, device: torch.device
) -> list[Batch]:
    """The windows' first states, taken from `states`, and the frames that follow; one batch for each grid size."""
    sizes: dict[tuple[int, ...], list[Window]] = {}
    for window in windows:
        sizes.setdefault(tuple(footage.frames[window.recording].shape[2:]), []).append(window)
    batches = []
    for group in sizes.values():
        first = torch.stack([states[w.recording][w.first] for w in group], dim=1)
        later = [footage.frames[w.recording][w.first + 1 : w.first + 1 + length] for w in group]
        weight = torch.stack([1 / (1 + footage.activity(w, length)) for w in group])[:, None, None]
        batches.append(
            Batch(first.double().to(device), torch.stack(later, dim=2).double().to(device), weight.to(device))
        )
    return batches


def raw_states(footage: Footage, begin: Callable[[Tensor], Tensor]) -> States:
    """The recorded frames as states; `begin` adds hidden channels."""
    return tuple(begin(f.transpose(0, 1).double()).transpose(0, 1) for f in footage.frames)


@torch.no_grad()
def clean(footage: Footage, step: Step, begin: Callable[[Tensor], Tensor], gain: float) -> tuple[States, float]:
    """Filtered states of every frame, and the error of one-frame forecasts from them.

    A constant-gain filter (nudging): state ← forecast + gain · (frame − forecast). Hidden channels are not corrected.
    The error is the mean square in units of change, weighted as in a Batch.
    """
    unit, shown = footage.change[:, None, None, None], len(footage.names)
    found, error, count = [], 0.0, 0
    for index, f in enumerate(footage.frames):
        frames = f.transpose(0, 1).double()  # (channel, t, h, w)
        state = begin(frames[:, :1])
        path = [state]
        for t in range(1, len(f)):
            ahead = step(state)
            off = frames[:, t : t + 1] - ahead[:shown]
            lively = float(footage.activity(Window(index, t - 1), 1))
            error += float((off / unit).square().mean()) / (1 + lively)
            count += 1
            weight = max(gain, 1 / (t + 1))  # at first all frames so far have equal weight
            state = torch.cat([ahead[:shown] + weight * off, ahead[shown:]])
            path.append(state)
        found.append(torch.cat(path, dim=1).transpose(0, 1))
    return tuple(found), error / count


def cleanest(footage: Footage, step: Step, begin: Callable[[Tensor], Tensor]) -> tuple[States, float]:
    """The filtered states with the best forecasts, and their gain; 1 means the frames themselves."""
    best, least, kept = raw_states(footage, begin), float("inf"), 1.0
    for gain in GAINS:
        states, error = clean(footage, step, begin, gain)
        if error < (least if gain == 1.0 else IMPROVEMENT * least):
            best, least, kept = states, error, gain
        elif error > 2 * least or error != error:
            break
    return best, kept


class Bounds:
    """Clips states so that rollouts of a barely trained automaton do not diverge; a trained one stays inside."""

    def __init__(self, footage: Footage, device: torch.device) -> None:
        low = torch.stack([f.amin(dim=(0, 2, 3)) for f in footage.frames]).amin(dim=0).double()
        high = torch.stack([f.amax(dim=(0, 2, 3)) for f in footage.frames]).amax(dim=0).double()
        room = MARGIN * (high - low)
        self.low, self.high = ((x[:, None, None, None]).to(device) for x in (low - room, high + room))

    def __call__(self, state: Tensor) -> Tensor:
        shown = len(self.low)
        kept = torch.minimum(torch.maximum(state[:shown], self.low), self.high)
        if shown == len(state):
            return kept
        return torch.cat([kept, state[shown:].clamp(-10.0, 10.0)])
