"""Run a rule: whole rollouts with `simulate`, step by step with a `Simulator`, up to a divergence with `roll`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from equations.backends import Stepper, check_dtype, get_backend, limit_threads, resolve
from equations.divergence import check_finite
from equations.errors import DivergenceError, InputError, shorten
from equations.rule.init import Init, check_size, make_state
from equations.rule.mask import check_seed
from equations.rule.rule import Rule

MAX_FRAME_BYTES = 16 * 2**30
COMPILED_WORK = 5e7  # steps · cells · terms, about half a second of NumPy: from here up, `roll` compiles the rule
Frames = npt.NDArray[Any]  # float32 or float64


class Simulator:
    """A running simulation: call `step(n)`, look at `state`, step on.

    Args:
        rule: the rule to run.
        size: the grid's side, or (height, width), in cells; not needed with `state`.
        seed: fixes the noise of the first state and the update masks, on every backend.
        backend: the name of a backend; "auto" chooses one, and the attribute `backend` says which.
        state: a first state (channel, h, w) in place of the rule's own.
        dtype: "float32" or "float64".
        threads: the most threads to use, never more than there are cores; None leaves the choice to the backend.
        stepper: computes the steps in place of the backend, as the network of an automaton does. All else is still the
            rule's.

    The attribute `steps_done` is the step number that the mask is drawn with. Set it to continue another run.
    Raises InputError for arguments that make no sense.
    """

    def __init__(
        self,
        rule: Rule,
        size: int | tuple[int, int] = 256,
        seed: int = 0,
        backend: str = "auto",
        state: npt.ArrayLike | None = None,
        *,
        dtype: Literal["float32", "float64"] = "float32",
        threads: int | None = None,
        stepper: Stepper | None = None,
    ) -> None:
        self.rule = rule
        self.seed = check_seed(seed)
        self.dtype = check_dtype(dtype)
        self.backend = resolve(backend)
        self._stepper = stepper or get_backend(backend).make_stepper(rule, self.dtype, threads=limit_threads(threads))
        self._size = check_size(size)
        self._state: Frames
        self._scratch: Frames | None
        self.steps_done = 0
        if state is None:
            self.reset()
        else:
            self.state = state

    @property
    def size(self) -> tuple[int, int]:
        """The grid's height and width in cells."""
        return self._size

    @property
    def state(self) -> Frames:
        """The present state (channel, h, w): valid until the next step, so copy it to keep it.

        An array that is assigned is checked and copied; it may have another size. Raises InputError for a
        wrong shape, DivergenceError for numbers that are not finite.
        """
        return self._state

    @state.setter
    def state(self, state: npt.ArrayLike) -> None:
        self._set_state(check_state(self.rule, state, self.dtype))

    def reset(self) -> None:
        """Go back to step 0 and the rule's own first state, in the present size."""
        self.steps_done = 0
        init = first_init(self.rule)
        self._set_state(make_state(init, len(self.rule.channels), self._size, self.seed).astype(self.dtype, copy=False))

    def step(self, n: int = 1) -> Frames:
        """Do `n` steps and return the new state; raises DivergenceError at the first that is not finite.

        After that error the state is not valid: call `reset()`, or assign another.
        """
        n = check_steps(n, self.steps_done)
        if n == 0:
            return self._state
        if self._scratch is None:
            self._scratch = np.empty_like(self._state)
        result = self._stepper(self._state, self.steps_done, n, self.seed, scratch=self._scratch)
        if result is not self._state:
            self._state, self._scratch = result, self._state
        self.steps_done += n
        return self._state

    def _set_state(self, state: Frames) -> None:
        self._state = state
        self._scratch = None
        self._size = (state.shape[1], state.shape[2])


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
    dtype: Literal["float32", "float64"] = "float32",
    threads: int | None = None,
) -> Frames:
    """Simulate and return frames (t, channel, h, w) of `dtype`.

    Frame 0 is the first state; then there is one frame each `every` steps (None: about 50 in all), and the last step.
    `progress(steps_done, steps)` is called at every frame; the other arguments are those of `Simulator`.
    Raises InputError for arguments that make no sense, DivergenceError when a frame is not finite or
    beyond 1e6 in size (or 1000 times the rule's init).
    """
    simulator = Simulator(rule, size, seed, backend, state, dtype=dtype, threads=threads)
    marks = frame_steps(steps, every)
    total = len(marks) * simulator.state.nbytes
    if total > MAX_FRAME_BYTES:
        raise InputError(
            f"{len(marks)} frames would take {total / 2**30:.0f} GiB, more than {MAX_FRAME_BYTES // 2**30}; "
            "ask for fewer with a larger `every`"
        )
    frames = np.empty((len(marks), *simulator.state.shape), simulator.state.dtype)
    for index, mark in enumerate(marks):
        frames[index] = simulator.step(mark - simulator.steps_done)
        if progress is not None:
            progress(mark, steps)
    return frames


@dataclass(frozen=True)
class Rollout:
    """The frames of a run, up to its end or to its divergence.

    frames: (t, channel, h, w), float32; the last is the last one before the divergence.
    diverged_at: the step at which the divergence was seen, None for a run that reached its end.
    """

    frames: npt.NDArray[np.float32]
    diverged_at: int | None


def roll(
    rule: Rule, *, size: tuple[int, int], steps: int, seed: int, every: int, stop_above: float | None = None
) -> Rollout:
    """Run `rule` from its init for `steps` steps and keep a frame each `every` steps, step 0 first.

    Divergence raises DivergenceError, unless `stop_above` is given: then the run ends with the last frame
    whose values are all within ±stop_above.
    """
    short = steps * size[0] * size[1] * sum(rule.terms().values()) < COMPILED_WORK
    simulator = Simulator(rule, size=size, seed=seed, backend="reference" if short else "auto")
    frames = [np.array(simulator.state, np.float32)]
    for step in range(every, steps + 1, every):
        try:
            simulator.step(every)
        except DivergenceError:
            if stop_above is None:
                raise
            return Rollout(np.stack(frames), step)
        state = np.array(simulator.state, np.float32)
        if stop_above is not None and not np.abs(state).max() <= stop_above:
            return Rollout(np.stack(frames), step)
        frames.append(state)
    return Rollout(np.stack(frames), None)


def frame_steps(steps: int, every: int | None = None) -> list[int]:
    """The steps at which `simulate` keeps a frame: 0, every, 2·every, …, and `steps` itself."""
    for name, value, least in (("steps", steps, 0), ("every", 1 if every is None else every, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"expected {name} to be a whole number from {least} up, got {shorten(value)}")
    stride = max(1, -(-int(steps) // 50)) if every is None else int(every)
    marks = list(range(0, int(steps) + 1, stride))
    return marks if marks[-1] == steps else [*marks, int(steps)]


def first_init(rule: Rule) -> Init:
    """The rule's own init; without one, noise in ±0.1 around 0."""
    count = len(rule.channels)
    return rule.init or Init("noise", background=(0.0,) * count, amplitude=(0.1,) * count)


def check_steps(n: object, done: int) -> int:
    """`n` as a number of steps to do after `done`; raises InputError otherwise."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        raise InputError(f"expected a number of steps from 0 up, got {shorten(n)}")
    if done + n >= 2**32 - 1:
        raise InputError("expected fewer than 2^32 - 1 steps in all: the mask counts steps in 32 bits")
    return int(n)


def check_state(rule: Rule, state: npt.ArrayLike, dtype: str) -> Frames:
    """A copy of `state` as (channel, h, w) of `dtype`; raises InputError for a wrong shape or kind of numbers."""
    try:
        given = np.asarray(state)
    except ValueError as error:
        raise InputError(
            f"expected a state (channels, h, w) of real numbers, got rows of unlike lengths ({error})"
        ) from error
    if given.ndim != 3 or given.shape[0] != len(rule.channels) or 0 in given.shape or given.dtype.kind not in "fiub":
        raise InputError(
            f"expected a state of shape (channels, h, w) with {len(rule.channels)} channels "
            f"({', '.join(rule.channels)}) of real numbers, got shape {given.shape} of {given.dtype}"
        )
    array: Frames = np.array(given, dtype, order="C")
    check_finite(rule, array, 0)
    return array
