"""Channels that stay at or above 0 once they are there: concentrations, whose negative fixed points nobody meets."""

from __future__ import annotations

import numpy as np

from equations.analysis.fixed_points import search_range
from equations.analysis.jacobian import UniformRule
from equations.analysis.split import Split
from equations.rule.rule import Rule
from equations.simulation import first_init

_SAMPLES = 400
_NOISE = 0.2


def positive_channels(rule: Rule, split: Split, *, seed: int = 0) -> tuple[bool, ...]:
    """For each channel whether it cannot become negative, as far as samples show.

    Channels that start at or above 0 and only react and diffuse, whose update at 0 is not negative while the other
    such channels are at or above 0 (quasi-positivity; J. D. Murray, Mathematical Biology I, 2002, section 6.1).
    """
    init = first_init(rule)
    rows = np.array([init.background, *([init.square] if init.square else [])])
    below = rows[0] - np.array(init.amplitude)  # a little noise around 0 is meant as none
    positive = (rows >= 0).all(axis=0) & (below >= -_NOISE * (np.abs(rows).max(axis=0) + np.array(init.amplitude)))
    for row in range(len(positive)):
        own, others = split.diffusion[row, row], np.delete(split.diffusion[row], row)
        kinds = set(split.groups[rule.channels[row]])
        positive[row] &= kinds <= {"reaction", "diffusion"} and own >= 0 and not others.any()
    low, high = search_range(rule)
    uniform, random = UniformRule(rule), np.random.default_rng(seed)
    while positive.any():
        states = random.uniform(np.where(positive, 0, low), high, (_SAMPLES, len(low)))
        falls = np.zeros_like(positive)
        for row in map(int, np.flatnonzero(positive)):
            empty = states.copy()
            empty[:, row] = 0
            size = np.maximum(uniform.slopes(empty).size[:, row], 1e-12)
            falls[row] = bool((uniform.update(empty)[:, row] < -1e-9 * size).any())
        if not falls.any():
            break
        positive &= ~falls
    return tuple(map(bool, positive))
