"""The family of laws: ∂s = D·∇²s + R(s), R of degree three, in all terms that a law of so many species may have."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement

import sympy
from sympy import Expr

from equations.errors import InputError
from equations.expressions.terms import join_terms
from equations.rule.colours import COLOURS
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.rule.stencils import ID, LAP, Stencil, divided, feature_name
from equations.rule.symbols import symbol

SPECIES = ("u", "v", "w", "q", "p", "z")
MOST_SPECIES = len(SPECIES)
DEGREE = 3
COLOUR_DEGREE = 2
NOISE = 0.2  # first states are uniform noise in ± this
CANDIDATE = 1e-6  # constant of a term that a start does not have: there, for tuning to change, but without effect
# With the Laplacian these two are all second derivatives, so diffusion may differ by direction. LAP is ∇²/4.
DXX = Stencil("dxx", divided(((0, 0, 0), (1, -2, 1), (0, 0, 0)), 1))
DXY = Stencil("dxy", divided(((1, 0, -1), (0, 0, 0), (-1, 0, 1)), 4))

Terms = Mapping[Expr, float]


def check_species(species: int) -> int:
    """`species` where there is a family of so many. Raises InputError otherwise."""
    if isinstance(species, bool) or not 1 <= species <= MOST_SPECIES:
        raise InputError(f"species: expected 1 to {MOST_SPECIES}, got {species}")
    return species


def monomials(names: tuple[str, ...], degree: int) -> list[Expr]:
    """1 and all products of at most `degree` of the names, lower degrees first."""
    found: list[Expr] = []
    for count in range(degree + 1):
        for chosen in combinations_with_replacement(names, count):
            found.append(sympy.Mul(*map(symbol, chosen)))
    return found


def make_law(updates: Mapping[str, Terms], colours: Mapping[str, Terms], *, directed: bool, start: str) -> Rule:
    """The law with these terms, basis -> constant, and with all other terms of the family at almost nothing.

    updates: of every species. colours: of r, g and b; they may use a blend (`make_blend`) beside the monomials.
    directed: whether diffusion may differ by direction. start: what the report calls it.
    """
    names = tuple(updates)
    stencils = (ID, LAP, DXX, DXY) if directed else (ID, LAP)
    reactions, shades = monomials(names, DEGREE), monomials(names, COLOUR_DEGREE)
    shades += sorted({basis for terms in colours.values() for basis in terms} - {*shades}, key=sympy.default_sort_key)
    laws = {}
    for name in names:
        spread = [symbol(feature_name(name, stencil.name)) for stencil in stencils[1:]]
        laws[name] = _filled(updates[name], [*reactions, *spread])
    shown = {colour: _filled(colours[colour], shades) for colour in COLOURS}
    return Rule(
        channels=names,
        stencils=stencils,
        updates=laws,
        init=Init("noise", (0.0,) * len(names), (NOISE,) * len(names)),
        display=Display(colours=shown),
        provenance={"start": start},
    )


def _filled(terms: Terms, bases: list[Expr]) -> Expr:
    assert set(terms) <= set(bases)
    return join_terms([(terms.get(basis) or CANDIDATE, basis) for basis in bases])
