"""Footage: which windows train, which are held out, and recordings that nothing can be learned from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.identify.footage import Footage
from equations.errors import InputError
from tests.test_distill.recorded import record_gray_scott

FRAMES = record_gray_scott(6)[1]


def test_held_out_windows_touch_no_window_of_training() -> None:
    film = Footage([record_gray_scott(20)[1]], ("u", "v"), 1.0)
    train = {t for w in film.windows(2) for t in range(w.first, w.first + 3)}
    held = {t for w in film.windows(2, held=True) for t in range(w.first, w.first + 3)}
    assert held
    assert not train & held
    short = Footage([FRAMES[:4]], ("u", "v"), 1.0)
    assert short.windows(2, held=True) == short.windows(2)


def test_lively_windows_are_drawn_first() -> None:
    frames = record_gray_scott(14)[1].copy()
    frames[5:] = frames[5] + 1e-6 * np.arange(9, dtype=np.float32)[:, None, None, None]  # settled
    film = Footage([frames], ("u", "v"), 1.0)
    drawn = [film.draw(1, 2, torch.Generator().manual_seed(s)) for s in range(20)]
    assert np.mean([w.first < 5 for windows in drawn for w in windows]) > 0.8


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES[:1], "at least two frames, to see what changes, got 1"),
        (np.repeat(FRAMES[:1], 4, axis=0), "expected frames to change, got the same each time"),
        (np.where(np.arange(6)[:, None, None, None] == 2, np.nan, FRAMES), "finite numbers, got nan in frame 2"),
        (FRAMES[:, :1], r"2 channels"),
        (FRAMES[:, :, :2], "at least 3 x 3"),
        (np.stack([FRAMES[:, 0], np.ones_like(FRAMES[:, 0])], axis=1), "channel v to change"),
    ],
)
def test_recordings_that_cannot_be_learned_are_refused(frames: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Footage([frames], ("u", "v"), 1.0)
