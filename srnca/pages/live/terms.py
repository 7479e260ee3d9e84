"""The terms and constants of a rule by name, as the shader, the equations and the link of a live page call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from equations.expressions.constants import name_numbers, number_of, summands
from equations.expressions.terms import split_terms
from equations.expressions.tree import Tree, from_tree, to_tree
from equations.rule.grouping import Kind, feature_kinds, term_kind
from equations.rule.rule import Rule


@dataclass(frozen=True)
class NamedConstant:
    """A number of a rule that can be changed.

    name: `u.3` is the number 3 of channel u, as `TorchRule` counts them.
    value: as found.
    error: its standard error, where a recording gave one.
    """

    name: str
    value: float
    error: float | None = None


@dataclass(frozen=True)
class NamedTerm:
    """A top-level term of an update.

    id: `u.2` is the term 2 of channel u, in the order of `rule.json` and of the printed code.
    group: what `equations.rule.grouping` calls it; "rest" also for a product of several kinds, such as u (∇²u + v).
    expression: the term with its numbers.
    tree: the term as a data tree, with the names of `constants` in place of its numbers.
    """

    id: str
    channel: str
    group: Kind
    expression: Expr
    tree: Tree
    constants: tuple[NamedConstant, ...]


def named_terms(rule: Rule, errors: Mapping[str, float] | None = None) -> tuple[NamedTerm, ...]:
    """The terms of all updates, channel by channel. A zero update has the one term 0.

    errors: name of a constant → its standard error.
    """
    kinds, terms = feature_kinds(rule), []
    for channel in rule.channels:
        plain = to_tree(rule.updates[channel])
        named, numbers = name_numbers(plain, channel)
        for index, (part, tree) in enumerate(zip(summands(plain), summands(named), strict=True)):
            expression = from_tree(part)
            found = {term_kind(basis, kinds) for _, basis in split_terms(expression)}
            constants = tuple(
                NamedConstant(name, number_of(numbers[name]), (errors or {}).get(name))
                for name in _names(tree)
                if name in numbers
            )
            group: Kind = found.pop() if len(found) == 1 else "rest" if found else "reaction"
            terms.append(NamedTerm(f"{channel}.{index}", channel, group, expression, tree, constants))
    return tuple(terms)


def _names(tree: Tree) -> list[str]:
    """The names in a tree, in its order; those of exponents do not exist."""
    if isinstance(tree, str):
        return [tree]
    return [name for argument in tree[1:] for name in _names(argument)] if isinstance(tree, list) else []
