from __future__ import annotations

import numpy as np
import pytest

from distill.sampling import Samples, _choose, add_states, ages, sample
from equations.errors import InputError
from equations.perception import perceive
from tests.test_distill.teachers import Network, gray_scott, hidden, planted


def test_rows_features_and_labels() -> None:
    teacher = Network()
    samples = sample(teacher, rows=400, size=(16, 16), steps=20, seed=3)
    assert samples.X.shape[1] == 16
    assert 400 <= len(samples.X) <= 440
    assert 100 <= len(samples.X_held) <= 110
    np.testing.assert_allclose(samples.Y, teacher.update(samples.X), atol=1e-6)
    assert samples.names[:5] == ("r", "r_lap", "r_dx", "r_dy", "g")


def test_same_seed_same_samples_other_seed_others() -> None:
    one, two, three = (sample(Network(), rows=100, size=(12, 12), steps=8, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.X, two.X)
    assert not np.array_equal(one.X, three.X)


def test_held_out_rows_come_from_another_rollout() -> None:
    teacher = hidden(gray_scott(2))
    samples = sample(teacher, rows=300, size=(12, 12), steps=4, rollouts=1, seed=0)
    other = teacher.rollout(size=(12, 12), steps=4, seed=1, every=1)
    states = {tuple(cell) for frame in other for cell in perceive(frame, teacher.stencils).reshape(4, -1).T}
    assert all(tuple(row.astype(np.float32)) in states for row in samples.X_held)
    assert not any(tuple(row.astype(np.float32)) in states for row in samples.X)


def test_half_of_the_cells_lie_where_something_happens() -> None:
    samples = sample(hidden(gray_scott()), rows=500, size=(64, 64), steps=50)
    busy = np.square(samples.Y).sum(axis=1).mean()
    assert busy > 1.5 * np.square(samples.Y_held).sum(axis=1).mean()


def test_ages_are_young_middle_old() -> None:
    assert ages(51) == [0, 1, 2, 4, 8, 16, 32, 50]
    assert ages(1) == [0]
    assert ages(2) == [0, 1]


def test_added_states_are_labelled_and_judged_by_nothing() -> None:
    teacher = Network()
    samples = sample(teacher, rows=100, size=(12, 12), steps=4)
    state = np.random.default_rng(0).normal(size=(4, 12, 12)).astype(np.float32)
    more = add_states(samples, teacher, [state], rows=60, seed=0)
    assert len(more.X) == len(samples.X) + 60
    assert more.X_held is samples.X_held
    np.testing.assert_allclose(more.Y[-60:], teacher.update(more.X[-60:]), atol=1e-6)
    assert add_states(samples, teacher, [], rows=60, seed=0) is samples


def test_a_teacher_that_stands_still_is_refused() -> None:
    with pytest.raises(InputError, match="never changes any cell"):
        sample(hidden(planted({"u": "0*u"})), rows=10, size=(8, 8), steps=2)


@pytest.mark.parametrize("changes", [{"rows": 0}, {"rollouts": 0}, {"steps": 0}])
def test_counts_below_one_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(InputError, match=f"expected {next(iter(changes))} of at least 1, got 0"):
        sample(Network(), **changes)


def test_samples_refuse_what_cannot_be_fitted() -> None:
    x, y = np.ones((4, 2)), np.ones((4, 1))
    with pytest.raises(InputError, match="NaN or infinity in Y"):
        Samples(x, y * np.nan, ("u", "u_lap"), ("u",), x, y)
    with pytest.raises(InputError, match=r"expected X of \(at least 2 rows, 2\)"):
        Samples(x[:, :1], y, ("u", "u_lap"), ("u",), x, y)
    with pytest.raises(InputError, match="as many rows"):
        Samples(x[:3], y, ("u", "u_lap"), ("u",), x, y)


def test_subset_is_seeded_and_leaves_the_held_out_side() -> None:
    samples = sample(Network(), rows=100, size=(12, 12), steps=4)
    part = samples.subset(30, 0)
    assert len(part.X) == 30
    assert np.array_equal(part.X, samples.subset(30, 0).X)
    assert part.X_held is samples.X_held
    assert samples.subset(10**6, 0) is samples


def test_of_many_that_are_alike_few_are_taken() -> None:
    """2,000 cells in one state and 40 in others: the odd ones are a fiftieth of the frame, and a third of the rows."""
    rng = np.random.default_rng(0)
    x = np.concatenate([0.001 * rng.normal(size=(2000, 4)), 3 * rng.normal(size=(40, 4))])
    y = np.ones((len(x), 2))
    chosen = _choose(x, y, 120, rng)
    assert len(chosen) == len(set(chosen.tolist())) == 120
    assert (chosen >= 2000).mean() > 0.25
    even = _choose(rng.normal(size=(2040, 4)), y, 120, rng)
    assert (even >= 2000).mean() < 0.1


def test_still_cells_are_drawn_too() -> None:
    x, rng = np.zeros((50, 3)), np.random.default_rng(0)
    assert len(set(_choose(x, np.zeros((50, 1)), 20, rng).tolist())) == 20
    assert sorted(_choose(x, np.zeros((50, 1)), 50, rng).tolist()) == list(range(50))
