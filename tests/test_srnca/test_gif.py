"""GIF frame by frame: colours, time, and palettes that change only when they must."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import GifImagePlugin, Image

from equations.colormaps import table
from equations.errors import InputError
from srnca.media.gif import END, GifEncoder
from srnca.media.samples import make_sample


def film(encoder: GifEncoder, pictures: list[np.ndarray]) -> tuple[Image.Image, list[np.ndarray]]:
    data = encoder.head(pictures[0].shape) + b"".join(encoder.frame(picture) for picture in pictures) + END
    image = Image.open(io.BytesIO(data))
    shown = []
    for i in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(i)
        shown.append(np.asarray(image.convert("RGB")))
    return image, shown


def noise(seed: int, shape: tuple[int, int] = (24, 32), low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (*shape, 3), np.uint8)


def test_frames_time_and_size() -> None:
    ramp = np.tile(np.arange(32, dtype=np.uint8)[:, None] * 8, (24, 1, 3))
    pictures = [np.roll(ramp, shift, axis=1) for shift in (0, 1, 2)] + [np.roll(ramp, 2, axis=1)]
    image, shown = film(GifEncoder(fps=25, scale=3), pictures)
    assert image.size == (96, 72)
    assert (image.info["duration"], image.info["loop"]) == (40, 0)
    assert len(shown) == 4  # a frame in which nothing changed is a frame
    for picture, frame in zip(pictures, shown, strict=True):
        assert np.abs(frame.astype(int) - picture.repeat(3, 0).repeat(3, 1)).max() <= 4


def test_the_colours_of_a_map_are_kept() -> None:
    pictures = [table("viridis")[np.random.default_rng(i).integers(0, 256, (16, 16))] for i in range(3)]
    for picture, frame in zip(pictures, film(GifEncoder(palette=table("viridis")), pictures)[1], strict=True):
        assert np.abs(frame.astype(int) - picture).max() <= 5


def test_a_palette_follows_a_picture_that_becomes_another() -> None:
    start = [noise(i, low=110, high=146) for i in range(3)]
    end = [make_sample("snake", 32), make_sample("orchid", 32)]
    later = [np.resize((picture * 255).astype(np.uint8), (24, 32, 3)) for picture in end for _ in range(3)]
    _, shown = film(GifEncoder(), start + later)
    errors = [np.abs(f.astype(int) - p).mean() for f, p in zip(shown, start + later, strict=True)]
    assert max(errors) < 4
    palette = np.resize(np.array(Image.fromarray(start[0]).quantize(256).getpalette(), np.uint8), (256, 3))
    fixed = film(GifEncoder(palette=palette), start + later)[1]
    assert np.abs(fixed[-1].astype(int) - later[-1]).mean() > 10  # what would be without a new palette


def test_a_still_part_does_not_flicker() -> None:
    still = (make_sample("snake", 32) * 255).astype(np.uint8)
    pictures = []
    for i in range(12):
        picture = still.copy()
        picture[:8] = noise(i, (8, 32), 0, 20 + 20 * i)
        pictures.append(picture)
    shown = film(GifEncoder(), pictures)[1]
    changes = [(a[8:] != b[8:]).any() for a, b in itertools.pairwise(shown)]
    assert not any(changes)
    assert np.abs(shown[-1][8:].astype(int) - still[8:]).mean() < 12


@pytest.mark.parametrize("fps", [0, 0.5, 51, float("nan")])
def test_what_the_format_cannot_time_is_refused(fps: float) -> None:
    with pytest.raises(InputError, match="1 to 50"):
        GifEncoder(fps)


def test_pillow_encodes_one_frame_as_the_encoder_expects() -> None:
    """`getdata` is an old function of Pillow's: here is what this program needs of it, block by block."""
    picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3), "P")
    picture.putpalette(bytes(range(9)) * 2)
    blocks = GifImagePlugin.getdata(picture, (5, 7), duration=40, include_color_table=True)
    data = b"".join(blocks)
    control, descriptor, colours, pixels = data[:8], data[8:18], data[18:42], data[42:]
    assert control == b"!\xf9\x04\x00\x04\x00\x00\x00"  # 4 hundredths of a second, nothing transparent
    assert descriptor == b",\x05\x00\x07\x00\x03\x00\x02\x00\x82"  # left, top, width, height; 8 colours of its own
    assert colours[:18] == bytes(range(9)) * 2
    assert pixels[-1:] == b"\x00"  # the end of the compressed pixels, and of the frame
