"""Checkpoints of the first SRNCA implementation: a plain state dict of two 1x1 convolutions, nothing else.

Its network has no activation between them, so it has a closed form:
s <- clamp(s + mask * (W1 (W0 p + b0) + b1), 0, 1), with a mask for each channel. What its file does not say is
taken from its code: https://github.com/riveSunder/SRNCA, srnca/texture/network.py.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from equations.errors import InputError, shorten
from equations.rule.init import Init
from equations.rule.stencils import ID, Stencil
from srnca.automata.fields import numbers
from srnca.automata.files import LEGACY_WEIGHTS
from srnca.texture.config import TrainConfig
from srnca.texture.network import NCA

UPDATE_RATE = 0.5  # the default of that implementation
# Whole numbers, in the order of that implementation: dy ("sobel_h") comes before dx ("sobel_w").
STENCILS = (
    ID,
    Stencil("lap", ((1, 2, 1), (2, -12, 2), (1, 2, 1))),
    Stencil("dy", ((-1, -1, -1), (0, 0, 0), (1, 1, 1))),
    Stencil("dx", ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1))),
    Stencil("moore", ((1, 1, 1), (1, 0, 1), (1, 1, 1))),
)
_KNOWN = (*LEGACY_WEIGHTS, "conv_0.bias", "conv_1.bias")


def read_legacy(data: dict[str, Any], update_rate: float | None) -> tuple[TrainConfig, NCA]:
    """The automaton of a legacy state dict, as a linear NCA. Raises InputError where it cannot be one.

    update_rate: the file does not hold it; None stands for the default of the first implementation, 0.5.
    """
    if not set(LEGACY_WEIGHTS) <= set(data) <= set(_KNOWN):
        raise InputError(
            f"expected a legacy state dict of {', '.join(LEGACY_WEIGHTS)} and perhaps their biases, "
            f"got {shorten(', '.join(map(str, data)), 200)}"
        )
    second = _tensor(data, "conv_1.weight", (None, None, 1, 1))
    channels, hidden = second.shape[:2]
    first = _tensor(data, "conv_0.weight", (hidden, None, 1, 1))
    filters = _filters(first.shape[1], channels)
    inner = _tensor(data, "conv_0.bias", (hidden,)) if "conv_0.bias" in data else torch.zeros(hidden)
    if "conv_1.bias" in data:  # the outer bias becomes the weight of one more hidden unit, which is always 1
        outer = _tensor(data, "conv_1.bias", (channels,))
        first = torch.cat([first, torch.zeros_like(first[:1])])
        inner = torch.cat([inner, torch.ones(1)])
        second = torch.cat([second, outer[:, None, None, None]], dim=1)
    config = TrainConfig(
        channels=channels,
        hidden=len(first),
        filters=filters,
        activation="linear",
        clamp=(0.0, 1.0),
        update_rate=UPDATE_RATE if update_rate is None else update_rate,
        mask="channel",
        init="square",
    )
    nca = NCA(config.nca, stencils=STENCILS[:filters])
    with torch.no_grad():
        nca.hidden.copy_(first[:, :, 0, 0])
        nca.bias.copy_(inner)
        nca.weight.copy_(second[:, :, 0, 0])
    nca.first_state = _first_state(channels)
    return config, nca


def _filters(inputs: int, channels: int) -> int:
    filters, rest = divmod(inputs, channels)
    if rest or not filters:
        raise InputError(
            f"conv_0.weight: expected as many inputs as channels x filters, got {inputs} inputs "
            f"for the {channels} channels of conv_1.weight"
        )
    if filters > len(STENCILS):
        raise InputError(
            f"this legacy checkpoint has {filters} filters, expected 1 to {len(STENCILS)}: all beyond the fifth were "
            "random and were not saved with the weights, so that nobody can know what it saw; train it anew"
        )
    return filters


def _tensor(data: dict[str, Any], name: str, shape: tuple[int | None, ...]) -> Tensor:
    """A tensor of the file as float32, checked; None in `shape` is any length above 0."""
    return numbers(numbers(data[name], name, shape).to(torch.float32), name, shape)


def _first_state(channels: int) -> Init:
    """The first state of that implementation: a square of 0.995, an eighth of the side wide, on zeros."""
    zeros = (0.0,) * channels
    return Init("square", background=zeros, amplitude=zeros, square=(0.995,) * channels, square_fraction=0.125)
