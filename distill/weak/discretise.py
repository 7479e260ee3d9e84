"""From an equation to a rule that simulates it: the time step that is stable and accurate enough, and what is left.

The rule runs beside an accurate solution of the same equation, from a late frame of the recording. Its step is halved
until waves do not grow faster than the equation lets them, and until the step costs less accuracy than the stencils.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.identify.teacher import look_alike
from distill.weak.equation import Equation
from distill.weak.forecast import LONGEST, Spectral, denoised, forecast, mirrored
from distill.weak.stencilled import Stencilled, on_stencils
from distill.weak.system import CHUNKS
from distill.weak.terms import term_of
from equations.analysis.jacobian import UniformRule
from equations.analysis.stencil_waves import stencil_symbol
from equations.errors import DivergenceError
from equations.rule.auxiliary import settle
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.simulation import Simulator

Array = npt.NDArray[np.float64]

MOST_STEPS = 512  # between two frames
GOOD = 0.01  # share of the change by which the time step may make a forecast wrong …
OF_STENCILS = 0.5  # … or this share of what the stencils make it wrong by
FINE = 0.03  # share of the change by which stencils of second order may be wrong
ROUGH = 0.1  # share of the change from which on the text warns
BETTER = 0.5  # times that error, those of fourth order may have to be taken
SAME = 1e-3  # of the change, to which the accurate solution is accurate
STATES, WAVES = 40, 16  # cells and wave numbers along an axis at which growth is computed
FINEST = 1e-3  # of a frame: the step with which growth is that of continuous time
DRIFT = 0.5  # logarithm of the growth over the whole recording that a step may add


@dataclass(frozen=True, eq=False)
class Discretised:
    """A rule that simulates an equation.

    steps: of the rule, from one frame to the next.
    error: root mean square difference from an accurate solution, as a share of the change over `frames` frames; None
        where there is no accurate solution to compare with.
    step_error: the part of it that the time step makes: the difference from half the step, times two.
    """

    rule: Rule
    steps: int
    frames: int
    error: float | None
    step_error: float

    def to_json(self) -> dict[str, Any]:
        """Plain data: `rule` of equation.json."""
        return {
            "dt": self.rule.dt,
            "steps_per_frame": self.steps,
            "auxiliary": list(self.rule.provenance["auxiliary"]),
            "frames": self.frames,
            "error": self.error,
            "step_error": self.step_error,
        }

    def text(self) -> str:
        """What the rule does and how far it is from the equation, in a line."""
        steps = "1 step" if self.steps == 1 else f"{self.steps} steps"
        held = self.rule.provenance["auxiliary"]
        extra = f", auxiliary species {', '.join(held)}" if held else ""
        if self.error is None:
            how = f"half the step changes it by {100 * self.step_error / 2:.2g} % of the change"
        else:
            how = f"it is {100 * self.error:.2g} % of the change off the equation's own solution"
        rough = "" if (self.error or 0.0) <= ROUGH else ": rough, since these cells are coarse for its fronts"
        return f"{steps} a frame, dt = {self.rule.dt:g}{extra}; over {self.frames} frames {how}{rough}"


def discretise(
    equation: Equation, frames: npt.ArrayLike, *, display: Display | None = None, sharp: bool | None = None
) -> Discretised | None:
    """The rule that simulates an equation; None where no step of at least 1/512 frame keeps it finite.

    frames: a recording (t, channel, h, w) of the system, from which the runs start.
    display: how the rule's states become pictures.
    sharp: whether stencils are of fourth order; None: where those of second order are more than 3 % of the change off.
    """
    seen = np.asarray(frames, np.float64)
    begin = len(seen) * (CHUNKS[0] - 1) // CHUNKS[0]
    count = max(1, min(LONGEST, len(seen) - 1 - begin))
    start, _ = denoised(seen[begin], np.array(equation.noise))
    if equation.boundary == "walls":
        start = mirrored(start)
    offsets = np.array(equation.offsets)[:, None, None]
    sizes = np.sqrt(np.square(seen - offsets).mean(axis=(0, 2, 3)))
    sizes = np.where(sizes > 0, sizes, 1.0)
    exact = solve(equation, start - offsets, sizes, count)
    if exact is not None:
        exact = exact + offsets
    init = look_alike(np.asarray(seen[0], np.float32))
    found: Discretised | None = None
    for order in (False, True) if sharp is None else (sharp,):
        make = _Maker(equation, on_stencils(equation, sizes.tolist(), sharp=order), init, display)
        other = _refine(make, start, len(seen), count, exact, sizes[:, None, None])
        if found is None or (other is not None and (other.error or 0.0) < BETTER * (found.error or 0.0)):
            found = other
        if found is not None and (found.error is None or found.error <= FINE):
            break
    return found


def _refine(
    make: _Maker, start: Array, frames: int, count: int, exact: Array | None, spread: Array
) -> Discretised | None:
    """The rule with the largest step that is good enough; None where none of at least 1/512 frame is.

    frames: of the recording. count: of the run from `start`. exact: what it shall give.
    """
    last: Array | None = None
    steps = make.least_steps(start, frames)
    while steps <= 2 * MOST_STEPS:
        states = _run(make(steps), start, steps, count)
        if states is not None and last is not None:
            change = _rms((states - start) / spread)
            apart = 2 * _rms((states - last) / spread) / change
            error, finer = (None if exact is None else _rms((s - exact) / spread) / change for s in (last, states))
            if apart <= max(GOOD, OF_STENCILS * (finer or 0.0)):
                return Discretised(make(steps // 2), steps // 2, count, error, apart)
        last, steps = states, 2 * steps
    return None


@dataclass(frozen=True, eq=False)
class _Maker:
    equation: Equation
    parts: Stencilled
    init: Init
    display: Display | None

    def __call__(self, steps: float) -> Rule:
        """The rule with this many steps a frame."""
        dt, none = self.equation.dt / steps, (0.0,) * len(self.parts.auxiliary)
        return Rule(
            self.parts.channels,
            self.parts.stencils,
            self.parts.updates(dt),
            dt=dt,
            init=Init("noise", self.init.background + none, self.init.amplitude + none),
            display=self.display,
            provenance={"dx": self.equation.dx, "auxiliary": list(self.parts.auxiliary)},
        )

    def least_steps(self, start: Array, frames: int) -> int:
        """The fewest steps a frame with which no small wave grows faster than in continuous time.

        Waves are those on the uniform states that the cells of `start` have.
        """
        most = max(0.0, self._growth(1 / FINEST, start)) + DRIFT / (frames * self.equation.dt)
        steps = 1
        while steps < MOST_STEPS and self._growth(steps, start) > most:
            steps *= 2
        return steps

    def _growth(self, steps: float, start: Array) -> float:
        """The largest growth rate of a wave, by steps of 1/steps frame."""
        rule = self(steps)
        full = settle(rule, start)
        cells = full.reshape(len(full), -1).T
        cells = cells[:: max(1, len(cells) // STATES)]
        slopes = UniformRule(rule).slopes(cells).slope  # (n, C, C, S)
        k = np.pi * np.arange(WAVES + 1) / WAVES
        symbols = np.stack([stencil_symbol(s, k[:, None], k[None, :]) for s in rule.stencils])
        generator = np.einsum("ncds,sij->nijcd", slopes, symbols)
        if not np.isfinite(generator).all():
            return np.inf
        factors = np.linalg.eigvals(np.eye(len(full)) + rule.dt * generator)
        return float(np.log(max(1e-300, float(np.abs(factors).max()))) / rule.dt)


def solve(equation: Equation, start: Array, sizes: Array, count: int) -> Array | None:
    """The equation's own solution on a periodic plane, accurate to a thousandth of the change.

    start: (channel, h, w), a state from which the equation's offsets were subtracted.
    sizes: (channel,), how large each channel's values are; only the arithmetic depends on it.

    Returns (count, channel, h, w), the states one frame apart that follow; None where they grow without bound.
    """
    used = [(c, found) for c, law in enumerate(equation.laws) for found in law.terms]
    terms = [term_of(found.text, found.saturation, equation.channels, found.free) for _, found in used]
    weights = np.zeros((len(terms), len(equation.laws)))
    for k, (c, found) in enumerate(used):
        size = float(np.prod(sizes[list(terms[k].channels)]))
        weights[k, c] = found.coefficient * size / sizes[c] * equation.dt / equation.dx ** terms[k].order
        inside = terms[k].saturation
        if inside is not None:
            terms[k] = replace(terms[k], saturation=replace(inside, half=inside.half / sizes[inside.channel]))
        free = terms[k].free
        if free is not None:
            terms[k] = replace(terms[k], free=replace(free, units=tuple(sizes.tolist())))
    spread = sizes[:, None, None]
    right = Spectral(terms, weights, (start.shape[1], start.shape[2]))
    solved = forecast(right, start / spread, count, same=SAME)
    return None if solved is None else solved * spread


def _run(rule: Rule, start: Array, steps: int, count: int) -> Array | None:
    """The states (count, channel, h, w) after each `steps` steps; None where the rule diverges."""
    channels = len(start)
    simulator = Simulator(rule, state=settle(rule, start), dtype="float64")
    try:
        return np.array([np.array(simulator.step(steps)[:channels]) for _ in range(count)])
    except DivergenceError:
        return None


def _rms(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))
