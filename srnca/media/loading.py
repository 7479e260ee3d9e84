"""Reads a recording of a dynamics from any kind of file: npz, zarr, mat, HDF5, a folder of pictures, a stack, a film.

    recording = load_recording(Path("frames.npz"), stride=2)
    recording.frames, recording.dt, recording.dx, recording.channels

The module that reads a kind of file is imported on use: only films need PyAV, only HDF5 h5py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from equations.errors import InputError, did_you_mean
from equations.reading import check_regular_file
from srnca.media.npz import load_frames
from srnca.media.recording import Recording, check_step

__all__ = ["Recording", "check_agreement", "load_frames", "load_recording", "load_recordings"]

_FILMS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
_READERS: dict[str, tuple[str, str]] = {
    ".npz": ("npz", "load_frames"),
    ".zarr": ("zarr.frames", "load_group"),
    ".mat": ("mat", "load_mat"),
    **dict.fromkeys((".h5", ".hdf5"), ("hdf5", "load_hdf5")),
    **dict.fromkeys((".gif", ".tif", ".tiff", ".webp", ".png", ".apng"), ("stacks", "load_file")),
    **dict.fromkeys(_FILMS, ("film", "load_film")),
}


def load_recording(path: Path, *, dt: float | None = None, dx: float | None = None, stride: int = 1) -> Recording:
    """The recording at `path`, with every `stride`-th of its frames. Its first note says what was understood.

    dt: the time between two frames *of the file*, in place of the file's own (pictures and films have none: 1). The
    recording's dt is `stride` times this.
    dx: the width of a cell, in place of the file's own.

    Raises InputError for what is no recording, MissingPartError when a package for its kind is not installed.
    """
    path = Path(path)
    module, function = _reader(path)
    found: Recording = getattr(import_module(f"srnca.media.{module}"), function)(path)
    if dt is not None:
        found = replace(found, dt=check_step(dt, "dt", "--dt"))
    if dx is not None:
        found = replace(found, dx=check_step(dx, "dx", "--dx"))
    found = found.every(stride)
    taken = found.units.taken([name for name, value in (("dt", dt), ("dx", dx)) if value is not None])
    return replace(found, notes=(f"{path.name}: {found.describe()}", *found.notes, *taken))


def load_recordings(
    paths: Sequence[Path], *, dt: float | None = None, dx: float | None = None, stride: int = 1
) -> tuple[Recording, ...]:
    """Several recordings of one system; raises InputError where they disagree in channels, dt or dx."""
    if not paths:
        raise InputError("expected at least one recording, got none")
    found = tuple(load_recording(path, dt=dt, dx=dx, stride=stride) for path in paths)
    check_agreement(found, [str(path) for path in paths])
    return found


def check_agreement(recordings: Sequence[Recording], names: Sequence[str]) -> None:
    """Raises InputError unless all recordings have the same channels, dt and dx; sizes and lengths may differ."""
    first = recordings[0]
    for other, name in zip(recordings[1:], names[1:], strict=True):
        for what in ("channels", "dt", "dx"):
            wanted, got = getattr(first, what), getattr(other, what)
            if wanted != got:
                raise InputError(
                    f"{name}: expected recordings of one system, with the {what} {_shown(wanted)} of {names[0]}, "
                    f"got {_shown(got)}" + ("" if what == "channels" else f"; say the true one with --{what}")
                )


def check_there(path: Path) -> None:
    """Raises InputError where there is neither a file nor a folder."""
    if not path.exists():
        raise InputError(f"{path}: no such recording; expected a file such as frames.npz, or a folder of pictures")


def _shown(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _reader(path: Path) -> tuple[str, str]:
    """The module and the function that read `path`, by its ending. A folder is a Zarr group or holds pictures."""
    ending = path.suffix.lower()
    if path.is_dir():
        zarr = ending == ".zarr" or any((path / name).is_file() for name in ("zarr.json", ".zgroup"))
        return _READERS[".zarr"] if zarr else ("stacks", "load_folder")
    check_there(path)
    check_regular_file(path, "a recording: a file such as frames.npz, or a folder of pictures")
    if ending == ".zarr":
        raise InputError(f"{path}: expected a folder, as recordings in zarr are, got a file; unpack it first")
    if ending not in _READERS:
        raise InputError(
            f"{path}: expected a recording: a folder of pictures, or a file ending in {', '.join(_READERS)}"
            f"{did_you_mean(ending, _READERS)}, got {ending or 'no ending'}"
        )
    return _READERS[ending]
