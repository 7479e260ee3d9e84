"""Initial states are data: repeatable, per channel, checked."""

from __future__ import annotations

import numpy as np
import pytest

from equations.errors import InputError
from equations.init import Init, make_state, square_span
from equations.mask import uniform


def test_noise():
    state = make_state(Init("noise", (0.5, -1.0), (0.1, 0.0)), 2, (40, 30), seed=4)
    assert state.dtype == np.float32
    assert state.shape == (2, 40, 30)
    assert (state[1] == -1).all()
    assert 0.4 <= state[0].min() < 0.42
    assert 0.58 < state[0].max() <= 0.6
    drawn = uniform(4, shape=(40, 30), channels=2)[0]
    np.testing.assert_allclose(state[0], 0.5 + 0.1 * (2 * drawn - 1), rtol=1e-6)
    np.testing.assert_array_equal(state, make_state(Init("noise", (0.5, -1.0), (0.1, 0.0)), 2, (40, 30), seed=4))
    assert not np.array_equal(state, make_state(Init("noise", (0.5, -1.0), (0.1, 0.0)), 2, (40, 30), seed=5))


def test_square():
    state = make_state(Init("square", (1.0,), (0.0,), (0.25,), 0.5), 1, (8, 12), seed=0)
    wanted = np.ones((8, 12))
    wanted[2:6, 3:9] = 0.25
    np.testing.assert_array_equal(state[0], wanted)
    assert square_span(1, 0.01) == (0, 1)
    assert square_span(5, 1.0) == (0, 5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("blob", (0.0,), (0.0,)), "noise"),
        (("noise", (0.0,), (0.0, 1.0)), "one init value per channel"),
        (("square", (0.0,), (0.0,)), "one init value per channel"),
        (("noise", (float("nan"),), (0.0,)), "finite"),
        (("noise", 3, (0.0,)), "list of numbers"),
        (("square", (0.0,), (0.0,), (1.0,), 0.0), "square_fraction"),
    ],
)
def test_bad_inits(arguments, words):
    with pytest.raises(InputError, match=words):
        Init(*arguments)


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 4, 4), (2.5, 4), (10**6, 1), (65536, 65536)])
def test_bad_sizes(size):
    with pytest.raises(InputError):
        make_state(Init("noise", (0.0,), (0.0,)), 1, size, seed=0)


def test_channels_must_match():
    with pytest.raises(InputError, match="describes 1 channels, but the rule has 2"):
        make_state(Init("noise", (0.0,), (0.0,)), 2, (4, 4), seed=0)
