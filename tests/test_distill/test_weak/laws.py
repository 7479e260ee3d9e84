"""Equations that are written down, not found."""

from __future__ import annotations

from distill.weak.equation import ChannelLaw, Equation, FoundTerm, Verdict
from distill.weak.terms import Saturation, make_quotient


def quotient(
    names: tuple[str, ...], saturation: Saturation, channels: tuple[int, ...] = (), coefficient: float = 1.0
) -> FoundTerm:
    """A term of a law: coefficient · product of channels · u^n/(K^n + u^n)."""
    return FoundTerm(make_quotient(names, saturation, channels).text, coefficient, 0.0, saturation)


def written(
    laws: dict[str, dict[str, float]],
    *,
    dt: float = 1.0,
    dx: float = 1.0,
    offsets: tuple[float, ...] | None = None,
    boundary: str = "periodic",
    verdict: Verdict = "found",
    error: float = 0.0,
) -> Equation:
    """The equation with these coefficients, all with the same standard error."""
    count = len(laws)
    found = tuple(
        ChannelLaw(c, tuple(FoundTerm(t, w, error) for t, w in law.items()), 0.0, 0.0, 0.0, verdict)
        for c, law in laws.items()
    )
    return Equation(found, offsets or (0.0,) * count, dt, dx, boundary, (0.0,) * count, (4, 4, 4), verdict)
