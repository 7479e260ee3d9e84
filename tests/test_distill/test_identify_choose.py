"""Which terms are chosen: paths, held-out blocks, bags."""

from __future__ import annotations

import numpy as np

from distill.identify.blocks import Blocks
from distill.identify.choose import choose, held_out_errors, smallest_as_good
from distill.identify.paths import best_of_size, best_path
from distill.regression.greedy import Problem

BLOCKS, ROWS = 20, 60


def blocks_of(columns: np.ndarray, y: np.ndarray) -> Blocks:
    """As `make_blocks` does, of plain numbers without noise to take off."""
    norm = np.linalg.norm(columns, axis=0)
    unit = (columns / norm).reshape(BLOCKS, ROWS, -1)
    target = y.reshape(BLOCKS, ROWS, 1)
    gram, moment = np.einsum("bri,brj->bij", unit, unit), np.einsum("bri,brc->bic", unit, target)
    width = columns.shape[1] + 1
    fold = np.arange(BLOCKS) % 5
    rows = np.full(BLOCKS, float(ROWS))
    return Blocks(gram, moment, np.square(target).sum(axis=1), rows, norm, fold, np.zeros((BLOCKS, width, width)))


def drawn(noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """12 columns, some of them alike; y is 2 of the first and -1 of the fourth."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(BLOCKS * ROWS, 12))
    columns[:, 6] = columns[:, 0] + 0.3 * columns[:, 6]
    columns[:, 7] = columns[:, 3] + columns[:, 0] + 0.2 * columns[:, 7]
    return columns, 2 * columns[:, 0] - columns[:, 3] + noise * rng.normal(size=len(columns))


def test_the_right_terms_are_chosen_and_are_in_every_bag() -> None:
    columns, y = drawn(0.5)
    choice = choose(blocks_of(columns, y), 0, [1] * 12, range(12), most=8, seed=0)
    assert sorted(choice.subset) == [0, 3]
    assert choice.inclusion[[0, 3]].tolist() == [1.0, 1.0]
    assert choice.inclusion[[1, 2, 4]].max() < 0.3
    wanted = {0: 2.0, 3: -1.0}
    for i, weight, error in zip(choice.subset, choice.weights, choice.spread, strict=True):
        assert abs(weight - wanted[i]) < 4 * error
        assert 0.005 < error < 0.05


def test_nothing_is_chosen_for_nothing() -> None:
    columns, _ = drawn(0.0)
    y = np.random.default_rng(5).normal(size=len(columns))
    assert choose(blocks_of(columns, y), 0, [1] * 12, range(12), most=6, seed=0).subset == ()


def test_held_out_errors_know_superfluous_terms() -> None:
    columns, y = drawn(0.5)
    blocks = blocks_of(columns, y)
    errors = held_out_errors(blocks, 0, [(0,), (0, 3), (0, 3, 5, 8, 9, 10, 11)])
    totals = [e.sum() for e in errors]
    assert totals[0] > totals[1] > totals[2]
    assert totals[3] > totals[2]
    assert smallest_as_good(errors) == 2


def test_errors_below_the_floor_are_equal() -> None:
    errors = [np.full(20, 1.0), np.full(20, 1e-9), np.full(20, 1e-12)]
    assert smallest_as_good(errors) == 2
    assert smallest_as_good(errors, 1e-8) == 1


def test_plain_terms_go_before_others_that_are_as_good() -> None:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=500)
    odd = plain + 0.01 * rng.normal(size=500)
    y = plain + 0.1 * rng.normal(size=500) + 0.5 * (odd - plain)
    columns = np.stack([odd, plain], axis=1)
    problem = Problem(columns.T @ columns, columns.T @ y, float(y @ y))
    assert best_path(problem, [1], 1) == [(1,)]
    assert best_of_size(problem, [1], (0,)) == (1,)
    better = odd * 3
    problem = Problem(columns.T @ columns, columns.T @ better, float(better @ better))
    assert best_path(problem, [1], 1) == [(0,)]
    assert best_of_size(problem, [1], (0,)) == (0,)
