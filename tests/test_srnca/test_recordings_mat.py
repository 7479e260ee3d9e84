"""Recordings of MATLAB, and frames whose axes are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array

from equations.errors import InputError
from srnca.media.loading import load_recording

FRAMES = np.random.default_rng(0).normal(size=(7, 2, 5, 6)).astype(np.float32)


def test_what_matlab_saves_comes_back(tmp_path: Path) -> None:
    cells = np.array(["a", "long name"], dtype=object)
    movie = FRAMES.transpose(2, 3, 1, 0)  # y, x, c, t
    for compress in (False, True):
        savemat(
            tmp_path / "x.mat",
            {"frames": movie, "axes": "yxct", "dt": 0.5, "dx": 1e-6, "channels": cells, "other": 1},
            do_compression=compress,
        )
        found = load_recording(tmp_path / "x.mat")
        np.testing.assert_array_equal(found.frames, FRAMES)
        assert (found.dt, found.dx, found.channels) == (0.5, 1e-6, ("a", "long_name"))
        assert "x.mat: 7 frames of 6x5 cells, 2 channels: a " in found.notes[0]


def test_rows_of_text_are_names_and_a_movie_needs_no_channels(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", {"frames": FRAMES, "channels": np.array(["p", "q"])})
    found = load_recording(tmp_path / "x.mat")
    assert found.channels == ("p", "q")
    assert "say no axes and are read as t, c, y, x" in found.notes[-1]
    savemat(tmp_path / "y.mat", {"frames": FRAMES[:, 0].transpose(1, 2, 0), "axes": "YXT"})
    np.testing.assert_array_equal(load_recording(tmp_path / "y.mat").frames, FRAMES[:, :1])


def test_npz_may_name_its_axes_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", frames=FRAMES.transpose(0, 2, 3, 1), axes="tyxc")
    np.testing.assert_array_equal(load_recording(tmp_path / "x.npz").frames, FRAMES)


@pytest.mark.parametrize("axes", ["tzyx", "tcy", "ttyx", "", "tcyxz", 3])
def test_axes_are_a_letter_each(tmp_path: Path, axes: object) -> None:
    np.savez(tmp_path / "x.npz", frames=FRAMES, axes=axes)
    with pytest.raises(InputError, match="expected axes, one of the letters t, c, y, x for each of the 4 axes"):
        load_recording(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"movie": FRAMES}, "expected an array named frames in it, found movie"),
        ({"frames": FRAMES[:, 0]}, "expected axes beside frames of shape .*; save axes = 'yxt'"),
        ({"frames": FRAMES * np.nan}, "expected finite numbers"),
        ({"frames": FRAMES + 1j}, "of real numbers"),
        ({"frames": FRAMES, "dt": -1.0}, "expected dt, one number above 0"),
        ({"frames": FRAMES, "channels": np.array(["p"])}, "expected 2 channel names"),
        ({"frames": {"a": 1}}, "of real numbers"),
        ({"frames": csc_array(np.eye(4))}, "of real numbers"),
        ({"frames": FRAMES, "dt": csc_array(np.eye(2))}, "expected dt, one number above 0"),
        ({"frames": FRAMES, "channels": csc_array(np.eye(2))}, "expected channels, a cell array or rows of text"),
        ({"frames": FRAMES, "channels": np.arange(2.0)}, "expected channels, a cell array or rows of text"),
    ],
)
def test_mat_files_without_a_recording(tmp_path: Path, content: dict[str, object], words: str) -> None:
    savemat(tmp_path / "x.mat", content)
    with pytest.raises(InputError, match=words):
        load_recording(tmp_path / "x.mat")


def test_damaged_and_large_mat_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"frames": FRAMES})
    whole = path.read_bytes()
    for cut in (0, 50, 130, 200, len(whole) // 2):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"x\.mat: expected"):
            load_recording(path)
    path.write_bytes(whole)
    monkeypatch.setenv("SRNCA_READ_LIMIT", "1e-6")
    with pytest.raises(InputError, match="which would take"):
        load_recording(path)


def test_a_damaged_compressed_mat_file_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"frames": FRAMES}, do_compression=True)
    whole = path.read_bytes()
    for place in range(136, len(whole), 97):  # the header of the file and of the variable are before
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(InputError, match=r"x\.mat: expected"):
            load_recording(path)


def test_a_file_that_ends_its_reader_is_damaged(tmp_path: Path) -> None:
    """Characters of a type that does not exist: SciPy's reader would end the whole process."""
    path = tmp_path / "x.mat"
    savemat(path, {"frames": FRAMES, "channels": np.array(["p", "q"])})
    whole = bytearray(path.read_bytes())
    assert whole[-8] == 16  # UTF-8
    whole[-8] = 11
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"one that is damaged or something else \('its reader stopped'\); save it"):
        load_recording(path)


def test_no_module_of_the_working_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scipy.py").write_text("open('ran', 'w')")
    savemat(tmp_path / "x.mat", {"frames": FRAMES})
    assert load_recording(tmp_path / "x.mat").frames.shape == FRAMES.shape
    assert not (tmp_path / "ran").exists()
