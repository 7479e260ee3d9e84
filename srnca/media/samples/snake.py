"""Snake plant, Dracaena trifasciata: an upright dark leaf crossed by jagged, wavy, grey-green bands."""

from __future__ import annotations

import numpy as np

from srnca.media.samples.ingredients import Field, grid, noise, paint, palette, ramp

BANDS = 6


def snake(n: int, rng: np.random.Generator) -> Field:
    """(n, n, 3) in 0..255."""
    x, y = grid(n)
    # Fibres run up the leaf: each carries the band edge a little higher or lower than its neighbour.
    teeth = noise(rng, x, y, (22, 5), octaves=3, gain=0.7)
    wave = noise(rng, x, y, (4, 5), octaves=2)
    height = y + 0.017 * wave + 0.009 * teeth
    spacing = 0.18 * noise(rng, x, height, (2, 6))
    band = np.sin(2 * np.pi * (BANDS * height + spacing))
    # Bands thin out, fuse and carry zigzag slits of the dark ground.
    width = 0.40 * noise(rng, x, height, (5, 12), octaves=2)
    slits = noise(rng, x, y + 0.02 * teeth, (6, 26), octaves=2)
    light = ramp(-0.30, 0.30, band + width - 0.1 - 0.55 * ramp(0.3, 1.6, slits))
    flecks = 0.35 * ramp(0.9, 1.8, noise(rng, x, y + 0.02 * teeth, (7, 30), octaves=2))
    fibre = noise(rng, x, y, (80, 3), octaves=2)
    pale = palette([(104, 133, 92), (139, 162, 118), (170, 187, 145)], 0.5 + 0.2 * wave + 0.12 * fibre)
    dark = palette([(22, 44, 28), (33, 60, 36), (47, 78, 45)], 0.5 + 0.2 * teeth + 0.15 * fibre)
    picture = paint(dark, pale, np.maximum(light, flecks * (1 - light)))
    return picture * (1 + 0.03 * fibre + 0.03 * noise(rng, x, y, (90, 60)))[..., None]
