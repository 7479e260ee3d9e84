"""Group the terms of an update as people read them: reaction, diffusion, advection, and the rest.

What a stencil measures is decided by its kernel, never by its name. A kernel whose only non-zero weight is the centre
reads the cell itself. A kernel that sums to 0 and is unchanged by a quarter turn is a Laplacian. A kernel that changes
sign under a half turn is a derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import sympy
from sympy import Expr

from equations.expressions import build
from equations.expressions.terms import join_terms, split_terms
from equations.rule.rule import Rule
from equations.rule.stencils import Stencil, feature_name

Kind = Literal["reaction", "diffusion", "advection", "rest"]
KINDS: tuple[Kind, ...] = ("reaction", "diffusion", "advection", "rest")  # the order of reading
_TOLERANCE = 1e-9  # relative to the largest weight: kernels are rounded to decimals


def stencil_kind(stencil: Stencil) -> Kind:
    """The group of a term that is linear in this stencil: "reaction" for the cell itself, "rest" if no other fits."""
    k = [weight for row in stencil.kernel for weight in row]
    slack = _TOLERANCE * max(map(abs, k))
    around, turned = [*k[:4], *k[5:]], [k[3 * (2 - column) + row] for row in range(3) for column in range(3)]

    def equal(a: list[float], b: list[float]) -> bool:
        return all(abs(x - y) <= slack for x, y in zip(a, b, strict=True))

    if slack == 0:
        return "rest"
    if equal(around, [0.0] * 8):
        return "reaction"
    if abs(sum(k)) <= 9 * slack and equal(k, turned):
        return "diffusion"
    return "advection" if equal(k, [-weight for weight in reversed(k)]) else "rest"


def group_update(rule: Rule, channel: str) -> dict[Kind, Expr]:
    """The update of `channel` as the sum of its groups; groups without a term are left out.

    reaction: constants, and any function of the cell's own channels.
    diffusion: a number times the response of a Laplacian.
    advection: a number times the response of a derivative.
    rest: everything else, such as |∇²u| or v ∂u.

    A product is multiplied out only where its terms belong to different groups. A zero update is a reaction.
    """
    kinds = feature_kinds(rule)
    groups: dict[Kind, list[Expr]] = {}
    for part in sympy.Add.make_args(rule.updates[channel]):
        split = [(term_kind(basis, kinds), coefficient, basis) for coefficient, basis in split_terms(part)]
        if len({kind for kind, _, _ in split}) <= 1:
            groups.setdefault(split[0][0] if split else "reaction", []).append(part)
        else:
            for kind, coefficient, basis in split:
                groups.setdefault(kind, []).append(join_terms([(coefficient, basis)]))
    sums = {kind: build.add(*groups[kind]) for kind in KINDS if kind in groups}
    found = {kind: total for kind, total in sums.items() if total != 0}
    return found or {"reaction": sympy.S.Zero}


def feature_kinds(rule: Rule) -> dict[str, Kind]:
    """`stencil_kind` of every feature of the rule."""
    of_stencil = {stencil.name: stencil_kind(stencil) for stencil in rule.stencils}
    return {feature_name(c, s): kind for c in rule.channels for s, kind in of_stencil.items()}


def term_kind(basis: Expr, kinds: Mapping[str, Kind]) -> Kind:
    """The group of a term without its coefficient; kinds: those of the features, from `feature_kinds`."""
    if isinstance(basis, sympy.Symbol):
        return kinds[basis.name]
    local = all(kinds[str(name)] == "reaction" for name in basis.free_symbols)
    return "reaction" if local else "rest"
