"""What recordings must be, and how they are scaled."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.scaling import scale
from equations.errors import InputError


def frames(channels: int = 1, t: int = 20, cells: int = 20) -> np.ndarray:
    rng = np.random.default_rng(0)
    start = rng.standard_normal((1, channels, cells, cells))
    return start * np.exp(-0.05 * np.arange(t))[:, None, None, None]


@pytest.mark.parametrize(
    ("recordings", "channels", "dt", "dx", "message"),
    [
        ([], ("u",), 1, 1, "recordings: expected at least one, got none"),
        ([frames()[:, 0]], ("u",), 1, 1, "recording 0: expected numbers .*an axis of length 1"),
        ([np.moveaxis(frames(2), 1, -1)], ("u", "v"), 1, 1, "channels seem to be the last axis"),
        ([frames(2)], ("u",), 1, 1, "expected 1 channels as the second axis .* name as many channels"),
        ([frames(), frames(t=10)], ("u",), 1, 1, "recording 1: expected at least 16 frames .* record longer"),
        ([frames()], ("u",), 0, 1, "expected dt, the time between two frames, as one number above 0, got 0"),
        ([frames()], ("u",), 1, (1, 2), "expected dx, the width of a cell, as one number"),
        ([np.ones((20, 1, 20, 20))], ("u",), 1, 1, "channel u: expected values that differ, got 1 throughout"),
        ([np.where(frames() > 1, np.nan, frames())], ("u",), 1, 1, "expected finite numbers, got nan"),
        ([frames()], "u", 1, 1, "channel names"),
    ],
)
def test_recordings_that_cannot_be_used_are_refused_in_one_sentence(recordings, channels, dt, dx, message):
    with pytest.raises(InputError, match=message):
        scale(recordings, channels, dt, dx)


def test_values_come_to_unit_size_and_an_offset_is_taken_off():
    scaled = scale([3e7 * frames()], ("u",), 1.0, 1.0)
    assert np.square(scaled.frames[0]).mean() == pytest.approx(1)
    assert scale([frames() + 1000], ("u",), 1.0, 1.0).offsets.tolist() == [1000.0]
    assert scale([frames() + 2], ("u",), 1.0, 1.0).offsets.tolist() == [0.0]
