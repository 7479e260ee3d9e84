"""Elephant's ear, Alocasia: a hierarchy of pale veins on a nearly black leaf.

Venation is colocasioid: thick lateral veins side by side, thinner ones leave them slantwise and meet
half-way in a zigzag collective vein, and the finest close the areoles (Ellis et al. 2009, Manual of Leaf
Architecture).
"""

from __future__ import annotations

import numpy as np

from srnca.media.samples.ingredients import Field, borders, grid, nested_borders, noise, paint, palette, ramp, shade

LATERALS = 3  # thick veins across the picture
BRANCHES = 6  # thinner veins on each side of a lateral, down the picture


def alocasia(n: int, rng: np.random.Generator) -> Field:
    """(n, n, 3) in 0..255."""
    x, y = grid(n)
    u = x + 0.017 * noise(rng, x, y, (4, 4), octaves=3)
    v = y + 0.017 * noise(rng, x, y, (4, 4), octaves=3)
    # On the torus the slanting laterals are one strip that winds round: `along` is the way on it.
    strip = LATERALS * u - v
    middle = np.mod(strip, 1) - 0.5  # (n, n), -0.5..0.5 between two laterals
    along = np.mod(v + np.floor(strip), LATERALS)
    first = (0.5 - np.abs(middle)) / np.hypot(LATERALS, 1)
    second, cell = borders(
        middle / LATERALS, along - 0.10 * np.abs(middle), _branches(rng), box=(0.0, LATERALS), web=0.004
    )
    third = nested_borders(rng, np.mod(u, 1), np.mod(v, 1), cell, 240)
    thick = 1 + 0.18 * noise(rng, x, y, (5, 5), octaves=2)
    veins = ramp(0.021, 0.011, first / thick)
    branch = ramp(0.0125, 0.0045, second / thick)
    twig = ramp(0.0065, 0.001, third)
    near = np.minimum(first * 0.6, second)
    tone = 0.35 + 0.12 * noise(rng, x, y, (4, 4), octaves=4) + 0.5 * np.exp(-near / 0.012)
    leaf = palette([(8, 28, 22), (16, 48, 34), (34, 76, 48), (70, 116, 70)], tone)
    swell = 0.5 * np.minimum(near, 0.03) + 0.1 * np.minimum(third, 0.012)
    leaf = leaf * (1 + 0.35 * shade(swell))[..., None]
    leaf = paint(leaf, (88, 134, 86), 0.55 * twig)
    leaf = paint(leaf, (176, 204, 152), 0.92 * branch)
    leaf = paint(leaf, (216, 230, 190), 0.95 * veins)
    return leaf * (1 + 0.02 * noise(rng, x, y, (90, 90)))[..., None]


def _branches(rng: np.random.Generator) -> Field:
    """(2 * BRANCHES * LATERALS, 2) cell centres, in two staggered rows along the strip."""
    count = BRANCHES * LATERALS
    place = np.arange(count) / BRANCHES
    rows = []
    for side, shift in ((-0.25, 0.0), (0.25, 0.5)):
        across = (side + rng.uniform(-0.05, 0.05, count)) / LATERALS
        along = np.mod(place + (shift + rng.uniform(-0.18, 0.18, count)) / BRANCHES, LATERALS)
        rows.append(np.stack([across, along], axis=1))
    return np.concatenate(rows)
