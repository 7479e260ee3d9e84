"""Terms as text: u^2*v, u_lap, v/(1 + 100 u)."""

from __future__ import annotations

from collections.abc import Mapping

from equations.comparison.raw_terms import Monomial
from equations.comparison.reduced_law import Below, Numbers, Term


def term_text(term: Term, below: Mapping[Below, Numbers]) -> str:
    """The term without its coefficient; "1" for a constant."""
    if term.other is not None:
        return str(term.other).replace("**", "^")
    top = [_power(c, p, n) for c, p, n in term.monomial if n > 0]
    bottom = [_power(c, p, -n) for c, p, n in term.monomial if n < 0]
    bottom += [_sum(den, below[den]) for den in term.over]
    text = "*".join(top) or "1"
    if not bottom:
        return text
    return f"{text}/{bottom[0]}" if len(bottom) == 1 else f"{text}/({'*'.join(bottom)})"


def _power(channel: str, part: str, power: int) -> str:
    name = f"{channel}_{part}" if part else channel
    return name if power == 1 else f"{name}^{power}"


def _sum(den: Below, numbers: Numbers) -> str:
    parts = zip(numbers, den.monomials, strict=True)
    text = "".join(_signed(number, monomial, i == 0) for i, (number, monomial) in enumerate(parts))
    return f"({text})" if den.power == 1 else f"({text})^{den.power}"


def _signed(number: float, monomial: Monomial, first: bool) -> str:
    factors = [_power(c, p, n) for c, p, n in monomial]
    size = f"{abs(number):.4g}"
    body = "*".join(factors if size == "1" and factors else [size, *factors])
    if first:
        return body if number > 0 else f"-{body}"
    return f" + {body}" if number > 0 else f" - {body}"
