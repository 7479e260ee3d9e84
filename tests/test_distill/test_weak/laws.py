"""Equations that are written down, not found."""

from __future__ import annotations

from distill.weak.equation import ChannelLaw, Equation, FoundTerm, Verdict


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
