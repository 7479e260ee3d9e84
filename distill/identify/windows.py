"""Rollouts beside a recording: where they start, how far they are from it, and states cleaned of its noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.identify.footage import Footage, Window

GAINS = (1.0, 0.6, 0.35, 0.2, 0.1, 0.05)  # of the recording, against the automaton's forecast
WORTH = 0.98  # a gain below 1 has to lower the error of forecasts by 2 %: states cleaned for nothing only lag behind
ROOM = 1.0  # rollouts are kept within the recording's range and so many times its width on either side

Step = Callable[[Tensor], Tensor]  # from a frame to the next one, (all channels, batch, h, w)
States = tuple[Tensor, ...]  # of every recording, (t, all channels, h, w)


@dataclass(frozen=True, eq=False)
class Batch:
    """Rollouts on grids of one size: first (all channels, batch, h, w), later (frames, shown channels, batch, h, w),
    and weight (batch, 1, 1), what a squared error of each counts for: where very much happens, less.
    """

    first: Tensor
    later: Tensor
    weight: Tensor


def gather(
    footage: Footage, states: States, windows: Sequence[Window], length: int, device: torch.device
) -> list[Batch]:
    """The windows' first states, from `states`, and the frames that follow, one batch for each size of grid."""
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
    """The recorded frames as first states; `begin` adds hidden channels."""
    return tuple(begin(f.transpose(0, 1).double()).transpose(0, 1) for f in footage.frames)


@torch.no_grad()
def clean(footage: Footage, step: Step, begin: Callable[[Tensor], Tensor], gain: float) -> tuple[States, float]:
    """States that follow the recording as far as `gain` says, and the automaton otherwise; and the mean squared error
    of one-frame forecasts from them, in units of change, weighed as in a Batch.

    A constant-gain filter (nudging): a ← forecast + gain · (frame − forecast). Hidden channels are carried along.
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
            weight = max(gain, 1 / (t + 1))  # at first the frames so far count alike
            state = torch.cat([ahead[:shown] + weight * off, ahead[shown:]])
            path.append(state)
        found.append(torch.cat(path, dim=1).transpose(0, 1))
    return tuple(found), error / count


def cleanest(footage: Footage, step: Step, begin: Callable[[Tensor], Tensor]) -> tuple[States, float]:
    """The states of the gain that forecasts best, and that gain: 1, the frames as they are, if none is better."""
    best, least, kept = raw_states(footage, begin), float("inf"), 1.0
    for gain in GAINS:
        states, error = clean(footage, step, begin, gain)
        if error < (least if gain == 1.0 else WORTH * least):
            best, least, kept = states, error, gain
        elif error > 2 * least or error != error:
            break
    return best, kept


class Bounds:
    """Keeps rollouts of a young automaton from running away; a trained one never touches it."""

    def __init__(self, footage: Footage, device: torch.device) -> None:
        low = torch.stack([f.amin(dim=(0, 2, 3)) for f in footage.frames]).amin(dim=0).double()
        high = torch.stack([f.amax(dim=(0, 2, 3)) for f in footage.frames]).amax(dim=0).double()
        room = ROOM * (high - low)
        self.low, self.high = ((x[:, None, None, None]).to(device) for x in (low - room, high + room))

    def __call__(self, state: Tensor) -> Tensor:
        shown = len(self.low)
        kept = torch.minimum(torch.maximum(state[:shown], self.low), self.high)
        if shown == len(state):
            return kept
        return torch.cat([kept, state[shown:].clamp(-10.0, 10.0)])
