"""The `Display`: how a state becomes a picture, as frozen data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sympy import Expr, Symbol

from equations.errors import InputError, did_you_mean, shorten
from equations.expressions.tree import Tree, canonical, names_in, to_tree
from equations.frozen import FrozenMapping
from equations.rule.checks import finite

COLOURS = ("r", "g", "b")


@dataclass(frozen=True, eq=False)
class Display:
    """How a state becomes a picture. There are three forms:

    - three channels as red, green and blue: `clip(scale · state[channels] + offset, 0, 1)`;
    - one channel: the same number, shown through `colormap`;
    - `colours`: `clip(colour(state), 0, 1)` for red, green and blue, each a closed form of any channels.

    channels: the channels that are shown. With `colours` they follow from them: those that a colour uses, in the order
        of the rule (before there is a rule: in alphabetical order).
    offset, scale, colormap: not given with `colours`. colormap: "grey" or "viridis".
    colours: "r", "g", "b" → expression of the channels, without stencils. None in the other two forms.

    Colours that are all `scale · channel + offset`, of three different channels with one scale and one offset, become
    the first form, so that one picture has one form. Raises InputError for what is not a display.
    """

    channels: tuple[str, ...] = ()
    offset: float = 0.0
    scale: float = 1.0
    colormap: Literal["grey", "viridis"] = "grey"
    colours: Mapping[str, Expr] | None = None

    def __post_init__(self) -> None:
        self._set("channels", tuple(self.channels))
        if self.colours is not None:
            self._take_colours(check_colours(self.colours))
        if self.colours is not None:
            return
        if len(self.channels) not in (1, 3) or not all(isinstance(name, str) for name in self.channels):
            raise InputError(f"display: expected 1 or 3 channel names, got {shorten(self.channels)}")
        self._set("offset", finite(self.offset, "display offset"))
        self._set("scale", finite(self.scale, "display scale"))
        if self.colormap not in ("grey", "viridis"):
            raise InputError(f'display: expected colormap "grey" or "viridis", got {shorten(self.colormap)}')

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _take_colours(self, colours: FrozenMapping[str, Expr]) -> None:
        if (self.offset, self.scale, self.colormap) != (0.0, 1.0, "grey"):
            raise InputError(
                "display: expected no offset, scale or colormap beside colours; write them into the colours"
            )
        used = set().union(*map(names_in, colours.values()))
        if self.channels and not used <= set(self.channels):
            raise InputError(
                f"display: the colours use {', '.join(sorted(used))}, but channels are {shorten(self.channels)}; "
                "leave the channels out"
            )
        linear = _as_channels(colours)
        self._set("colours", None if linear else colours)
        if linear:
            for name, value in zip(("channels", "offset", "scale"), linear, strict=True):
                self._set(name, value)
        else:
            self._set("channels", tuple(name for name in self.channels or sorted(used) if name in used))

    @property
    def in_colour(self) -> bool:
        """Whether it gives red, green and blue, rather than one number for a colour map."""
        return self.colours is not None or len(self.channels) == 3

    def trees(self) -> list[Tree]:
        """The data trees of red, green and blue before clipping. Only for a display that is `in_colour`."""
        if self.colours is not None:
            return [to_tree(expr) for expr in self.colours.values()]
        if self.scale == 1 and self.offset == 0:
            return list(self.channels)
        return [["Add", ["Multiply", self.scale, name], self.offset] for name in self.channels]

    def check(self, channels: tuple[str, ...], features: tuple[str, ...]) -> Display:
        """The display of a rule with these channels and features. Raises InputError when it shows anything else."""
        for name in self.channels:
            if name not in channels and self.colours is not None:
                raise InputError(_unknown(name, self.colours, channels, features))
            if name not in channels:
                raise InputError(
                    f"display shows {name!r}, but the rule's channels are {', '.join(channels)}"
                    f"{did_you_mean(name, channels)}"
                )
        return self if self.colours is None else dataclasses.replace(self, channels=channels)

    def _identity(self) -> tuple[Any, ...]:
        if self.colours is not None:
            return tuple(self.colours.values())
        return self.channels, self.offset, self.scale, self.colormap

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, Display) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())


def check_colours(colours: object) -> FrozenMapping[str, Expr]:
    """Red, green and blue in canonical form. Raises InputError for other keys, and where no colour uses a channel."""
    if not isinstance(colours, Mapping) or set(colours) != set(COLOURS):
        got = ", ".join(map(shorten, colours)) if isinstance(colours, Mapping) else shorten(colours)
        raise InputError(f"display colours: expected one expression for each of r, g and b, got {got or 'none'}")
    found = {}
    for name in COLOURS:
        try:
            found[name] = canonical(colours[name])
        except InputError as error:
            raise InputError(f'display colour "{name}": {error}') from error
    if not any(map(names_in, found.values())):
        raise InputError("display colours: expected at least one that depends on a channel, got three constants")
    return FrozenMapping(found)


def _unknown(name: str, colours: Mapping[str, Expr], channels: tuple[str, ...], features: tuple[str, ...]) -> str:
    colour = next(key for key, expr in colours.items() if name in names_in(expr))
    reason = "colours see the channels without stencils" if name in features else "there is no such channel"
    known = ", ".join(channels[:24]) + (", …" if len(channels) > 24 else "")
    return f'display colour "{colour}" uses {name}, but {reason}; expected {known}{did_you_mean(name, channels)}'


def _as_channels(colours: Mapping[str, Expr]) -> tuple[tuple[str, ...], float, float] | None:
    """(channels, offset, scale) where the colours are exactly that, of three different channels; None otherwise."""
    parts = [_linear(expr) for expr in colours.values()]
    names, offsets, scales = (tuple(dict.fromkeys(part[i] for part in parts if part)) for i in range(3))
    if None in parts or (len(names), len(offsets), len(scales)) != (3, 1, 1):
        return None
    return tuple(map(str, names)), float(offsets[0]), float(scales[0])


def _linear(expr: Expr) -> tuple[str, float, float] | None:
    """(name, offset, scale) of `scale · name + offset`."""
    offset, rest = expr.as_coeff_Add()
    scale, base = rest.as_coeff_Mul()
    return (base.name, float(offset), float(scale)) if isinstance(base, Symbol) else None
