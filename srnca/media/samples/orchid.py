"""Orchid petal, after Vanda and Phalaenopsis: magenta pigment along a net of forking veins on pale ground."""

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

SQUEEZE = 0.42  # a cell's width over its length


def orchid(n: int, rng: np.random.Generator) -> Field:
    """(n, n, 3) in 0..255."""
    x, y = grid(n)
    bend = [noise(rng, x, y, (5, 4), octaves=3, gain=0.5) for _ in range(2)]
    u, v = x + 0.016 * bend[0], y + 0.022 * bend[1]
    # Veins run up the petal and fork: cells longer than wide (the torus is stretched, then squeezed).
    sites = scatter(rng, 52)
    sites[:, 1] *= SQUEEZE
    net, cell = borders(u, v * SQUEEZE, sites, box=(1.0, SQUEEZE), web=0.005, thin=3.0)
    fine = nested_borders(rng, np.mod(u, 1), np.mod(v, 1), cell, 330)
    flush = noise(rng, x, y, (6, 4), octaves=2)  # broad clouds with more or less pigment
    grain = noise(rng, x, y, (40, 26), octaves=2)  # pigment sits in single cells, so no edge is clean
    net = np.clip(net + 0.0016 * grain, 0, None)
    reach = np.clip(0.017 + 0.004 * flush, 0.008, None)
    vein = np.exp(-((net / reach) ** 2))
    stipple = ramp(0.1, 1.9, grain + 0.3 * flush) * np.exp(-net / 0.035)
    twig = ramp(0.011, 0.001, fine) * ramp(0.08, 0.0, net - 0.012 * flush)
    blush = np.clip(0.32 + 0.13 * flush, 0, 0.7) + 0.35 * np.exp(-net / 0.03)
    picture = palette([(254, 247, 250), (248, 214, 234), (230, 148, 202), (212, 100, 176)], blush)
    picture = paint(picture, (196, 62, 150), 0.50 * twig + 0.45 * stipple)
    deep = palette([(202, 48, 150), (172, 20, 122), (128, 6, 92)], 0.45 + 0.18 * flush + 0.06 * grain)
    picture = paint(picture, deep, 0.97 * ramp(0.12, 0.8, vein))
    sparkle = noise(rng, x, y, (100, 100))  # the cells of a petal's skin glitter
    return picture * (1 + 0.012 * sparkle + 0.05 * shade(0.2 * np.minimum(net, 0.03)))[..., None]
