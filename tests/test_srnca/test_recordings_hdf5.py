"""Recordings in HDF5: what is read, and what is refused."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError, MissingPartError
from srnca.media.loading import load_recording
from tests.test_srnca.command import run
from tests.test_srnca.fuzzing import check_reader

FRAMES = np.random.default_rng(0).normal(size=(7, 2, 5, 6)).astype(np.float32)


@pytest.fixture
def h5py() -> Any:
    return pytest.importorskip("h5py", reason="needs h5py: pip install h5py")


def test_without_h5py_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(MissingPartError, match=r"needs h5py; install it with: pip install h5py \(or srnca\[hdf5\]\)"):
        load_recording(tmp_path / "x.h5")
    assert run(capsys, "distill", "--frames", tmp_path / "x.h5", "--out", tmp_path / "o")[0] == 4


@pytest.mark.parametrize("ending", [".h5", ".hdf5", ".H5"])
def test_frames_with_attributes_come_back(h5py: Any, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("run/frames", data=FRAMES.transpose(0, 2, 3, 1), compression="gzip", shuffle=True)
        data.attrs.update({"axes": "tyxc", "dt": 0.5, "channels": ["a", "β"]})
        file.attrs["dx"] = np.float32(0.25)
        file["other"] = np.zeros((3, 4, 5))
    found = load_recording(path)
    np.testing.assert_array_equal(found.frames, FRAMES)
    assert (found.dt, found.dx, found.channels) == (0.5, 0.25, ("a", "beta"))
    assert "7 frames of 6x5 cells, 2 channels" in found.notes[0]


@pytest.mark.parametrize("how", [{}, {"compression": "lzf"}, {"chunks": (2, 1, 5, 6)}, {"fletcher32": True}])
def test_the_only_data_set_needs_no_name(h5py: Any, tmp_path: Path, how: dict[str, Any]) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("a/b/movie", data=FRAMES, **how)
        file["a/b/dt"], file["a/b/channels"] = 0.1, np.array([b"p", b"q"])
    found = load_recording(tmp_path / "x.h5")
    np.testing.assert_array_equal(found.frames, FRAMES)
    assert (found.dt, found.dx, found.channels) == (0.1, None, ("p", "q"))


def _link(h5py: Any, file: Any, path: Path) -> None:
    with h5py.File(path.parent / "other.h5", "w") as other:
        other["frames"] = FRAMES
    file["frames"] = h5py.ExternalLink("other.h5", "/frames")


def _virtual(h5py: Any, file: Any, path: Path) -> None:
    with h5py.File(path.parent / "other.h5", "w") as other:
        other["frames"] = FRAMES
    layout = h5py.VirtualLayout(shape=FRAMES.shape, dtype=FRAMES.dtype)
    layout[:] = h5py.VirtualSource(str(path.parent / "other.h5"), "frames", shape=FRAMES.shape)
    file.create_virtual_dataset("frames", layout)


def _external(h5py: Any, file: Any, path: Path) -> None:
    (path.parent / "raw").write_bytes(FRAMES.tobytes())
    file.create_dataset("frames", FRAMES.shape, FRAMES.dtype, external=[(str(path.parent / "raw"), 0, FRAMES.nbytes)])


def _plugin(h5py: Any, file: Any, path: Path) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(FRAMES.shape)
    properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    space, kind = h5py.h5s.create_simple(FRAMES.shape), h5py.h5t.IEEE_F32LE
    h5py.h5d.create(file.id, b"frames", kind, space, properties)


def _twice(h5py: Any, file: Any, path: Path) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(FRAMES.shape)
    properties.set_deflate(9)
    properties.set_deflate(9)
    space, kind = h5py.h5s.create_simple(FRAMES.shape), h5py.h5t.IEEE_F32LE
    h5py.h5d.create(file.id, b"frames", kind, space, properties)


def _bomb(h5py: Any, file: Any, path: Path) -> None:
    data = file.create_dataset("frames", (1, 1, 8, 8), "f4", chunks=(1, 1, 8, 8), compression="gzip")
    data.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(2 * 10**6)))


HOSTILE: dict[str, tuple[Callable[[Any, Any, Path], None], str]] = {
    "a link to another file": (_link, "expected a data set called frames, or only one with 3 or 4 axes, found none"),
    "a virtual data set": (_virtual, "a reference to another"),
    "numbers in another file": (_external, "a reference to another"),
    "a plugin": (_plugin, "got filter 32015, which is a plugin"),
    "compressed twice": (_twice, "expected .* to be compressed once"),
    "texts": (lambda h5py, file, path: file.create_dataset("frames", data=np.array([b"a", b"b"])), "real numbers"),
    "records": (lambda h5py, file, path: file.create_dataset("frames", (2,), "i4,f4"), "real numbers"),
    "complex numbers": (lambda h5py, file, path: file.create_dataset("frames", data=FRAMES + 1j), "real numbers"),
    "nothing": (lambda h5py, file, path: file.create_dataset("frames", data=h5py.Empty("f4")), "real numbers"),
    "three axes without a word": (lambda h5py, file, path: file.create_dataset("u", data=FRAMES[:, 0]), "one channel"),
    "two that could be meant": (
        lambda h5py, file, path: file.update({"a": FRAMES, "b": FRAMES}),
        r"found 'a' \(7, 2, 5, 6\), 'b' \(7, 2, 5, 6\)",
    ),
    "chunks that were never written": (
        lambda h5py, file, path: file.create_dataset("frames", FRAMES.shape, "f4", chunks=(1, 2, 5, 6)),
        "it was not written to its end",
    ),
    "numbers that were never written": (
        lambda h5py, file, path: file.create_dataset("frames", FRAMES.shape, "f4"),
        "it was not written to its end",
    ),
    "more than may be read": (
        lambda h5py, file, path: file.create_dataset("frames", (2**20, 2, 512, 512), "f8", chunks=(1, 1, 512, 512)),
        "expected at most",
    ),
    "a chunk that unpacks to more": (_bomb, "expected chunks of 256 bytes"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_recording_has_is_refused(
    h5py: Any, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, words = HOSTILE[what]
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        make(h5py, file, path)
    if what == "a chunk that unpacks to more":
        monkeypatch.setenv("SRNCA_READ_LIMIT", "0.001")
    with pytest.raises(InputError, match=words):
        load_recording(path)


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("dt", -1.0, "expected dt, one number above 0"),
        ("dx", "wide", "expected dx, one number above 0"),
        ("axes", "tzyx", "expected axes, one of the letters"),
        ("channels", ["p"], "expected 2 channel names"),
    ],
)
def test_facts_are_checked(h5py: Any, tmp_path: Path, fact: str, value: object, words: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["frames"] = FRAMES
        file["frames"].attrs[fact] = value
    with pytest.raises(InputError, match=words):
        load_recording(tmp_path / "x.h5")


def test_the_budget_holds_before_anything_is_read(h5py: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["frames"] = np.zeros((50, 1, 64, 64))
    monkeypatch.setenv("SRNCA_READ_LIMIT", "0.001")
    with pytest.raises(InputError, match=r"/frames' of shape \(50, 1, 64, 64\), which would take"):
        load_recording(tmp_path / "x.h5")


def _unpacked(file: Any, content: bytes) -> None:
    """A data set whose only chunk skips its compression, as HDF5 allows where that would make it larger."""
    data = file.create_dataset("frames", FRAMES.shape, "f4", chunks=FRAMES.shape, compression="gzip", shuffle=True)
    data.id.write_direct_chunk((0, 0, 0, 0), content, filter_mask=0b11)


def test_a_chunk_may_skip_its_filters(h5py: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNCA_READ_LIMIT", "0.0005")  # so that chunks are looked at
    with h5py.File(tmp_path / "x.h5", "w") as file:
        _unpacked(file, FRAMES.tobytes())
    np.testing.assert_array_equal(load_recording(tmp_path / "x.h5").frames, FRAMES)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        _unpacked(file, FRAMES.tobytes() + bytes(100))
    with pytest.raises(InputError, match="expected chunks of 1680 bytes"):
        load_recording(tmp_path / "x.h5")


def test_a_circle_of_groups_ends(h5py: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a/b/movie"] = FRAMES
        file["a/b/again"] = file["a"]
        file["a/soft"] = h5py.SoftLink("/a/b/movie")
        file["a/third"] = file["a/b/movie"]
    np.testing.assert_array_equal(load_recording(tmp_path / "x.h5").frames, FRAMES)


@pytest.mark.parametrize("count", [pytest.param(25, id="quick"), pytest.param(2000, id="full", marks=pytest.mark.slow)])
def test_damaged_files_end_in_a_sentence(h5py: Any, tmp_path: Path, count: int) -> None:
    with h5py.File(tmp_path / "valid.h5", "w") as file:
        data = file.create_dataset("frames", data=FRAMES, chunks=(2, 2, 5, 6), compression="gzip")
        data.attrs.update({"dt": 0.5, "channels": ["a", "b"]})
    valid = (tmp_path / "valid.h5").read_bytes()
    outcomes = check_reader(load_recording, valid, "x.h5", tmp_path, count=count, seed=18)
    assert sum(outcomes.values()) == count
    assert outcomes["InputError"] > 0
