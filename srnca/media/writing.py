"""Where the states of a running simulation go: one small file for each ending, loaded on use.

A member module has `OPTIONS`, the fields of a Recipe that it looks at besides the rule, and
`make_writer(path, recipe) -> Writer`.
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
FILMS = (".gif", ".mp4")
RECORDINGS = (".npz", ".zarr")  # one time step between all frames


@dataclass(frozen=True)
class Recipe:
    """What is to be written: `every` steps a frame, `frames` of them when nothing comes between.

    For pictures: `fps` frames a second, `scale` pixels a cell, `colormap`; None is the writer's own choice.
    For recordings that can be gone on with: `run`, what a later run must know of this one; `kept`, so many frames are
    there already.
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
        """What a recording says of its frames: the time between two, the width of a cell, the channels' names."""
        return {"dt": self.rule.dt * self.every, "dx": self.rule.dx, "channels": list(self.rule.channels)}


class Writer(Protocol):
    """`add` states (channel, h, w), then one of the others, once. An `add` that fails adds nothing."""

    frames: int

    def add(self, state: NDArray[Any]) -> None: ...

    def close(self) -> None:
        """Make the file whole."""

    def rescue(self) -> int:
        """After an error: make a file of what can be kept, and return how many frames that is; 0 leaves no file."""

    def discard(self) -> None:
        """Leave the file as it was before."""


@contextmanager
def writing(path: Path, recipe: Recipe) -> Iterator[Writer]:
    """A writer for the ending of `path`; its file is there when the block ends.

    When the simulation diverges or a file cannot be written, the frames before that are kept and the error
    says so. Raises InputError for options that mean nothing to this ending, MissingPartError when a package
    for it is not installed.
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
            raise InputError(f"--{name} means nothing to a file ending in {ending}; leave it away")
    writer: Writer = module.make_writer(path, recipe)
    return writer


def _kept(writer: Writer, path: Path) -> str:
    count = writer.rescue()
    frames = "the frame" if count == 1 else f"the {count} frames"
    return f"; {frames} before it {'is' if count == 1 else 'are'} in {path}" if count else ""
