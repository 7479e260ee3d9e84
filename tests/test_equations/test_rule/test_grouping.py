"""Terms are sorted by what their kernels measure, whatever they are called."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

from equations import models
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import to_tree
from equations.rule.grouping import KINDS, group_update, stencil_kind
from equations.rule.stencils import STENCILS, Stencil
from tests.test_equations.helpers import NAMES, SET, features, make_rule, trees
from tests.test_equations.test_expressions.test_tree import settled


@pytest.mark.parametrize(
    ("name", "kind"),
    [("id", "reaction"), ("lap", "diffusion"), ("lap5", "diffusion"), ("lap9sims", "diffusion"), ("dx", "advection"),
     ("dy", "advection"), ("moore", "rest"), ("f5", "rest"), ("f19", "rest")],
)  # fmt: skip
def test_the_usual_stencils(name: str, kind: str) -> None:
    assert stencil_kind(STENCILS[name]) == kind


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        (((0, 0, 0), (0, 3, 0), (0, 0, 0)), "reaction"),  # a multiple of the cell itself
        (((0, 0, 0), (0, 0, 0), (0, 0, 0)), "rest"),
        (((0, 1, 0), (1, -3.9, 1), (0, 1, 0)), "rest"),  # does not sum to 0
        (((0, 1, 0), (0, -2, 0), (0, 1, 0)), "rest"),  # of one direction
        (((1, 0, -1), (0, 0, 0), (-1, 0, 1)), "rest"),  # a mixed second derivative: sums to 0, but turning flips it
        (((0, 0, 0), (0, -1, 1), (0, 0, 0)), "rest"),  # one-sided
        (((0.3, 0.2, 0.7), (-0.1, 0, 0.1), (-0.7, -0.2, -0.3)), "advection"),
        (((1, 0, 1), (0, -4, 0), (1, 0, 1)), "diffusion"),
    ],
)
def test_kernels_decide_not_names(kernel: tuple, kind: str) -> None:
    for name in ("lap", "dx", "moore", "anything"):
        assert stencil_kind(Stencil(name, kernel)) == kind


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("0.16*u_lap - u*v^2 + 0.1", {"reaction": "0.1 - u*v^2", "diffusion": "0.16*u_lap"}),
        ("u_dx + 0.5*v_lap", {"diffusion": "0.5*v_lap", "advection": "u_dx"}),
        ("abs(u_lap) + u*v_dx + u_f7 - u_lap^2", {"rest": "abs(u_lap) + u*v_dx + u_f7 - u_lap^2"}),
        ("tanh(u)*v + max(u, v, 0)", {"reaction": "tanh(u)*v + max(u, v, 0)"}),
        ("0.3*u*(1 - u)*(u - 0.2)", {"reaction": "0.3*u*(1 - u)*(u - 0.2)"}),  # kept as it is
        ("u*(v + u_lap)", {"reaction": "u*v", "rest": "u*u_lap"}),  # multiplied out
        ("tanh(u_lap - v)", {"rest": "tanh(u_lap - v)"}),
        ("0", {"reaction": "0"}),
    ],
)
def test_groups(text: str, groups: dict[str, str]) -> None:
    found = group_update(make_rule({"u": text, "v": "0"}), "u")
    assert found == {kind: parse_infix(part, NAMES) for kind, part in groups.items()}
    assert list(found) == [kind for kind in KINDS if kind in groups]


def test_a_known_model_reads_as_in_its_paper() -> None:
    rule = models.get("gray-scott")
    assert list(group_update(rule, "u")) == ["reaction", "diffusion"]
    assert sympy.Add(*group_update(rule, "u").values()) == rule.updates["u"]


@given(trees)
@settings(max_examples=60, deadline=None)
def test_the_groups_sum_to_the_update(tree: object) -> None:
    rule = make_rule({"u": settled(tree), "v": "0"}, SET)
    values = dict(zip(NAMES, np.round(features((30,)), 3), strict=True))
    groups = group_update(rule, "u")
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(evaluate_tree(to_tree(rule.updates["u"]), values), 30)
        parts = [np.broadcast_to(evaluate_tree(to_tree(group), values), 30) for group in groups.values()]
    size = np.abs(parts).sum(axis=0) + np.abs(wanted)
    fine = np.isfinite(size) & (size < 1e12)
    assert (np.abs(np.sum(parts, axis=0) - wanted)[fine] <= 1e-6 * size[fine] + 1e-9).all()
