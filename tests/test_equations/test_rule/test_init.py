"""Initial states are data: repeatable, per channel, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from equations.rule.init import KINDS, Init, make_state, square_span
from equations.rule.mask import uniform


def test_noise() -> None:
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


def test_square() -> None:
    state = make_state(Init("square", (1.0,), (0.0,), (0.25,), 0.5), 1, (8, 12), seed=0)
    wanted = np.ones((8, 12))
    wanted[2:6, 3:9] = 0.25
    np.testing.assert_array_equal(state[0], wanted)
    assert square_span(1, 0.01) == (0, 1)
    assert square_span(5, 1.0) == (0, 5)


def spots_as_defined(init: Init, h: int, w: int, seed: int) -> np.ndarray:
    """Cell by cell: is it within the radius of any centre, across the edges too?"""
    a, b = uniform(seed, shape=(1, init.spots), channels=2)[:, 0]
    cy = np.floor(np.float32(h) * a).astype(int)[:, None, None]
    cx = np.floor(np.float32(w) * b).astype(int)[:, None, None]
    y, x = np.arange(h)[:, None], np.arange(w)
    dy, dx = np.minimum(abs(y - cy), h - abs(y - cy)), np.minimum(abs(x - cx), w - abs(x - cx))
    radius = max(1, int(np.floor(init.square_fraction * min(h, w) / 2 + 0.5)))
    return (dy**2 + dx**2 <= radius**2).any(axis=0)


@pytest.mark.parametrize(("h", "w"), [(40, 30), (24, 65), (5, 5), (1, 7), (2, 1)])
@pytest.mark.parametrize(("spots", "fraction"), [(1, 0.3), (20, 0.1), (7, 1.0), (300, 0.01)])
def test_spots(h: int, w: int, spots: int, fraction: float) -> None:
    init = Init("spots", (1.0, 0.0), (0.0, 0.0), (0.5, 0.25), fraction, spots)
    for seed in (0, 3, 2**32 - 1):
        state = make_state(init, 2, (h, w), seed)
        inside = spots_as_defined(init, h, w, seed)
        np.testing.assert_array_equal(state, [np.where(inside, 0.5, 1.0), np.where(inside, 0.25, 0.0)])
    assert not inside.all() or min(h, w) < 6 or fraction == 1.0


def test_cross() -> None:
    state = make_state(Init("cross", (0.0, 0.1, 0.2), (0.0,) * 3, (1.0, 2.0, 3.0)), 3, (5, 7), seed=0)
    wanted = np.array([np.full((5, 7), value, np.float32) for value in (0.0, 0.1, 0.2)])
    wanted[0, :, :3], wanted[1, :2, :], wanted[2, :, :3] = 1, 2, 3
    np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_have_the_same_noise(kind: Any) -> None:
    still, noisy = (make_state(Init(kind, (0.5, 0.0), (a, a), (1.0, 2.0)), 2, (12, 9), seed=6) for a in (0.0, 0.125))
    noise = make_state(Init("noise", (0.0, 0.0), (0.125, 0.125)), 2, (12, 9), seed=6)
    np.testing.assert_allclose(noisy, still + noise, atol=2e-7)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("blob", (0.0,), (0.0,)), "noise"),
        (("noise", (0.0,), (0.0, 1.0)), "one init value per channel"),
        (("square", (0.0,), (0.0,)), "one init value per channel"),
        (("spots", (0.0,), (0.0,)), "one init value per channel"),
        (("cross", (0.0,), (0.0,)), "one init value per channel"),
        (("spots", (0.0,), (0.0,), (1.0,), 0.2, 0), "spots from 1 to 1000"),
        (("spots", (0.0,), (0.0,), (1.0,), 0.2, 1001), "spots from 1 to 1000"),
        (("noise", (0.0,), (0.0,), (), 0.2, 2.5), "spots from 1 to 1000"),
        (("noise", (0.0,), (0.0,), (), 0.2, True), "spots from 1 to 1000"),
        (("noise", (float("nan"),), (0.0,)), "finite"),
        (("noise", 3, (0.0,)), "list of numbers"),
        (("square", (0.0,), (0.0,), (1.0,), 0.0), "square_fraction"),
    ],
)
def test_bad_inits(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Init(*arguments)


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 4, 4), (2.5, 4), (10**6, 1), (65536, 65536)])
def test_bad_sizes(size: Any) -> None:
    with pytest.raises(InputError):
        make_state(Init("noise", (0.0,), (0.0,)), 1, size, seed=0)


def test_channels_must_match() -> None:
    with pytest.raises(InputError, match="describes 1 channels, but the rule has 2"):
        make_state(Init("noise", (0.0,), (0.0,)), 2, (4, 4), seed=0)
