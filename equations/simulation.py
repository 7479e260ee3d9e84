"""Run a rule: whole rollouts with `simulate`, or step by step with a `Simulator`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.backends import get_backend
from equations.errors import DivergenceError, InputError, shorten
from equations.init import Init, check_size, make_state
from equations.mask import check_seed
from equations.rule import Rule

LIMIT = 1e6
MAX_FRAME_BYTES = 16 * 2**30
Frames = npt.NDArray[np.float32]


class Simulator:
    """A running simulation.

    `state` is the present state (channel, h, w) float32, `steps_done` how far it is. A `state` given at the
    start replaces the rule's own initial state (and then `size` is not needed). The seed fixes the noise of
    the initial state and the update masks: same seed, same run, on every backend.
    """

    def __init__(
        self,
        rule: Rule,
        size: int | tuple[int, int] = 256,
        seed: int = 0,
        backend: str = "auto",
        state: npt.ArrayLike | None = None,
    ) -> None:
        self.rule = rule
        self.seed = check_seed(seed)
        self._stepper = get_backend(backend).make_stepper(rule, np.float32)
        self.steps_done = 0
        self.state: Frames = _start(rule, size, self.seed) if state is None else _check_state(rule, state)

    def step(self, n: int = 1) -> Frames:
        """Do `n` steps and return the new state; raises DivergenceError when it is no longer finite."""
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise InputError(f"expected a number of steps from 0 up, got {shorten(n)}")
        if self.steps_done + n >= 2**32 - 1:
            raise InputError("expected fewer than 2^32 - 1 steps in all: the mask counts steps in 32 bits")
        self.state = self._stepper(self.state, self.steps_done, int(n), self.seed)
        self.steps_done += int(n)
        check_finite(self.rule, self.state, self.steps_done)
        return self.state


def simulate(
    rule: Rule,
    *,
    size: int | tuple[int, int] = 256,
    steps: int = 1000,
    seed: int = 0,
    every: int | None = None,
    backend: str = "auto",
    state: npt.ArrayLike | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Frames:
    """Simulate and return frames (t, channel, h, w) float32.

    Frame 0 is the start; then one frame each `every` steps (None: about 50 in all), and the last step.
    `state` starts from a given state; `progress(steps_done, steps)` is called at every frame.
    Raises InputError for arguments that make no sense, DivergenceError when a frame is not finite or
    beyond 1e6 in size.
    """
    simulator = Simulator(rule, size, seed, backend, state)
    marks = frame_steps(steps, every)
    total = len(marks) * simulator.state.nbytes
    if total > MAX_FRAME_BYTES:
        raise InputError(
            f"{len(marks)} frames would take {total / 2**30:.0f} GiB, more than {MAX_FRAME_BYTES // 2**30}; "
            "ask for fewer with a larger `every`"
        )
    frames = np.empty((len(marks), *simulator.state.shape), np.float32)
    for index, mark in enumerate(marks):
        frames[index] = simulator.step(mark - simulator.steps_done)
        if progress is not None:
            progress(mark, steps)
    return frames


def frame_steps(steps: int, every: int | None = None) -> list[int]:
    """The steps at which `simulate` keeps a frame: 0, every, 2·every, …, and `steps` itself."""
    for name, value, least in (("steps", steps, 0), ("every", 1 if every is None else every, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"expected {name} to be a whole number from {least} up, got {shorten(value)}")
    stride = max(1, -(-int(steps) // 50)) if every is None else int(every)
    marks = list(range(0, int(steps) + 1, stride))
    return marks if marks[-1] == steps else [*marks, int(steps)]


def check_finite(rule: Rule, state: npt.NDArray[Any], step: int) -> None:
    """Raise DivergenceError, naming step, channel and cell, when `state` is not finite or beyond 1e6."""
    with np.errstate(invalid="ignore"):
        if np.abs(state).max(initial=0) <= LIMIT:
            return
        channel, y, x = np.argwhere(~(np.abs(state) <= LIMIT))[0]
    name = rule.channels[channel]
    raise DivergenceError(
        f"the simulation diverged by step {step}: channel {name!r} is {state[channel, y, x]} at y={y}, x={x} "
        f"(expected at most {LIMIT:.0e} in size); use a smaller dt, a clamp, or another rule",
        step=step,
        channel=name,
        y=int(y),
        x=int(x),
    )


def _start(rule: Rule, size: int | tuple[int, int], seed: int) -> Frames:
    count = len(rule.channels)
    init = rule.init or Init("noise", background=(0.0,) * count, amplitude=(0.1,) * count)
    return make_state(init, count, check_size(size), seed)


def _check_state(rule: Rule, state: npt.ArrayLike) -> Frames:
    array = np.array(state, np.float32)
    if array.ndim != 3 or array.shape[0] != len(rule.channels) or 0 in array.shape:
        raise InputError(
            f"expected a state of shape (channels, h, w) with {len(rule.channels)} channels "
            f"({', '.join(rule.channels)}), got shape {array.shape}"
        )
    check_finite(rule, array, 0)
    return array
