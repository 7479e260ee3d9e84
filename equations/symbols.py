"""The names of rules: which are allowed, and the one real SymPy symbol behind each."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

import sympy

from equations.errors import InputError, shorten

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
# function names of the symbolic-regression dialects: a channel of that name could not be read back
RESERVED = frozenset({"abs", "square", "cube", "relu", "neg", "inv", "pow", "min", "max"})


def symbol(name: str) -> sympy.Symbol:
    """The symbol called `name`; every symbol in a rule is real, so that |u|² simplifies to u²."""
    return sympy.Symbol(name, real=True)


def symbols(names: Iterable[str]) -> tuple[sympy.Symbol, ...]:
    """`symbol(name)` for every name, in order."""
    return tuple(symbol(name) for name in names)


def check_name(name: object, what: str) -> str:
    """Return `name` when it may name a `what` (channel, feature, …); raise InputError saying why not."""
    if not isinstance(name, str) or not NAME.match(name):
        raise InputError(
            f"expected a {what} name of letters, digits and _ that starts with a letter, got {shorten(name)}"
        )
    if keyword.iskeyword(name) or name in RESERVED:
        raise InputError(f"a {what} cannot be called {name!r}: the word is reserved; choose another name")
    if hasattr(sympy, name):
        raise InputError(f"a {what} cannot be called {name!r}: that is a SymPy name; choose another, such as {name}_c")
    return name
