"""The first state of a simulation, from `--init`; and state.npz, a file from which a simulation can go on."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations import Init, InputError, Rule, make_state
from equations.divergence import limit_of
from equations.errors import did_you_mean, shorten
from equations.files import write_bytes
from equations.npz import list_npz, read_npz
from equations.rule.auxiliary import auxiliary_channels, settle
from equations.rule.display import display_of
from equations.rule.init import KINDS
from equations.simulation import first_init

SIZE = (256, 256)
SMALLEST = 3  # cells of a side, as many as a stencil has
MOST_NAMES = 256  # channel names that are read from a file
AMPLITUDE = 0.1  # of the noise, where the rule has no amplitude of its own
LIFT = 0.5  # height of a square above the background, where the rule has none of its own
NUMBERS = (".npz", ".zarr", ".mat", ".h5", ".hdf5")  # endings of files of numbers, beside TIFF
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of red, green, blue: ITU-R BT.709


@dataclass(frozen=True, eq=False)
class Start:
    """A first state.

    state: (channel, h, w).
    notes: what was done to get it, for a person to know.
    step: how many steps it has run already.
    seed: of those steps; None where there is none, or the file does not say it.
    """

    state: NDArray[Any]
    notes: tuple[str, ...] = ()
    step: int = 0
    seed: int | None = None


def read_start(rule: Rule, init: str, size: tuple[int, int] | None, seed: int, usual: tuple[int, int] = SIZE) -> Start:
    """The first state that `init` asks for: a kind of Init, a picture, a state.npz, or a recording's last frame.

    size: (h, w); None takes the size of a state.npz or a recording, and otherwise `usual`.

    Raises InputError for anything else.
    """
    if init in KINDS:
        return Start(make_state(init_of_kind(rule, init), len(rule.channels), size or usual, seed))
    path = Path(init)
    if path.suffix.lower() == ".npz":
        return _read_state(rule, path, size, _read_arrays(path))
    if holds_numbers(path):
        return _read_state(rule, path, size, _last_frame(path))
    if not path.is_file():
        raise InputError(
            f"--init: expected {', '.join(KINDS)}, a picture or a state.npz, got {init!r}, which is none of them"
            f"{did_you_mean(init, KINDS)}"
        )
    return _read_picture(rule, path, size or usual, seed)


def init_of_kind(rule: Rule, kind: str) -> Init:
    """The rule's init as another kind. Background, amplitude and square are the rule's own where it has them."""
    own = first_init(rule)
    changes: dict[str, Any] = {"kind": kind}
    if kind == "noise" and not any(own.amplitude):
        changes["amplitude"] = (AMPLITUDE,) * len(rule.channels)
    if kind != "noise" and not own.square:
        changes["square"] = tuple(_lifted(value, rule.clamp) for value in own.background)
    return dataclasses.replace(own, **changes)


def save_state(path: Path, rule: Rule, state: NDArray[Any], step: int, seed: int) -> None:
    """Write a state.npz, atomically: docs/formats.md."""
    buffer = io.BytesIO()
    np.savez(buffer, state=state, channels=np.array(rule.channels), step=step, seed=seed)
    write_bytes(path, buffer.getvalue())


def _lifted(background: float, clamp: tuple[float, float] | None) -> float:
    """The value of a square: LIFT above the background, or that share of the way to the clamp's farther end."""
    if clamp is None:
        return background + LIFT
    far = max(clamp, key=lambda end: abs(end - background))
    return background + LIFT * (far - background)


def _read_picture(rule: Rule, path: Path, size: tuple[int, int], seed: int) -> Start:
    """The picture in the channels that the rule shows, the others at their background, with the rule's noise added."""
    from srnca.media.images import load_picture

    display = display_of(rule)
    if display.colours is not None:
        raise InputError(
            f"--init {path}: the rule's colours are formulas of its channels, so a picture cannot be turned back into "
            f"a state; use {', '.join(KINDS)} or a state.npz"
        )
    if display.scale == 0:
        raise InputError(f"--init {path}: the rule's display has scale 0, so no state looks like a picture")
    pixels, notes = load_picture(path, size)
    own = first_init(rule)
    state = make_state(dataclasses.replace(own, kind="noise"), len(rule.channels), size, seed)
    layers = pixels.transpose(2, 0, 1) if len(display.channels) == 3 else (pixels @ LUMINANCE)[None]  # (1 or 3, h, w)
    for name, layer in zip(display.channels, layers, strict=True):
        index = rule.channels.index(name)
        state[index] += (layer - display.offset) / display.scale - own.background[index]
    if rule.clamp is not None:
        np.clip(state, *rule.clamp, out=state)
    return Start(state, tuple(f"{path}: {note}" for note in notes))


def _read_state(rule: Rule, path: Path, size: tuple[int, int] | None, arrays: dict[str, NDArray[Any]]) -> Start:
    if "state" in arrays:
        state = arrays["state"]
    elif "frames" in arrays and arrays["frames"].ndim == 4 and len(arrays["frames"]):
        state = arrays["frames"][-1]
    else:
        raise InputError(
            f"{path}: expected a state (channel, h, w) or frames (t, channel, h, w) in it, found {list_npz(path)}"
        )
    state, computed = _with_auxiliary(rule, path, state, arrays)
    count = len(rule.channels)
    if state.ndim != 3 or state.shape[0] != count or state.dtype.kind not in "fiub":
        raise InputError(
            f"{path}: expected a state of {count} channels ({', '.join(rule.channels)}), (channel, h, w), of real "
            f"numbers, got shape {state.shape} of {state.dtype}"
        )
    if min(state.shape[1:]) < SMALLEST:
        raise InputError(f"{path}: expected sides of at least {SMALLEST} cells, got {_words(state.shape[1:])}")
    if size is not None and size != state.shape[1:]:
        raise InputError(
            f"--size {_words(size)} is not that of {path}, {_words(state.shape[1:])}; leave --size out to use it"
        )
    limit = limit_of(rule)
    bad = np.argwhere(~(np.abs(state) <= limit))
    if len(bad):
        c, y, x = bad[0]
        raise InputError(
            f"{path}: expected finite numbers of at most {limit:.0e}, got {state[c, y, x]} in channel "
            f"{rule.channels[c]} at y={y}, x={x}"
        )
    state, notes = (state, computed) if computed else _in_order(rule.channels, path, state, arrays.get("channels"))
    return Start(state, notes, _whole(path, arrays, "step") or 0, _whole(path, arrays, "seed"))


def holds_numbers(path: Path) -> bool:
    """Whether it is a recording of which `--init` takes the last frame: NUMBERS, or a TIFF of several frames."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return path.suffix.lower() in NUMBERS
    from srnca.media.picture_files import Pictures

    if not path.is_file():
        return False
    with Pictures(path) as pictures:
        return pictures.frames > 1


def _last_frame(path: Path) -> dict[str, NDArray[Any]]:
    """The last frame of a recording, and its channels' names, as a state.npz has them."""
    from srnca.media.loading import load_recording

    found = load_recording(path)
    return {"state": found.frames[-1], "channels": np.array(found.channels)}


def _with_auxiliary(
    rule: Rule, path: Path, state: NDArray[Any], arrays: dict[str, NDArray[Any]]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """A state that lacks the rule's auxiliary channels, completed, and a note; any other state as it is."""
    held = auxiliary_channels(rule)
    own = tuple(channel for channel in rule.channels if channel not in held)
    numbers = state.ndim == 3 and len(state) == len(own) and state.dtype.kind in "fiub"
    if not held or not numbers or min(state.shape[1:]) < SMALLEST or not np.isfinite(state).all():
        return state, ()
    ordered, notes = _in_order(own, path, state, arrays.get("channels"))
    return settle(rule, ordered), (*notes, f"{path}: {', '.join(held)} computed from the other channels")


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.exists():
        raise InputError(f"--init: no such file {path}; expected noise, square, spots, cross, a picture or a state.npz")
    what, facts = "a state (channel, h, w)", ("channels", "step", "seed")
    found = read_npz(path, ("state", *facts), what)
    return found if "state" in found else read_npz(path, ("frames", *facts), what)


def _in_order(
    wanted: tuple[str, ...], path: Path, state: NDArray[Any], channels: NDArray[Any] | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The channels in the wanted order, matched by name. Where names differ, by position, and a note says so."""
    stored = wanted if channels is None else np.atleast_1d(channels).ravel()[:MOST_NAMES].tolist()
    names = tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in stored)
    if set(names) == set(wanted) and len(names) == len(wanted):
        return state[[names.index(name) for name in wanted]], ()
    return state, (f"{path}: its channels are called {shorten(', '.join(names))}; taken in their order",)


def _whole(path: Path, arrays: dict[str, NDArray[Any]], name: str) -> int | None:
    """The whole number called `name`, None where there is none. Raises InputError for anything else."""
    if name not in arrays:
        return None
    value = arrays[name]
    if value.size != 1 or value.dtype.kind not in "iu" or not 0 <= value.item() < 2**32:
        raise InputError(f"{path}: expected {name} to be a whole number from 0 to 2^32 - 1, got {shorten(value)}")
    return int(value.item())


def _words(size: tuple[int, ...]) -> str:
    """(h, w) as on the command line: WIDTHxHEIGHT."""
    return f"{size[1]}x{size[0]}"
