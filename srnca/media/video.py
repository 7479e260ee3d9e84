"""Films: mp4 and what else FFmpeg reads. Needs PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError, MissingPartError, shorten
from equations.reading import check_regular_file, check_size
from srnca.media.recording import Recording
from srnca.media.stacks import from_colours

# FFmpeg's container by the file's ending. Told so, it does not guess: a playlist could name other files to open.
CONTAINERS = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".avi": "avi"}
LOSSY = "a film is lossy: colours are stored at half the resolution, and detail is rounded away"


def load(path: Path) -> Recording:
    """The frames of the film's first picture stream, one time unit apart.

    Raises InputError for a file that is no film, damaged, or above the size budget; MissingPartError when PyAV is not
    installed.
    """
    check_regular_file(path, "a film")
    av = _load_av(path)
    try:
        pictures = _decoded(av, path)
    except InputError:
        raise
    except Exception as error:  # FFmpeg's errors, and those of PyAV on what it cannot represent
        raise InputError(
            f"{path}: expected a film whose ending says its kind, got something else ({shorten(str(error))}); save it "
            "again, or as a folder of pictures"
        ) from error
    if not pictures:
        raise InputError(f"{path}: expected a film, found no frames in it")
    frames = np.stack(pictures).transpose(0, 3, 1, 2)  # (t, 3, h, w)
    pictures.clear()
    return from_colours(frames.astype(np.float32) / np.float32(255), path, (LOSSY,))


def _decoded(av: Any, path: Path) -> list[npt.NDArray[np.uint8]]:
    pictures: list[npt.NDArray[np.uint8]] = []
    with av.open(str(path), format=CONTAINERS[path.suffix.lower()]) as film:
        stream = film.streams.video[0]
        width, height = stream.codec_context.width, stream.codec_context.height
        check_size(16 * width * height, f"pictures of {width}x{height}", path)
        for frame in film.decode(stream):
            size = (frame.height, frame.width)
            first = pictures[0].shape[:2] if pictures else size
            if size != first:
                raise InputError(
                    f"{path}: expected frames of one size, got {size[1]}x{size[0]} after {first[1]}x{first[0]}; save "
                    "it again"
                )
            count = len(pictures) + 1
            check_size(12 * count * size[0] * size[1], f"{count} frames of {size[1]}x{size[0]} or more", path)
            pictures.append(frame.to_ndarray(format="rgb24"))
    return pictures


def _load_av(path: Path) -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingPartError(
            f"{path}: reading films needs PyAV; install it with: pip install av (or srnca[video]), "
            "or turn the film into a folder of pictures"
        ) from error
    return av
