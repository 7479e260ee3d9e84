"""A picture file as colours in [0, 1] of a wanted size: the target of a training, or a first state.

The files are opened and decoded by picture_files.py; here they are cropped, scaled and turned to RGB. Whatever is done
to a picture besides scaling it down is listed in its notes, for the command line to print.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from equations.errors import InputError, check_choice
from srnca.media.picture_files import Picture, Pictures
from srnca.media.tiff import Deep

Pixels = NDArray[np.uint8] | NDArray[np.float32]  # 0..255 or [0, 1]
Crop = tuple[int, int, int]  # x and y of the top left corner, and the side, in pixels of the upright picture
SAMPLE = "sample:"  # before the name of a built-in picture
SMALLEST = 16  # pixels: the shortest side that shows a texture
LARGEST = 2048  # pixels: the longest side of a target
FLAT = 0.01  # a picture with a standard deviation below this has no texture
DARK = 0.25  # a 16-bit picture is dark if its largest value is below this share of white: a camera with fewer bits


@dataclass(frozen=True, eq=False)
class Target:
    """A square picture to learn.

    pixels: (size, size, 3) float32 in [0, 1].
    notes: what was done to the picture.
    cell: pixels of the picture file that one pixel here stands for.
    """

    name: str
    pixels: NDArray[np.float32]
    notes: tuple[str, ...] = ()
    cell: float = 1.0


def load_target(spec: str | Path, size: int = 64, crop: Crop | None = None) -> Target:
    """The target `spec`: "sample:snake", ... or the path of an image file.

    The crop, or without one the largest centred square, is scaled down to (size, size) by averaging over exact pixel
    areas. The average is of the stored sRGB values, as is usual for texture models. Raises InputError for a file that
    is missing or no image, a picture or crop under 16 pixels, a crop outside the picture, and a size outside 16..2048.
    """
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"target size: expected {SMALLEST} to {LARGEST} pixels, got {size}")
    check_target(spec)
    text, path = str(spec), Path(spec)
    if text.startswith(SAMPLE):
        return _sample(text.removeprefix(SAMPLE), size, crop)
    picture, notes = _read(path)
    box = _square(picture.size, crop, text, notes)
    pixels = _pixels(picture.crop(box), notes)  # (side, side, 3)
    return _finish(path.stem, pixels, size, notes)


def check_target(spec: str | Path) -> None:
    """Raises InputError where `spec` is neither the name of a sample nor an image file that is there."""
    if not str(spec).startswith(SAMPLE):
        _check_file(Path(spec))
        return
    from srnca.media.samples import SAMPLES

    check_choice("sample", str(spec).removeprefix(SAMPLE), SAMPLES)


def load_picture(path: Path, size: tuple[int, int]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """A picture of any size as (h, w, 3) float32 in [0, 1], and what was done to it.

    The largest centred part of the wanted proportions is scaled as `load_target` does. Raises InputError for
    a file that is missing or no image.
    """
    _check_file(path)
    picture, notes = _read(path)
    (width, height), (h, w) = picture.size, size
    across, down = min(width, max(1, round(height * w / h))), min(height, max(1, round(width * h / w)))
    if (across, down) != (width, height):
        notes.append(f"centre-cropped {width}x{height} to {across}x{down}")
    left, top = (width - across) // 2, (height - down) // 2
    return resize(_pixels(picture.crop((left, top, left + across, top + down)), notes), size), tuple(notes)


def resize(pixels: Pixels, size: int | tuple[int, int]) -> NDArray[np.float32]:
    """A picture (h, w, 3) in a new size, (h, w) or the side of a square, as float32.

    It is scaled down by averaging over exact areas, and up by bicubic interpolation.
    """
    h, w = (size, size) if isinstance(size, int) else size
    sides = [(old, min(old, new)) for old, new in zip(pixels.shape[:2], (h, w), strict=True)]
    weights = [_area_weights(old, new) for old, new in sides] if any(old != new for old, new in sides) else None
    bands: list[NDArray[np.float32]] = []
    for i in range(3):  # one colour at a time: a whole photograph in float32 can take a gigabyte
        band: NDArray[np.float32] = pixels[..., i].astype(np.float32)
        if pixels.dtype == np.uint8:
            band /= 255
        if weights:
            band = (weights[0] @ band @ weights[1].T).astype(np.float32)
        if band.shape != (h, w):
            grown = Image.fromarray(band).resize((w, h), Image.Resampling.BICUBIC)
            band = np.asarray(grown, dtype=np.float32)
        bands.append(band)
    return np.stack(bands, axis=-1).clip(0, 1)


def _area_weights(side: int, size: int) -> NDArray[np.float32]:
    """(size, side): the weight of each old pixel in each new one; rows sum to 1."""
    edges = np.linspace(0, side, size + 1)[:, None]
    pixel = np.arange(side)[None]
    overlap = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
    return (np.clip(overlap, 0, None) * (size / side)).astype(np.float32)


def _sample(name: str, size: int, crop: Crop | None) -> Target:
    from srnca.media.samples import DRAWN, make_sample

    if crop is None:
        return Target(name, make_sample(name, size))
    notes: list[str] = []
    left, top, right, bottom = _square((DRAWN, DRAWN), crop, f"sample:{name}", notes)
    return _finish(name, make_sample(name, DRAWN)[top:bottom, left:right], size, notes)


def _finish(name: str, pixels: Pixels, size: int, notes: list[str]) -> Target:
    side = pixels.shape[0]
    if side < size:
        notes.append(f"enlarged {side}x{side} to {size}x{size}: it has no detail finer than {size / side:.1f} pixels")
    pixels = resize(pixels, size)
    if pixels.std(axis=(0, 1)).max() < FLAT:
        notes.append("the picture is nearly one flat colour: there is no texture to learn")
    return Target(name, pixels, tuple(notes), side / size)


def _check_file(path: Path) -> None:
    from srnca.media.samples import SAMPLES

    try:
        if path.is_file():
            return
        kind = "a folder" if path.is_dir() else "no regular file" if path.exists() else "no such file"
    except (OSError, ValueError) as error:
        raise InputError(f"target: expected the path of an image, got {str(path)[:80]!r} ({error})") from error
    plant = difflib.get_close_matches(str(path), SAMPLES, n=1)
    siblings = [p.name for p in path.parent.iterdir()] if kind == "no such file" and path.parent.is_dir() else []
    near = [f"sample:{plant[0]}"] if plant else difflib.get_close_matches(path.name, siblings, n=1)
    hint = f"did you mean {near[0]}?" if near else "check the path"
    raise InputError(
        f"target: expected an image file or sample:{'|'.join(SAMPLES)}, got {str(path)!r}, which is {kind}; {hint}"
    )


def _read(path: Path) -> tuple[Picture, list[str]]:
    """The first frame, decoded and upright, and the notes on it."""
    with Pictures(path) as pictures:
        picture, turned = pictures.page(0)
        notes = list(pictures.notes) if pictures.count == 1 else [f"{pictures.count} frames: only the first is used"]
        if turned:
            notes.append("turned upright as its EXIF orientation says")
        if pictures.cut and isinstance(picture, Image.Image):
            highest = int(np.asarray(picture.convert("RGB")).max())
            notes += [f"its largest value is {highest} of 255, so it is dark"] if highest < DARK * 255 else []
        return picture, notes


def _square(size: tuple[int, int], crop: Crop | None, name: str, notes: list[str]) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the square to use."""
    width, height = size
    if min(size) < SMALLEST:
        raise InputError(
            f"{name}: expected a picture of at least {SMALLEST}x{SMALLEST} pixels, got {width}x{height}; "
            "use a larger one"
        )
    if crop is None:
        side = min(size)
        left, top = (width - side) // 2, (height - side) // 2
        if width != height:
            notes.append(f"centre-cropped {width}x{height} to {side}x{side}")
        return left, top, left + side, top + side
    left, top, side = crop
    if side < SMALLEST:
        raise InputError(f"crop: expected a side of at least {SMALLEST} pixels, got {side}")
    if left < 0 or top < 0 or left + side > width or top + side > height:
        raise InputError(
            f"crop: expected a square inside the picture ({width}x{height}), "
            f"got x={left}, y={top}, side={side}, which ends at ({left + side}, {top + side})"
        )
    return left, top, left + side, top + side


def _pixels(picture: Picture, notes: list[str]) -> Pixels:
    """(h, w, 3) from any of Pillow's modes, or from samples of more than 8 bits."""
    if isinstance(picture, Deep):
        values = _deep_pixels(picture, notes)
        return values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=-1)
    mode = picture.mode
    if mode in {"1", "L", "LA", "La"}:
        notes.append("grey picture: red, green and blue are equal")
    if mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in picture.info:
        layer = (picture.convert("LA") if mode == "La" else picture).convert("RGBA")
        if layer.getchannel("A").getextrema()[0] != 255:
            notes.append("transparent parts are laid on white")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    elif mode == "CMYK":
        notes.append("CMYK turned to RGB without its colour profile")
    try:
        return np.asarray(picture.convert("RGB"))
    except ValueError as error:
        raise InputError(f"picture: expected colours that turn to RGB, got mode {mode}; save it as RGB PNG") from error


def _deep_pixels(picture: Deep, notes: list[str]) -> NDArray[np.float32]:
    """Samples scaled to [0, 1]: 16 bits by their full range, as other programs do; others by their own range."""
    values = picture.values.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("picture: expected finite values, got some that are not a number or infinite; mend the file")
    low, high = float(values.min()), float(values.max())
    grey = values.ndim == 2
    kind, equal = ("grey", ": red, green and blue are equal") if grey else ("colour", "")
    if picture.top is not None:
        dim = high < DARK * picture.top
        if grey or dim:
            dark = (
                f"{',' if grey else ':'} its largest value is {high:g} of {picture.top:g}, so it is dark" if dim else ""
            )
            notes.append(f"16-bit {kind} picture{equal}{dark}")
        values /= picture.top
    elif picture.values.dtype.kind == "f" and low >= 0 and high <= 1:
        notes.append(f"{kind} picture of real numbers in 0..1{equal}")
    else:
        bits = 8 * picture.values.dtype.itemsize
        notes.append(f"{kind} picture of {bits}-bit numbers: its range {low:g}..{high:g} is spread over black..white")
        values = (values - low) / max(high - low, 1e-30)
    return values.astype(np.float32)
