"""Inner units: recordings are rescaled before the search, so that a law is found whatever units they come in.

In inner units a cell is 1 wide and states are of size about 1; a state that varies little around a large value is
measured from a round number near it. "Inside" means in these units, "outside" in the recording's own, in which laws
are reported.
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

SMALL, LARGE = 1e-3, 1e3  # a channel whose largest absolute value lies between these is not rescaled
NARROW = 2e-3  # a channel whose range is a smaller share of its size is measured from a round number near it
DIGITS = 12  # significant digits of a constant after conversion between units


@dataclass(frozen=True)
class Units:
    """The conversion state = offset + scale · (state inside), for each channel.

    scale: powers of two, so that no digit is lost.
    dx: the width of a cell; inside it is 1.
    """

    channels: tuple[str, ...]
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    dx: float

    def inside(self, frames: npt.NDArray[np.floating]) -> Array:
        """Frames (t, channel, h, w) in inner units."""
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

    def term_outside(self, basis: Expr, channel: str, stencil: str) -> tuple[float, Expr]:
        """(factor, term): `basis` in the law of `channel` inside becomes factor · term in the law outside.

        stencil: the Laplacian's name.
        """
        factor, term = _split(basis, self._features(stencil))
        return factor * self.scale_of(channel), term

    def law_inside(self, law: Expr, channel: str, stencil: str) -> Expr:
        """The law of `channel` outside, converted to inner units."""
        seen = {}
        for name, (factor, term) in self._features(stencil).items():
            shift = symbol(name) - term  # the offset of a state; 0 for slopes and Laplacians
            seen[name] = build.add(_times(1 / factor, symbol(name)), shift)
        return _rebuilt(build.multiply(build.number(1 / self.scale_of(channel)), _rebuilt(law, seen)), {})

    @property
    def unchanged(self) -> bool:
        """Whether inner units are the recording's own."""
        return self.dx == 1 and not any(self.offset) and set(self.scale) == {1.0}

    def _features(self, stencil: str) -> dict[str, tuple[float, Expr]]:
        """Each feature inside as (factor, feature − offset), both outside: it is their product."""
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
    """The offset: 0, or the round number below values that lie close together and far from 0."""
    spread = high - low
    if spread <= 0 or spread >= NARROW * max(abs(low), abs(high)):
        return 0.0
    exponent = math.ceil(math.log10(spread))
    step = 10.0**exponent
    return float(f"{math.floor(low / step) * step:.15g}")


def _largest(kernel: Sequence[Sequence[float]]) -> float:
    return max(abs(weight) for row in kernel for weight in row)


def _split(expr: Expr, features: dict[str, tuple[float, Expr]]) -> tuple[float, Expr]:
    """`expr` of features inside as (factor, expression of features outside)."""
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
    """`expr` with its symbols replaced, and constants rounded to 12 digits: 1.6666999999999999 becomes 1.6667."""
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
