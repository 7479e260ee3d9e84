"""`x.mp4`: a film in H.264, written while the simulation runs, in pieces that play even when the end is missing."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations.errors import InputError, MissingPartError
from srnca.media.growing_file import GrowingFile
from srnca.media.painting import Painter, film_scale
from srnca.media.writing import Recipe

OPTIONS = ("fps", "scale", "colormap")
FPS = 20
SIDE = 512  # pixels: colours are stored for two by two of them
LARGEST = 8192  # pixels: what players decode
BT709, LIMITED = 1, 1  # how players take the colours of a film this large or small
QUALITY = "18"  # constant rate factor of x264: no loss that an eye sees


class Mp4Writer:
    """Each state becomes a frame; the muxer's pieces go to the file as they are made."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._recipe, self._painter, self._fps = recipe, Painter(recipe), Fraction(recipe.fps or FPS)
        if not 1 <= self._fps <= 240:
            raise InputError(f"frames per second: expected 1 to 240, got {float(self._fps):g}")
        self._av = _load_av()
        self.frames = 0
        self._file = GrowingFile(path)
        # fragments make a film that breaks off playable; when it is whole it is turned into an ordinary one
        self._film = self._av.open(self._file, "w", format="mp4", options={"movflags": "hybrid_fragmented"})
        self._stream: Any = None
        self._scale = 1

    def add(self, state: NDArray[Any]) -> None:
        picture = self._painter.paint(state)
        if self._stream is None:
            self._scale = film_scale(self._recipe, state, SIDE, LARGEST)
        picture = _even(picture.repeat(self._scale, axis=0).repeat(self._scale, axis=1))
        if self._stream is None:
            self._stream = self._open_stream(picture.shape)
        frame = self._av.VideoFrame.from_ndarray(picture, format="rgb24")
        with self._writing():
            frame = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED)
            self._film.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        with self._writing():
            if self._stream is not None:
                self._film.mux(self._stream.encode(None))  # the frames that the encoder holds back
            self._film.close()
        self._file.keep()

    def rescue(self) -> int:
        if self.frames:
            with suppress(OSError):  # after its first failure the muxer writes nothing more, and fails again
                self.close()
                return self.frames
        self._free()
        self.frames = _cut(self._file, self._av)
        if self.frames:
            self._file.keep()
        else:
            self._file.discard()
        return self.frames

    def discard(self) -> None:
        self._free()
        self._file.discard()

    def _free(self) -> None:
        """Close the muxer, whatever comes of it."""
        with suppress(OSError), self._writing():
            self._film.close()

    def _open_stream(self, shape: tuple[int, ...]) -> Any:
        options = {"crf": QUALITY, "g": str(round(self._fps))}  # a key frame, and so a piece, each second
        stream = self._film.add_stream("libx264", rate=self._fps, options=options)
        stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
        return stream

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except self._av.FFmpegError as error:
            raise OSError(errno.EIO, f"the film cannot be written ({error})") from error


def make_writer(path: Path, recipe: Recipe) -> Mp4Writer:
    """A writer of a film. Raises MissingPartError when PyAV is not installed."""
    return Mp4Writer(path, recipe)


def _load_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingPartError(
            "films in mp4 need PyAV, which brings its own encoder; install it with: pip install av (or srnca[video]), "
            "or write a gif"
        ) from error
    return av


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sides of even length, as the encoder wants them: the last row or column comes twice."""
    h, w = picture.shape[:2]
    return np.pad(picture, ((0, h % 2), (0, w % 2), (0, 0)), mode="edge")


def _cut(file: GrowingFile, av: Any) -> int:
    """Cut a film that breaks off to its whole pieces, and return how many frames it then has."""
    size = file.seek(0, os.SEEK_END)
    place = whole = 0
    while place + 8 <= size:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        place += length
        if length < 8 or place > size:
            break
        if kind == b"mdat":  # the pictures of a piece; what describes them stands before
            whole = place
    file.cut(whole)
    file.seek(0)
    with suppress(av.FFmpegError), av.open(file) as film:
        return sum(packet.size > 0 for packet in film.demux(video=0))
    return 0
