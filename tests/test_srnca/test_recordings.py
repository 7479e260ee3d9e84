"""`frames.npz`: what a recording may hold, and a reason for whatever it may not."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from srnca.media.loading import load_frames

FRAMES = np.random.default_rng(0).normal(size=(4, 2, 5, 6)).astype(np.float32)


def write(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frames.npz"


def test_what_is_recorded_comes_back(path: Path) -> None:
    found = load_frames(write(path, frames=FRAMES, dt=0.5, channels=["a", "b"]))
    np.testing.assert_array_equal(found.frames, FRAMES)
    assert found.frames.dtype == np.float32
    assert (found.dt, found.channels) == (0.5, ("a", "b"))


@pytest.mark.parametrize(("channels", "names"), [(1, ("u",)), (2, ("u", "v")), (3, ("h0", "h1", "h2"))])
def test_names_and_dt_have_defaults(path: Path, channels: int, names: tuple[str, ...]) -> None:
    found = load_frames(write(path, frames=np.zeros((2, channels, 3, 3))))
    assert found.channels == names
    assert found.dt == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int32, bool])
def test_real_numbers_of_any_kind(path: Path, dtype: type) -> None:
    found = load_frames(write(path, frames=np.abs(FRAMES).astype(dtype)))
    np.testing.assert_allclose(found.frames, np.abs(FRAMES).astype(dtype).astype(np.float32))


def spoilt(value: float) -> np.ndarray:
    frames = FRAMES.copy()
    frames[1, 0, 2, 3] = value
    return frames


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": FRAMES, "x": 1}, r"an array named frames .* found pictures \(4×2×5×6 float32\), x \(one int64\)"),
        ({"frames": FRAMES[0]}, r"got shape \(2, 5, 6\) of float32"),
        ({"frames": FRAMES.astype(complex)}, "real numbers"),
        ({"frames": np.full((2, 1, 2, 2), "a")}, "real numbers"),
        ({"frames": spoilt(np.nan)}, r"finite numbers, got nan in frame 1, channel 0, cell \(2, 3\)"),
        ({"frames": spoilt(np.inf)}, "got inf in frame 1"),
        ({"frames": np.full((2, 1, 2, 2), 1e300)}, r"got 1e\+300 in frame 0.*3e38 is the largest"),
        ({"frames": FRAMES, "channels": ["u"]}, "expected 2 channel names.*got 1"),
        ({"frames": FRAMES, "dt": np.zeros(3)}, "expected dt, one number"),
        ({"frames": FRAMES, "dt": "soon"}, "expected dt, one number"),
        ({"frames": FRAMES, "dt": np.nan}, "dt"),
        ({"frames": FRAMES, "dt": 0.0}, "dt"),
        ({"frames": FRAMES, "dt": -1.0}, "dt"),
        ({"frames": FRAMES, "dt": np.array([[1, 2]], dtype=complex)}, "dt"),
        ({"frames": np.zeros((0, 2, 3, 3))}, "frames"),
        ({"frames": np.zeros((4, 2, 0, 3))}, "frames"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_makes_no_recording_is_refused(path: Path, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_frames(write(path, **arrays))


def test_files_of_something_else(path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected a recording"):
        load_frames(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="expected an npz file of plain arrays"):
        load_frames(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="expected an npz file of plain arrays"):
        load_frames(path)
    with path.open("wb") as file:
        np.save(file, FRAMES)  # an npy file by the wrong name
    with pytest.raises(InputError, match="npz"):
        load_frames(path)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_pickled_objects_are_never_loaded(path: Path) -> None:
    trap = path.parent / "trap"
    for name in ("frames", "dt", "channels"):
        held = np.array([Evil(trap)], dtype=object)
        with pytest.raises(InputError, match="plain arrays"):
            load_frames(write(path, **{"frames": FRAMES, name: held}))
        assert not trap.exists()


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_anywhere_never_ends_in_another_error(path: Path, compressed: bool) -> None:
    (np.savez_compressed if compressed else np.savez)(path, frames=FRAMES, dt=0.5, channels=["a", "b"])
    whole, rng = path.read_bytes(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
        for _ in range(rng.choice([0, 1, 8])):
            damaged[rng.randrange(max(1, len(damaged)))] = rng.randrange(256) if damaged else 0
        path.write_bytes(damaged)
        try:
            load_frames(path)
        except InputError:
            continue
