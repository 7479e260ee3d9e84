"""Recordings of MATLAB's version 7.3, which is HDF5: what is read, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from srnca.media.loading import load_recording
from tests.test_srnca.command import run
from tests.test_srnca.fuzzing import check_reader

FRAMES = np.random.default_rng(0).normal(size=(7, 2, 5, 6))
HEAD = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Nov 30 2026 HDF5 schema 1.00 .".ljust(116)
HEAD += bytes(8) + b"\x00\x02IM"
Make = Callable[[Any, Any], None]


@pytest.fixture
def h5py() -> Any:
    return pytest.importorskip("h5py", reason="needs h5py: pip install h5py")


def write(h5py: Any, path: Path, make: Make) -> Path:
    """A file as MATLAB writes it: HDF5 behind a block of 512 bytes with MATLAB's header."""
    with h5py.File(path, "w", userblock_size=512) as file:
        make(h5py, file)
    with path.open("r+b") as raw:
        raw.write(HEAD)
    return path


def put(file: Any, name: str, values: object, kind: str = "double", **how: Any) -> Any:
    """A variable with its axes as in MATLAB, which HDF5 sees reversed."""
    data = file.create_dataset(name, data=np.asarray(values).transpose(), **how)
    data.attrs["MATLAB_class"] = np.bytes_(kind)
    return data


def text(file: Any, name: str, words: str) -> Any:
    return put(file, name, np.array([[ord(letter) for letter in words]], np.uint16), "char")


def cells(h5py: Any, file: Any, name: str, words: list[str]) -> None:
    held = [text(file, f"#refs#/{name}{k}", word).ref for k, word in enumerate(words)]
    data = file.create_dataset(name, (len(held), 1), h5py.ref_dtype)
    for k, reference in enumerate(held):
        data[k, 0] = reference
    data.attrs["MATLAB_class"] = np.bytes_("cell")


def movie(h5py: Any, file: Any) -> None:
    put(file, "frames", FRAMES.transpose(2, 3, 1, 0), compression="gzip", chunks=(1, 2, 6, 5))  # y, x, c, t in MATLAB
    text(file, "axes", "yxct")
    put(file, "dt", [[0.5]])
    put(file, "dx", [[1e-6]])
    cells(h5py, file, "channels", ["a", "β"])


def test_what_matlab_saves_comes_back(h5py: Any, tmp_path: Path) -> None:
    found = load_recording(write(h5py, tmp_path / "x.mat", movie))
    np.testing.assert_array_equal(found.frames, FRAMES.astype(np.float32))
    assert (found.dt, found.dx, found.channels) == (0.5, 1e-6, ("a", "beta"))


def test_one_channel_and_whole_numbers(h5py: Any, tmp_path: Path) -> None:
    levels = np.arange(7 * 5 * 6, dtype=np.uint8).reshape(5, 6, 7)

    def make(h5py: Any, file: Any) -> None:
        put(file, "frames", levels, "uint8")
        text(file, "axes", "YXT")

    found = load_recording(write(h5py, tmp_path / "x.mat", make))
    np.testing.assert_array_equal(found.frames[:, 0], levels.transpose(2, 0, 1))


def test_axes_that_are_not_said_are_said_aloud(h5py: Any, tmp_path: Path) -> None:
    found = load_recording(write(h5py, tmp_path / "x.mat", lambda h5py, file: put(file, "frames", FRAMES)))
    np.testing.assert_array_equal(found.frames, FRAMES.astype(np.float32))
    assert "(7, 2, 5, 6) say no axes and are read as t, c, y, x; if they are others, save axes" in found.notes[-1]


def test_rows_of_text_are_names(h5py: Any, tmp_path: Path) -> None:
    def make(h5py: Any, file: Any) -> None:
        put(file, "frames", FRAMES)
        put(file, "channels", [[ord("p"), ord(" ")], [ord("q"), ord("2")]], "char", dtype=np.uint16)

    assert load_recording(write(h5py, tmp_path / "x.mat", make)).channels == ("p", "q2")


def _with(name: str, value: object, kind: str = "double") -> Make:
    def make(h5py: Any, file: Any) -> None:
        put(file, "frames", FRAMES)
        put(file, name, value, kind)

    return make


def _empty(h5py: Any, file: Any) -> None:
    put(file, "frames", np.zeros(2, np.uint64)).attrs["MATLAB_empty"] = 1


def _mixed(h5py: Any, file: Any) -> None:
    put(file, "frames", FRAMES)
    data = file.create_dataset("channels", (2, 1), h5py.ref_dtype)
    data[0, 0] = file.ref


def _vast(h5py: Any, file: Any) -> None:
    data = file.create_dataset("frames", (2**20, 2, 512, 512), "f8", chunks=(1, 1, 512, 512))
    data.attrs["MATLAB_class"] = np.bytes_("double")


def _link(h5py: Any, file: Any) -> None:
    file["frames"] = h5py.ExternalLink("other.mat", "/frames")


NUMBER = "expected frames to hold real numbers, got"
HOSTILE: dict[str, tuple[Make, str]] = {
    "another name": (
        lambda h5py, file: put(file, "film", FRAMES),
        "expected an array named frames in it, found 'film'",
    ),
    "nothing": (lambda h5py, file: None, "expected an array named frames in it, found nothing"),
    "a struct": (lambda h5py, file: file.create_group("frames"), "expected an array named frames"),
    "a link": (_link, "expected an array named frames"),
    "text": (lambda h5py, file: text(file, "frames", "film"), f"{NUMBER} MATLAB's class 'char'"),
    "a cell array": (lambda h5py, file: cells(h5py, file, "frames", ["a"]), f"{NUMBER} MATLAB's class 'cell'"),
    "references": (lambda h5py, file: file.create_dataset("frames", (2, 1), h5py.ref_dtype), "real numbers, got"),
    "an empty array": (_empty, f"{NUMBER} an empty array"),
    "complex": (lambda h5py, file: file.create_dataset("frames", (2, 2), "f8,f8"), "real numbers, got"),
    "nan": (lambda h5py, file: put(file, "frames", FRAMES * np.nan), "expected finite numbers"),
    "one axis": (lambda h5py, file: put(file, "frames", FRAMES.ravel()), r"got shape \(420,\)"),
    "seven axes": (lambda h5py, file: put(file, "frames", FRAMES[None, None, None]), r"got shape \(1, 1, 1, 7"),
    "three axes": (lambda h5py, file: put(file, "frames", FRAMES[:, 0]), "so that which of them is time is not known"),
    "more than may be read": (_vast, "expected at most"),
    "axes of numbers": (_with("axes", [[1.0, 2.0]]), "expected axes to be text"),
    "other letters": (lambda h5py, file: (movie(h5py, file), file.pop("axes"), text(file, "axes", "zyxt")), "letters"),
    "dt of text": (_with("dt", [[65, 66]], "char"), "expected dt to hold real numbers"),
    "dt below 0": (_with("dt", [[-1.0]]), "expected dt, one number above 0"),
    "names that are numbers": (_with("channels", [[1.0, 2.0]]), "expected channels to be text"),
    "a cell array of other things": (_mixed, "expected channels, a cell array of texts"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_recording_ends_in_one_sentence(
    h5py: Any, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = HOSTILE[what]
    path = write(h5py, tmp_path / "x.mat", make)
    with pytest.raises(InputError, match=words):
        load_recording(path)
    code, said, err = run(capsys, "distill", "--frames", path, "--out", tmp_path / "o")
    assert (code, said, len(err.strip().splitlines())) == (2, "", 1), err
    assert not (tmp_path / "o").exists()


def test_a_file_that_ends_early(h5py: Any, tmp_path: Path) -> None:
    whole = write(h5py, tmp_path / "x.mat", movie).read_bytes()
    for cut in (0, 100, 128, 512, 520, 600, len(whole) // 2, len(whole) - 1):
        (tmp_path / "y.mat").write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"y\.mat: expected"):
            load_recording(tmp_path / "y.mat")


def test_without_h5py_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "x.mat").write_bytes(HEAD.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    code, _, err = run(capsys, "distill", "--frames", tmp_path / "x.mat", "--out", tmp_path / "o")
    assert (code, "reading HDF5 needs h5py; install it with: pip install h5py" in err) == (4, True)


@pytest.mark.slow
def test_damaged_files(h5py: Any, tmp_path: Path) -> None:
    valid = write(h5py, tmp_path / "x.mat", movie).read_bytes()
    outcomes = check_reader(load_recording, valid, "y.mat", tmp_path, count=300, seed=0)
    assert outcomes["InputError"] > 50
