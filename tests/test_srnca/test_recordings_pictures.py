"""Pictures as recordings: values of every depth, stacks and animations page by page, and names that are odd."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from equations.errors import InputError
from srnca.media.images import load_target
from srnca.media.loading import load_recording
from srnca.media.stacks import natural

RANDOM = np.random.default_rng(0)
DEEP = RANDOM.integers(0, 65536, (10, 16, 18)).astype(np.uint16)
COLOURS = RANDOM.integers(0, 65536, (16, 18, 3)).astype(np.uint16)


def grey(path: Path) -> np.ndarray:
    found = load_recording(path)
    assert found.channels == ("grey",)
    return found.frames[:, 0]


# values


def test_reals_in_a_folder_are_taken_as_they_are(tmp_path: Path) -> None:
    """No picture is divided by its own maximum, so that a law of what happens between them can be found."""
    values = RANDOM.normal(size=(4, 16, 18)).astype(np.float32) * 8
    for number, picture in enumerate(values):
        Image.fromarray(picture).save(tmp_path / f"f{number}.tif")
    found = load_recording(tmp_path)
    np.testing.assert_array_equal(found.frames[:, 0], values)
    assert any("are taken as they are" in note for note in found.notes)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int16", "int8", "int32", "uint32"])
def test_numbers_without_a_white_are_taken_as_they_are(tmp_path: Path, dtype: str) -> None:
    values = (RANDOM.normal(size=(3, 16, 18)) * 100 + 200 * (dtype == "uint32")).clip(-120, 120).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="minisblack")
    np.testing.assert_allclose(grey(tmp_path / "x.tif"), values.astype(np.float32))


def test_reals_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    values = np.ones((3, 16, 18), np.float32)
    values[1, 2, 3] = np.nan
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="minisblack")
    with pytest.raises(InputError, match=r"x\.tif: expected finite numbers"):
        load_recording(tmp_path / "x.tif")
    tifffile.imwrite(tmp_path / "y.tif", values[1])
    with pytest.raises(InputError, match="expected finite values"):
        load_target(tmp_path / "y.tif", 16)


def test_pictures_of_different_kinds_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((16, 18), np.float32)).save(tmp_path / "1.tif")
    Image.fromarray(np.zeros((16, 18), np.uint8)).save(tmp_path / "2.tif")
    with pytest.raises(InputError, match="expected pictures of one kind of number"):
        load_recording(tmp_path)


@pytest.mark.parametrize("compression", [None, "zlib", "lzma", "packbits", "tiff_lzw"])
def test_white_is_zero_is_turned_upright(tmp_path: Path, compression: str | None) -> None:
    path, ramp = tmp_path / "x.tif", np.tile(np.linspace(0, 65535, 64), (64, 1)).astype(np.uint16)
    if compression in ("packbits", "tiff_lzw"):  # Pillow writes it; its tag of the colour model is set afterwards
        Image.fromarray(65535 - ramp).save(path, compression=compression)
        with tifffile.TiffFile(path, mode="r+b") as file:
            file.pages[0].tags["PhotometricInterpretation"].overwrite(0)
    else:
        tifffile.imwrite(path, 65535 - ramp, photometric="miniswhite", compression=compression)
    target = load_target(path)
    assert (target.pixels[0, 0, 0], target.pixels[0, -1, 0]) == pytest.approx((0, 1))


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_of_sixteen_bits_keep_all_of_them(
    tmp_path: Path, planar: str, order: str, compression: str | None
) -> None:
    pixels = COLOURS.transpose(2, 0, 1) if planar == "separate" else COLOURS
    tifffile.imwrite(
        tmp_path / "x.tif", pixels, photometric="rgb", planarconfig=planar, byteorder=order, compression=compression
    )
    target = load_target(tmp_path / "x.tif", 16, crop=(0, 0, 16))
    np.testing.assert_allclose(target.pixels, COLOURS[:, :16] / 65535, atol=1e-6)
    assert target.notes == ()


def test_twelve_bits_in_colours_of_sixteen_are_said_to_be_dark(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", COLOURS // 16, photometric="rgb")
    target = load_target(tmp_path / "x.tif", 16)
    assert any("16-bit colour picture: its largest value is 40" in note for note in target.notes)
    write_png16(tmp_path / "x.png", COLOURS // 16)
    notes = " ".join(load_target(tmp_path / "x.png", 16).notes)
    assert "colours of 16 bits are read with 8 bits each" in notes
    assert "its largest value is 15 of 255, so it is dark" in notes


def write_png16(path: Path, pixels: np.ndarray) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_tiffs_are_turned_as_pillow_turns_others(tmp_path: Path, orientation: int) -> None:
    tifffile.imwrite(tmp_path / "deep.tif", DEEP[0], extratags=[(274, "H", 1, orientation, True)])
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray((DEEP[0] >> 8).astype(np.uint8)).save(tmp_path / "plain.png", exif=exif)
    deep, plain = (load_target(tmp_path / name, 16, crop=(0, 0, 16)) for name in ("deep.tif", "plain.png"))
    np.testing.assert_allclose(deep.pixels, plain.pixels, atol=1 / 255)
    assert ("turned upright as its EXIF orientation says" in deep.notes) == (orientation > 1)


# stacks and animations


def test_all_pages_of_the_files_in_a_folder_are_read_in_order(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c0.tif", DEEP[:6], photometric="minisblack")
    tifffile.imwrite(tmp_path / "c1.tif", DEEP[6:], photometric="minisblack")
    np.testing.assert_allclose(grey(tmp_path), DEEP / 65535, atol=1e-6)
    assert "10 pages in 2 files from c0.tif to c1.tif" in load_recording(tmp_path).notes


@pytest.mark.parametrize("name", ["x.tif", "x.tiff", "x.png", "x.apng", "x.webp"])
def test_one_file_of_many_pages_is_a_recording(tmp_path: Path, name: str) -> None:
    plain = (DEEP >> 8).astype(np.uint8)
    first, *rest = (Image.fromarray(page).convert("RGB") for page in plain)
    how = {"lossless": True} if name.endswith("webp") else {}
    first.save(
        tmp_path / name, save_all=True, append_images=rest, **({"format": "PNG"} if "png" in name else {}), **how
    )
    np.testing.assert_allclose(grey(tmp_path / name), plain / 255, atol=1e-6)


def test_a_single_picture_is_no_recording(tmp_path: Path) -> None:
    Image.fromarray(DEEP[0]).save(tmp_path / "x.png")
    with pytest.raises(InputError, match="expected a recording, got a single picture; give the folder"):
        load_recording(tmp_path / "x.png")


@pytest.mark.parametrize(("axes", "order"), [("TCYX", (0, 1)), ("CTYX", (1, 0)), ("QQYX", (0, 1))])
def test_stacks_over_time_and_channels(tmp_path: Path, axes: str, order: tuple[int, int]) -> None:
    stack = DEEP.reshape(5, 2, 16, 18)
    metadata = {} if axes == "QQYX" else {"axes": axes}
    tifffile.imwrite(tmp_path / "x.tif", stack.transpose(*order, 2, 3), metadata=metadata)
    found = load_recording(tmp_path / "x.tif")
    np.testing.assert_allclose(found.frames, stack / 65535, atol=1e-6)
    assert found.channels == ("u", "v")
    assert "10 pages are read as 5 frames of 2 channels" in found.notes


def test_a_folder_of_files_of_several_channels(tmp_path: Path) -> None:
    for number in range(5):
        tifffile.imwrite(tmp_path / f"{number}.tif", DEEP[2 * number : 2 * number + 2], metadata={"axes": "CYX"})
    np.testing.assert_allclose(load_recording(tmp_path).frames, DEEP.reshape(5, 2, 16, 18) / 65535, atol=1e-6)


def test_a_stack_over_depth_and_time_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", DEEP.reshape(5, 2, 16, 18), metadata={"axes": "TZYX"})
    with pytest.raises(InputError, match=r"expected a stack over time.* got one over T 5, Z 2"):
        load_recording(tmp_path / "x.tif")


# names and files


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(DEEP[number]).save(tmp_path / f"x{number}.png")
        (tmp_path / f"._x{number}.png").write_bytes(b"\0\5\26\7Mac OS X")
    np.testing.assert_allclose(grey(tmp_path), DEEP[:3] / 65535, atol=1e-6)


def test_names_with_odd_digits_and_bytes_are_names(tmp_path: Path) -> None:
    names = ["1²3.png", "٣.png", "x" + "9" * 200 + ".png", os.fsdecode(b"\xff\xfe1.png")]
    for number, name in enumerate(names):
        Image.fromarray(DEEP[number]).save(tmp_path / name)
    assert len(grey(tmp_path)) == 4
    assert sorted(["a10", "a9", "a²", "1²3"], key=natural) == ["1²3", "a9", "a10", "a²"]


def test_a_pipe_among_the_pictures_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"x\.png: expected an image file, got a named pipe"):
        load_recording(tmp_path)
    with pytest.raises(InputError, match="no regular file"):
        load_target(tmp_path / "x.png")


def test_a_gif_that_breaks_off_in_its_blocks(tmp_path: Path) -> None:
    first, *rest = (Image.fromarray((page >> 8).astype(np.uint8)) for page in DEEP)
    first.save(tmp_path / "x.gif", save_all=True, append_images=rest)
    whole = (tmp_path / "x.gif").read_bytes()
    for length in range(len(whole) // 2, len(whole), 37):
        (tmp_path / "x.gif").write_bytes(whole[:length])
        with contextlib.suppress(InputError):
            assert load_recording(tmp_path / "x.gif").frames.shape[1:] == (1, 16, 18)


def test_strips_that_decode_to_more_than_they_hold_are_refused(tmp_path: Path) -> None:
    import zlib

    path = tmp_path / "x.tif"
    tifffile.imwrite(path, DEEP[0], compression="zlib", rowsperstrip=16)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        offset, tag = page.dataoffsets[0], page.tags["StripByteCounts"]
        place = tag.valueoffset
    bomb = zlib.compress(bytes(50_000_000), 9)
    data = bytearray(path.read_bytes())[:offset] + bomb
    data[place : place + 4] = len(bomb).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match="expected strips of 576 bytes, got a larger one"):
        load_target(path, 16)
