"""Pictures as a recording: a folder of image files, or one file of many pages (TIFF stack, GIF, APNG, WebP)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from equations.errors import InputError
from equations.reading import check_size
from srnca.picture_files import Picture, Pictures
from srnca.recordings.recording import Recording, make_recording
from srnca.tiff import Deep

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".ppm", ".pgm", ".gif", ".apng")
AS_THEY_ARE = "numbers without a white of their own (reals, 32 bits, with a sign) are taken as they are"
FEW_COLOURS = "a GIF has at most 256 colours: its values are rounded"


@dataclass
class _Frames:
    """Frames (t, k, h, w) of one file: of `k` channels, or k = 1 for grey and 3 for colours. unit: whether they are
    shares of white.
    """

    values: npt.NDArray[Any]
    unit: bool
    coloured: bool


def load_folder(path: Path) -> Recording:
    """The image files in `path`, in the natural order of their names (frame2 before frame10), one time unit apart; all
    pages of each. Hidden files are left out (macOS puts ._x.png beside x.png).

    Raises InputError for a folder with no image files, a file that is no image, or pictures of different sizes.
    """
    names = [f for f in path.iterdir() if f.suffix.lower() in ENDINGS and not f.name.startswith(".")]
    files = sorted(names, key=lambda f: natural(f.name))
    if not files:
        raise InputError(
            f"{path}: expected a folder of image files ({', '.join(ENDINGS[:5])} …) or a recording in zarr, "
            "found neither"
        )
    frames: list[_Frames] = []
    notes: dict[str, None] = {}
    size, pages, room = (0, 0), 0, 0
    for file in files:
        with Pictures(file) as pictures:
            if frames and pictures.size != size:
                raise InputError(
                    f"{file}: expected {size[0]}x{size[1]} pixels as {files[0].name} has, got "
                    f"{pictures.size[0]}x{pictures.size[1]}; crop or scale all pictures alike"
                )
            size, pages = pictures.size, pages + pictures.count
            count = max(pages, len(files))
            check_size(4 * size[0] * size[1] * count, f"{count} pictures of {size[0]}x{size[1]} pixels", path)
            frames.append(_read(pictures))
            room += frames[-1].values.nbytes
            check_size(room // pages * count, f"{count} pictures of {size[0]}x{size[1]} pixels", path)
            notes |= dict.fromkeys(pictures.notes)
    what = f"{len(files)} pictures" if pages == len(files) else f"{pages} pages in {len(files)} files"
    told = f"{what} from {files[0].name} to {files[-1].name}"
    return _joined(frames, path, (told, *notes))


def load_file(path: Path) -> Recording:
    """The pages of one file, drawn whole, one time unit apart (display times say nothing of the system).

    Raises InputError for a file that is no picture file, or has one page.
    """
    with Pictures(path) as pictures:
        if pictures.frames < 2:
            raise InputError(
                f"{path}: expected a recording, got a single picture; give the folder of all pictures, or a stack"
            )
        (width, height), count = pictures.size, pictures.count
        check_size(4 * width * height * count, f"{count} pictures of {width}x{height} pixels", path)
        frames = _read(pictures)
        notes = (FEW_COLOURS,) if path.suffix.lower() == ".gif" else ()
        return _joined([frames], path, (*notes, *pictures.notes))


def from_colours(frames: npt.NDArray[np.float32], path: Path, notes: tuple[str, ...] = ()) -> Recording:
    """Pictures (t, 3, h, w) with values in [0, 1] as channels r g b, or as one channel `grey` when all are grey."""
    if (frames[:, 0] == frames[:, 1]).all() and (frames[:, 0] == frames[:, 2]).all():
        return make_recording(frames[:, :1], path, names=["grey"], notes=notes)
    return make_recording(frames, path, names=["r", "g", "b"], notes=notes)


def natural(name: str) -> list[tuple[int, str]]:
    """A sorting key in which numbers inside a name count as numbers."""
    parts = re.split(r"(\d+)", name.lower())  # every second one is a number
    return [(int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts)]


def _read(pictures: Pictures) -> _Frames:
    pages = [_pixels(pictures.page(number)[0], pictures.path) for number in range(pictures.count)]
    most = max(len(values) for values, _ in pages)
    if any(unit != pages[0][1] for _, unit in pages):
        raise InputError(f"{pictures.path}: expected pages of one kind of number, got several; save them apart")
    stacked = np.concatenate([np.broadcast_to(values, (most, *values.shape[1:]))[None] for values, _ in pages])
    if pictures.channels > 1:
        if most > 1:
            raise InputError(f"{pictures.path}: expected a stack of grey channels, got colours; save each as grey")
        sides = (
            (pictures.channels, pictures.frames) if pictures.channels_first else (pictures.frames, pictures.channels)
        )
        stacked = stacked.reshape(*sides, *stacked.shape[2:])
        stacked = stacked.swapaxes(0, 1) if pictures.channels_first else stacked
    return _Frames(stacked, pages[0][1], pictures.channels == 1)


def _joined(parts: list[_Frames], path: Path, notes: tuple[str, ...]) -> Recording:
    first = parts[0]
    if any(part.unit != first.unit or part.coloured != first.coloured for part in parts):
        raise InputError(
            f"{path}: expected pictures of one kind of number and as many channels each, got several kinds; save all "
            "of them alike"
        )
    most = max(part.values.shape[1] for part in parts)
    if not first.coloured and any(part.values.shape[1] != most for part in parts):
        raise InputError(f"{path}: expected as many channels in every file, got different numbers; save all alike")
    whole = [np.broadcast_to(p.values, (len(p.values), most, *p.values.shape[2:])) for p in parts]
    frames = np.concatenate(whole) if len(whole) > 1 else whole[0]
    notes = notes if first.unit else (*notes, AS_THEY_ARE)
    if first.coloured and most == 3:
        return from_colours(frames, path, notes)
    return make_recording(frames, path, names=["grey"] if first.coloured else None, notes=notes)


def _pixels(picture: Picture, path: Path) -> tuple[npt.NDArray[Any], bool]:
    """(1 or 3, h, w), and whether the values are shares of white in [0, 1]; transparent pixels are over black."""
    if isinstance(picture, Deep):
        values = picture.values[None] if picture.values.ndim == 2 else picture.values.transpose(2, 0, 1)
        if picture.top is not None:
            return (values / np.float64(picture.top)).astype(np.float32), True
        if not np.isfinite(values).all():
            raise InputError(f"{path}: expected finite numbers, got some that are not; mend the file, or leave it out")
        return values, False
    if picture.mode in ("1", "L") and "transparency" not in picture.info:
        return np.asarray(picture.convert("L"), np.float32)[None] / np.float32(255), True
    if picture.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info:
        layer = picture.convert("LA") if picture.mode == "La" else picture
        whole = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(whole, layer.convert("RGBA"))
    try:
        colours = np.asarray(picture.convert("RGB"), np.float32)
    except ValueError as error:
        raise InputError(f"{path}: expected colours that turn to RGB, got mode {picture.mode}; save as PNG") from error
    return colours.transpose(2, 0, 1) / np.float32(255), True
