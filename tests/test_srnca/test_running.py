"""The loop of a simulation: which states are kept, when it stops, and what it asks of others."""

from __future__ import annotations

import pytest

from srnca import running
from srnca.running import run


class Counter:
    """A simulation whose state is the number of steps done."""

    def __init__(self, first: int = 0) -> None:
        self.steps_done, self.spurts = first, list[int]()

    @property
    def state(self) -> int:
        return self.steps_done

    def step(self, n: int) -> None:
        self.steps_done += n
        self.spurts.append(n)


@pytest.mark.parametrize(
    ("steps", "every", "last", "kept"),
    [
        (25, 10, True, [0, 10, 20, 25]),
        (25, 10, False, [0, 10, 20]),
        (20, 10, True, [0, 10, 20]),
        (20, 10, False, [0, 10, 20]),
        (3, 10, True, [0, 3]),
        (3, 10, False, [0]),
        (0, 10, True, [0]),
        (25, None, True, [25]),
        (0, None, True, [0]),
    ],
)
def test_states_are_kept_at_every_mark(steps: int, every: int | None, last: bool, kept: list[int]) -> None:
    for first in (0, 7):  # a run that goes on counts from where it starts
        simulator, seen = Counter(first), list[int]()
        outcome = run(simulator, steps, every, seen.append, last=last)
        assert seen == [first + mark for mark in kept]
        assert (outcome.steps, outcome.complete) == (steps, True)
        assert simulator.steps_done == first + steps


def test_spurts_grow_until_they_take_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    class Slow(Counter):
        def step(self, n: int) -> None:
            super().step(n)
            clock[0] += (5.0 if len(self.spurts) == 1 else 0.0) + n / 1024  # the first one compiles

    monkeypatch.setattr(running.time, "perf_counter", lambda: clock[0])
    simulator, rates = Slow(), list[float]()
    outcome = run(simulator, 2000, None, lambda state: None, report=lambda done, rate: rates.append(rate))
    assert simulator.spurts[:5] == [1, 1, 8, 64, 204]
    assert max(simulator.spurts) == 204  # 0.2 s
    assert rates[0] == pytest.approx(1 / 5, rel=1e-3)
    assert outcome.rate == pytest.approx(1024)  # compiling is not counted


def test_a_wish_to_stop_ends_the_run_between_spurts() -> None:
    simulator, seen = Counter(), list[int]()
    outcome = run(simulator, 1000, 10, seen.append, stopping=lambda: simulator.steps_done >= 25)
    assert not outcome.complete
    assert 25 <= outcome.steps < 1000
    assert outcome.steps == simulator.steps_done
    assert seen == list(range(0, outcome.steps + 1, 10))  # whole strides only
    picture = list[int]()
    outcome = run(Counter(), 1000, None, picture.append, stopping=lambda: True)
    assert (picture, outcome.steps, outcome.complete) == ([0], 0, False)  # the present state


def test_processes_take_the_same_spurts() -> None:
    """One decides, the others do as they are told, also when to stop."""
    told: list[int] = []

    def decide(n: int) -> int:
        told.append(n)
        return n

    first, second = Counter(), Counter()
    seen: tuple[list[int], list[int]] = ([], [])
    run(first, 100, 30, seen[0].append, agree=decide, stopping=lambda: first.steps_done >= 60)
    orders = iter(told)
    outcome = run(second, 100, 30, seen[1].append, agree=lambda n: next(orders))
    assert not outcome.complete
    assert first.spurts == second.spurts
    assert seen[0] == seen[1]


def test_errors_pass_through() -> None:
    def full(state: int) -> None:
        if state:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(Counter(), 10, 5, full)
