"""Options that several commands share, and what parses their values: sizes, durations, devices, output paths."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from equations.distributed import world_size
from equations.errors import InputError, MissingPartError, shorten

MAX_CELLS = 1 << 28  # a process: 16384 × 16384; a larger number is taken for a typing error
MAX_NUMBER = 1e30  # the largest number that a rule may contain
LEAST_EFFORT, MOST_EFFORT = 0.1, 10.0

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def option(help: str, *names: str, **more: Any) -> Any:
    """A typer.Option whose default is not shown, because there is none or the help says it."""
    return typer.Option(*names, help=help, show_default=False, **more)


LegacyRate = Annotated[
    float | None, option("Update rate of a legacy checkpoint, which does not store it.  [default: 0.5]")
]


def parse_size(text: str) -> tuple[int, int]:
    """`512` or `512x256` (width × height) as (height, width) in cells. Raises InputError."""
    match = re.fullmatch(r"(\d{1,6})(?:[x×](\d{1,6}))?", text.strip())
    if not match:
        raise InputError(f"--size: expected a whole number or WIDTHxHEIGHT such as 512x256, got {text!r}")
    width = int(match[1])
    height = int(match[2] or width)
    most = MAX_CELLS * world_size()
    if width < 3 or height < 3 or width * height > most:
        raise InputError(f"--size: expected sides of at least 3 and at most {most} cells in all, got {text!r}")
    return height, width


def parse_duration(text: str | None, flag: str) -> float | None:
    """`90`, `90s`, `5m`, `1.5h` as seconds; None stays None. Raises InputError."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not seconds > 0:
        raise InputError(f"{flag}: expected a time above zero such as 90s, 5m or 1h, got {text!r}")
    return seconds


def parse_clamp(text: str) -> tuple[float, float] | None:
    """`none` or `low,high`. Raises InputError."""
    if text.strip().lower() == "none":
        return None
    low, high = _numbers(text, 2, "--clamp", "none or LOW,HIGH such as 0,1")
    if not low < high:
        raise InputError(f"--clamp: expected low < high, got {text!r}")
    return low, high


def parse_crop(text: str | None) -> tuple[int, int, int] | None:
    """`x,y,side` in pixels of the picture. Raises InputError."""
    if text is None:
        return None
    wanted = "X,Y,SIDE in whole pixels such as 40,0,256"
    x, y, side = _numbers(text, 3, "--crop", wanted)
    if any(value != int(value) for value in (x, y, side)) or x < 0 or y < 0 or side < 1:
        raise InputError(f"--crop: expected {wanted}, got {text!r}")
    return int(x), int(y), int(side)


def parse_changes(texts: Sequence[str]) -> dict[str, float]:
    """`NAME=VALUE` of each `--set`, as name → value. Raises InputError."""
    changes: dict[str, float] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise InputError(f"--set: expected NAME=VALUE such as F=0.03, got {shorten(text)}")
        if name in changes:
            raise InputError(f"--set: expected one value for {name}, got two; leave one out")
        try:
            changes[name] = float(value)
        except ValueError:
            changes[name] = math.nan
        if not abs(changes[name]) <= MAX_NUMBER:
            raise InputError(f"--set {name}: expected a finite number, at most 1e30 in size, got {shorten(value)}")
    return changes


def _numbers(text: str, count: int, flag: str, wanted: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise InputError(f"{flag}: expected {wanted}, got {text!r}")
    return values


def resolve_device(text: str) -> str:
    """`auto`, `cpu`, `cuda` or `cuda:N` as a device that is there.

    Raises InputError for another word, MissingPartError when that GPU is not there.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", text):
        raise InputError(f"--device: expected auto, cpu, cuda or cuda:N, got {text!r}")
    if text == "cpu":
        return text
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if text == "auto":
        return "cuda" if found else "cpu"
    index = int(text.partition(":")[2] or 0)
    if index >= found:
        raise MissingPartError(f"--device {text}: this machine offers {found} CUDA devices; use --device auto or cpu")
    return text


def check_output(path: Path, endings: tuple[str, ...] = (), flag: str = "--out") -> Path:
    """`path`, checked before the work begins: its ending is known and its folder is there, made if need be.

    Raises InputError otherwise.
    """
    if endings and path.suffix.lower() not in endings:
        raise InputError(f"{flag}: expected a file ending in {' or '.join(endings)}, got {str(path)!r}")
    if path.is_dir():
        raise InputError(f"{flag}: expected a file, {path} is a folder")
    check_folder(path.parent)
    return path


def check_folder(path: Path) -> Path:
    """`path`, a folder that is there, made if need be. Raises InputError where it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"--out: expected a folder, {error.filename} is a file") from error
    return path


@contextmanager
def no_empty_folder(path: Path) -> Iterator[None]:
    """While a result is written to the folder `path`: if that fails or is interrupted, remove new empty folders."""
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in new:
            with suppress(OSError):  # it holds something, or was not made
                folder.rmdir()
        raise
