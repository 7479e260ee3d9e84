from __future__ import annotations

import numpy as np

from distill.regression.greedy import Problem, sparsity_path


def problem(A: np.ndarray, y: np.ndarray) -> Problem:
    return Problem(A.T @ A, A.T @ y, float(y @ y))


def test_path_finds_the_planted_subset_and_stops() -> None:
    A = np.random.default_rng(0).normal(size=(500, 40))
    y = A[:, [3, 17, 29]] @ np.array([1.0, -0.5, 0.01])
    path = sparsity_path(problem(A, y), 10)
    assert set(path[-1]) == {3, 17, 29}
    assert [len(s) for s in path] == [1, 2, 3]


def test_gains_and_losses_are_changes_of_the_squared_error() -> None:
    rng = np.random.default_rng(1)
    A, y = rng.normal(size=(60, 6)), rng.normal(size=60)
    work = problem(A, y)

    def error(columns: list[int]) -> float:
        return float(np.square(y - A[:, columns] @ np.linalg.lstsq(A[:, columns], y)[0]).sum())

    gains, now = work.gains([0, 2])
    assert np.isclose(now, error([0, 2]))
    for j in (1, 3, 4, 5):
        assert np.isclose(gains[j], error([0, 2]) - error([0, 2, j]))
    assert gains[0] == gains[2] == 0
    losses = work.losses([0, 2, 4])
    assert np.allclose(
        losses, [error([2, 4]) - error([0, 2, 4]), error([0, 4]) - error([0, 2, 4]), error([0, 2]) - error([0, 2, 4])]
    )


def test_swaps_undo_a_greedy_mistake() -> None:
    """A decoy is close to the sum of two true columns: greedy takes it first, the pair without it is exact."""
    rng = np.random.default_rng(2)
    A = rng.normal(size=(400, 5))
    A[:, 4] = A[:, 0] + A[:, 1] + 0.3 * rng.normal(size=400)
    path = problem(A, A[:, 0] + A[:, 1]).forward(3)
    assert path[0] == (4,)
    assert set(path[1]) == {0, 1}


def test_dependent_and_empty_columns_are_not_taken() -> None:
    A = np.random.default_rng(3).normal(size=(100, 4))
    A[:, 2] = A[:, 0]
    A[:, 3] = 0
    y = A[:, 0] + A[:, 1] + 0.1 * np.random.default_rng(4).normal(size=100)
    path = sparsity_path(problem(A, y), 4)
    assert set(path[-1]) == {0, 1}


def test_of_equal_terms_the_simpler_is_taken() -> None:
    A = np.random.default_rng(5).normal(size=(100, 2))
    A[:, 0] = A[:, 1]
    work = Problem(A.T @ A, A.T @ A[:, 1], float(A[:, 1] @ A[:, 1]), order=[2, 1])
    assert work.forward(1) == [(1,)]
