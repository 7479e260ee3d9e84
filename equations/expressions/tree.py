"""Expressions as data trees (MathJSON names) and back, without ever evaluating text.

    ["Add", ["Multiply", 0.16, "u_lap"], ["Negate", ["Multiply", "u", ["Power", "v", 2]]]]

A tree is a number, a symbol's name, or `[operator, argument, …]`. Trees come from files, so every limit is
checked before work is done: depth ≤ 100, nodes ≤ 20,000, finite numbers of size ≤ 1e30.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, TypeAlias

import sympy
from sympy import Expr

from equations.errors import InputError, did_you_mean, shorten
from equations.expressions import build
from equations.expressions.ops import BY_CLASS, OPERATORS
from equations.rule.symbols import NAME, symbol

Tree: TypeAlias = int | float | str | list[Any]

MAX_DEPTH = 100
MAX_NODES = 20_000
_SIMPLIFY_ROUNDS = 20
_CACHED_EXPRESSIONS, _CACHED_CALLS = 512, 16_384  # rules, candidates and files share most of them


def from_tree(tree: object, *, symbols: Iterable[str] | None = None) -> Expr:
    """The SymPy expression of a data tree; `symbols` are the names it may use (None: any valid name).

    Raises InputError for an unknown operator or name, a wrong number of arguments, a number that is not
    finite or above 1e30, an exponent outside -8…8, or a tree beyond the limits.
    """
    reader = _Reader(None if symbols is None else frozenset(symbols))
    return reader.read(tree, 1)


@functools.lru_cache(maxsize=_CACHED_EXPRESSIONS, typed=True)
def to_tree(expr: Expr) -> Tree:
    """The data tree of a SymPy expression; raises InputError for an operator outside the table.

    The list is cached, and returned again for the same expression: do not change it.
    """
    return _Writer().write(expr, 1)


def canonical(expr: Expr) -> Expr:
    """`expr` with real symbols and canonical constants, simplified until SymPy changes nothing more.

    For a canonical expression `from_tree(to_tree(expr)) == expr`, exactly.
    """
    if isinstance(expr, (int, float)) and not isinstance(expr, bool):
        return build.number(expr)
    if not isinstance(expr, Expr):
        raise InputError(f"expected a SymPy expression, got {shorten(expr)}; text is read by parse_infix")
    return _simplified(expr)


@functools.lru_cache(maxsize=_CACHED_EXPRESSIONS, typed=True)
def _simplified(expr: Expr) -> Expr:
    for _ in range(_SIMPLIFY_ROUNDS):
        simplified = from_tree(to_tree(expr))
        if simplified == expr:
            return simplified
        expr = simplified
    raise InputError("expected an expression that SymPy simplifies to a fixed form, got one that keeps changing")


@functools.lru_cache(maxsize=_CACHED_EXPRESSIONS)
def names_in(expr: Expr) -> frozenset[str]:
    """The names of the symbols in an expression."""
    return frozenset(str(one) for one in expr.free_symbols)


class _Reader:
    """from_tree's walk: counts nodes, knows the allowed names."""

    def __init__(self, names: frozenset[str] | None) -> None:
        self.names = names
        self.nodes = 0

    def read(self, tree: object, depth: int) -> Expr:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise InputError(f"expected an expression of at most {MAX_NODES} nodes, got a larger one")
        if depth > MAX_DEPTH:
            raise InputError(f"expected an expression at most {MAX_DEPTH} levels deep, got a deeper one")
        if isinstance(tree, str):
            return self.name(tree)
        if isinstance(tree, (int, float)) and not isinstance(tree, bool):
            return build.number(tree)
        if isinstance(tree, (list, tuple)) and tree and isinstance(tree[0], str):
            return self.call(tree[0], tree[1:], depth)
        raise InputError(f'expected a number, a name or ["Operator", …], got {shorten(tree)}')

    def name(self, text: str) -> Expr:
        if self.names is not None and text not in self.names:
            known = ", ".join(sorted(self.names)[:20])
            raise InputError(f"unknown name {shorten(text)}; expected one of {known}{did_you_mean(text, self.names)}")
        if not NAME.match(text):
            raise InputError(f"expected a name of letters, digits and _, got {shorten(text)}")
        return symbol(text)

    def call(self, head: str, args: list[Any] | tuple[Any, ...], depth: int) -> Expr:
        operator = OPERATORS.get(head)
        if operator is None:
            raise InputError(
                f"unknown operator {shorten(head)}{did_you_mean(head, OPERATORS)}; "
                f"expected one of {', '.join(OPERATORS)}"
            )
        least, most = operator.arity
        if not least <= len(args) <= most:
            wanted = f"{least}" if least == most else f"at least {least}"
            raise InputError(f"operator {head} expects {wanted} arguments, got {len(args)}")
        return _build(head, *(self.read(arg, depth + 1) for arg in args))


@functools.lru_cache(maxsize=_CACHED_CALLS, typed=True)
def _build(head: str, *args: Expr) -> Expr:
    return OPERATORS[head].build(*args)


class _Writer:
    """to_tree's walk: the same limits as the reader, so that whatever is written can be read."""

    def __init__(self) -> None:
        self.nodes = 0

    def write(self, expr: Expr, depth: int) -> Tree:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise InputError(f"expected an expression of at most {MAX_NODES} nodes, got a larger one")
        if depth > MAX_DEPTH:
            raise InputError(f"expected an expression at most {MAX_DEPTH} levels deep, got a deeper one")
        if isinstance(expr, sympy.Symbol):
            if not NAME.match(expr.name):
                raise InputError(f"expected a name of letters, digits and _, got {shorten(expr.name)}")
            return str(expr.name)
        if isinstance(expr, (sympy.Number, sympy.NumberSymbol)):
            return self.number(expr, depth)
        if isinstance(expr, sympy.Mul):
            return self.product(expr, depth)
        if isinstance(expr, sympy.Pow):
            return self.power(expr, depth)
        operator = BY_CLASS.get(type(expr))
        if operator is None:
            raise InputError(
                f"unknown operator {type(expr).__name__}{did_you_mean(type(expr).__name__, OPERATORS)}; "
                f"a rule may use {', '.join(OPERATORS)}"
            )
        return [operator.name, *(self.write(arg, depth + 1) for arg in expr.args)]

    def number(self, expr: Expr, depth: int) -> Tree:
        if expr.is_finite is False or expr is sympy.nan:
            raise InputError(f"expected finite constants, got {expr}")
        plain = build.number(expr if isinstance(expr, sympy.Number) else float(expr))
        if plain.is_Float:
            return float(plain)
        if plain.is_Integer:
            return int(plain)
        return ["Rational", *(self.write(sympy.Integer(part), depth + 1) for part in (plain.p, plain.q))]

    def product(self, expr: sympy.Mul, depth: int) -> Tree:
        factors = expr.args
        if factors[0] == -1:
            rest = factors[1:]
            if len(rest) == 1:
                return ["Negate", self.write(rest[0], depth + 1)]
            self.nodes += 1
            return ["Negate", ["Multiply", *(self.write(arg, depth + 2) for arg in rest)]]
        return ["Multiply", *(self.write(arg, depth + 1) for arg in factors)]

    def power(self, expr: sympy.Pow, depth: int) -> Tree:
        base, exponent = expr.args
        twice = float(2 * exponent) if isinstance(exponent, sympy.Number) else 0.5
        if twice != int(twice) or abs(twice) > 2 * build.MAX_EXPONENT:
            raise InputError(
                "expected exponents that are whole or half numbers from -8 to 8, "
                f"got {shorten(str(exponent))}; write it with products or exp"
            )
        whole, sign = int(abs(twice)) // 2, 1 if twice > 0 else -1
        half = int(twice) % 2
        below = depth + 1 + (1 if whole and half else 0)  # the depth of a factor's own arguments
        powers: list[Tree] = []
        if whole:
            powers.append(["Power", self.write(base, below), sign * whole])
        if half:  # u^(3/2) is u·√u, u^(-1/2) is 1/√u
            root: Tree = ["Sqrt", self.write(base, below if sign > 0 else below + 1)]
            powers.append(root if sign > 0 else ["Power", root, -1])
        self.nodes += 3 * len(powers)  # the reader counts at least as many
        return powers[0] if len(powers) == 1 else ["Multiply", *powers]


def round_constants(expr: Expr, digits: int) -> Expr:
    """The expression with its floating-point constants rounded to so many significant digits."""

    def walk(tree: Tree) -> Tree:
        if isinstance(tree, list):
            return [tree[0], *map(walk, tree[1:])]
        return float(f"{tree:.{digits}g}") if isinstance(tree, float) else tree

    return from_tree(walk(to_tree(expr)))
