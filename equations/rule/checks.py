"""Checks of a rule's fields: each returns the value in its final form, or raises InputError."""

from __future__ import annotations

from sympy import Expr

from equations.errors import InputError, did_you_mean, shorten
from equations.expressions.tree import canonical, names_in
from equations.rule.stencils import Stencil
from equations.rule.symbols import check_name

MAX_CHANNELS = 256
MAX_STENCILS = 64


def finite(value: object, what: str) -> float:
    """`value` as a finite float; NumPy and SymPy numbers are allowed."""
    plain = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if plain is None and hasattr(value, "__float__") and not isinstance(value, bool):
        plain = float(value)  # NumPy and SymPy numbers
    if plain is None or not abs(plain) <= 1e300:
        raise InputError(f"expected {what} to be a finite number, got {shorten(value)}")
    return float(plain)


def check_channels(channels: object) -> tuple[str, ...]:
    """One to 256 different channel names."""
    if isinstance(channels, str) or not isinstance(channels, (tuple, list)) or not 1 <= len(channels) <= MAX_CHANNELS:
        raise InputError(f"expected 1 to {MAX_CHANNELS} channel names, got {shorten(channels)}")
    names = tuple(check_name(name, "channel") for name in channels)
    if len(set(names)) != len(names):
        raise InputError(f"expected different channel names, got {', '.join(names)}")
    return names


def check_stencils(stencils: object) -> tuple[Stencil, ...]:
    """One to 64 stencils; the one called `id` is the identity."""
    if not isinstance(stencils, (tuple, list)) or not 1 <= len(stencils) <= MAX_STENCILS:
        raise InputError(f"expected 1 to {MAX_STENCILS} stencils, got {shorten(stencils)}")
    for stencil in stencils:
        if not isinstance(stencil, Stencil):
            raise InputError(f"expected stencils of type Stencil, got {shorten(stencil)}")
        if stencil.name == "id" and stencil.kernel != ((0, 0, 0), (0, 1, 0), (0, 0, 0)):
            raise InputError('the stencil called "id" must be the identity; rename this one')
    return tuple(stencils)


def check_clamp(clamp: object) -> tuple[float, float]:
    """A clamp (low, high) with low < high."""
    if not isinstance(clamp, (tuple, list)) or len(clamp) != 2:
        raise InputError(f"expected clamp to be null or [low, high], got {shorten(clamp)}")
    low, high = (finite(end, "clamp") for end in clamp)
    if not low < high:
        raise InputError(f"expected clamp [low, high] with low < high, got [{low}, {high}]")
    return low, high


def check_expression(expr: Expr, features: tuple[str, ...], what: str) -> Expr:
    """`expr` in canonical form; raises InputError when it uses a name that is not a feature."""
    try:
        checked = canonical(expr)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    unknown = sorted(names_in(checked) - set(features))
    if unknown:
        known = ", ".join(features[:24]) + (", …" if len(features) > 24 else "")
        raise InputError(
            f"{what} uses {unknown[0]}, but the rule's features are {known}{did_you_mean(unknown[0], features)}"
        )
    return checked
