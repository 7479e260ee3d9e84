"""What PySRRegressor is told, and what it may be given as guesses and feature names."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from sympy import Expr

from equations.errors import InputError
from equations.symbols import NAME, RESERVED
from equations.tree import to_tree

BINARY = ("+", "-", "*", "/")  # laws of the catalogue are polynomials and quotients,
UNARY = ("abs",)  # networks have kinks
PER_SECOND = 20_000  # expressions a second on one core, with 2,000 rows
SLACK = 3.0  # a machine this much slower than that still finishes its evaluations
GUESSES = 10

# Words that Julia's parser would not take as a variable (guesses are parsed by it).
JULIA = frozenset(
    "baremodule begin const do elseif end export false function global im Inf in isa let local macro missing "  # noqa: SIM905
    "module mutable NaN nothing pi quote struct true using where".split()
)


def search_size(max_terms: int) -> int:
    """The largest complexity (nodes of the tree) of an equation with about `max_terms` terms; at least 12."""
    return min(60, 10 + 2 * max(1, max_terms))


def arguments(
    *, seed: int, max_terms: int, budget_s: float, stop_at: float, guesses: Sequence[str] = ()
) -> dict[str, Any]:
    """PySRRegressor's keyword arguments, as JSON data.

    Bounded by evaluations, in one thread, from one seed: the same arguments give the same front. The time limit
    only bites on a machine three times slower than reckoned. `stop_at` is the mean squared error (in the target's
    units) below which an equation is exact.
    """
    return {
        "binary_operators": list(BINARY),
        "unary_operators": list(UNARY),
        "maxsize": search_size(max_terms),
        "complexity_of_operators": {"/": 2},
        "nested_constraints": {"abs": {"abs": 0}},
        "niterations": 1_000_000,  # max_evals ends the search
        "max_evals": max(1, round(budget_s * PER_SECOND)),
        "timeout_in_seconds": max(1.0, SLACK * budget_s),
        "early_stop_condition": stop_at,
        "guesses": list(guesses) or None,
        "deterministic": True,
        "parallelism": "serial",
        "random_state": seed % 2**31,
        "batching": False,
        "verbosity": 0,
        "progress": False,
        "input_stream": "devnull",
    }


def safe_names(names: Sequence[str]) -> tuple[str, ...]:
    """`names` when SymPy, Julia and our parser can all read every one of them; otherwise x0, x1, ….

    PySR refuses names that SymPy knows (S, N, beta, …).
    """
    return tuple(names) if all(map(_is_safe, names)) else tuple(f"x{i}" for i in range(len(names)))


def _is_safe(name: str) -> bool:
    taken = hasattr(sympy, name) or keyword.iskeyword(name) or name in RESERVED or name in JULIA
    return bool(NAME.match(name)) and not taken


class _OutsideSearch(Exception):
    """The guess uses an operator or a feature that the search does not have."""


def guess_texts(guesses: Sequence[Expr], names: Mapping[str, str], max_size: int) -> list[str]:
    """The guesses that the search can start from, as text for Julia: at most ten, the last (best) ones.

    `names` maps our feature names to PySR's. Guesses with other features, with operators that are not in the
    search, or of more than `max_size` nodes are left out; so are constants and bare features.
    """
    texts: dict[str, None] = {}
    for guess in guesses:
        try:
            text, size = _text(to_tree(guess), names)
        except (_OutsideSearch, InputError):
            continue
        if 1 < size <= max_size and guess.free_symbols:
            texts.setdefault(text)
    return list(texts)[-GUESSES:]


def _text(tree: Any, names: Mapping[str, str]) -> tuple[str, int]:
    """A data tree as fully bracketed binary operations, and its number of nodes in PySR's count."""
    if isinstance(tree, str):
        if tree not in names:
            raise _OutsideSearch
        return names[tree], 1
    if not isinstance(tree, list):
        return repr(float(tree)), 1
    head, args = tree[0], tree[1:]
    if head == "Rational":
        return repr(args[0] / args[1]), 1
    if head == "Power":
        return _power(*_text(args[0], names), args[1])
    parts = [_text(arg, names) for arg in args]
    if head == "Negate":
        return _fold("*", [("-1.0", 1), *parts])
    if head in ("Add", "Multiply"):
        return _fold("+" if head == "Add" else "*", parts)
    if head == "Abs":
        return f"abs({parts[0][0]})", parts[0][1] + 1
    raise _OutsideSearch


def _power(base: str, size: int, exponent: Any) -> tuple[str, int]:
    if not isinstance(exponent, int) or exponent == 0:
        raise _OutsideSearch
    product = _fold("*", [(base, size)] * abs(exponent))
    if exponent > 0:
        return product
    return f"(1.0 / {product[0]})", product[1] + 3  # the one, and division which counts twice


def _fold(sign: str, parts: Sequence[tuple[str, int]]) -> tuple[str, int]:
    text, size = parts[0]
    for more, its in parts[1:]:
        text, size = f"({text} {sign} {more})", size + its + 1
    return text, size
