"""The torch backend: the same step on tensors, on a GPU where there is one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from equations import mask
from equations.backends import State, Stepper
from equations.backends.torch_eval import compile_torch
from equations.rule import Rule
from equations.stencils import Stencil

_LOW = 0xFFFFFFFF


def make_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32, device: str = "auto") -> Stepper:
    """A stepper of the rule in torch; `device` "auto" is the GPU where there is one."""
    where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    update = compile_torch(rule.expressions, rule.feature_names)
    real = torch.float64 if np.dtype(dtype) == np.float64 else torch.float32

    def stepper(state: State, step0: int, n: int, seed: int) -> State:
        with torch.inference_mode():
            tensor = torch.tensor(np.asarray(state), dtype=real, device=where)
            for index in range(n):
                tensor = _step(rule, update, tensor, step0 + index, seed)
            result: State = tensor.cpu().numpy()
        return result

    return stepper


def _step(rule: Rule, update: Callable[[Any], list[Tensor]], state: Tensor, step: int, seed: int) -> Tensor:
    features = perceive_torch(state[None], rule.stencils)[0]
    moved = state + rule.dt * torch.stack(update(features))
    if mask.threshold(rule.update_rate) <= mask.MAX_SEED:
        channels = len(rule.channels) if rule.mask == "channel" else None
        h, w = state.shape[1:]
        on = update_mask_torch(
            rule.update_rate, seed=seed, step=step, shape=(h, w), channels=channels, device=state.device
        )
        moved = torch.where(on, moved, state)
    return moved if rule.clamp is None else moved.clamp(*rule.clamp)


def perceive_torch(state: Tensor, stencils: Sequence[Stencil]) -> Tensor:
    """State (batch, channel, h, w) → features (batch, channel · filters, h, w), channel-major."""
    b, c, h, w = state.shape
    rows = torch.cat((state[..., -1:, :], state, state[..., :1, :]), dim=-2)
    padded = torch.cat((rows[..., -1:], rows, rows[..., :1]), dim=-1)  # (b, c, h+2, w+2)
    responses = []
    for stencil in stencils:
        parts = []
        for weight, cells in stencil.groups:
            shifted = [sign * padded[..., 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w] for sign, dy, dx in cells]
            parts.append(weight * functools.reduce(torch.add, shifted))
        responses.append(functools.reduce(torch.add, parts) if parts else torch.zeros_like(state))
    return torch.stack(responses, dim=2).reshape(b, c * len(stencils), h, w)


def update_mask_torch(
    rate: float,
    *,
    seed: int,
    step: int,
    shape: tuple[int, int],
    channels: int | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """`equations.mask.update_mask` on tensors, bit for bit; bool (h, w) or (channels, h, w)."""
    y = torch.arange(shape[0], dtype=torch.int64, device=device)[:, None]
    x = torch.arange(shape[1], dtype=torch.int64, device=device)[None, :]
    # seed and step are numbers: their two rounds are NumPy's
    key = int(mask._mix(mask._mix(np.uint32((seed + mask.GOLDEN) & _LOW)) ^ np.uint32(step & _LOW)))
    cell = _mix(_mix(y ^ key) ^ x)
    if channels is not None:
        channel = torch.arange(1, channels + 1, dtype=torch.int64, device=device)[:, None, None]
        cell = _mix((cell + channel * mask.GOLDEN) & _LOW)
    return cell < mask.threshold(rate)


def _mix(h: Tensor) -> Tensor:
    """The finaliser of `equations.mask` in 64-bit arithmetic, cut to 32 bits after each product."""
    h = h ^ (h >> 16)
    h = (h * mask.MIX_1) & _LOW
    h = h ^ (h >> 15)
    h = (h * mask.MIX_2) & _LOW  # wraps in 64 bits; the low 32 are right all the same
    return h ^ (h >> 16)
