"""Films: read as mp4, mov, mkv, webm or avi, and written as `x.mp4` in H.264. Both need PyAV.

A film is written while the simulation runs, in pieces that play even when the end is missing.
"""

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

from equations.errors import InputError, MissingPartError, shorten
from equations.reading import check_regular_file, check_size
from srnca.media.growing_file import GrowingFile
from srnca.media.painting import Painter, film_scale
from srnca.media.recording import Recording
from srnca.media.stacks import from_colours
from srnca.media.writing import Recipe

OPTIONS = ("fps", "scale", "colormap")
FPS = 20
SIDE = 512  # pixels to which small grids are enlarged: colours are stored for blocks of 2 x 2 pixels
LARGEST = 8192  # pixels of a side that players decode
BT709, LIMITED = 1, 1  # colour matrix and range, stated in the file so that players need not guess them
QUALITY = "18"  # constant rate factor of x264: no loss that an eye sees
# FFmpeg's container by the file's ending. Without it FFmpeg guesses, and a playlist could name other files to open.
CONTAINERS = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".avi": "avi"}
LOSSY = "a film is lossy: colours are stored at half the resolution, and detail is rounded away"


def load_film(path: Path) -> Recording:
    """The frames of the film's first picture stream, one time unit apart.

    Raises InputError for a file that is no film, damaged, or above the size budget; MissingPartError when PyAV is not
    installed.
    """
    check_regular_file(path, "a film")
    av = _load_av(f"{path}: reading films needs PyAV", "turn the film into a folder of pictures")
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


def _decoded(av: Any, path: Path) -> list[NDArray[np.uint8]]:
    pictures: list[NDArray[np.uint8]] = []
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


class Mp4Writer:
    """Encodes each state as one frame; the muxer's pieces go to the file as they are made."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._recipe, self._painter, self._fps = recipe, Painter(recipe), Fraction(recipe.fps or FPS)
        if not 1 <= self._fps <= 240:
            raise InputError(f"frames per second: expected 1 to 240, got {float(self._fps):g}")
        self._av = _load_av("films in mp4 need PyAV, which brings its own encoder", "write a gif")
        self.frames = 0
        self._file = GrowingFile(path)
        # in fragments, so that an incomplete film can be played; a complete one is turned into an ordinary mp4
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
        """Close the muxer, and ignore its errors."""
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


def _load_av(need: str, instead: str) -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingPartError(f"{need}; install it with: pip install av (or srnca[video]), or {instead}") from error
    return av


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sides of even length, as the encoder requires: an odd one repeats its last row or column."""
    h, w = picture.shape[:2]
    return np.pad(picture, ((0, h % 2), (0, w % 2), (0, 0)), mode="edge")


def _cut(file: GrowingFile, av: Any) -> int:
    """Cut an incomplete film to its complete pieces, and return how many frames are left."""
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
        if kind == b"mdat":  # the pictures of a piece; the box that describes them comes before
            whole = place
    file.cut(whole)
    file.seek(0)
    with suppress(av.FFmpegError), av.open(file) as film:
        return sum(packet.size > 0 for packet in film.demux(video=0))
    return 0
