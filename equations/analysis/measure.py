"""The wavelength that a rule makes when it runs, to hold beside the predicted one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.spectrum import FLAT, peak_wavelength
from equations.errors import DivergenceError
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.simulation import Simulator

Array = npt.NDArray[Any]
NUDGE = 1e-4  # of a channel's scale: the noise that a run near a fixed point starts from
EARLY = 6.0  # e-folds: the spectrum has chosen its peak, and the pattern is still small
LATE = 40.0  # e-folds: the pattern has settled, as a rule
FEWEST, MOST = 1000, 60_000
SPURTS = 40
FEWEST_WAVES = 2.5


@dataclass(frozen=True, eq=False)
class Measured:
    """What a run showed. Wavelengths in cells; None where the field is uniform or varies only over most of the grid.

    `near`: whether it began with a little noise around the fixed point (else from the rule's first state). `early`:
    the wavelength after `early_steps`, while the pattern is small and grows as the linear theory has it. `wavelength`:
    at the end. `deviation`: standard deviation over the grid at the end, of the channel that varies most.
    `state` (C, h, w): the last. `failure`: what went wrong, if something did.
    """

    near: bool
    steps: int
    early_steps: int | None
    early: float | None
    wavelength: float | None
    deviation: float
    state: Array
    failure: str | None = None


def measure(
    rule: Rule,
    size: tuple[int, int],
    scale: Array,
    *,
    near: Array | None = None,
    growth: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Measured:
    """Run `rule` on a grid (h, w) and measure its wavelength.

    `near` (C,): begin with noise around this state; else as the rule does. `growth`: the predicted rate per unit of
    time, by which the run is made as long as it needs (1,000 to 60,000 steps) unless `steps` says how long.
    """
    if near is not None:
        start = Init("noise", tuple(map(float, near)), tuple(float(NUDGE * value) for value in scale))
        rule = rule.replace(init=start)
    early_steps = math.ceil(EARLY / (growth * rule.dt)) if near is not None and growth and growth > 0 else None
    if steps is None:
        needed = LATE / (growth * rule.dt) if growth and growth > 0 else FEWEST
        steps = int(min(max(needed, FEWEST), MOST))
    if early_steps is not None and early_steps >= steps:
        early_steps = None
    simulator = Simulator(rule, size, seed, dtype="float64")  # in float32 a slow, small growth is rounded away
    early = None
    try:
        for mark in sorted(
            {*(steps * i // SPURTS for i in range(1, SPURTS + 1)), *([early_steps] if early_steps else [])}
        ):
            simulator.step(mark - simulator.steps_done)
            if mark == early_steps:
                early = pattern_wavelength(simulator.state, scale)
            if progress is not None:
                progress(mark, steps)
    except DivergenceError as error:
        return Measured(near is not None, steps, early_steps, early, None, math.inf, simulator.state, str(error))
    state = simulator.state.astype(np.float64)
    deviation = float(state.std(axis=(1, 2)).max())
    return Measured(near is not None, steps, early_steps, early, pattern_wavelength(state, scale), deviation, state)


def pattern_wavelength(state: Array, scale: Array) -> float | None:
    """The peak wavelength of a state (C, h, w) in cells, every channel that varies counting the same.

    None for a uniform state, and where the spectrum peaks at waves of which not even 2.5 fit the grid: then the
    wavelength is the grid's.
    """
    state = np.asarray(state, np.float64)
    deviation = state.std(axis=(1, 2)) / scale
    seen = (deviation > 1e-7) & (deviation > 0.02 * deviation.max())
    if not seen.any() or deviation.max() <= FLAT:
        return None
    fields = state[seen] / (state[seen].std(axis=(1, 2), keepdims=True))
    found = peak_wavelength(fields)
    return found if found is not None and found < min(state.shape[1:]) / FEWEST_WAVES else None
