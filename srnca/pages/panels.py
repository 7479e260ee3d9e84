"""Histograms as SVG written by hand: small enough that a page with 64 channels stays light."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from srnca.pages.drawing import NCA, RULE

WIDTH, HEIGHT = 200, 86  # of a histogram in SVG units, without the numbers below it
BINS = 48
_TAIL = 0.002  # the share of values that may lie beyond either end of the axis


def draw_histograms(first: npt.ArrayLike, second: npt.ArrayLike) -> str:
    """Two histograms on one axis: `first` filled, `second` as a line, both of the same area. Values that are not finite
    are left out; an empty text where none are left.
    """
    a, b = (_finite(values) for values in (first, second))
    both = [part for part in (a, b) if part.size]
    if not both:
        return ""
    low = min(float(np.quantile(part, _TAIL)) for part in both)
    high = max(float(np.quantile(part, 1 - _TAIL)) for part in both)
    if not high > low:
        low, high = low - 1e-3, high + 1e-3
    margin = 0.04 * (high - low)
    edges = np.linspace(low - margin, high + margin, BINS + 1)
    shares = [np.histogram(part, edges)[0] / max(1, part.size) for part in (a, b)]
    # Cut a spike, for example of a channel that hardly changes: at its scale the rest would look flat.
    top = max(1e-9, min(max(float(s.max()) for s in shares), 5 * max(float(np.quantile(s, 0.9)) for s in shares) or 1))
    filled, line = (_outline(share / top) for share in shares)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 14}" role="img">'
        f'<path d="{filled}Z" fill="{NCA}" fill-opacity="0.35"/>'
        f'<path d="{line}" fill="none" stroke="{RULE}" stroke-width="1.6" stroke-linejoin="round"/>'
        f"{_axis(float(edges[0]), float(edges[-1]))}</svg>"
    )


def _finite(values: npt.ArrayLike) -> npt.NDArray[Any]:
    flat = np.asarray(values, float).ravel()
    return flat[np.isfinite(flat)]


def _outline(heights: npt.NDArray[Any]) -> str:
    """The path of a histogram: a staircase from the lower left to the lower right corner."""
    step = WIDTH / len(heights)
    path = [f"M0 {HEIGHT}"]
    for i, height in enumerate(np.clip(heights, 0, 1)):
        path.append(f"V{HEIGHT - height * (HEIGHT - 4):.1f}H{(i + 1) * step:.1f}")
    return "".join([*path, f"V{HEIGHT}"])


def _axis(low: float, high: float) -> str:
    """The base line with numbers at both ends, and a dashed line at 0 if the axis holds it."""
    parts = [f'<path d="M0 {HEIGHT}H{WIDTH}" stroke="currentColor" stroke-width="0.8"/>']
    if low < 0 < high:
        x = -low / (high - low) * WIDTH
        parts.append(f'<path d="M{x:.1f} 0V{HEIGHT}" stroke="currentColor" stroke-width="0.5" stroke-dasharray="2 3"/>')
        if 0.2 * WIDTH < x < 0.8 * WIDTH:
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT + 11}" text-anchor="middle">0</text>')
    parts.append(f'<text x="0" y="{HEIGHT + 11}">{_short(low)}</text>')
    parts.append(f'<text x="{WIDTH}" y="{HEIGHT + 11}" text-anchor="end">{_short(high)}</text>')
    return "".join(parts)


def _short(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")
