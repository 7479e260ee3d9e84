"""Reads pictures as a recording: a folder of picture files, or one file of many pages (TIFF stack, GIF, APNG, WebP)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from equations.errors import InputError
from equations.reading import check_size
from srnca.media.picture_files import Picture, Pictures
from srnca.media.recording import Recording, channel_names, make_recording
from srnca.media.tiff import Deep

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".ppm", ".pgm", ".gif", ".apng")
AS_THEY_ARE = "values are taken as they are: real, signed and 32-bit numbers have no largest value that would be white"
FEW_COLOURS = "a GIF has at most 256 colours: its values are rounded"


@dataclass
class _Page:
    """A page of a picture file.

    values: (k, h, w) as they are stored, with k = 1 for grey and 3 for colours.
    top: the value of white; None for numbers without one.
    """

    values: npt.NDArray[Any]
    top: float | None


Rows = list[list[_Page]]  # for each frame the pages of its channels


def load_folder(path: Path) -> Recording:
    """All pages of the image files in `path`, one time unit apart.

    Files are read in the natural order of their names (frame2 before frame10). Hidden files are left out (macOS puts
    ._x.png beside x.png).

    Raises InputError for a folder with no image files, a file that is no image, or pictures of different sizes.
    """
    names = [f for f in path.iterdir() if f.suffix.lower() in ENDINGS and not f.name.startswith(".")]
    files = sorted(names, key=lambda f: natural(f.name))
    if not files:
        raise InputError(
            f"{path}: expected a folder of image files ({', '.join(ENDINGS[:5])} …) or a recording in zarr, "
            "found neither"
        )
    rows: Rows = []
    notes: dict[str, None] = {}
    size, pages = (0, 0), 0
    for file in files:
        with Pictures(file) as pictures:
            if rows and pictures.size != size:
                raise InputError(
                    f"{file}: expected {size[0]}x{size[1]} pixels as {files[0].name} has, got "
                    f"{pictures.size[0]}x{pictures.size[1]}; crop or scale all pictures alike"
                )
            size, pages = pictures.size, pages + pictures.count
            _check_room(path, pictures, max(pages, len(files)))
            rows += _read(pictures)
            notes |= dict.fromkeys(pictures.notes)
    what = f"{len(files)} pictures" if pages == len(files) else f"{pages} pages in {len(files)} files"
    note = f"{what} from {files[0].name} to {files[-1].name}"
    return _joined(rows, path, (note, *notes))


def load_file(path: Path) -> Recording:
    """The pages of one file, each with all that it shows, one time unit apart.

    An animation's display times are ignored, since they say nothing about the system. Metadata of OME and ImageJ give
    dt, dx and names of channels.

    Raises InputError for a file that is no picture file, or has one page.
    """
    with Pictures(path) as pictures:
        if pictures.frames < 2:
            raise InputError(
                f"{path}: expected a recording, got a single picture; give the folder of all pictures, or a stack"
            )
        _check_room(path, pictures, pictures.count)
        notes = (FEW_COLOURS,) if path.suffix.lower() == ".gif" else ()
        found, units = _joined(_read(pictures), path, (*notes, *pictures.notes)), pictures.units
    if len(units.names) == found.frames.shape[1]:
        names, renamed = channel_names(units.names, len(units.names), path)
        found = replace(found, channels=names, notes=(*found.notes, *renamed))
    found = replace(found, dt=units.dt or found.dt, dx=units.dx or found.dx, units=units)
    return replace(found, notes=(*found.notes, *units.notes))


def from_colours(frames: npt.NDArray[np.float32], path: Path, notes: tuple[str, ...] = ()) -> Recording:
    """Pictures (t, 3, h, w) with values in [0, 1] as channels r g b, or as one channel `grey` when all are grey."""
    if (frames[:, 0] == frames[:, 1]).all() and (frames[:, 0] == frames[:, 2]).all():
        return make_recording(frames[:, :1], path, names=["grey"], notes=notes)
    return make_recording(frames, path, names=["r", "g", "b"], notes=notes)


def natural(name: str) -> list[tuple[int, str]]:
    """A sorting key that compares the digits inside a name as numbers."""
    parts = re.split(r"(\d+)", name.lower())  # every second one is a number
    return [(int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts)]


def _check_room(path: Path, pictures: Pictures, count: int) -> None:
    width, height = pictures.size
    check_size(pictures.depth * width * height * count, f"{count} pictures of {width}x{height} pixels", path)


def _read(pictures: Pictures) -> Rows:
    frames, channels = pictures.frames, pictures.channels
    step, apart = (1, frames) if pictures.channels_first else (channels, 1)  # pages to the next frame, channel
    return [
        [_pixels(pictures.page(frame * step + channel * apart)[0], pictures.path) for channel in range(channels)]
        for frame in range(frames)
    ]


def _joined(rows: Rows, path: Path, notes: tuple[str, ...]) -> Recording:
    """All pages as one recording. Each row of pages is freed once it is copied, so that memory is not taken twice."""
    first, channels = rows[0][0], len(rows[0])
    unit = first.top is not None
    if any((page.top is not None) != unit or len(row) != channels for row in rows for page in row):
        raise InputError(
            f"{path}: expected pictures of one kind of number and as many channels each, got several kinds; save all "
            "of them alike"
        )
    firsts = [page for row in rows for page in row]
    colours = max(len(page.values) for page in firsts)
    if channels > 1 and colours > 1:
        raise InputError(f"{path}: expected a stack of grey channels, got colours; save each as grey")
    dtype = np.dtype(np.float32) if unit else np.result_type(*{page.values.dtype for row in rows for page in row})
    frames = np.empty((len(rows), max(channels, colours), *first.values.shape[1:]), dtype)
    for target, row in zip(frames, rows, strict=True):
        for channel, page in enumerate(row):
            place = target[channel : channel + 1] if channels > 1 else target
            for index, layer in enumerate(place):  # one colour at a time
                values = page.values[index if len(page.values) > 1 else 0]
                np.divide(values, np.float32(page.top), out=layer) if unit else np.copyto(layer, values)
        row.clear()
    tops = sorted({page.top for page in firsts if page.top is not None})
    scaled = f"values are divided by {' or '.join(f'{top:g}' for top in tops)}, so that white is 1"
    notes = (*notes, scaled if unit else AS_THEY_ARE)
    if channels > 1:
        return make_recording(frames, path, notes=notes)
    return (
        from_colours(frames, path, notes) if colours == 3 else make_recording(frames, path, names=["grey"], notes=notes)
    )


def _pixels(picture: Picture, path: Path) -> _Page:
    """One page; transparent pixels are laid on black."""
    if isinstance(picture, Deep):
        values = picture.values[None] if picture.values.ndim == 2 else picture.values.transpose(2, 0, 1)
        if picture.top is None and not np.isfinite(values).all():
            raise InputError(f"{path}: expected finite numbers, got some that are not; mend the file, or leave it out")
        return _Page(values, picture.top)
    if picture.mode in ("1", "L") and "transparency" not in picture.info:
        return _Page(np.asarray(picture.convert("L"))[None], 255.0)
    if picture.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info:
        layer = picture.convert("LA") if picture.mode == "La" else picture
        whole = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(whole, layer.convert("RGBA"))
    try:
        colours = np.asarray(picture.convert("RGB"))
    except ValueError as error:
        raise InputError(f"{path}: expected colours that turn to RGB, got mode {picture.mode}; save as PNG") from error
    return _Page(colours.transpose(2, 0, 1), 255.0)
