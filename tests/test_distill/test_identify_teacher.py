from __future__ import annotations

import numpy as np
import pytest

from distill import RecordingTeacher
from distill.engines import FitOptions, get_engine
from distill.identify.teacher import _middle
from distill.sampling import sample
from distill.teacher import answering
from equations.errors import InputError
from equations.rule.stencils import nca_stencils
from tests.test_distill.conformance import same_law
from tests.test_distill.teachers import gray_scott, hidden

FRAMES = hidden(gray_scott()).rollout(size=(32, 32), steps=60, seed=0, every=1)


def recording(frames: np.ndarray = FRAMES, **settings: object) -> RecordingTeacher:
    return RecordingTeacher(frames, 1.0, ("u", "v"), nca_stencils(4), **settings)  # type: ignore[arg-type]


def test_the_law_is_read_from_the_frames() -> None:
    samples = sample(recording(), rows=4000)
    for channel in (0, 1):
        front = get_engine("sparse").fit(samples, channel, options=FitOptions(max_terms=8))
        same_law(front[-1].expr, gray_scott().expressions[channel], tolerance=1e-3)


def test_held_out_pairs_are_the_middle_fifth() -> None:
    assert _middle(60) == frozenset(range(24, 36))
    assert _middle(4) == frozenset()
    samples = sample(recording(), rows=4800)
    assert len(samples.X) == pytest.approx(4800, rel=0.02)
    assert len(samples.X_held) == 12 * 100


def test_two_frames_are_enough() -> None:
    samples = sample(recording(FRAMES[:2]), rows=500)
    assert len(samples.X) == 500
    assert len(samples.X_held) > 0


def test_dt_scales_the_update() -> None:
    one, two = (RecordingTeacher(FRAMES, dt, ("u", "v"), nca_stencils(4)) for dt in (1.0, 0.5))
    np.testing.assert_allclose(2 * sample(one, rows=100).Y, sample(two, rows=100).Y)


def test_masked_and_clamped_cells_are_left_out() -> None:
    frames = np.random.default_rng(0).uniform(0, 1, (3, 2, 8, 8)).astype(np.float32)
    frames[1, :, :4] = frames[0, :, :4]
    frames[2, 0, 7] = 1.0
    x, _ = recording(frames, update_rate=0.5)._pair(0)
    assert len(x) == 32
    x, _ = recording(frames, clamp=(0.0, 1.0))._pair(1)
    assert len(x) == 56


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES[:1], "at least two frames.* got 1"),
        (np.repeat(FRAMES[:1], 5, axis=0), "frames that change"),
        (FRAMES[:, :1], "2 channels"),
        (FRAMES[0], "expected frames of numbers"),
        (
            np.where(np.arange(61)[:, None, None, None] == 7, np.nan, FRAMES),
            r"got nan in frame 7, channel 0, cell \(0, 0\)",
        ),
    ],
)
def test_bad_recordings_are_refused(frames: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recording(frames)


def test_bad_dt_and_new_states_are_refused() -> None:
    with pytest.raises(InputError, match="dt"):
        RecordingTeacher(FRAMES, 0.0, ("u", "v"), nca_stencils(4))
    with pytest.raises(InputError, match="cannot label new states"):
        answering(recording())


def test_rollout_returns_the_frames() -> None:
    frames = recording().rollout(size=(1, 1), steps=20, seed=9, every=10)
    assert np.array_equal(frames, FRAMES[[0, 10, 20]])
