"""When and how a step goes through torch.compile."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from equations.backends.torch.perceive import Neighbours
from equations.backends.torch.stepper import Step
from equations.expressions.lowering import lower
from equations.expressions.tree import to_tree
from equations.perception import fill_periodic
from equations.rule.rule import Rule

_log = logging.getLogger(__name__)

Run = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

PAYS_AFTER = 20.0  # seconds: about what compiling costs, so that no run takes more than twice the best choice
_EXACT = {"const", "name", "add", "mul", "neg", "Abs", "Max", "Min", "Reciprocal"}
# No fused multiply-add, true division, subnormals kept: the arithmetic of the eager step
_OPTIONS = ("emulate_precision_casts", "eager_numerics.division_rounding", "eager_numerics.disable_ftz")
_numbers = itertools.count()


class Advance:
    """`advance(states, ys, xs, keys)`: the states one step later, and the largest absolute value in them.

    compiled: True: through torch.compile from the first step. False: never. None: once eager steps have taken
    `pays_after` seconds, if the rule is plain arithmetic, whose compiled step gives the same bits. (tanh, exp, sin, cos
    and √ round differently when compiled.) Where compiling fails, the log says why, and steps stay eager.
    """

    def __init__(self, rule: Rule, compiled: bool | None = None, *, pays_after: float = PAYS_AFTER) -> None:
        self.step = Step(rule)
        nodes, _ = lower([to_tree(expr) for expr in rule.expressions])
        self._may_compile = compiled if compiled is not None else {node[0] for node in nodes} <= _EXACT
        self._patience = 0.0 if compiled else pays_after
        self._fast: Run | None = None
        self._buffer: Tensor | None = None

    def __call__(self, states: Tensor, ys: Tensor, xs: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        if self._may_compile and self._patience <= 0:
            try:
                return self._compiled(states, ys, xs, keys)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:  # no compiler, no Triton, an operator it cannot lower
                _log.warning("torch.compile failed, steps stay eager: %s", str(error).strip().splitlines()[0])
                self._may_compile = False
        return _measured(self.step(Neighbours(self._padded(states)), ys, xs, keys))

    def _compiled(self, states: Tensor, ys: Tensor, xs: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        rolled = states.is_cuda
        if self._fast is None:
            _log.info("compiling the step with torch.compile")
            self._fast = _compile(self.step, rolled)
        return self._fast(states if rolled else self._padded(states), ys, xs, keys)

    def _padded(self, states: Tensor) -> Tensor:
        """The states with a ring of the opposite sides' cells, in memory that the next step uses again."""
        *outer, h, w = states.shape
        if self._buffer is None or self._buffer.shape != (*outer, h + 2, w + 2):
            self._buffer = states.new_empty((*outer, h + 2, w + 2))
        fill_periodic(self._buffer, states)
        return self._buffer

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time spent inside as time of eager steps; ends when the device has done them."""
        started = time.perf_counter()
        yield
        self._patience -= time.perf_counter() - started


def _measured(states: Tensor) -> tuple[Tensor, Tensor]:
    return states, states.abs().amax()


def _compile(step: Step, rolled: bool) -> Run:
    def run(source: Tensor, ys: Tensor, xs: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        return _measured(step(Neighbours(source, rolled=rolled), ys, xs, keys))

    # torch keeps what it compiled by code object, and gives up after eight versions of one
    run.__code__ = run.__code__.replace(co_name=f"run_{next(_numbers)}")
    known = torch._inductor.list_options()
    fast: Run = torch.compile(
        run, dynamic=False, fullgraph=True, options={name: True for name in _OPTIONS if name in known}
    )
    return fast
