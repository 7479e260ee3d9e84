"""Pictures as a recording: a folder of image files, or an animated GIF."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from equations.errors import InputError
from srnca.recordings.recording import Recording

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".ppm", ".pgm")
Bytes = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.float32]
MOST_BYTES = 4 * 2**30  # of float32 frames
_DEEP = ("I", "F")  # modes of grey with more than 8 bits begin so


def load_folder(path: Path) -> Recording:
    """The image files in `path`, in the natural order of their names (frame2 before frame10), one time unit apart.

    Raises InputError for a folder with no image files, a file that is no image, or pictures of different sizes.
    """
    files = sorted((f for f in path.iterdir() if f.suffix.lower() in ENDINGS), key=lambda f: natural(f.name))
    if not files:
        raise InputError(
            f"{path}: expected a folder of image files ({', '.join(ENDINGS[:5])} …) or a recording in zarr, "
            "found neither"
        )
    first: tuple[int, ...] | None = None
    pictures = []
    for file in files:
        pixels = _read(file)
        if first is not None and pixels.shape[:2] != first[:2]:
            raise InputError(
                f"{file}: expected {first[1]}x{first[0]} pixels as {files[0].name} has, got "
                f"{pixels.shape[1]}x{pixels.shape[0]}; crop or scale all pictures alike"
            )
        first = first or pixels.shape
        check_room(len(files), pixels.shape, path)
        pictures.append(pixels)
    return from_pictures(pictures, (f"{len(files)} pictures from {files[0].name} to {files[-1].name}",))


def load_gif(path: Path) -> Recording:
    """The frames of an animation, drawn whole, one time unit apart (its display times say nothing of the system).

    Raises InputError for a file that is no image.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as film:
            warnings.simplefilter("ignore")
            check_room(getattr(film, "n_frames", 1), (film.height, film.width), path)
            pictures = [_pixels(frame) for frame in ImageSequence.Iterator(film)]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: expected a GIF, got something else ({error})") from error
    return from_pictures(pictures, ("a GIF has at most 256 colours: its values are rounded",))


def from_pictures(pictures: Iterable[Pixels], notes: tuple[str, ...] = ()) -> Recording:
    """Pictures (h, w, 3) with values in [0, 1] as channels r g b, or as one channel `grey` when all are grey."""
    frames = np.stack([p.transpose(2, 0, 1) for p in pictures])  # (t, 3, h, w)
    if (frames[:, 0] == frames[:, 1]).all() and (frames[:, 0] == frames[:, 2]).all():
        return Recording(np.ascontiguousarray(frames[:, :1]), 1.0, ("grey",), None, notes)
    return Recording(frames, 1.0, ("r", "g", "b"), None, notes)


def check_room(count: int, shape: tuple[int, ...], path: Path) -> None:
    """Raises InputError when `count` pictures of `shape` do not fit the memory that reading may take."""
    size = 12 * count * shape[0] * shape[1]
    if size > MOST_BYTES:
        raise InputError(
            f"{path}: {count} pictures of {shape[1]}x{shape[0]} would take {size / 2**30:.0f} GiB, more than "
            f"{MOST_BYTES >> 30}; scale them down, or keep fewer"
        )


def natural(name: str) -> list[tuple[int, str]]:
    """A sorting key in which numbers inside a name count as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def _read(file: Path) -> Pixels:
    try:
        with warnings.catch_warnings(), Image.open(file) as image:
            warnings.simplefilter("ignore")
            return _pixels(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{file}: expected an image file, got something else ({error}); move it elsewhere") from error


def _pixels(image: Image.Image) -> Pixels:
    """(h, w, 3) float32 in [0, 1]; transparent pixels over black; grey of 16 bits keeps its depth."""
    if image.mode.startswith(_DEEP):
        grey = np.asarray(image, np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(1.0, float(grey.max()))
        return np.repeat((grey / top).astype(np.float32)[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        whole = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(whole, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
