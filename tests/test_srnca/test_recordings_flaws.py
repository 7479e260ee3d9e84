"""Frames that repeat, frames that are missing, and light that flickers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from equations import models, simulate
from srnca.media.flaws import find_flaws
from tests.test_distill.recorded import ALLEN_CAHN, LAMBDA_OMEGA, law, noisy, record

FRAMES = record(law(LAMBDA_OMEGA, dt=0.05), steps=50, size=20)[5:]
RANDOM = np.random.default_rng(0)


def test_a_film_of_a_law_has_no_flaws() -> None:
    life = simulate(models.load("fitzhugh-nagumo").rule(), size=24, steps=200, every=5, seed=0)
    for frames in (FRAMES, noisy(FRAMES, 0.05), record(law(ALLEN_CAHN, dt=0.2), steps=40, size=20), life, FRAMES[:5]):
        assert find_flaws(frames) == ()
    assert find_flaws(np.concatenate([FRAMES, np.repeat(FRAMES[-1:], 9, axis=0)])) == ()  # it has settled
    assert find_flaws(RANDOM.normal(size=FRAMES.shape)) == ()


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_a_missing_frame_is_told_by_the_jump(share: float) -> None:
    frames = noisy(np.delete(FRAMES, [12, 30], axis=0), share)
    (said,) = find_flaws(frames)
    assert "between frames 11, 28 and the next" in said


def test_repeated_frames_are_counted() -> None:
    (said,) = find_flaws(np.insert(FRAMES, 21, FRAMES[20], axis=0))
    assert said.startswith("frame 21 repeats the one before")


@pytest.mark.parametrize("kind", ["factor", "offset"])
def test_flicker_is_seen_in_whole_frames(kind: str) -> None:
    light = 0.02 * RANDOM.normal(size=(len(FRAMES), 1, 1, 1))
    (said,) = find_flaws(FRAMES * (1 + light) if kind == "factor" else FRAMES + light)
    assert "flickers" in said


def test_light_that_fades_slowly_does_not_flicker() -> None:
    assert find_flaws(FRAMES * np.linspace(1, 0.7, len(FRAMES))[:, None, None, None]) == ()


def test_a_large_recording_is_looked_at_frame_by_frame() -> None:
    random = np.random.default_rng(1)
    light = 1 + 0.02 * random.normal(size=(60, 1, 1, 1))
    frames = (random.random((1, 2, 96, 96)) * light).astype(np.float32)
    tracemalloc.start()
    try:
        (said,) = find_flaws(frames)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "flickers" in said
    assert peak < 0.5 * frames.nbytes
