"""The fast backend: one fused kernel per rule, compiled for this processor by LLVM, on any number of threads."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.backends import BlockStepper, State, Stepper, check_dtype, check_threads
from equations.backends.llvm.jit import compile_run, rounds_once, vector_bytes
from equations.backends.llvm.kernel import kernel_ir
from equations.divergence import check_finite
from equations.errors import InputError
from equations.rule.rule import Rule

_LINE = 16  # numbers that fill one cache line (float32) or two (float64)
_NEVER = 2**64 - 1

Places = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]


@dataclass(frozen=True)
class KernelSettings:
    """How a kernel is compiled and run. Only `rounds_once` changes the bits of the result.

    chunk_updates: cell updates of one call of compiled code; some tenths of a second, during which Ctrl-C must wait.
    thread_updates: cell updates that a thread must have to do, so that starting it pays.
    ring_bytes: memory for the rows between fused steps; they share the cache of a core with the rows read and written.
    most_fused: the largest number of steps that pass through memory together.
    fuse: that number itself; None for as many as fit `ring_bytes`.
    vector_bytes: width of the registers that the inner loop fills; None for this processor's.
    rounds_once: whether a product and the sum that it goes into are rounded once; None for where the processor can.
    """

    chunk_updates: int = 2**28
    thread_updates: int = 2**18
    ring_bytes: int = 3 * 2**17
    most_fused: int = 8
    fuse: int | None = None
    vector_bytes: int | None = None
    rounds_once: bool | None = None


SETTINGS = KernelSettings()


def make_stepper(
    rule: Rule,
    dtype: npt.DTypeLike = np.float32,
    *,
    threads: int | None = None,
    settings: KernelSettings = SETTINGS,
) -> Stepper:
    """A stepper of the rule, compiled now (or found in the cache). threads: None for all the cores there are."""
    kernel = _Kernel(rule, dtype, threads, settings)

    def stepper(state: State, step0: int, n: int, seed: int, scratch: State | None = None) -> State:
        source = np.array(state, kernel.real, order="C") if scratch is None else state
        target = np.empty_like(source) if scratch is None else scratch
        kernel.check(source, target)
        h, w = source.shape[1:]
        places = np.arange(h, dtype=np.uint32), np.arange(w, dtype=np.uint32)
        most, done = max(1, settings.chunk_updates // (h * w)), 0
        while done < n:
            now = min(most, n - done)
            source, target = kernel.run(source, target, places, step0 + done, now, seed)
            done += now
        return source

    return stepper


def make_block_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32, *, threads: int | None = None) -> BlockStepper:
    """A stepper of one block of a larger grid."""
    kernel = _Kernel(rule, dtype, threads, SETTINGS)

    def block(
        padded: State, ys: State, xs: State, step0: int, n: int, seed: int, scratch: State | None = None
    ) -> State:
        source = np.array(padded, kernel.real, order="C") if scratch is None else padded
        target = np.empty_like(source) if scratch is None else scratch
        places = np.ascontiguousarray(ys, np.uint32), np.ascontiguousarray(xs, np.uint32)
        kernel.check(source, target)
        h, w = source.shape[1:]
        if (len(places[0]), len(places[1])) != (h, w) or min(h, w) <= 2 * n:
            raise InputError(
                f"expected a block of more than {2 * n} cells a side and the place of each, "
                f"got {h}x{w} cells, {len(places[0])} rows and {len(places[1])} columns"
            )
        if n:
            source, _ = kernel.run(source, target, places, step0, n, seed, shrink=True)
        return source[:, n : h - n, n : w - n]

    return block


class _Kernel:
    """The compiled code of a rule, and how it is called."""

    def __init__(self, rule: Rule, dtype: npt.DTypeLike, threads: int | None, settings: KernelSettings) -> None:
        self.rule, self.real, self.threads, self.settings = rule, np.dtype(dtype), check_threads(threads), settings
        lanes = (settings.vector_bytes or vector_bytes()) // self.real.itemsize
        fused = rounds_once() if settings.rounds_once is None else settings.rounds_once
        self.code = compile_run(kernel_ir(rule, check_dtype(self.real.name), fused, lanes))

    def check(self, *arrays: State) -> None:
        """Raise InputError for arrays that compiled code, which does not check its pointers, could not handle."""
        shape = arrays[0].shape
        for array in arrays:
            whole = array.dtype == self.real and array.flags.c_contiguous and array.flags.aligned
            if (
                len(shape) != 3
                or shape[0] != len(self.rule.channels)
                or 0 in shape
                or array.shape != shape
                or not whole
            ):
                raise InputError(
                    f"expected contiguous {self.real} states (channel, h, w) with {len(self.rule.channels)} channels, "
                    f"got {array.dtype} {array.shape}"
                )
        if len(arrays) > 1 and np.may_share_memory(arrays[0], arrays[1]):
            raise InputError("expected a scratch array of its own, got the state itself")

    def run(
        self, source: State, target: State, places: Places, step0: int, n: int, seed: int, shrink: bool = False
    ) -> tuple[State, State]:
        """Do n >= 1 steps; returns the array with the new state, and the other one.

        Raises DivergenceError, with the step and the cell, when a step leaves the finite numbers.
        """
        fuse = self._fuse(source)
        made, first_bad = self._launch(source, target, places, step0, n, seed, shrink, fuse)
        if -(-made // fuse) % 2:
            source, target = target, source
        if first_bad is not None:  # the state before that pass is still stored: repeat it step by step
            for step in range(made, first_bad + 1):
                self._launch(source, target, places, step0 + step, 1, seed, shrink, 1)
                source, target = target, source
            rim = (first_bad + 1) * shrink
            h, w = source.shape[1:]
            ys, xs = (place[rim : len(place) - rim] for place in places)
            check_finite(self.rule, source[:, rim : h - rim, rim : w - rim], step0 + first_bad + 1, ys, xs)
        return source, target

    def _launch(
        self,
        source: State,
        target: State,
        places: Places,
        step0: int,
        n: int,
        seed: int,
        shrink: bool,
        fuse: int,
    ) -> tuple[int, int | None]:
        """Returns the number of steps done, and the step, counted from 0, that left the finite numbers."""
        channels, h, w = source.shape
        count = min(h, self.threads or min(_cores(), max(1, n * h * w // self.settings.thread_updates)))
        gate = np.array([0, _NEVER], np.uint64)
        # an odd number of lines, so that rows do not map to the same sets of the cache
        ring_row = (-(-w // _LINE) | 1) * _LINE
        rings = np.empty((count, (fuse - 1) * channels * 3 * ring_row + _LINE), self.real)
        arrays = [array.ctypes.data for array in (source, target, *places)]
        sizes = (h, w, seed, step0 & 0xFFFFFFFF, n, int(shrink), fuse)
        made = [0] * count

        def share(index: int) -> None:
            ring = rings[index].ctypes.data
            ring += -ring % 64  # to the beginning of a line
            made[index] = self.code(*arrays, *sizes, ring, ring_row, index, count, gate.ctypes.data)

        helpers = [threading.Thread(target=share, args=(index,), daemon=True) for index in range(1, count)]
        try:
            for helper in helpers:
                helper.start()
        except RuntimeError as error:
            gate[:] = 2**63, 0  # opens the barrier, where the running threads stop
            for helper in helpers:
                if helper.ident is not None:
                    helper.join()  # it writes into arrays that the caller may free
            raise InputError(f"the system gives fewer than {count} threads; ask for fewer") from error
        share(0)
        for helper in helpers:
            helper.join()
        bad = int(gate[1])
        return made[0], None if bad == _NEVER else bad

    def _fuse(self, state: State) -> int:
        """How many steps pass through memory together: as many as have their rows in the cache of a core."""
        if self.settings.fuse is not None:
            return self.settings.fuse
        channels, h, w = state.shape
        fits = self.settings.ring_bytes // (3 * channels * w * self.real.itemsize)
        return max(1, min(self.settings.most_fused, 1 + fits, h // 16))


def _cores() -> int:
    """The threads to use: OMP_NUM_THREADS where it is set, else the cores that this process may run on."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
