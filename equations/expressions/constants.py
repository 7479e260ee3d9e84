"""The constants of an update by name: `u.0`, `u.1`, … for channel u, in the order in which the tree is written."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from equations.expressions.tree import Tree


def name_numbers(tree: Tree, channel: str) -> tuple[Tree, dict[str, Tree]]:
    """The tree with a name in place of every number, and the number of each name, as a tree.

    Exponents and signs are no constants. A fraction is one constant.
    """
    found: dict[str, Tree] = {}
    count = itertools.count()

    def named(tree: Tree) -> Tree:
        if isinstance(tree, str):
            return tree
        if not isinstance(tree, list) or tree[0] == "Rational":
            name = f"{channel}.{next(count)}"
            found[name] = tree
            return name
        if tree[0] == "Power":
            return ["Power", named(tree[1]), tree[2]]
        return [tree[0], *(named(argument) for argument in tree[1:])]

    return named(tree), found


def fill_names(tree: Tree, values: Mapping[str, Tree]) -> Tree:
    """The tree with the names in `values` replaced."""
    if isinstance(tree, str):
        return values.get(tree, tree)
    return [tree[0], *(fill_names(argument, values) for argument in tree[1:])] if isinstance(tree, list) else tree


def number_of(tree: Tree) -> float:
    """The value of a constant: a number, or a fraction. Raises TypeError for any other tree."""
    if isinstance(tree, list) and tree[0] == "Rational":
        return float(tree[1] / tree[2])
    if isinstance(tree, (int, float)):
        return float(tree)
    raise TypeError(f"expected a number or a fraction, got {tree!r}")


def summands(tree: Tree) -> list[Tree]:
    """The top-level terms of a tree, in its order; a tree that is no sum is one term."""
    return list(tree[1:]) if isinstance(tree, list) and tree[0] == "Add" else [tree]
