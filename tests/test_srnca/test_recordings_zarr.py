"""Recordings in Zarr: what zarr itself writes comes back; what runs code, is unfinished or damaged does not."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError, MissingPartError
from srnca.media.loading import load_recording

zarr = pytest.importorskip("zarr")
FRAMES = np.random.default_rng(0).normal(size=(7, 2, 10, 9)).astype(np.float32)


def store(
    path: Path, frames: np.ndarray = FRAMES, written: int | None = None, name: str = "frames", **how: Any
) -> Path:
    """`frames` as zarr stores them, of which only the first `written` are there."""
    group = zarr.open_group(str(path), mode="w", zarr_format=how.pop("zarr_format", 3))
    array = group.create_array(name, shape=frames.shape, dtype=frames.dtype, **{"chunks": (2, 1, 4, 9), **how})
    array[:written] = frames[:written]
    group.attrs.update({"dt": 0.5, "channels": ["a", "b"]})
    return path


codecs, v2 = zarr.codecs, {"zarr_format": 2}


def v2_codec(name: str) -> Any:
    from numcodecs import registry

    return registry.get_codec({"id": name})


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compressors": None},
        {"compressors": codecs.GzipCodec()},
        {"compressors": codecs.BloscCodec(cname="lz4", shuffle="shuffle")},
        {"compressors": [codecs.ZstdCodec(), codecs.Crc32cCodec()]},
        {"filters": [codecs.TransposeCodec(order=(2, 0, 3, 1))]},
        {"serializer": codecs.BytesCodec(endian="big")},
        {"shards": (4, 2, 8, 9)},
        {"shards": (4, 2, 8, 9), "chunks": (2, 2, 4, 3), "compressors": codecs.GzipCodec()},
        {"chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"chunk_key_encoding": {"name": "default", "separator": "."}},
        v2,
        {**v2, "compressors": None, "order": "F"},
        {**v2, "chunk_key_encoding": {"name": "v2", "separator": "/"}},
        *({**v2, "compressors": v2_codec(name)} for name in ("zstd", "blosc", "zlib", "gzip", "lz4", "bz2", "lzma")),
    ],
    ids=str,
)
def test_what_zarr_writes_comes_back(tmp_path: Path, how: dict[str, Any]) -> None:
    found = load_recording(store(tmp_path / "x.zarr", **how))
    np.testing.assert_array_equal(found.frames, FRAMES)
    assert (found.dt, found.channels) == (0.5, ("a", "b"))


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint16", "int8", "bool", ">f4", ">i2"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_numbers_of_every_plain_type(tmp_path: Path, dtype: str, zarr_format: int) -> None:
    frames = np.random.default_rng(1).integers(0, 2, FRAMES.shape).astype(dtype)
    found = load_recording(store(tmp_path / "x.zarr", frames, zarr_format=zarr_format))
    np.testing.assert_array_equal(found.frames, frames)


# what was never written


def test_frames_that_were_never_written_are_left_out_and_said(tmp_path: Path) -> None:
    found = load_recording(store(tmp_path / "x.zarr", written=5, chunks=(1, 2, 10, 9)))
    np.testing.assert_array_equal(found.frames, FRAMES[:5])
    assert "the last 2 of 7 frames were never written; left out" in found.notes


def test_a_gap_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "x.zarr", chunks=(1, 2, 10, 9))
    (path / "frames" / "c" / "3" / "0" / "0" / "0").unlink()
    with pytest.raises(InputError, match="every frame to be written, got none of frames 3 to 3"):
        load_recording(path)


def test_a_part_that_is_not_stored_has_the_fill_value_and_is_said(tmp_path: Path) -> None:
    frames = FRAMES.copy()
    frames[:2, 1, :4] = 0  # zarr does not store chunks that hold the fill value alone
    found = load_recording(store(tmp_path / "x.zarr", frames))
    np.testing.assert_array_equal(found.frames, frames)
    assert "1 of 24 chunks are not stored: their cells are 0" in found.notes
    path = store(tmp_path / "y.zarr", fill_value=float("nan"))
    (path / "frames" / "c" / "0" / "1" / "0" / "0").unlink()
    with pytest.raises(InputError, match="expected every chunk to be written, got 1 without data"):
        load_recording(path)


def test_an_array_without_any_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an array of 7 of which none was written"):
        load_recording(store(tmp_path / "x.zarr", written=0))


# what harms


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"dtype": "|O", "filters": [{"id": "vlen-utf8"}, {"id": "pickle"}]}, "plain type"),
        ({"dtype": "|O"}, "plain type"),
        ({"dtype": [["x", "|O"]]}, "plain type"),
        ({"filters": [{"id": "vlen-utf8"}, {"id": "pickle"}]}, "no filters, got vlen-utf8, pickle"),
        ({"compressor": {"id": "pickle"}}, "a compressor of zstd.*got 'pickle'"),
        ({"compressor": {"id": "json2"}}, "a compressor of zstd.*got 'json2'"),
    ],
)
def test_no_code_runs_from_a_file_of_format_2(tmp_path: Path, told: dict[str, Any], words: str) -> None:
    path, trap = store(tmp_path / "x.zarr", **v2), tmp_path / "trap"
    metadata = path / "frames" / ".zarray"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | told))
    for chunk in (path / "frames").glob("[0-9]*"):
        chunk.write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(InputError, match=words):
        load_recording(path)
    assert not trap.exists()


@pytest.mark.parametrize("codec", ["pickle", "numcodecs.pickle", "numcodecs.json2", "vlen-utf8", "zstd\0"])
def test_only_known_codecs_of_format_3(tmp_path: Path, codec: str) -> None:
    for name, how in (("a.zarr", {}), ("b.zarr", {"shards": (4, 2, 8, 9)})):
        path = store(tmp_path / name, **how)
        metadata = path / "frames" / "zarr.json"
        told = json.loads(metadata.read_text())
        inner = told["codecs"][0]["configuration"]["codecs"] if how else told["codecs"]
        inner.append({"name": codec, "configuration": {}})
        metadata.write_text(json.dumps(told))
        with pytest.raises(InputError, match="expected codecs of zstd"):
            load_recording(path)


def test_chunks_may_not_be_larger_than_they_are(tmp_path: Path) -> None:
    path = store(tmp_path / "x.zarr", compressors=codecs.GzipCodec())
    chunk = path / "frames" / "c" / "0" / "0" / "0" / "0"
    packer = zlib.compressobj(9, wbits=31)
    chunk.write_bytes(packer.compress(bytes(50_000_000)) + packer.flush())
    with pytest.raises(InputError, match="more than its 288 bytes"):
        load_recording(path)
    path = store(tmp_path / "y.zarr")
    (path / "frames" / "c" / "0" / "0" / "0" / "0").write_bytes(
        b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**40) + b"\x01\0\0"
    )
    with pytest.raises(InputError, match="more than its 288 bytes"):
        load_recording(path)


@pytest.mark.parametrize(("name", "sides"), [("shape", [2**20, 2, 2**20, 9]), ("chunk", [2**20, 1, 2**20, 9])])
def test_a_shape_above_the_budget_is_refused_before_anything_is_read(
    tmp_path: Path, name: str, sides: list[int]
) -> None:
    path = store(tmp_path / "x.zarr")
    metadata = path / "frames" / "zarr.json"
    told = json.loads(metadata.read_text())
    if name == "shape":
        told["shape"] = sides
    else:
        told["chunk_grid"]["configuration"]["chunk_shape"] = sides
    metadata.write_text(json.dumps(told))
    with pytest.raises(InputError, match="expected at most 2 GiB to read"):
        load_recording(path)


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"shape": ' + "9" * 5000 + "}", "[" * 100_000, "{}", "\xff"])
def test_damaged_metadata_are_said(tmp_path: Path, text: str) -> None:
    for file in ("zarr.json", "frames/zarr.json"):
        path = store(tmp_path / "x.zarr")
        (path / file).write_text(text, encoding="latin-1")
        with pytest.raises(InputError, match="expected"):
            load_recording(path)


def test_the_arrays_that_are_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an array named frames, found images; call it frames"):
        load_recording(store(tmp_path / "x.zarr", name="images"))
    zarr.create_array(str(tmp_path / "z.zarr"), shape=(2, 1, 3, 3), dtype="f4")
    with pytest.raises(InputError, match="got an array itself; put it into a group"):
        load_recording(tmp_path / "z.zarr")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    path = store(tmp_path / "x.zarr")
    monkeypatch.setitem(sys.modules, "numcodecs.zstd", None)
    with pytest.raises(MissingPartError, match="pip install zarr"):
        load_recording(path)
