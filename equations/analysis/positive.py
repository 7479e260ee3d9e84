"""Channels that never become negative, such as concentrations; fixed points where they are negative do not matter."""

from __future__ import annotations

import numpy as np

from equations.analysis.fixed_points import search_range
from equations.analysis.jacobian import UniformRule
from equations.analysis.split import Split
from equations.rule.rule import Rule
from equations.simulation import first_init

_SAMPLES = 400
_NOISE = 0.2  # first states may be negative by noise of up to this part of a channel's size


def positive_channels(rule: Rule, split: Split, *, seed: int = 0) -> tuple[bool, ...]:
    """For each channel whether it stays at or above 0, judged by random samples.

    Such a channel starts at or above 0, only reacts and diffuses, and has a non-negative update where it is 0 and the
    other such channels are at or above 0 (quasi-positivity; J. D. Murray, Mathematical Biology I, 2002, section 6.1).
    """
    init = first_init(rule)
    rows = np.array([init.background, *([init.square] if init.square else [])])
    below = rows[0] - np.array(init.amplitude)  # a little noise below 0 does not count
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
