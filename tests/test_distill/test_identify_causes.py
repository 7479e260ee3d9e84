"""What a residual goes with."""

from __future__ import annotations

import tracemalloc
from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from distill.identify.causes import explained, name_causes

FRAMES, SIDE = 40, 24
RANDOM = np.random.default_rng(0)
FIELD = gaussian_filter(RANDOM.normal(size=(FRAMES, 1, SIDE, SIDE)), (4, 0, 2, 2), mode="wrap")
FIELD /= FIELD.std()
U = FIELD[:, 0]
X = 2 * np.pi * np.arange(SIDE) / SIDE
AT_TOP, AT_RIGHT = (np.arange(SIDE) == 0)[:, None], np.arange(SIDE) == SIDE - 1
T = np.arange(FRAMES)[:, None, None]
BLOCK = ((T // 10 * 2 + np.arange(SIDE)[:, None] // 12) * 2 + np.arange(SIDE) // 12 + 0 * T).ravel()
EARLY = (T + 0 * U).ravel() < 4


def causes(residual: np.ndarray, misfit: float = 0.5) -> str:
    project = lambda fields: np.concatenate([f.ravel() for f in fields])  # noqa: E731
    return " ".join(name_causes(residual.ravel(), 0, misfit, [FIELD], project, BLOCK, EARLY))


@pytest.mark.parametrize(
    ("residual", "words"),
    [
        (0.8 * np.sin(X) * U, "goes with position"),
        (gaussian_filter(U, (0, 6, 6), mode="wrap"), "averages over wide neighbourhoods"),
        (U * (T / FRAMES - 0.5) ** 3, "goes with time"),
        (U**5 - 3 * U**4, "higher powers"),
        (AT_TOP * (U - np.roll(U, 1, 1)) + AT_RIGHT * (U - np.roll(U, -1, 2)), "sits at the rim of the frame"),
    ],
)
def test_each_cause_is_told_by_a_test_of_its_own(residual: np.ndarray, words: str) -> None:
    said = causes(residual)
    assert words in said
    assert said.count("(explains") == 1


def test_what_nothing_explains_has_no_cause() -> None:
    assert causes(RANDOM.normal(size=U.shape)) == ""


def test_a_factor_at_some_times_is_told_from_what_else_goes_with_time() -> None:
    predicted = 2 * U - U**3
    residual = np.where(T % 10 == 3, 1.0, 0.0) * predicted
    project = lambda fields: np.concatenate([f.ravel() for f in fields])  # noqa: E731
    told = partial(name_causes, channel=0, misfit=0.1, frames=[FIELD], project=project, block=BLOCK, early=EARLY)
    (said,) = told(residual.ravel(), predicted=predicted.ravel())
    assert "frames may be missing" in said
    (said,) = told((np.where(T % 10 == 3, 1.0, 0.0) * U**2).ravel(), predicted=predicted.ravel())
    assert "the residual goes with time" in said


def test_blur_few_values_and_noise_are_named_where_nothing_else_is() -> None:
    project = lambda fields: np.concatenate([f.ravel() for f in fields])  # noqa: E731
    told = partial(name_causes, channel=0, project=project, block=BLOCK, early=EARLY)
    random = np.random.default_rng(2)
    white = random.normal(size=U.size)
    assert told(white, misfit=0.01, frames=[FIELD]) == ()
    assert "may be blurred" in told(white, misfit=0.01, frames=[FIELD], blur=0.02)[0]
    coarse = [np.round(FIELD * 20) / 20]
    assert "at most 256 values" in told(white, misfit=0.01, frames=coarse)[0]
    assert told(white, misfit=0.5, frames=coarse) == ()
    assert "noise may act on the system" in told(white, misfit=0.5, frames=[FIELD], lag=2)[0]
    lasting = np.repeat(random.normal(size=(1, *U.shape[1:])), FRAMES, axis=0).ravel()
    assert told(lasting, misfit=0.5, frames=[FIELD], lag=2) == ()


def test_noise_beside_a_cause_is_part_of_what_is_left() -> None:
    assert "position (explains" not in causes(np.sin(X) * U + 3 * RANDOM.normal(size=U.shape))


def test_a_share_is_taken_of_groups_that_the_fit_has_not_seen() -> None:
    y, x = RANDOM.normal(size=200), RANDOM.normal(size=(200, 80))
    assert explained(y, x, np.arange(200) // 10) < 0
    assert explained(x @ np.arange(80), x, np.arange(200) // 10) > 0.999


def test_fields_are_made_one_at_a_time() -> None:
    """All together they would take about 30 times the recording's memory."""
    frames = np.random.default_rng(1).normal(size=(20, 2, 48, 48))
    project = lambda fields: np.concatenate([f[::4, ::4, ::4].ravel() for f in fields])  # noqa: E731
    residual = project([frames[:, 0]])
    block = np.arange(residual.size) // 48
    tracemalloc.start()
    try:
        name_causes(residual, 0, 1.0, [frames], project, block, np.zeros(residual.size, bool))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * frames.nbytes


def test_recordings_of_two_frames_have_causes_though_no_second_derivative_in_time() -> None:
    frames = [FIELD[n : n + 2] for n in range(0, 8, 2)]
    project = lambda fields: np.concatenate([f.ravel() for f in fields])  # noqa: E731
    residual = project([f[:, 0] ** 5 - 3 * f[:, 0] ** 4 for f in frames])
    said = name_causes(residual, 0, 0.5, frames, project, BLOCK[: residual.size], np.zeros(residual.size, bool))
    assert "higher powers" in said[0]
    assert explained(np.zeros(60), RANDOM.normal(size=(60, 2)), np.arange(60)) == 0


def test_walls_that_are_taken_for_a_torus_are_named() -> None:
    """Diffusion with no-flux walls by explicit steps."""
    from distill.identify import identify

    random = np.random.default_rng(0)
    random.normal(size=(FRAMES, 1, SIDE, SIDE))
    u, frames = gaussian_filter(random.normal(size=(28, 28)), 2), []
    u /= 2 * u.std()
    for _ in range(60):
        frames.append(u)
        wide = np.pad(u, 1, mode="edge")
        around = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * u
        u = u + 0.1 * (around + u - u**3)
    recording = np.array(frames)[:, None]
    told = identify([recording], 0.1, ("u",), boundary="periodic", engine="sparse").result.report
    assert told["verdict"] != "found"
    assert any("sits at the rim" in cause for cause in told["causes"])
    seen = identify([recording], 0.1, ("u",), engine="sparse").result.report
    assert (seen["verdict"], seen["boundary"]) == ("found", "walls")
