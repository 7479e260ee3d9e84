"""Render states as pictures, through a rule's display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.colormaps import COLORMAPS, colour, colour_pair
from equations.errors import InputError, did_you_mean
from equations.expressions.numeric import compile_numpy
from equations.rule.colours import Display
from equations.rule.rule import Rule

DUO = "duo"  # the colour map that shows both channels of a rule that has two
Range = tuple[float, float]


def display_of(rule: Rule) -> Display:
    """The rule's display; without one, the first three channels are red, green and blue, or the first is grey."""
    return rule.display or Display(rule.channels[:3] if len(rule.channels) >= 3 else rule.channels[:1])


def formulas_of(rule: Rule) -> dict[str, Expr]:
    """The closed forms of "red", "green" and "blue"; empty for a rule that shows channels as they are."""
    colours = display_of(rule).colours
    return {} if colours is None else dict(zip(("red", "green", "blue"), colours.values(), strict=True))


def check_colormap(rule: Rule, colormap: str) -> str:
    """`colormap` if it can show this rule; raises InputError for an unknown one, and for pictures in RGB."""
    if colormap not in (*COLORMAPS, DUO):
        raise InputError(
            f"unknown colour map {colormap!r}{did_you_mean(colormap, (*COLORMAPS, DUO))}; "
            f"expected {', '.join(COLORMAPS)} or {DUO}"
        )
    if colormap == DUO and len(rule.channels) != 2:
        raise InputError(f"the colour map {DUO} shows a rule of two channels, this one has {len(rule.channels)}")
    display = display_of(rule)
    if display.in_colour and colormap != DUO:
        own = "three as red, green, blue" if display.colours is None else "its own formulas of red, green and blue"
        raise InputError(f"the colour map {colormap} shows one channel, but this rule shows {own}")
    return colormap


def colours_of(rule: Rule, state: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The colours (3, …) of states (channel, …), before they are clipped to [0, 1]. Not finite where the state is not.

    Raises InputError for a rule that shows one channel through a colour map, and for a wrong number of channels.
    """
    display = display_of(rule)
    if not display.in_colour:
        raise InputError(
            f"expected a rule that shows red, green and blue, got one that shows {display.channels[0]} through a "
            "colour map; give its display three channels, or colours"
        )
    if len(state) != len(rule.channels):
        raise InputError(f"expected a state of {len(rule.channels)} channels (channel, h, w), got {state.shape}")
    values = np.asarray(state, np.float32)
    if display.colours is not None:
        found: npt.NDArray[np.float32] = compile_numpy(list(display.colours.values()), rule.channels)(values)
        return found
    return _scaled(rule, display, values)


def _scaled(rule: Rule, display: Display, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """scale · state + offset, of the channels that are shown."""
    indices = [rule.channels.index(channel) for channel in display.channels]
    scaled: npt.NDArray[np.float32] = values[indices] * display.scale + display.offset
    return scaled


def render(
    rule: Rule, state: npt.NDArray[Any], colormap: str | None = None, ranges: Sequence[Range] | None = None
) -> npt.NDArray[np.uint8]:
    """State (channel, h, w) → picture (h, w, 3) uint8: the display's values, clipped to [0, 1], rounded to 0…255.

    A value that is not a number becomes 0.

    colormap: replaces the display's own for one channel; "duo" shows both channels of a rule that has two.
    ranges: for "duo", the (low, high) of each channel that become 0 and 1; None: its smallest and largest value.

    Raises InputError when the state does not have the rule's channels or the colour map does not fit.
    """
    if state.ndim != 3 or state.shape[0] != len(rule.channels):
        raise InputError(f"expected a state of {len(rule.channels)} channels (channel, h, w), got {state.shape}")
    shown = display_of(rule)
    name = shown.colormap if colormap is None else check_colormap(rule, colormap)
    if name == DUO:
        return colour_pair(*(_normalise(s, r) for s, r in zip(state, ranges or channel_ranges(state), strict=True)))
    values = colours_of(rule, state) if shown.in_colour else _scaled(rule, shown, np.asarray(state, np.float32))
    values = np.nan_to_num(np.clip(values, 0, 1), nan=0.0)  # (1 or 3, h, w)
    if not shown.in_colour:
        return colour(values[0], name)
    return np.floor(values.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8)


def channel_ranges(state: npt.NDArray[Any]) -> list[Range]:
    """The smallest and the largest value of each channel."""
    return [(float(channel.min()), float(channel.max())) for channel in state]


def _normalise(channel: npt.NDArray[Any], span: Range) -> npt.NDArray[np.float32]:
    """The channel with the range `span` mapped to [0, 1], and NaN to 0."""
    low, high = span
    values = np.clip((channel.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-12)), 0, 1)
    return np.nan_to_num(values, nan=0.0)
