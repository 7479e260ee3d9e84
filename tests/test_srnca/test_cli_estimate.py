"""How long a training will take: said once, after the first iterations."""

from __future__ import annotations

import pytest

from srnca.cli.estimate import COUNTED, Estimate, rounded_time


def lines(cores: int | None, per_iteration: float, first: int, iterations: int) -> list[str]:
    """What is said by an estimate whose first iteration took a minute, and the others `per_iteration` seconds."""
    now = [60.0]
    estimate = Estimate(cores, clock=lambda: now[0])
    said = []
    for iteration in range(first, min(first + 3 * COUNTED, iterations) + 1):
        said.append(estimate.see(iteration, iterations))
        now[0] += per_iteration
    return [line for line in said if line]


def test_it_is_said_once_and_counts_the_processor_time_of_all_cores() -> None:
    assert lines(2, 1 / 3, 1, 900) == ["training takes about 2.5 minutes on two free cores: 900 iterations"]
    assert lines(1, 1 / 3, 1, 900) == ["training takes about 5 minutes on one free core: 900 iterations"]
    assert lines(8, 8.0, 1, 3600) == ["training takes about 60 minutes on 8 free cores: 3600 iterations"]


def test_a_gpu_is_timed_by_the_clock_and_has_no_cores() -> None:
    assert lines(None, 0.05, 1, 900) == ["training takes about 40 seconds: 900 iterations"]


def test_a_resumed_training_counts_what_is_left() -> None:
    assert lines(2, 1 / 3, 601, 900) == ["training takes about 50 seconds on two free cores: 300 iterations"]


def test_a_short_training_is_not_worth_a_line() -> None:
    assert lines(2, 0.01, 1, 900) == []
    assert lines(2, 10.0, 1, COUNTED) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "10 seconds"),
        (84, "80 seconds"),
        (95, "1.5 minutes"),
        (140, "2.5 minutes"),
        (1490, "25 minutes"),
        (12_000, "3.5 hours"),
    ],
)
def test_an_estimate_has_few_digits(seconds: float, words: str) -> None:
    assert rounded_time(seconds) == words
