"""The names in rules: which are allowed, and the one real SymPy symbol of each.

Expressions are built from symbols and never parsed by SymPy, so a channel may be called S, I, N, E, pi or beta, as
SymPy's own objects are.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence

import sympy

from equations.errors import InputError, shorten

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
# functions of the symbolic-regression dialects, of Python and of C, which equations are written and read with: a
# channel of that name could not be read back
RESERVED = frozenset(
    "abs square cube relu neg inv pow min max exp log sin cos tan sinh cosh tanh sqrt sign floor ceil round "  # noqa: SIM905
    "fabs fmin fmax Abs Min Max Heaviside Piecewise".split()
)
MAX_MENDED = 32  # characters of a name that was changed to be valid
_FEATURE = re.compile(
    r"(.+)_(id|lap[a-z0-9]*|dx|dy|moore|edges|corners|f\d+)\Z"
)  # the name of a channel and of a stencil


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
    return name


def mend_names(names: Sequence[str]) -> tuple[str, ...]:
    """Turn names from a file into distinct names that a rule may have; valid names stay as they are.

    Greek letters are spelt out (α → alpha). Accents are removed, sub- and superscripts become plain (CO₂ → CO2), and
    everything else becomes `_`. A reserved word, or the name of another channel's feature (u_lap beside u), gets the
    ending `_c`.
    """
    plain = [name if NAME.match(name) else _plain(name) for name in names]
    found: list[str] = []
    for number, name in enumerate(plain):
        text = name or f"c{number}"
        feature = _FEATURE.match(text)
        if keyword.iskeyword(text) or text in RESERVED or (feature and feature[1] in plain):
            text += "_c"
        kept, count = text, 1
        while text in found or (text != name and text in plain):
            count += 1
            text = f"{kept}_{count}"
        found.append(text)
    return tuple(found)


def _plain(name: str) -> str:
    """`name` in ASCII letters, digits and _, starting with a letter; empty where nothing is left of it."""
    parts = []
    for letter in unicodedata.normalize("NFKD", name[: 4 * MAX_MENDED]):
        words = unicodedata.name(letter, "").split()
        if letter.isascii():
            parts.append(letter if letter.isalnum() else "_")
        elif words[:1] == ["GREEK"] and words[2:3] == ["LETTER"]:
            word = "lambda" if words[3] == "LAMDA" else words[3].lower()  # Unicode's own spelling of λ
            parts.append(word.capitalize() if words[1] == "CAPITAL" else word)
        elif not unicodedata.combining(letter):
            parts.append("_")
    text = re.sub("_+", "_", "".join(parts))[:MAX_MENDED].strip("_")
    return text if not text or text[0].isalpha() else f"c{text}"
