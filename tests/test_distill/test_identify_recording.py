"""What recordings must have before a law can be read from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distill.identify.recording import Recordings, check_correlation, check_frames, check_rows, check_units
from equations.errors import InputError

FRAMES = np.random.default_rng(0).normal(size=(4, 2, 5, 6)).astype(np.float32)


def recordings(*frames: Any, **settings: Any) -> Recordings:
    return Recordings(frames, **{"channels": ("u", "v"), "dt": 0.5, "dx": 2.0, **settings})


def test_recordings_may_differ_in_length_and_size() -> None:
    found = recordings(FRAMES, FRAMES[:2, :, :3].astype(float))
    assert [f.shape for f in found.frames] == [(4, 2, 5, 6), (2, 2, 3, 6)]
    assert {f.dtype for f in found.frames} == {np.dtype("float32")}
    assert (found.channels, found.dt, found.dx) == (("u", "v"), 0.5, 2.0)


def test_frames_are_copied() -> None:
    frames = FRAMES.copy()
    found = check_frames(frames, 2)
    frames[:] = 0
    np.testing.assert_array_equal(found, FRAMES)


def test_one_recording_that_changes_is_enough() -> None:
    still = np.repeat(FRAMES[:1], 3, axis=0)
    recordings(still, FRAMES).check_change()
    with pytest.raises(InputError, match="expected frames that change"):
        recordings(still).check_change()


def test_no_recording_is_refused() -> None:
    with pytest.raises(InputError, match="expected at least one, got none"):
        recordings()


def test_values_that_no_rule_can_have_are_refused() -> None:
    recordings(FRAMES).check_values()
    with pytest.raises(InputError, match=r"in channel v; divide them"):
        recordings(FRAMES * np.array([1, 1e13])[:, None, None]).check_values()


@pytest.mark.parametrize(
    ("dt", "dx", "message"),
    [
        (0.0, 1.0, "expected dt, the time between two frames, above 0, got 0"),
        (1.0, float("inf"), "expected dx above 0, got inf"),
        (1e-13, 1.0, "expected dt, the time between two frames, from 1e-12"),
        (1.0, 1e13, "expected dx, the width of a cell, from 1e-12"),
    ],
)
def test_units_that_no_rule_can_have_are_refused(dt: float, dx: float, message: str) -> None:
    check_units(1.0, 1.0)
    with pytest.raises(InputError, match=message):
        check_units(dt, dx)


def test_unrelated_frames_and_few_rows_are_refused() -> None:
    smooth = np.cumsum(FRAMES.astype(float), axis=0)
    check_correlation([smooth], 2)
    with pytest.raises(InputError, match="expected neighbouring frames to resemble each other"):
        check_correlation([FRAMES.astype(float)], 2)
    check_rows(30, 10)
    with pytest.raises(InputError, match=r"at least 30 places .* for 10 candidate terms, got 29"):
        check_rows(29, 10)
