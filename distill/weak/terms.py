"""Candidate terms of an equation: products of fields and of their gradients, under derivatives that are moved.

A term is a sum of parts, each a weight times a derivative of a product. The derivative is moved to the test function;
only gradients inside products (u ∇c, v ∂x u, |∇u|²) are taken of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from sympy import Expr

from equations.errors import InputError
from equations.expressions.tree import round_constants
from equations.printers.text import print_expression

DIGITS = 5  # of a number inside a term, in its text
Factor = tuple[int, str]  # a channel's index, and "" (its value), "x" or "y" (its derivative in that direction)
PAIRED = (("x", (0, 1)), ("y", (1, 0)))

FAMILIES = {
    "reaction": "products of the fields up to degree 3",
    "diffusion": "lap(u)",
    "fourth_order": "bilap(u), the Laplacian of the Laplacian",
    "nonlinear_diffusion": "lap(u**2), lap(u**3)",
    "taxis": "div(u*grad(c)) of two different fields",
    "gradient_squared": "|grad(u)|**2",
    "advection": "dx(u), dy(u), dx(u**2), dy(u**2), and v*dx(u), v*dy(u) of two different fields",
    "anisotropy": "dxx(u) - dyy(u) and dxy(u): diffusion that differs by direction",
}
DEFAULT_FAMILIES = tuple(FAMILIES)


@dataclass(frozen=True)
class Part:
    """weight · ∂y^a ∂x^b (product of the factors).

    moved: (a, b).
    """

    weight: float
    factors: tuple[Factor, ...]
    moved: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Saturation:
    """The factor u^n / (K^n + u^n): Michaelis-Menten and Holling II for n = 1, Hill and Holling III for n = 2.

    channel: of u. power: n. half: K, the value of u at which the factor is ½.
    """

    channel: int
    power: int
    half: float


@dataclass(frozen=True)
class Free:
    """A function of the fields' values that no family has.

    basis: the function, of the channels' names. names: the channels.
    units: of each channel what its values are multiplied by, to be those that the function takes.
    """

    basis: Expr
    names: tuple[str, ...]
    units: tuple[float, ...]


@dataclass(frozen=True)
class Term:
    """A candidate term.

    text: how it is written, with channels' names.
    family: its key in FAMILIES, "quotient" or "free".
    parts: what it is the sum of.
    saturation: a factor of a quotient, which its parts do not hold.
    free: a factor from free-form search, which its parts do not hold.
    """

    text: str
    family: str
    parts: tuple[Part, ...]
    saturation: Saturation | None = None
    free: Free | None = None

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels in its product, with repetition; the same in all parts."""
        return tuple(channel for channel, _ in self.parts[0].factors)

    @property
    def order(self) -> int:
        """How many derivatives in space it has; the same in all parts."""
        first = self.parts[0]
        return sum(first.moved) + sum(1 for _, direction in first.factors if direction)


def product_text(names: Sequence[str], channels: Sequence[int]) -> str:
    """u**2*v from the channels' names and the product's channels; 1 for the empty product."""
    counts = {c: list(channels).count(c) for c in sorted(set(channels))}
    return "*".join(names[c] if n == 1 else f"{names[c]}**{n}" for c, n in counts.items()) or "1"


def _plain(channels: Sequence[int]) -> tuple[Factor, ...]:
    return tuple((c, "") for c in channels)


def _derived(text: str, family: str, channels: Sequence[int], parts: dict[tuple[int, int], float]) -> Term:
    """A term whose parts are derivatives of one product of plain fields."""
    return Term(text, family, tuple(Part(w, _plain(channels), moved) for moved, w in parts.items()))


def _reaction(names: Sequence[str], degree: int) -> list[Term]:
    found = []
    for d in range(degree + 1):
        for channels in combinations_with_replacement(range(len(names)), d):
            found.append(_derived(product_text(names, channels), "reaction", channels, {(0, 0): 1.0}))
    return found


def _second_order(names: Sequence[str], family: str) -> list[Term]:
    lap = {(0, 2): 1.0, (2, 0): 1.0}
    bilap = {(0, 4): 1.0, (2, 2): 2.0, (4, 0): 1.0}
    found = []
    for c, name in enumerate(names):
        if family == "diffusion":
            found.append(_derived(f"lap({name})", family, (c,), lap))
        elif family == "fourth_order":
            found.append(_derived(f"bilap({name})", family, (c,), bilap))
        elif family == "nonlinear_diffusion":
            found += [_derived(f"lap({name}**{n})", family, (c,) * n, lap) for n in (2, 3)]
        else:
            found.append(_derived(f"dxx({name})-dyy({name})", family, (c,), {(0, 2): 1.0, (2, 0): -1.0}))
            found.append(_derived(f"dxy({name})", family, (c,), {(1, 1): 1.0}))
    return found


def _advection(names: Sequence[str]) -> list[Term]:
    found = []
    for direction, moved in PAIRED:
        for c, name in enumerate(names):
            found.append(_derived(f"d{direction}({name})", "advection", (c,), {moved: 1.0}))
            found.append(_derived(f"d{direction}({name}**2)", "advection", (c, c), {moved: 1.0}))
            for k, other in enumerate(names):
                if k != c:
                    part = Part(1.0, ((k, ""), (c, direction)))
                    found.append(Term(f"{other}*d{direction}({name})", "advection", (part,)))
    return found


def _gradients(names: Sequence[str], family: str) -> list[Term]:
    found = []
    for c, name in enumerate(names):
        if family == "gradient_squared":
            parts = tuple(Part(1.0, ((c, d), (c, d))) for d, _ in PAIRED)
            found.append(Term(f"|grad({name})|**2", family, parts))
            continue
        for k, other in enumerate(names):  # div(u ∇c): the outer derivative is moved, the inner one is of the data
            if k != c:
                parts = tuple(Part(1.0, ((k, ""), (c, d)), moved) for d, moved in PAIRED)
                found.append(Term(f"div({other}*grad({name}))", family, parts))
    return found


def make_quotient(names: Sequence[str], saturation: Saturation, channels: Sequence[int]) -> Term:
    """A product of channels times u^n / (K^n + u^n), written as u*v/(u + 0.4)."""
    counted = sorted([*channels, *[saturation.channel] * saturation.power])
    below = product_text(names, [saturation.channel] * saturation.power)
    text = f"{product_text(names, counted)}/({below} + {saturation.half**saturation.power:.5g})"
    return Term(text, "quotient", (Part(1.0, _plain(channels)),), saturation)


def make_free(names: Sequence[str], basis: Expr, units: Sequence[float]) -> Term:
    """A function of the fields' values, written as SymPy does: exp(-2/u)*v."""
    text = print_expression(round_constants(basis, DIGITS))
    return Term(text, "free", (Part(1.0, ()),), free=Free(basis, tuple(names), tuple(units)))


def make_library(names: Sequence[str], families: Sequence[str] = DEFAULT_FAMILIES, degree: int = 3) -> tuple[Term, ...]:
    """All candidate terms of these families, for channels of these names.

    degree: of the products in the family reaction, 1 to 3.
    Raises InputError for a family that does not exist.
    """
    unknown = [family for family in families if family not in FAMILIES]
    if unknown or isinstance(families, str) or not len(families):
        raise InputError(f"families: expected some of {', '.join(FAMILIES)}, got {unknown or families!r}")
    if not (isinstance(degree, int) and 1 <= degree <= 3):
        raise InputError(f"degree: expected 1, 2 or 3, the degree of products of fields, got {degree!r}")
    found: list[Term] = []
    for family in dict.fromkeys(families):
        if family == "reaction":
            found += _reaction(names, degree)
        elif family == "advection":
            found += _advection(names)
        elif family in ("taxis", "gradient_squared"):
            found += _gradients(names, family)
        else:
            found += _second_order(names, family)
    return tuple(found)


def term_of(text: str, saturation: Saturation | None, names: Sequence[str], basis: Expr | None = None) -> Term:
    """The term of a found law, from its text, or from its factor and the other species in it, or its free form."""
    if basis is not None:
        return make_free(names, basis, [1.0] * len(names))
    if saturation is None:
        return terms_by_text(names)[text]
    above = text.partition("/(")[0].split("*")
    own = names[saturation.channel]
    return make_quotient(names, saturation, [names.index(part) for part in above if part in names and part != own])


def terms_by_text(names: Sequence[str]) -> dict[str, Term]:
    """Every term that a found law of these channels can have, by its text: dxx(u) and dyy(u), not their difference."""
    found = {term.text: term for term in make_library(names)}
    for c, name in enumerate(names):
        del found[f"dxx({name})-dyy({name})"]
        for text, moved in ((f"dxx({name})", (0, 2)), (f"dyy({name})", (2, 0))):
            found[text] = _derived(text, "anisotropy", (c,), {moved: 1.0})
    return found
