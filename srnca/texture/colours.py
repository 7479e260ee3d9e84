"""Learned colours: the red, green and blue of a cell as a polynomial of its channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from sympy import Expr
from torch import Tensor, nn
from torch.nn import functional

from equations.expressions.terms import join_terms
from equations.rule.symbols import symbol

Colours = Literal["channels", "map", "squares"]

SPECIES = ("u", "v", "w", "q", "p", "z")  # names of the first channels of an automaton with a colour map
FAINT = 0.05  # least length of a principal colour: a flat picture must not stop the gradients
GREY = 0.2  # standard deviation of the colours where no picture is given


class ColourMap(nn.Module):
    """States (batch, channel, h, w) -> pictures (batch, 3, h, w): weight · terms + offset in every cell.

    weight: (3, terms). The terms are the channels and, with squares, all squares and products of two channels.
    offset: (3,).
    """

    def __init__(self, channels: int, *, squares: bool) -> None:
        super().__init__()
        self.channels, self.squares = channels, squares
        terms = channels + (channels * (channels + 1) // 2 if squares else 0)
        self.weight = nn.Parameter(torch.zeros(3, terms))
        self.offset = nn.Parameter(torch.zeros(3))

    def start(
        self, colour: Sequence[float], palette: Tensor | None, middle: float, generator: torch.Generator
    ) -> ColourMap:
        """Show states in which all channels are `middle` in one colour, and deviations along the palette.

        palette: (3, 3), see `principal_colours`; shades of grey without it. Squares and products start at 0.
        """
        palette = torch.eye(3) * GREY if palette is None else palette
        drawn = torch.randn(3, self.channels, generator=generator) / self.channels**0.5
        with torch.no_grad():
            self.weight[:, : self.channels] = palette.to(torch.float32) @ drawn
            self.offset.copy_(torch.tensor(list(colour)) - middle * self.weight.sum(dim=1))
        return self

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The channels of every square and product, in the order of the weights."""
        numbers = range(self.channels if self.squares else 0)
        return tuple((i, j) for i in numbers for j in numbers if i <= j)

    def forward(self, state: Tensor) -> Tensor:
        terms = state
        if self.squares:
            first, second = zip(*self.pairs, strict=True)
            terms = torch.cat([state, state[:, list(first)] * state[:, list(second)]], dim=1)
        return functional.conv2d(terms, self.weight[..., None, None], self.offset)

    def expressions(self, names: Sequence[str]) -> dict[str, Expr]:
        """The colours r, g and b as expressions of the channels, with the exact constants of the map."""
        own = [symbol(name) for name in names]
        terms: list[Expr] = [*own, *(own[i] * own[j] for i, j in self.pairs), own[0] ** 0]
        rows = torch.cat([self.weight, self.offset[:, None]], dim=1).double().tolist()
        return {colour: join_terms(list(zip(row, terms, strict=True))) for colour, row in zip("rgb", rows, strict=True)}


def names_of(colours: Colours, channels: int) -> tuple[str, ...]:
    """Channel names: r g b, then h3 h4 …; with a map of the colours u v w q p z, then s6 s7 …"""
    if colours == "channels":
        return ("r", "g", "b", *(f"h{i}" for i in range(3, channels)))
    return (*SPECIES[:channels], *(f"s{i}" for i in range(len(SPECIES), channels)))


def principal_colours(pixels: np.ndarray) -> Tensor:
    """(3, 3): the principal colours of a picture (h, w, 3) as columns, each as long as its standard deviation."""
    variances, directions = np.linalg.eigh(np.cov(pixels.reshape(-1, 3).astype(np.float64).T))
    return torch.from_numpy(directions * np.sqrt(np.maximum(variances, FAINT**2)))
