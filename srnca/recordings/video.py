"""Films: mp4 and what else FFmpeg reads. Needs PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, MissingPartError
from srnca.recordings.pictures import check_room, from_pictures
from srnca.recordings.recording import Recording


def load(path: Path) -> Recording:
    """The frames of the film's first picture stream, one time unit apart.

    Raises InputError for a file that is no film, MissingPartError when PyAV is not installed.
    """
    av = _load_av(path)
    pictures: list[Any] = []
    try:
        with av.open(str(path)) as film:
            for frame in film.decode(video=0):
                pictures.append(frame.to_ndarray(format="rgb24").astype(np.float32) / np.float32(255))
                check_room(len(pictures), pictures[0].shape, path)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputError(f"{path}: expected a film, got something else ({error})") from error
    if not pictures:
        raise InputError(f"{path}: expected a film, found no frames in it")
    return from_pictures(
        pictures, ("a film is lossy: colours are stored at half the resolution, and detail is rounded away",)
    )


def _load_av(path: Path) -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingPartError(
            f"{path}: reading films needs PyAV; install it with: pip install av (or srnca[video]), "
            "or turn the film into a folder of pictures"
        ) from error
    return av
