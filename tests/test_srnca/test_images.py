"""Any picture becomes the right target, and says what was done to it; written pictures read back the same."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from equations.errors import InputError
from srnca.media.contact_sheet import contact_sheet
from srnca.media.images import load_target, resize
from srnca.media.png import save_png
from srnca.media.samples import make_sample

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (40, 50, 210), (255, 255, 255)


def quarters(size: int = 64) -> Image.Image:
    """Red, green over blue, white."""
    half = size // 2
    picture = np.empty((size, size, 3), np.uint8)
    picture[:half, :half], picture[:half, half:] = RED, GREEN
    picture[half:, :half], picture[half:, half:] = BLUE, WHITE
    return Image.fromarray(picture)


def middles(pixels: np.ndarray) -> np.ndarray:
    """The colours in the middles of the four quarters, (4, 3) in 0..255, in reading order."""
    n = len(pixels)
    return np.array([pixels[y, x] for y in (n // 4, 3 * n // 4) for x in (n // 4, 3 * n // 4)]) * 255


def store(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def grey16() -> np.ndarray:
    return np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"),
    [
        ("RGB", "png", 0.01),
        ("RGB", "bmp", 0.01),
        ("RGB", "webp", 12),
        ("RGB", "jpg", 12),
        ("RGB", "tiff", 0.01),
        ("RGB", "ppm", 0.01),
        ("RGBA", "png", 0.01),
        ("P", "png", 8),
        ("P", "gif", 8),
        ("CMYK", "tiff", 2),
        ("CMYK", "jpg", 12),
        ("YCbCr", "tiff", 4),
    ],
)
def test_colours_survive_every_mode(tmp_path: Path, mode: str, suffix: str, tolerance: float) -> None:
    convert = {"palette": Image.Palette.ADAPTIVE} if mode == "P" else {}
    path = store(quarters().convert(mode, **convert), tmp_path / f"leaf.{suffix}")
    target = load_target(path)
    assert target.name == "leaf"
    assert target.pixels.shape == (64, 64, 3)
    assert target.pixels.dtype == np.float32
    np.testing.assert_allclose(middles(target.pixels), [RED, GREEN, BLUE, WHITE], atol=tolerance)
    assert target.notes == (("CMYK turned to RGB without its colour profile",) if mode == "CMYK" else ())


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_is_repeated_and_said(tmp_path: Path, mode: str) -> None:
    ramp = Image.fromarray((np.arange(64 * 64).reshape(64, 64) // 16).astype(np.uint8))
    target = load_target(store(ramp.convert(mode), tmp_path / "grey.png"))
    assert (np.ptp(target.pixels, axis=2) == 0).all()
    assert target.pixels[:8].mean() < 0.1
    assert target.pixels[-8:].mean() > 0.9
    assert target.notes == ("grey picture: red, green and blue are equal",)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_divided_by_their_full_range(tmp_path: Path, suffix: str) -> None:
    target = load_target(store(Image.fromarray(grey16()), tmp_path / f"deep.{suffix}"))
    np.testing.assert_allclose(target.pixels[..., 1], grey16() / 65535, atol=1e-6)
    assert target.notes == ("16-bit grey picture: red, green and blue are equal",)


def test_twelve_bits_in_a_sixteen_bit_file_are_said_to_be_dark(tmp_path: Path) -> None:
    target = load_target(store(Image.fromarray(grey16() // 16), tmp_path / "camera.png"))
    assert target.pixels.max() == pytest.approx(4095 / 65535)
    assert "its largest value is 4095 of 65535" in target.notes[0]


def test_thirty_two_bits_and_reals(tmp_path: Path) -> None:
    real = grey16().astype(np.float32) / 65535
    unit = load_target(store(Image.fromarray(real), tmp_path / "unit.tiff"))
    np.testing.assert_allclose(unit.pixels[..., 0], real, atol=1e-6)
    spread = load_target(store(Image.fromarray(real * 300 - 100), tmp_path / "wide.tiff"))
    np.testing.assert_allclose(spread.pixels[..., 2], real, atol=1e-5)
    assert "its range -100..200 is spread over black..white" in spread.notes[0]
    whole = Image.fromarray(grey16().astype(np.int32) * 1000)
    np.testing.assert_allclose(load_target(store(whole, tmp_path / "i.tiff")).pixels[..., 0], real, atol=1e-5)
    real[3, 4] = np.nan
    with pytest.raises(InputError, match="expected finite values"):
        load_target(store(Image.fromarray(real), tmp_path / "nan.tiff"))


def test_transparency_is_laid_on_white_and_said_only_where_there_is_any(tmp_path: Path) -> None:
    layer = quarters().convert("RGBA")
    layer.putalpha(Image.fromarray(np.repeat([[0, 128]], 64, axis=0).repeat(32, axis=1).astype(np.uint8)))
    target = load_target(store(layer, tmp_path / "alpha.png"))
    half_green = [(a * 128 + 255 * 127) / 255 for a in GREEN]
    np.testing.assert_allclose(middles(target.pixels), [WHITE, half_green, WHITE, WHITE], atol=1)
    assert target.notes == ("transparent parts are laid on white",)
    keyed = load_target(store(quarters(), tmp_path / "key.png", transparency=RED))
    np.testing.assert_allclose(middles(keyed.pixels), [WHITE, GREEN, BLUE, WHITE], atol=0.01)
    assert keyed.notes == target.notes
    palette = quarters().convert("P", palette=Image.Palette.ADAPTIVE)
    index = palette.getpixel((40, 10))
    hole = load_target(store(palette, tmp_path / "hole.png", transparency=index))
    np.testing.assert_allclose(middles(hole.pixels), [RED, WHITE, BLUE, WHITE], atol=8)


@pytest.mark.parametrize(("orientation", "order"), [(1, "rgbw"), (3, "wbgr"), (6, "brwg"), (8, "gwrb")])
def test_exif_orientation_is_obeyed_and_said(tmp_path: Path, orientation: int, order: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    target = load_target(store(quarters(), tmp_path / "phone.png", exif=exif))
    colours = {"r": RED, "g": GREEN, "b": BLUE, "w": WHITE}
    np.testing.assert_allclose(middles(target.pixels), [colours[c] for c in order], atol=0.01)
    assert bool(target.notes) == (orientation != 1)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    quarters().save(path, save_all=True, append_images=[Image.new("RGB", (64, 64), BLUE)] * 2)
    target = load_target(path)
    np.testing.assert_allclose(middles(target.pixels), [RED, GREEN, BLUE, WHITE], atol=8)
    assert any("only the first is used" in note for note in target.notes)


def test_centre_crop_and_explicit_crop(tmp_path: Path) -> None:
    wide = Image.new("RGB", (120, 64), "black")
    wide.paste(quarters(), (28, 0))
    path = store(wide, tmp_path / "wide.png")
    centred = load_target(path)
    np.testing.assert_allclose(centred.pixels, np.asarray(quarters()) / 255, atol=1e-6)
    assert centred.notes == ("centre-cropped 120x64 to 64x64",)
    corner = load_target(path, size=32, crop=(60, 0, 32))
    np.testing.assert_allclose(corner.pixels, np.broadcast_to(np.array(GREEN) / 255, (32, 32, 3)), atol=1e-6)
    assert corner.notes == ("the picture is nearly one flat colour: there is no texture to learn",)


@pytest.mark.parametrize("crop", [(-1, 0, 32), (0, 0, 65), (40, 0, 32), (0, 40, 32), (0, 0, 8)])
def test_a_crop_outside_the_picture_is_refused(tmp_path: Path, crop: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=r"crop: expected"):
        load_target(store(quarters(), tmp_path / "q.png"), size=16, crop=crop)


def test_enlarging_is_said(tmp_path: Path) -> None:
    target = load_target(store(quarters(32), tmp_path / "small.png"), size=64)
    np.testing.assert_allclose(middles(target.pixels), [RED, GREEN, BLUE, WHITE], atol=2)
    assert target.notes == ("enlarged 32x32 to 64x64: it has no detail finer than 2.0 pixels",)


@settings(max_examples=40, deadline=None)
@given(side=st.integers(2, 70), size=st.integers(1, 40), seed=st.integers(0, 99))
def test_averaging_down_keeps_the_mean_and_never_leaves_the_range(side: int, size: int, seed: int) -> None:
    picture = np.random.default_rng(seed).random((side, side, 3)).astype(np.float32)
    small = resize(picture, size)
    assert small.shape == (size, size, 3)
    assert 0 <= small.min() <= small.max() <= 1
    if size <= side:
        np.testing.assert_allclose(small.mean(axis=(0, 1)), picture.mean(axis=(0, 1)), atol=1e-5)
        assert picture.min() - 1e-5 <= small.min() <= small.max() <= picture.max() + 1e-5


def test_fine_stripes_average_to_grey_instead_of_aliasing() -> None:
    stripes = np.zeros((256, 256, 3), np.float32)
    stripes[:, ::2] = 1
    np.testing.assert_allclose(resize(stripes, 64), 0.5, atol=1e-5)
    assert resize(stripes, 100).std() < 0.15
    assert stripes[::4, ::4].std() == 0  # plain picking would see one colour only
    assert stripes[::4, ::4].mean() == 1


def test_samples_are_targets(tmp_path: Path) -> None:
    target = load_target("sample:snake", size=64)
    assert target.name == "snake"
    np.testing.assert_array_equal(target.pixels, make_sample("snake", 64))
    part = load_target("sample:snake", size=64, crop=(10, 20, 64))
    np.testing.assert_array_equal(part.pixels, make_sample("snake", 256)[20:84, 10:74])
    with pytest.raises(InputError, match=r"inside the picture \(256x256\)"):
        load_target("sample:snake", crop=(200, 0, 100))
    with pytest.raises(InputError, match='did you mean "orchid"'):
        load_target("sample:orchids")


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_bad_files_end_in_an_error_that_names_them(tmp_path: Path) -> None:
    whole = store(quarters(), tmp_path / "whole.jpg").read_bytes()
    png = store(Image.fromarray(grey16()), tmp_path / "whole.png").read_bytes()
    cases = {
        "text.png": (b"not a picture\n", "none of them; save it as PNG"),
        "empty.png": (b"", "none of them"),
        "cut.jpg": (whole[: len(whole) // 2], "breaks off or is damaged"),
        "cut.png": (png[: len(png) // 2], "breaks off or is damaged"),
        "dot.png": (store(Image.new("RGB", (1, 1)), tmp_path / "d.png").read_bytes(), "got 1x1"),
        "thin.png": (store(Image.new("L", (500, 15)), tmp_path / "t.png").read_bytes(), "at least 16x16"),
        "strip.png": (png_claiming(70_000, 20), "sides of at most 65536 pixels, got 70000x20"),
        "bomb.png": (png_claiming(60_000, 60_000), r"at most 134 million pixels"),
        "small-bomb.png": (png_claiming(12_000, 12_000), r"at most 2 GiB to read, got a picture of 12000x12000"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow's own warnings must not reach the user
            with pytest.raises(InputError, match=message) as caught:
                load_target(tmp_path / name)
        assert name in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 3000), value=st.integers(0, 255))
def test_a_damaged_byte_gives_a_picture_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    store(quarters(32), path)
    data = bytearray(path.read_bytes())
    data[position % len(data)] = value
    path.write_bytes(data)
    with contextlib.suppress(InputError):
        assert np.isfinite(load_target(path, size=16).pixels).all()


def test_bad_paths(tmp_path: Path) -> None:
    store(quarters(), tmp_path / "leaf.png")
    cases = {
        tmp_path / "laef.png": "no such file; did you mean leaf.png",
        tmp_path / "none" / "x.png": "no such file; check the path",
        tmp_path: "a folder",
        "snake": "did you mean sample:snake",
        "a\0b": "got 'a.*x00b'",
        "x" * 5000: "target: expected",
    }
    for path, message in cases.items():
        with pytest.raises(InputError, match=message):
            load_target(path)
    with pytest.raises(InputError, match="expected 16 to 2048 pixels, got 4"):
        load_target("sample:snake", size=4)


def test_an_unforeseen_decoder_error_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(_: object) -> None:
        raise struct.error("unpack requires 4 bytes")

    monkeypatch.setattr("srnca.media.picture_files.Image.open", explode)
    with pytest.raises(InputError, match="unpack requires 4 bytes"):
        load_target(store(quarters(), tmp_path / "q.png"))


def test_png_round_trip(tmp_path: Path) -> None:
    picture = make_sample("orchid", 32)
    save_png(tmp_path / "a.png", picture)
    np.testing.assert_allclose(load_target(tmp_path / "a.png", size=32).pixels, picture, atol=0.5 / 255 + 1e-6)
    save_png(tmp_path / "b.png", (picture * 255).astype(np.uint8), scale=3)
    big = np.asarray(Image.open(tmp_path / "b.png"))
    np.testing.assert_array_equal(big, np.kron((picture * 255).astype(np.uint8), np.ones((3, 3, 1), np.uint8)))
    save_png(tmp_path / "c.png", picture[..., 0])
    assert Image.open(tmp_path / "c.png").mode == "L"
    save_png(tmp_path / "d.png", np.array([[-1.0, 0.5, 2.0]]))
    assert np.asarray(Image.open(tmp_path / "d.png")).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 4)), r"expected shape \(h, w, 3\) or \(h, w\), got \(4, 4, 4\)"),
        (np.zeros((0, 4, 3)), "expected shape"),
        (np.full((4, 4), np.nan), "expected finite values"),
        (np.zeros((4, 4), np.int64), "expected uint8 or float"),
    ],
)
def test_writers_refuse_what_is_no_picture(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        save_png(tmp_path / "x", array)
    assert list(tmp_path.iterdir()) == []


def test_writers_check_their_options_and_keep_the_old_file(tmp_path: Path) -> None:
    path, picture = tmp_path / "a.png", np.zeros((4, 4, 3))
    save_png(path, picture)
    old = path.read_bytes()
    with pytest.raises(InputError, match="scale: expected a whole number from 1"):
        save_png(path, picture, scale=0)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_contact_sheet_shows_every_picture_with_its_label() -> None:
    pictures = [np.full((8, 8, 3), c, np.uint8) for c in (RED, GREEN, BLUE)] + [np.zeros((4, 6))]
    sheet = contact_sheet(pictures, columns=2, scale=2, gap=6)
    assert sheet.shape == (2 * (16 + 6) + 6, 2 * (16 + 6) + 6, 3)
    assert (sheet[6, 6] == RED).all()
    assert (sheet[6, 28] == GREEN).all()
    assert (sheet[28, 6] == BLUE).all()
    assert (sheet[28:36, 28:40] == 0).all()
    labelled = contact_sheet(pictures, ["snake", "a much longer label", "b", "c"], columns=2, scale=2)
    assert labelled.shape[0] > sheet.shape[0]
    assert labelled.shape[1] > sheet.shape[1], "room for the longest label"
    assert (labelled < 128).all(axis=2).sum() > (sheet < 128).all(axis=2).sum(), "ink"
    dark = contact_sheet(pictures, columns=2, scale=2, gap=6, paper=(32, 34, 38))
    is_paper = (sheet == 255).all(axis=2)
    assert (dark[is_paper] == (32, 34, 38)).all()
    np.testing.assert_array_equal(dark[~is_paper], sheet[~is_paper])
    with pytest.raises(InputError, match="got 1 for 4"):
        contact_sheet(pictures, ["one"])
    with pytest.raises(InputError, match="at least one picture"):
        contact_sheet([])
