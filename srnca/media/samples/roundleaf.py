"""Round-leaved passion vine, after Passiflora: raised yellow spots that mimic butterfly eggs, on a leaf."""

from __future__ import annotations

import numpy as np

from srnca.media.samples.ingredients import (
    Field,
    borders,
    grid,
    nested_borders,
    noise,
    paint,
    palette,
    ramp,
    scatter,
    shade,
)

SPOTS = 24


def roundleaf(n: int, rng: np.random.Generator) -> Field:
    """(n, n, 3) in 0..255."""
    x, y = grid(n)
    leaf = _leaf(n, rng, x, y)
    sites = scatter(rng, SPOTS, candidates=40)
    radius, spot = _eggs(rng, x, y, sites)
    inside = ramp(1.06, 0.94, radius)
    dome = np.sqrt(np.clip(1 - radius**2, 0, 1)) * 0.055
    tone = 0.62 + 0.16 * rng.standard_normal(SPOTS)[spot] * 0.6 - 0.35 * np.clip(radius, 0, 1) ** 4
    tone = tone + 0.05 * noise(rng, x, y, (60, 60), octaves=2)
    egg = palette([(176, 140, 34), (226, 192, 62), (244, 220, 112), (252, 240, 176)], tone)
    egg = egg * (1 + 0.10 * shade(dome) * ramp(0.2, 0.9, radius))[..., None]
    egg = paint(egg, (255, 252, 226), 0.5 * ramp(0.42, 0.0, _glint(x, y, sites[spot])))
    leaf = paint(leaf, (24, 52, 20), 0.55 * ramp(1.45, 1.0, radius))  # a darker rim sets the spot off
    return paint(leaf, egg, inside)


def _leaf(n: int, rng: np.random.Generator, x: Field, y: Field) -> Field:
    bend = [0.012 * noise(rng, x, y, (6, 6), octaves=2) for _ in range(2)]
    coarse, cell = borders(x + bend[0], y + bend[1], scatter(rng, 45), web=0.004)
    fine = nested_borders(rng, x + bend[0], y + bend[1], cell, 420)
    mottle = noise(rng, x, y, (5, 5), octaves=5, gain=0.6)
    green = palette([(36, 82, 30), (58, 112, 42), (84, 138, 58)], 0.5 + 0.16 * mottle)
    green = paint(green, (112, 160, 84), 0.25 * ramp(0.0045, 0.001, fine))
    green = paint(green, (132, 176, 100), 0.50 * ramp(0.008, 0.002, coarse))
    return green * (1 + 0.05 * shade(0.25 * np.minimum(coarse, 0.03) + 0.2 * np.minimum(fine, 0.012)))[..., None]


def _eggs(rng: np.random.Generator, x: Field, y: Field, sites: Field) -> tuple[Field, np.ndarray]:
    """Distance to the nearest spot in units of its radius, and that spot's number."""
    size = rng.uniform(0.046, 0.066, SPOTS)
    stretch, turn = rng.uniform(1.0, 1.07, SPOTS), rng.uniform(0, np.pi, SPOTS)
    best, owner = np.full_like(x, np.inf), np.zeros(x.shape, dtype=int)
    rough = 1 + 0.025 * noise(rng, x, y, (14, 14), octaves=2)
    for i, (px, py) in enumerate(sites):
        right, down = (np.mod(a - p + 0.5, 1) - 0.5 for a, p in ((x, px), (y, py)))
        along = right * np.cos(turn[i]) + down * np.sin(turn[i])
        aside = down * np.cos(turn[i]) - right * np.sin(turn[i])
        distance = np.hypot(along / stretch[i], aside * stretch[i]) / size[i] * rough
        owner = np.where(distance < best, i, owner)
        best = np.minimum(best, distance)
    return best, owner


def _glint(x: Field, y: Field, centre: Field) -> Field:
    """Distance from the highlight, up and left of the centre, in units of about a spot's radius."""
    right, down = (np.mod(a - centre[..., i] + 0.017 + 0.5, 1) - 0.5 for i, a in enumerate((x, y)))
    return np.hypot(right, down) / 0.055
