"""Recordings of every kind: npz, zarr, folders of pictures, GIF, films; strides, and several of one system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from equations import models
from equations.errors import InputError, MissingPartError
from srnca.media.loading import Recording, load_recording, load_recordings
from srnca.media.stacks import natural
from srnca.media.writing import Recipe, writing

FRAMES = np.random.default_rng(0).normal(size=(9, 2, 5, 6)).astype(np.float32)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "frames.npz"
    np.savez(path, frames=FRAMES, dt=0.5, dx=0.25, channels=["a", "b"])
    return path


def film(tmp_path: Path, name: str, states: int = 4) -> tuple[Path, np.ndarray]:
    """What `srnca simulate` writes: `states` frames of Allen-Cahn, in grey."""
    path, rule = tmp_path / name, models.get("allen-cahn")
    frames = np.random.default_rng(1).uniform(-1, 1, (states, 1, 16, 16)).astype(np.float32)
    with writing(path, Recipe(rule, every=2, frames=states, scale=1 if name.endswith("gif") else None)) as writer:
        for state in frames:
            writer.add(state)
    return path, frames


def pictures(folder: Path, count: int = 3, mode: str = "RGB", size: tuple[int, int] = (8, 6)) -> np.ndarray:
    folder.mkdir(exist_ok=True)
    shape = (count, size[1], size[0], 3) if mode == "RGB" else (count, size[1], size[0])
    pixels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture, mode).save(folder / f"frame{number + 8}.png")
    return pixels


# npz, zarr


def test_npz_says_its_width_of_cells(recorded: Path) -> None:
    found = load_recording(recorded)
    assert (found.dt, found.dx, found.channels) == (0.5, 0.25, ("a", "b"))
    np.testing.assert_array_equal(found.frames, FRAMES)


def test_dt_and_dx_can_be_said_anew(recorded: Path) -> None:
    found = load_recording(recorded, dt=2.0, dx=0.1)
    assert (found.dt, found.dx) == (2.0, 0.1)


def test_a_stride_keeps_every_nth_frame_and_lengthens_dt(recorded: Path) -> None:
    found = load_recording(recorded, stride=3, dt=2.0)
    np.testing.assert_array_equal(found.frames, FRAMES[::3])
    assert found.dt == 6.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stride": 0}, "stride: expected a whole number from 1 up, got 0"),
        ({"stride": 9}, "stride: expected at most 8 for a recording of 9 frames, got 9"),
        ({"dt": 0.0}, "--dt: expected dt, one number above 0, got 0.0"),
        ({"dt": -1.0}, "--dt: expected dt"),
        ({"dt": float("inf")}, "--dt: expected dt"),
        ({"dx": -0.1}, "--dx: expected dx, one number above 0"),
    ],
)
def test_steps_that_make_no_sense(recorded: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_recording(recorded, **options)


def test_a_bad_width_in_the_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", frames=FRAMES, dx=0.0)
    with pytest.raises(InputError, match="expected dx, one number above 0"):
        load_recording(tmp_path / "x.npz")


def test_zarr_as_the_simulator_writes_it(tmp_path: Path) -> None:
    path, frames = film(tmp_path, "x.zarr")
    found = load_recording(path)
    np.testing.assert_array_equal(found.frames, frames)
    rule = models.get("allen-cahn")
    assert (found.dt, found.dx, found.channels) == (2 * rule.dt, rule.dx, rule.channels)


def test_zarr_of_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "y.zarr"
    folder.mkdir()
    with pytest.raises(InputError, match="expected a Zarr group with an array named frames"):
        load_recording(folder)
    with pytest.raises(InputError, match="no such recording"):
        load_recording(tmp_path / "none.zarr")
    (tmp_path / "file.zarr").touch()
    with pytest.raises(InputError, match="expected a folder, as recordings in zarr are"):
        load_recording(tmp_path / "file.zarr")


# pictures


def test_a_folder_is_read_in_the_natural_order(tmp_path: Path) -> None:
    pixels = pictures(tmp_path / "f")  # frame8, frame9, frame10
    (tmp_path / "f" / "notes.txt").write_text("not a picture")
    found = load_recording(tmp_path / "f")
    np.testing.assert_allclose(found.frames, pixels.transpose(0, 3, 1, 2) / 255, atol=1e-6)
    assert (found.channels, found.dt, found.dx) == (("r", "g", "b"), 1.0, None)
    assert found.notes == (
        "f: 3 frames of 8x6 cells, 3 channels: r 0.01176 to 0.9961, g 0.03137 to 0.9843, b 0.003922 to 1; dt 1, "
        "dx 1 (not in the file)",
        "3 pictures from frame8.png to frame10.png",
        "values are divided by 255, so that white is 1",
    )
    names = ["a10.png", "a9.png", "b1.png", "A1.png", "1.png"]
    assert sorted(names, key=natural) == ["1.png", "A1.png", "a9.png", "a10.png", "b1.png"]


def test_grey_pictures_are_one_channel(tmp_path: Path) -> None:
    pixels = pictures(tmp_path / "f", mode="L")
    found = load_recording(tmp_path / "f")
    assert found.channels == ("grey",)
    np.testing.assert_allclose(found.frames[:, 0], pixels / 255, atol=1e-6)


def test_deep_grey_keeps_its_depth(tmp_path: Path) -> None:
    for number, value in enumerate((1000, 1001)):
        Image.fromarray(np.full((4, 4), value, np.uint16)).save(tmp_path / f"{number}.png")
    found = load_recording(tmp_path)
    np.testing.assert_allclose(found.frames[:, 0, 0, 0], np.array([1000, 1001]) / 65535, rtol=1e-6)


def test_folders_that_are_no_recording(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder of image files .* found neither"):
        load_recording(tmp_path)
    pictures(tmp_path)
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(tmp_path / "frame99.png")
    with pytest.raises(InputError, match=r"frame99.png: expected 8x6 pixels as frame8.png has, got 7x5"):
        load_recording(tmp_path)
    (tmp_path / "frame1.png").write_bytes(b"hello")
    with pytest.raises(InputError, match=r"frame1.png: expected an image .* none of them"):
        load_recording(tmp_path)


def test_too_many_pictures_for_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path)
    monkeypatch.setenv("SRNCA_READ_LIMIT", str(1500 / 2**30))
    with pytest.raises(InputError, match=r"at most 1500 bytes to read, got 3 pictures of 8x6 pixels, .* 1728 bytes"):
        load_recording(tmp_path)


def test_a_gif_is_read_frame_by_frame(tmp_path: Path) -> None:
    path, frames = film(tmp_path, "x.gif")
    found = load_recording(path)
    assert found.channels == ("grey",)
    np.testing.assert_allclose(found.frames, (frames + 1) / 2, atol=0.02)
    (tmp_path / "y.gif").write_text("no gif")
    with pytest.raises(InputError, match=r"expected an image .* none of them"):
        load_recording(tmp_path / "y.gif")


def test_an_mp4_is_read(tmp_path: Path) -> None:
    pytest.importorskip("av")
    path, _ = film(tmp_path, "x.mp4")
    found = load_recording(path)
    assert len(found.frames) == 4
    assert "lossy" in found.notes[1]
    (tmp_path / "y.mp4").write_text("no film")
    with pytest.raises(InputError, match="expected a film whose ending says its kind, got something else"):
        load_recording(tmp_path / "y.mp4")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.mp4"
    path.touch()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingPartError, match="pip install av"):
        load_recording(path)


@pytest.mark.parametrize(
    ("name", "words"), [("x.txt", r"got \.txt"), ("x.mp5", 'did you mean ".mp4"'), ("x", "got no ending")]
)
def test_other_endings_are_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=words):
        load_recording(tmp_path / name)
    with pytest.raises(InputError, match="no such recording"):
        load_recording(tmp_path / "missing.npz")


# several


def test_several_recordings_may_differ_in_size_and_length(tmp_path: Path, recorded: Path) -> None:
    other = tmp_path / "b.npz"
    np.savez(other, frames=FRAMES[:4, :, :3], dt=0.5, dx=0.25, channels=["a", "b"])
    found = load_recordings([recorded, other])
    assert [r.frames.shape for r in found] == [(9, 2, 5, 6), (4, 2, 3, 6)]
    assert all(isinstance(r, Recording) for r in found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dt": 0.25}, r"b.npz: expected recordings of one system, with the dt 0.5 of .*frames.npz, got 0.25; .*--dt"),
        ({"dx": 1.0}, "with the dx 0.25 of .* got 1.0; say the true one with --dx"),
        ({"channels": ["a", "c"]}, "with the channels a b of .* got a c"),
    ],
)
def test_recordings_that_disagree_are_refused(
    tmp_path: Path, recorded: Path, change: dict[str, Any], words: str
) -> None:
    other = tmp_path / "b.npz"
    np.savez(other, **{"frames": FRAMES, "dt": 0.5, "dx": 0.25, "channels": ["a", "b"], **change})
    with pytest.raises(InputError, match=words):
        load_recordings([recorded, other])
    if "dt" in change:
        assert [r.dt for r in load_recordings([recorded, other], dt=1.0)] == [1.0, 1.0]


def test_no_recording_is_too_few() -> None:
    with pytest.raises(InputError, match="at least one recording, got none"):
        load_recordings([])
