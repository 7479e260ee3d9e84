"""Writes the states of a running simulation to a picture, a film or a recording, by the ending of the file.

Each format has a module that is imported on use. It has `OPTIONS`, the fields of a Recipe that it uses besides the
rule, and `make_writer(path, recipe) -> Writer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from equations.errors import DivergenceError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equations import Rule

WRITERS: dict[str, str] = {
    ".png": "srnca.media.png",
    ".gif": "srnca.media.gif",
    ".mp4": "srnca.media.film",
    ".npz": "srnca.media.npz",
    ".zarr": "srnca.media.zarr.frames",
}
RECORDINGS = (".npz", ".zarr")  # all frames are equally far apart


@dataclass(frozen=True)
class Recipe:
    """What is to be written. For fps, scale and colormap, None is the writer's own choice.

    rule: whose states these are.
    every: steps from frame to frame.
    frames: how many are planned.
    fps: frames a second, for films.
    scale: pixels a cell, for pictures and films.
    colormap: for pictures and films of one or two channels.
    run: for zarr, the settings that a run must share that goes on with this one.
    kept: for zarr, how many frames an earlier run has written.
    """

    rule: Rule
    every: int
    frames: int
    fps: float | None = None
    scale: int | None = None
    colormap: str | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    kept: int = 0

    def facts(self) -> dict[str, Any]:
        """What a recording stores beside its frames: the time between two, the width of a cell, the channels' names."""
        return {"dt": self.rule.dt * self.every, "dx": self.rule.dx, "channels": list(self.rule.channels)}


class Writer(Protocol):
    """`add` takes states (channel, h, w), and adds nothing if it fails. At the end one other method is called, once."""

    frames: int

    def add(self, state: NDArray[Any]) -> None: ...

    def close(self) -> None:
        """Complete the file."""

    def rescue(self) -> int:
        """After an error: keep the frames that can be kept, and return how many these are; 0 leaves no file."""

    def discard(self) -> None:
        """Leave the file as it was before."""


@contextmanager
def writing(path: Path, recipe: Recipe) -> Iterator[Writer]:
    """Yield a writer for the ending of `path`; the file is complete when the block ends.

    When the simulation diverges or a file cannot be written, the frames before that are kept and the error says so.
    Raises InputError for options that do not apply to this ending, MissingPartError when a package for it is not
    installed.
    """
    writer = _make_writer(path, recipe)
    try:
        yield writer
        writer.close()
    except DivergenceError as error:
        text = f"{error}{_kept(writer, path)}"
        raise DivergenceError(text, step=error.step, channel=error.channel, y=error.y, x=error.x) from error
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror or error}{_kept(writer, path)}", str(path)) from error
    except BaseException:
        writer.discard()
        raise


def _make_writer(path: Path, recipe: Recipe) -> Writer:
    ending = path.suffix.lower()
    module = import_module(WRITERS[ending])
    for name in ("fps", "scale", "colormap"):
        if getattr(recipe, name) is not None and name not in module.OPTIONS:
            raise InputError(f"--{name} means nothing to a file ending in {ending}; leave it out")
    writer: Writer = module.make_writer(path, recipe)
    return writer


def _kept(writer: Writer, path: Path) -> str:
    """Rescue what can be kept; the end of the error's sentence that says so."""
    count = writer.rescue()
    frames = "the frame" if count == 1 else f"the {count} frames"
    return f"; {frames} before it {'is' if count == 1 else 'are'} in {path}" if count else ""
