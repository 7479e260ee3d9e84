"""Threads that share a grid: the same bits for any number, and no processor time spent on waiting."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

from equations import models
from equations.backends.llvm import steppers
from equations.errors import InputError

RULE = models.get("gray-scott")
STATE = np.random.default_rng(0).random((2, 40, 64)).astype(np.float32)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    wanted = steppers.make_stepper(RULE, threads=1)(STATE, 0, 50, 3)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(steppers.make_stepper(RULE, threads=threads)(STATE, 0, 50, 3), wanted)


@pytest.mark.skipif(sys.platform != "linux", reason="threads sleep on Linux")
def test_a_thread_that_waits_sleeps() -> None:
    """The second of two threads comes half a second late: the first one must not spend that time."""
    kernel = steppers._Kernel(RULE, np.float32, 2, steppers.KernelSettings())
    source, target, gate = STATE.copy(), np.empty_like(STATE), np.array([0, steppers._NEVER], np.uint64)
    ys, xs = (np.arange(length, dtype=np.uint32) for length in STATE.shape[1:])
    rings, spent = np.empty((2, 1024), np.float32), [1.0]
    pointers = [array.ctypes.data for array in (source, target, ys, xs)]

    def share(index: int) -> None:
        began = time.thread_time()
        kernel.code(*pointers, 40, 64, 0, 0, 1, 0, 1, rings[index].ctypes.data, 64, index, 2, gate.ctypes.data)
        spent[0] = time.thread_time() - began if index else spent[0]

    early = threading.Thread(target=share, args=(1,))
    early.start()
    time.sleep(0.5)
    share(0)
    early.join(timeout=30)
    assert not early.is_alive()
    assert spent[0] < 0.1
    np.testing.assert_array_equal(target, steppers.make_stepper(RULE, threads=1)(STATE, 0, 1, 0))


def test_a_system_without_threads_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that already wait are let go when a further one does not start."""
    start = threading.Thread.start
    begun = []

    def limited(self: threading.Thread) -> None:
        if len(begun) == 2:
            time.sleep(0.1)  # the others are asleep by now
            raise RuntimeError("can't start new thread")
        begun.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(InputError, match="fewer than 4 threads"):
        steppers.make_stepper(RULE, threads=4)(STATE, 0, 20, 0)
    assert len(begun) == 2
    assert not any(thread.is_alive() for thread in begun)
