"""Readers of recordings, pictures and states on thousands of damaged files: a sentence, a value, and nothing else.

A quick round of each kind runs always, the full one with the slow tests.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.io import savemat

from equations import models
from srnca.initial import read_start, save_state
from srnca.media.images import load_target
from srnca.media.loading import load_recording
from tests.test_srnca.fuzzing import check_reader, mutations, zip_mutations

FULL, QUICK = 3000, 25
SEED = 18
RNG = np.random.default_rng(0)
FRAMES = RNG.normal(size=(4, 2, 6, 5)).astype(np.float32)
GREY = RNG.integers(0, 65536, (20, 18)).astype(np.uint16)
FILMS = [Image.fromarray(RNG.integers(0, 256, (16, 16, 3)).astype(np.uint8)) for _ in range(4)]

COUNTS = [pytest.param(QUICK, id="quick"), pytest.param(FULL, id="full", marks=pytest.mark.slow)]


def picture(path: Path) -> object:
    return load_target(path, size=16)


def animation(path: Path) -> object:
    return load_recording(path)


def in_folder(path: Path) -> object:
    """The file as one of a folder of pictures."""
    return load_recording(path.parent)


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **how)
    return made.getvalue()


def tiff(values: np.ndarray, **how: Any) -> bytes:
    made = io.BytesIO()
    tifffile.imwrite(made, values, **{"photometric": "minisblack", **how})
    return made.getvalue()


def mat() -> bytes:
    made = io.BytesIO()
    savemat(made, {"frames": FRAMES, "dt": 0.5, "channels": ["a", "b"]})
    return made.getvalue()


def npz(**arrays: Any) -> bytes:
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


VALID: dict[str, tuple[Callable[[Path], object], Callable[[], bytes], str]] = {
    "png": (picture, lambda: saved(FILMS[0].resize((20, 20)), "PNG"), "x.png"),
    "png of 16 bits": (picture, lambda: saved(Image.fromarray(GREY), "PNG"), "x.png"),
    "apng": (animation, lambda: saved(FILMS[0], "PNG", save_all=True, append_images=FILMS[1:]), "x.png"),
    "tiff of int16": (animation, lambda: tiff(RNG.integers(-99, 99, (3, 16, 18)).astype(np.int16)), "x.tif"),
    "tiff of floats": (in_folder, lambda: tiff(RNG.normal(size=(2, 16, 18)).astype(np.float32)), "x.tif"),
    "tiff, deflated": (picture, lambda: tiff(GREY, compression="zlib", rowsperstrip=5), "x.tif"),
    "tiff of ImageJ": (
        animation,
        lambda: tiff(np.stack([GREY] * 6).reshape(3, 2, 20, 18), imagej=True, metadata={"axes": "TCYX"}),
        "x.tif",
    ),
    "tiff, lzw": (picture, lambda: saved(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"), "x.tif"),
    "gif": (animation, lambda: saved(FILMS[0], "GIF", save_all=True, append_images=FILMS[1:]), "x.gif"),
    "webp": (animation, lambda: saved(FILMS[0], "WEBP", save_all=True, append_images=FILMS[1:]), "x.webp"),
    "jpeg": (picture, lambda: saved(FILMS[0].resize((20, 20)), "JPEG"), "x.jpg"),
    "mat": (animation, mat, "x.mat"),
    "npz": (animation, lambda: npz(frames=FRAMES, dt=0.5, dx=0.1, channels=["a", "b"]), "x.npz"),
}


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", VALID)
def test_damaged_pictures_and_recordings(tmp_path: Path, kind: str, count: int) -> None:
    read, valid, name = VALID[kind]
    outcomes = check_reader(read, valid(), name, tmp_path, count=count, seed=SEED)
    assert sum(outcomes.values()) == count
    assert outcomes["InputError"] > 0
    print(kind, dict(outcomes))


@pytest.mark.parametrize("count", COUNTS)
def test_damaged_members_of_a_recording(tmp_path: Path, count: int) -> None:
    read, valid, name = VALID["npz"]
    outcomes = check_reader(read, valid(), name, tmp_path, count=count, seed=SEED, mutate=zip_mutations)
    assert outcomes["InputError"] > 0
    assert outcomes["read"] > 0
    print("npz members", dict(outcomes))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("mutate", [mutations, zip_mutations])
def test_damaged_states(tmp_path: Path, mutate: Callable[[bytes, int, int], Iterator[bytes]], count: int) -> None:
    rule = models.get("gray-scott")
    save_state(tmp_path / "x.npz", rule, FRAMES[0], 7, 3)
    valid = (tmp_path / "x.npz").read_bytes()
    outcomes = check_reader(
        lambda path: read_start(rule, str(path), None, 0),
        valid,
        "x.npz",
        tmp_path,
        count=count,
        seed=SEED,
        mutate=mutate,
    )
    assert outcomes["InputError"] > 0
    print("state", mutate.__name__, dict(outcomes))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("how", ["plain", "blosc", "gzip", "shards"])
def test_damaged_zarr_folders(tmp_path: Path, how: str, zarr_format: int, count: int) -> None:
    """Each file of the folder is damaged in turn."""
    zarr = pytest.importorskip("zarr")
    if zarr_format == 2 and how != "plain":
        pytest.skip("format 2 has compressors of another form; see test_recordings_zarr")
    options: dict[str, Any] = {
        "plain": {},
        "blosc": {"compressors": zarr.codecs.BloscCodec()},
        "gzip": {"compressors": zarr.codecs.GzipCodec()},
        "shards": {"shards": (2, 2, 6, 5)},
    }[how]
    whole = tmp_path / "whole"
    group = zarr.open_group(str(whole), mode="w", zarr_format=zarr_format)
    group.create_array("frames", shape=FRAMES.shape, dtype="f4", chunks=(1, 2, 6, 5), **options)[:] = FRAMES
    group.attrs.update({"dt": 0.5, "dx": 0.1, "channels": ["a", "b"]})
    files = sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file())
    metadata = [f for f in files if f.name.startswith((".z", "zarr"))]
    files = [*metadata, next(f for f in files if f not in metadata)]
    damaged = tmp_path / "x.zarr"
    shutil.copytree(whole, damaged)
    for number, file in enumerate(files):

        def read(path: Path, file: Path = file) -> object:
            (damaged / file).write_bytes(path.read_bytes())
            return load_recording(damaged)

        share = -(-count // len(files)) if how == "plain" else count // 4
        outcomes = check_reader(read, (whole / file).read_bytes(), "part", tmp_path, count=share, seed=SEED + number)
        (damaged / file).write_bytes((whole / file).read_bytes())
        print(how, file, dict(outcomes))


@pytest.mark.parametrize("count", [pytest.param(15, id="quick"), COUNTS[1]])
def test_damaged_films(tmp_path: Path, count: int) -> None:
    av = pytest.importorskip("av")
    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        for image in FILMS:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")))
        film.mux(stream.encode())
    outcomes = check_reader(animation, made.getvalue(), "x.mp4", tmp_path, count=count, seed=SEED)
    print("mp4", dict(outcomes))
