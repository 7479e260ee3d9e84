"""Render states as pictures, through a rule's display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.colormaps import COLORMAPS, colour, colour_pair
from equations.errors import InputError, did_you_mean
from equations.expressions.numeric import compile_numpy
from equations.rule.rule import Display, Rule

DUO = "duo"  # the colour map that shows both channels of a rule that has two
Range = tuple[float, float]


def display_of(rule: Rule) -> Display:
    """The rule's display; without one, the first three channels are red, green and blue, or the first is grey."""
    return rule.display or Display(rule.channels[:3] if len(rule.channels) >= 3 else rule.channels[:1])


def check_colormap(rule: Rule, colormap: str) -> str:
    """`colormap` if it can show this rule; raises InputError for an unknown one, and for pictures in RGB."""
    if colormap not in (*COLORMAPS, DUO):
        raise InputError(
            f"unknown colour map {colormap!r}{did_you_mean(colormap, (*COLORMAPS, DUO))}; "
            f"expected {', '.join(COLORMAPS)} or {DUO}"
        )
    if colormap == DUO and len(rule.channels) != 2:
        raise InputError(f"the colour map {DUO} shows a rule of two channels, this one has {len(rule.channels)}")
    if len(display_of(rule).channels) == 3 and colormap != DUO:
        raise InputError(f"the colour map {colormap} shows one channel, but this rule shows three as red, green, blue")
    return colormap


def render(
    rule: Rule, state: npt.NDArray[Any], colormap: str | None = None, ranges: Sequence[Range] | None = None
) -> npt.NDArray[np.uint8]:
    """State (channel, h, w) → picture (h, w, 3) uint8: clip(scale · state + offset, 0, 1), round to 0…255.

    colormap: replaces the display's own for one channel; "duo" shows both channels of a rule that has two.
    ranges: for "duo", the (low, high) of each channel that become 0 and 1; None: its smallest and largest value.

    Raises InputError when the state does not have the rule's channels or the colour map does not fit.
    """
    if state.ndim != 3 or state.shape[0] != len(rule.channels):
        raise InputError(f"expected a state of {len(rule.channels)} channels (channel, h, w), got {state.shape}")
    shown = display_of(rule)
    if shown.colours is not None and colormap is None:
        values = np.nan_to_num(np.clip(colours_of(rule, state), 0, 1), nan=0.0)
        return np.floor(values.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8)
    name = shown.colormap if colormap is None else check_colormap(rule, colormap)
    if name == DUO:
        return colour_pair(*(_normalise(s, r) for s, r in zip(state, ranges or channel_ranges(state), strict=True)))
    indices = [rule.channels.index(channel) for channel in shown.channels]
    values = np.clip(state[indices].astype(np.float32) * shown.scale + shown.offset, 0, 1)  # (1 or 3, h, w)
    values = np.nan_to_num(values, nan=0.0)
    if len(values) == 1:
        return colour(values[0], name)
    return np.floor(values.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8)


def colours_of(rule: Rule, state: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """State (channel, h, w) → red, green and blue (3, h, w), not clipped, of a rule that shows colours."""
    shown, values = display_of(rule), np.asarray(state, np.float32)
    if shown.colours is not None:
        return np.asarray(compile_numpy(list(shown.colours.values()), rule.channels)(values))
    return np.asarray(values[[rule.channels.index(name) for name in shown.channels]] * shown.scale + shown.offset)


def channel_ranges(state: npt.NDArray[Any]) -> list[Range]:
    """The smallest and the largest value of each channel."""
    return [(float(channel.min()), float(channel.max())) for channel in state]


def _normalise(channel: npt.NDArray[Any], span: Range) -> npt.NDArray[np.float32]:
    """The channel with the range `span` mapped to [0, 1], and NaN to 0."""
    low, high = span
    values = np.clip((channel.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-12)), 0, 1)
    return np.nan_to_num(values, nan=0.0)
