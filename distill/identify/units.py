"""Recordings in units of their own, so that a law is found as well on cells of a millimetre, in pascals, or far from 0.

Inside, a cell is 1 wide, states are of size 1, and a state that hardly varies around a large value is counted from a
round number near it. Laws are told in the recording's own units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from distill.identify.stencil import stencils_of
from equations.expressions import build
from equations.expressions.tree import Tree, from_tree, to_tree
from equations.rule.stencils import feature_name
from equations.rule.symbols import symbol

Array = npt.NDArray[np.float64]

SMALL, LARGE = 1e-3, 1e3  # a channel whose largest size lies between these is taken as it is
NARROW = 2e-3  # a channel that varies by a smaller share of its size is counted from a round number near it
DIGITS = 12  # significant ones of a constant that was moved from one unit to another


@dataclass(frozen=True)
class Units:
    """state = offset + scale · (state inside), for each channel; dx: the width of a cell. Scales are powers of two, so
    that no digit is lost.
    """

    channels: tuple[str, ...]
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    dx: float

    def inside(self, frames: npt.NDArray[np.floating]) -> Array:
        """Frames (t, channel, h, w) in units of their own."""
        offset, scale = self._columns()
        return (np.asarray(frames, np.float64) - offset) / scale

    def outside(self, frames: Array) -> Array:
        """The inverse of `inside`."""
        offset, scale = self._columns()
        return frames * scale + offset

    def _columns(self) -> tuple[Array, Array]:
        return np.array(self.offset)[:, None, None], np.array(self.scale)[:, None, None]

    def scale_of(self, channel: str) -> float:
        return self.scale[self.channels.index(channel)]

    def told(self, basis: Expr, channel: str, stencil: str) -> tuple[float, Expr]:
        """(factor, term): what `basis`, a term of the law of `channel` inside, adds to its law in the recording's units
        is factor · term. stencil: the Laplacian's name.
        """
        factor, term = _split(basis, self._features(stencil))
        return factor * self.scale_of(channel), term

    def back(self, law: Expr, channel: str, stencil: str) -> Expr:
        """A law of `channel` in the recording's units as one inside."""
        seen = {}
        for name, (factor, term) in self._features(stencil).items():
            shift = symbol(name) - term  # the offset of a state; 0 for slopes and Laplacians
            seen[name] = build.add(_times(1 / factor, symbol(name)), shift)
        return _rebuilt(build.multiply(build.number(1 / self.scale_of(channel)), _rebuilt(law, seen)), {})

    @property
    def plain(self) -> bool:
        """Whether nothing is changed."""
        return self.dx == 1 and not any(self.offset) and set(self.scale) == {1.0}

    def _features(self, stencil: str) -> dict[str, tuple[float, Expr]]:
        """What each feature inside is: factor · (feature − offset)."""
        found = {}
        kernels = zip(stencils_of(stencil, 1.0), stencils_of(stencil, self.dx), strict=True)
        ratios = [(inner.name, _largest(inner.kernel) / _largest(outer.kernel)) for inner, outer in kernels]
        for channel, offset, scale in zip(self.channels, self.offset, self.scale, strict=True):
            for number, (name, ratio) in enumerate(ratios):
                feature = feature_name(channel, name)
                state = number == 0 and offset != 0
                term = build.add(symbol(feature), build.number(-offset)) if state else symbol(feature)
                found[feature] = (ratio / scale, term)
        return found


def units_of(recordings: Sequence[npt.NDArray[np.floating]], channels: Sequence[str], dx: float) -> Units:
    """The units that suit recordings (t, channel, h, w) of one system."""
    low = np.min([f.min(axis=(0, 2, 3)) for f in recordings], axis=0).astype(np.float64)
    high = np.max([f.max(axis=(0, 2, 3)) for f in recordings], axis=0).astype(np.float64)
    offsets = [_round_number(lowest, highest) for lowest, highest in zip(low, high, strict=True)]
    sizes = [max(abs(a - o), abs(b - o)) for a, b, o in zip(low, high, offsets, strict=True)]
    scales = [1.0 if not s or SMALL <= s <= LARGE else 2.0 ** round(math.log2(s)) for s in sizes]
    return Units(tuple(channels), tuple(offsets), tuple(scales), dx)


def _round_number(low: float, high: float) -> float:
    """0, or for values that lie close together far from 0 the round number below them."""
    spread = high - low
    if spread <= 0 or spread >= NARROW * max(abs(low), abs(high)):
        return 0.0
    exponent = math.ceil(math.log10(spread))
    step = 10.0**exponent
    return float(f"{math.floor(low / step) * step:.15g}")


def _largest(kernel: Sequence[Sequence[float]]) -> float:
    return max(abs(weight) for row in kernel for weight in row)


def _split(expr: Expr, features: dict[str, tuple[float, Expr]]) -> tuple[float, Expr]:
    """`expr` of features inside as (factor, expression of the recording's features)."""
    if isinstance(expr, sympy.Symbol):
        return features[expr.name]
    if isinstance(expr, sympy.Number):
        return 1.0, expr
    if isinstance(expr, sympy.Mul):
        parts = [_split(arg, features) for arg in expr.args]
        return math.prod(factor for factor, _ in parts), build.multiply(*(term for _, term in parts))
    if isinstance(expr, sympy.Pow) and expr.exp.is_Integer:
        factor, term = _split(expr.base, features)
        return factor ** int(expr.exp), build.power(term, expr.exp)
    if isinstance(expr, sympy.Abs):
        factor, term = _split(expr.args[0], features)
        return abs(factor), build.absolute(term)
    return 1.0, _rebuilt(expr, {name: _times(factor, term) for name, (factor, term) in features.items()})


def _rebuilt(expr: Expr, seen: Mapping[str, Expr]) -> Expr:
    """`expr` with other expressions for its symbols, and constants of 12 digits: 1.6666999999999999 is 1.6667."""
    names = {name: to_tree(value) for name, value in seen.items()}

    def walk(tree: Tree) -> Tree:
        if isinstance(tree, list):
            return [tree[0], *map(walk, tree[1:])]
        if isinstance(tree, float):
            return float(f"{tree:.{DIGITS}g}")
        return names.get(tree, tree) if isinstance(tree, str) else tree

    return from_tree(walk(to_tree(expr)))


def _times(factor: float, term: Expr) -> Expr:
    return term if factor == 1 else build.multiply(build.number(factor), term)
