"""The keyword arguments of PySRRegressor, and the guesses and feature names that it accepts."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr

from equations.errors import InputError
from equations.expressions.tree import to_tree
from equations.rule.symbols import NAME, RESERVED

BINARY = ("+", "-", "*", "/")  # known models are polynomials and quotients
UNARY = ("abs",)  # the kinks of ReLU networks
INNER, BELOW = 15, 9  # largest complexity inside abs, and of a denominator
GUESSES = 10
POPULATION, CYCLES = 27, 380  # PySR's defaults, given explicitly so that other versions do the same
TOURNAMENT = 15  # PySR's default: a cycle makes one new member for every 15 of the population
FEWEST, MOST = 4, 31  # populations: PySR's guide advises three for each core, and its default is 31
ROUNDS = 12  # the evaluations should be enough for this many rounds of migration between populations

# Words that Julia's parser would not take as a variable (guesses are parsed by it).
JULIA = frozenset(
    "baremodule begin const do elseif end export false function global im Inf in isa let local macro missing "  # noqa: SIM905
    "module mutable NaN nothing pi quote struct true using where".split()
)


def search_size(max_terms: int) -> int:
    """The largest complexity of an equation (nodes of its tree), 12 to 40: `max_terms` terms c x and a few nodes."""
    return min(40, max(12, 4 * max_terms + 4))


def evaluations_a_round(evaluations: int) -> float:
    """About how many expressions one population tries before PySR writes its front.

    Every cycle makes round(27 / 15) members; crossover makes two at once, and the constants of some are optimised. Used
    for the progress bar and for the number of populations.
    """
    return max(1.0, min(float(evaluations), 1.6 * CYCLES * round(POPULATION / TOURNAMENT)))


def arguments(
    *,
    seed: int,
    max_terms: int,
    evaluations: int,
    stop_at: float,
    guesses: Sequence[str] = (),
    functions: Sequence[str] = (),
    timeout_s: float | None = None,
) -> dict[str, Any]:
    """PySRRegressor's keyword arguments, as JSON data.

    The search is bounded by evaluations and runs in one thread from one seed, so the same arguments give the same front
    on a busy machine too. As PySR's guide to tuning advises, there are few operators, tight constraints on nesting, a
    `maxsize` a little above what is wanted, and few rows in place of batches. PySR checks its limits only after all
    populations have had their first turn, so a small search has few populations.

    functions: names of functions besides abs; none stands inside another.
    stop_at: mean squared error (in the target's units) below which an equation is exact.
    timeout_s: time limit of the search, only where the user asked for one.
    """
    unary = (*UNARY, *functions)
    most = int(evaluations / (ROUNDS * evaluations_a_round(evaluations)))
    return {
        "binary_operators": list(BINARY),
        "unary_operators": list(unary),
        "maxsize": search_size(max_terms),
        "complexity_of_operators": {"/": 2},
        "constraints": {"/": [-1, BELOW], **dict.fromkeys(unary, INNER)},
        "nested_constraints": {outer: dict.fromkeys(unary, 0) for outer in unary},
        "niterations": 1_000_000,  # max_evals ends the search
        "max_evals": max(1, evaluations),
        "timeout_in_seconds": timeout_s,
        "early_stop_condition": stop_at,
        "populations": min(MOST, max(FEWEST, most)),
        "population_size": POPULATION,
        "ncycles_per_iteration": CYCLES,
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
    """The guess uses an operator or a feature that the search does not have, or nests them as it may not."""


@dataclass(frozen=True)
class _Piece:
    """Text for Julia.

    size: its number of nodes, as PySR counts them.
    kinked: whether it contains an abs.
    """

    text: str
    size: int = 1
    kinked: bool = False


def guess_texts(guesses: Sequence[Expr], names: Mapping[str, str], max_size: int) -> list[str]:
    """The guesses that the search can start from, as text for Julia: at most ten, the last (best) ones.

    `names` maps our feature names to PySR's. Guesses with other features, with operators that are not in the
    search or are nested as it does not allow, or of more than `max_size` nodes are left out; so are constants and
    bare features.
    """
    texts: dict[str, None] = {}
    for guess in guesses:
        try:
            piece = _piece(to_tree(guess), names)
        except (_OutsideSearch, InputError):
            continue
        if 1 < piece.size <= max_size and guess.free_symbols:
            texts.pop(piece.text, None)
            texts[piece.text] = None
    return list(texts)[-GUESSES:]


def _piece(tree: Any, names: Mapping[str, str]) -> _Piece:
    """A data tree as fully bracketed binary operations."""
    if isinstance(tree, str):
        if tree not in names:
            raise _OutsideSearch
        return _Piece(names[tree])
    if not isinstance(tree, list):
        return _Piece(repr(float(tree)))
    head, args = tree[0], tree[1:]
    if head == "Rational":
        return _Piece(repr(args[0] / args[1]))
    if head == "Power":
        return _power(_piece(args[0], names), args[1])
    parts = [_piece(arg, names) for arg in args]
    if head == "Negate":
        return _fold("*", [_Piece("-1.0"), *parts])
    if head in ("Add", "Multiply"):
        return _fold("+" if head == "Add" else "*", parts)
    if head == "Abs" and parts[0].size <= INNER and not parts[0].kinked:
        return _Piece(f"abs({parts[0].text})", parts[0].size + 1, True)
    raise _OutsideSearch


def _power(base: _Piece, exponent: Any) -> _Piece:
    if not isinstance(exponent, int) or exponent == 0:
        raise _OutsideSearch
    product = _fold("*", [base] * abs(exponent))
    if exponent > 0:
        return product
    if product.size > BELOW:
        raise _OutsideSearch
    return _Piece(
        f"(1.0 / {product.text})", product.size + 3, product.kinked
    )  # the 1, and a division, which counts as two nodes


def _fold(sign: str, parts: Sequence[_Piece]) -> _Piece:
    whole = parts[0]
    for part in parts[1:]:
        whole = _Piece(f"({whole.text} {sign} {part.text})", whole.size + part.size + 1, whole.kinked or part.kinked)
    return whole
