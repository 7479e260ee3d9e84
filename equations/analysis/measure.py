"""The wavelength of the pattern that a rule makes when it runs, to be compared with the predicted one."""

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
NUDGE = 1e-4  # amplitude of the noise around a fixed point from which a run starts, in parts of a channel's scale
EARLY = 6.0  # e-folds until the early measurement: the spectrum has a clear peak, and the pattern is still small
LATE = 40.0  # e-folds until the end: usually the pattern has settled
FEWEST, MOST = 1000, 60_000  # steps of a run
SPURTS = 40  # parts of a run, after each of which progress is reported
FEWEST_WAVES = 2.5  # a wavelength is measured only if this many waves fit the grid


@dataclass(frozen=True, eq=False)
class Measured:
    """What a run showed. Wavelengths are in cells; None for a uniform field or where fewer than 2.5 waves fit.

    near: whether the run began with a little noise around the fixed point, else from the rule's first state.
    steps: the length of the run.
    early: the wavelength after `early_steps`, while the pattern is small and grows as the linear theory predicts.
    wavelength: the wavelength at the end.
    deviation: the standard deviation over the grid at the end, of the channel that varies most.
    state: (C, h, w) the last state.
    failure: the message of the error that ended the run, if one did.
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

    scale: (C,) the size of typical values of each channel.
    near: (C,) begin with noise around this uniform state; None for the rule's own first state.
    growth: the predicted growth rate per unit of time, from which the length of the run follows.
    steps: the length of the run; None for 1,000 to 60,000 steps, by the growth rate.
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
    """The peak wavelength of a state (C, h, w) in cells; every channel that varies has the same weight.

    None for a uniform state, and where fewer than 2.5 waves fit the grid: then the grid determines the wavelength.
    """
    state = np.asarray(state, np.float64)
    deviation = state.std(axis=(1, 2)) / scale
    seen = (deviation > 1e-7) & (deviation > 0.02 * deviation.max())
    if not seen.any() or deviation.max() <= FLAT:
        return None
    fields = state[seen] / (state[seen].std(axis=(1, 2), keepdims=True))
    found = peak_wavelength(fields)
    return found if found is not None and found < min(state.shape[1:]) / FEWEST_WAVES else None
