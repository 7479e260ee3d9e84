"""A law on a grid: its terms through 3 × 3 stencils, as updates of a rule.

A stencil reaches one cell, so what stands under a second Laplacian gets a channel of its own, an auxiliary species:
with w = ∇²u, the term ∇⁴u is ∇²w; with w = u³ − u, ∇²(u³ − u) is ∇²w, and what is a divergence stays one on the grid.
Each step puts the new value into w, so w is one step late.

Kernels are of second order in the width h of a cell: the Laplacian's is ∇² + h²/12 ∇⁴ + …. Where that is too coarse,
they look at sharpened fields, such as s = u − h²/12 ∇²u, in an auxiliary species too; then they are of fourth order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr

from distill.weak.equation import ChannelLaw, Equation
from distill.weak.terms import Term, term_of
from equations.expressions import build
from equations.expressions.tree import canonical, round_constants
from equations.rule.stencils import ID, Kernel, Stencil, feature_name, feature_names
from equations.rule.symbols import symbol

DIGITS = 6  # significant, of a coefficient in a rule
SMALL, LARGE = 1e-3, 1e3  # an auxiliary channel whose size lies between these is kept in the recording's units
UNDER = ("fourth_order", "nonlinear_diffusion")  # families whose terms are Laplacians of something that is no species
LAP = Stencil("lap", ((1 / 6, 4 / 6, 1 / 6), (4 / 6, -20 / 6, 4 / 6), (1 / 6, 4 / 6, 1 / 6)))  # isotropic
DX = Stencil("dx", ((-1 / 12, 0, 1 / 12), (-4 / 12, 0, 4 / 12), (-1 / 12, 0, 1 / 12)))  # isotropic
DY = Stencil("dy", ((-1 / 12, -4 / 12, -1 / 12), (0, 0, 0), (1 / 12, 4 / 12, 1 / 12)))
DXX = Stencil("dxx", ((0, 0, 0), (1, -2, 1), (0, 0, 0)))
DYY = Stencil("dyy", ((0, 1, 0), (0, -2, 0), (0, 1, 0)))
DXY = Stencil("dxy", ((1 / 4, 0, -1 / 4), (0, 0, 0), (-1 / 4, 0, 1 / 4)))
ORDERS = {LAP: 2, DX: 1, DY: 1, DXX: 2, DYY: 2, DXY: 2}


def _sharp(name: str, part: float, of: Stencil) -> Stencil:
    """The identity without a part of another stencil."""
    a, b, c = (tuple(-part * weight for weight in row) for row in of.kernel)
    return Stencil(name, (a, (b[0], 1 + b[1], b[2]), c))  # type: ignore[arg-type]


SHARP, SHARPER = _sharp("sharp", 1 / 12, LAP), _sharp("sharper", 1 / 6, LAP)
SHARP_X, SHARP_Y = _sharp("sharpx", 1 / 12, DXX), _sharp("sharpy", 1 / 12, DYY)
SHARPENED = {LAP: ("s", SHARP), DX: ("t", SHARPER), DY: ("t", SHARPER), DXY: ("t", SHARPER)}
SHARPENED |= {DXX: ("sx", SHARP_X), DYY: ("sy", SHARP_Y)}
ORDERS |= dict.fromkeys((SHARP, SHARPER, SHARP_X, SHARP_Y), 0)


@dataclass(frozen=True, eq=False)
class Stencilled:
    """A law's right-hand sides.

    channels: those of the law, then the auxiliary ones.
    sides: of each channel the time derivative; of an auxiliary one what it holds.
    auxiliary: the names of the auxiliary channels.
    """

    channels: tuple[str, ...]
    sides: dict[str, Expr]
    stencils: tuple[Stencil, ...]
    auxiliary: tuple[str, ...]

    def updates(self, dt: float) -> dict[str, Expr]:
        """The updates for steps of dt.

        A channel whose law is a sum of other channels sees their new values, as the height of a wave does the new
        velocity: with the old ones, waves would grow at any time step.
        """
        found = dict(self.sides)
        for name in self.auxiliary:
            late = build.multiply(build.number(-1.0), symbol(name))
            found[name] = build.multiply(build.number(1 / dt), build.add(self.sides[name], late))
        own = [name for name in self.channels if name not in self.auxiliary]
        for name in own:
            others = _plain_others(self.sides[name], name, own)
            steps = [build.multiply(build.number(w * dt), self.sides[other]) for other, w in others.items()]
            if steps:
                found[name] = build.add(self.sides[name], *steps)
        return found


def _plain_others(side: Expr, name: str, channels: Sequence[str]) -> dict[str, float]:
    """For each other channel its coefficient, where the side is nothing but a sum of such; else empty."""
    found: dict[str, float] = {}
    for part in sympy.Add.make_args(side):
        coefficient, rest = part.as_coeff_Mul()
        if str(rest) not in channels or str(rest) == name:
            return {}
        found[str(rest)] = float(coefficient)
    return found


@dataclass
class _Builder:
    """Collects the stencils and auxiliary channels that terms need.

    mark: what follows the names of stencils.
    """

    names: tuple[str, ...]
    offsets: tuple[float, ...]
    sizes: tuple[float, ...]
    dx: float
    sharp: bool
    mark: str = ""
    used: set[Stencil] = field(default_factory=set)
    auxiliary: dict[str, Expr] = field(default_factory=dict)
    copies: dict[tuple[str, str], str] = field(default_factory=dict)

    def state(self, c: int) -> Expr:
        own = symbol(self.names[c])
        return build.add(own, build.number(-self.offsets[c])) if self.offsets[c] else own

    def seen(self, name: str, stencil: Stencil) -> Expr:
        """A channel through a stencil; or its sharpened copy, an auxiliary channel."""
        self.used.add(stencil)
        if self.sharp:
            letter, sharpen = SHARPENED[stencil]
            copy = self.copy_of(name, letter)
            self.used.add(sharpen)
            self.auxiliary[copy] = symbol(feature_name(name, sharpen.name + self.mark))
            name = copy
        return symbol(feature_name(name, stencil.name + self.mark))

    def copy_of(self, channel: str, letter: str) -> str:
        """The name of the auxiliary channel of this kind for a channel: no other channel has it."""
        if (channel, letter) not in self.copies:
            name = f"{letter}_{channel}"
            while name in self.names or name in self.copies.values():
                name += "_"
            self.copies[channel, letter] = name
        return self.copies[channel, letter]

    def product(self, channels: Sequence[int]) -> Expr:
        return build.multiply(*(self.state(c) for c in channels)) if channels else build.number(1)

    def side(self, law: ChannelLaw) -> Expr:
        plain: list[Expr] = []
        inner: list[tuple[float, Term]] = []
        for found in law.terms:
            term = term_of(found.text, found.saturation, self.names, found.free)
            weight = float(f"{found.coefficient:.{DIGITS}g}")
            if term.family in UNDER:
                inner.append((weight, term))
            else:
                plain.append(build.multiply(build.number(weight), self.term(term)))
        if inner:
            plain.append(self.laplacian_of(law.channel, inner))
        return build.add(*plain) if plain else build.number(0)

    def laplacian_of(self, channel: str, inner: Sequence[tuple[float, Term]]) -> Expr:
        """The Laplacian of a sum, through an auxiliary channel that holds the sum, or the only term of it.

        In units where that would be very large or small, it holds the sum divided by a power of two.
        """
        name = self.copy_of(channel, "w")
        outside = inner[0][0] if len(inner) == 1 else 1.0
        size = sum(abs(w / outside) * self.size(term) for w, term in inner)
        unit = 1.0 if SMALL <= size <= LARGE or not size else 2.0 ** round(math.log2(size))
        parts = (build.multiply(build.number(w / (outside * unit)), self.inside(term)) for w, term in inner)
        self.auxiliary[name] = build.add(*parts)
        return build.multiply(build.number(outside * unit), self.seen(name, LAP))

    def inside(self, term: Term) -> Expr:
        if term.family == "fourth_order":
            return self.seen(self.names[term.channels[0]], LAP)
        return self.product(term.channels)

    def size(self, term: Term) -> float:
        plain = math.prod(self.sizes[c] for c in term.channels)
        return plain / self.dx**2 if term.family == "fourth_order" else plain

    def term(self, term: Term) -> Expr:
        names, channels = self.names, term.channels
        if term.family == "reaction":
            return self.product(channels)
        if term.saturation is not None:
            inside = term.saturation
            above = self.product([inside.channel] * inside.power)
            half = build.number(float(f"{inside.half**inside.power:.{DIGITS}g}"))
            return build.divide(build.multiply(above, self.product(channels)), build.add(above, half))
        if term.free is not None:
            return self.moved(round_constants(term.free.basis, DIGITS))
        if term.family == "diffusion":
            return self.seen(names[channels[0]], LAP)
        if term.family == "taxis":  # ∇·(u ∇c) = ∇u·∇c + u ∇²c
            u, c = (names[k] for k in channels)
            slopes = [build.multiply(self.seen(u, d), self.seen(c, d)) for d in (DX, DY)]
            return build.add(*slopes, build.multiply(self.state(channels[0]), self.seen(c, LAP)))
        if term.family == "gradient_squared":
            return build.add(*(build.power(self.seen(names[channels[0]], d), sympy.Integer(2)) for d in (DX, DY)))
        if term.family == "anisotropy":
            stencil = {(0, 2): DXX, (2, 0): DYY, (1, 1): DXY}[term.parts[0].moved]
            return self.seen(names[channels[0]], stencil)
        return self.advection(term)

    def moved(self, basis: Expr) -> Expr:
        """A function of the fields, of their recorded values."""
        states = {symbol(name): self.state(c) for c, name in enumerate(self.names) if self.offsets[c]}
        return canonical(basis.xreplace(states)) if states else basis

    def advection(self, term: Term) -> Expr:
        first = term.parts[0]
        if not any(first.moved):  # v ∂u
            (k, _), (c, direction) = first.factors
            return build.multiply(self.state(k), self.seen(self.names[c], DX if direction == "x" else DY))
        c, slope = term.channels[0], DX if first.moved == (0, 1) else DY
        outer = self.seen(self.names[c], slope)
        return outer if len(term.channels) == 1 else build.multiply(build.number(2), self.state(c), outer)


def on_stencils(equation: Equation, sizes: Sequence[float], *, sharp: bool = False) -> Stencilled:
    """The equation's terms through stencils, in the recording's units.

    sizes: of each channel, how large its values are without their offset.
    sharp: stencils of fourth order in place of second.

    A channel may have the name of another's feature, such as u_lap beside u: the stencils are then called lap_, dx_ ….
    """
    marks = ("_" * count for count in itertools.count())
    found = (_marked(equation, sizes, sharp, mark) for mark in marks)
    return next(one for one in found if _all_differ(feature_names(one.channels, one.stencils)))


def _marked(equation: Equation, sizes: Sequence[float], sharp: bool, mark: str) -> Stencilled:
    builder = _Builder(equation.channels, equation.offsets, tuple(sizes), equation.dx, sharp, mark)
    sides = {law.channel: builder.side(law) for law in equation.laws}
    used = tuple(_scaled(s, equation.dx**-order, mark) for s, order in ORDERS.items() if s in builder.used)
    return Stencilled(
        (*equation.channels, *builder.auxiliary), sides | builder.auxiliary, (ID, *used), tuple(builder.auxiliary)
    )


def _all_differ(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names)


def _scaled(stencil: Stencil, factor: float, mark: str) -> Stencil:
    a, b, c = ((row[0] * factor, row[1] * factor, row[2] * factor) for row in stencil.kernel)
    kernel: Kernel = (a, b, c)
    return Stencil(stencil.name + mark, kernel)
