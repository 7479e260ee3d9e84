"""Whether frames are periodic."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.boundary import decide
from equations.errors import InputError

X = 2 * np.pi * np.arange(32) / 32
WAVE = np.broadcast_to(np.cos(X)[:, None] + np.sin(2 * X)[None, :], (10, 1, 32, 32))


def test_a_torus_and_a_piece_of_it_are_told_apart():
    assert decide("auto", [WAVE], np.zeros(1)) == "periodic"
    assert decide("auto", [WAVE[..., :19]], np.zeros(1)) == "walls"
    assert decide("auto", [WAVE, WAVE[:, :, 3:22]], np.zeros(1)) == "walls"


def test_noise_does_not_hide_the_edge():
    noise = 0.3 * np.random.default_rng(0).standard_normal(WAVE.shape)
    assert decide("auto", [WAVE + noise], np.array([0.3])) == "periodic"
    assert decide("auto", [(WAVE + noise)[..., :19]], np.array([0.3])) == "walls"


def test_who_knows_is_believed_and_other_words_are_refused():
    assert decide("walls", [WAVE], np.zeros(1)) == "walls"
    with pytest.raises(InputError, match="boundary: expected one of auto, periodic, walls, got 'torus'"):
        decide("torus", [WAVE], np.zeros(1))
