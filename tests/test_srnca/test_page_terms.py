"""Names of the terms and constants of a rule, on which the live page's shader, equations and links rely."""

from __future__ import annotations

import pytest
import sympy

from equations import models
from equations.expressions.constants import fill_names
from equations.expressions.tree import from_tree, to_tree
from srnca.pages.live.terms import named_terms
from tests.test_equations.awkward import AWKWARD
from tests.test_equations.helpers import make_rule


@pytest.mark.parametrize("label", [label for label in AWKWARD if label != "wide"])
def test_the_terms_add_up_to_the_rule_and_the_constants_fill_them(label: str) -> None:
    rule, terms = AWKWARD[label], named_terms(AWKWARD[label])
    assert len({term.id for term in terms}) == len(terms)
    for channel in rule.channels:
        own = [term for term in terms if term.channel == channel]
        assert sympy.Add(*(term.expression for term in own)) == rule.updates[channel]
        for term in own:
            values = {constant.name: constant.value for constant in term.constants}
            filled = from_tree(fill_names(term.tree, values))
            assert float(abs(sympy.N(filled - term.expression)).subs(dict.fromkeys(filled.free_symbols, 0.7))) < 1e-12


def test_constants_are_called_as_in_torch() -> None:
    from equations.backends.torch.module import TorchRule

    rule = AWKWARD["signs"]
    named = {c.name: c.value for term in named_terms(rule) for c in term.constants}
    assert named == TorchRule(rule).constants()


def test_groups_are_those_of_the_equations() -> None:
    rule = make_rule({"u": "0.16*u_lap - u*v^2 + 0.3*u_dx + abs(u_lap)", "v": "0*v"})
    terms = named_terms(rule, {"u.0": 0.25})
    groups = {str(term.expression.free_symbols): term.group for term in terms if term.channel == "u"}
    assert sorted(term.group for term in terms) == ["advection", "diffusion", "reaction", "reaction", "rest"], groups
    assert [term.group for term in terms if term.id == "v.0"] == ["reaction"]
    assert next(c.error for term in terms for c in term.constants if c.name == "u.0") == 0.25


def test_the_order_is_that_of_the_tree() -> None:
    rule = models.get("gray-scott:coral")
    trees = to_tree(rule.updates["u"])
    assert isinstance(trees, list)
    terms = [term for term in named_terms(rule) if term.channel == "u"]
    assert [to_tree(term.expression) for term in terms] == trees[1:]
    assert [term.id for term in terms] == [f"u.{k}" for k in range(len(terms))]
