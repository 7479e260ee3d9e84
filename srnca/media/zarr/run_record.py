"""The settings of the run that wrote a recording in zarr, so that a killed run can go on from its last frame."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations import Rule
from equations.errors import InputError, shorten
from equations.rule.rulefile import rule_to_text
from srnca.media.zarr.frames import FRAMES, RUN, check_old, create_array, load_zarr


def describe_run(rule: Rule, *, every: int, seed: int, step: int, init: str | None) -> dict[str, Any]:
    """A run's settings, for the file.

    every: steps from frame to frame.
    seed: of the first state and the masks.
    step: of the first frame.
    init: as the command line has it; None is the rule's own.
    """
    bare = rule.replace(provenance={}, metrics={}, fronts={}, display=None)
    digest = hashlib.sha256(rule_to_text(bare).encode()).hexdigest()
    network = {name: rule.provenance[name] for name in ("network",) if name in rule.provenance}
    return {"rule": digest[:16], **network, "every": every, "init": init, "seed": seed, "step": step}


def read_run(path: Path) -> tuple[dict[str, Any], int, NDArray[Any]] | None:
    """The settings of the run that wrote `path`, how many frames it has, and the last of these (channel, h, w).

    None where there is nothing at `path`, or no frame yet. Raises InputError for anything but a recording of
    `srnca simulate`. No chunk is read before the metadata are known to be those that this program writes.
    """
    zarr = load_zarr()
    check_old(path)
    if not path.exists():
        return None
    try:
        settings = zarr.open_group(str(path), mode="r").attrs.get(RUN)
        frames = zarr.open_array(str(path / FRAMES), mode="r")
        count, *shape = frames.shape
        ours = create_array(zarr.storage.MemoryStore(), tuple(shape), frames.dtype).metadata
        same = _plain(frames.metadata) == _plain(ours.update_shape(frames.shape)) and len(shape) == 3
        last = np.asarray(frames[count - 1]) if same and count else None
    except Exception as error:  # each layer of zarr has errors of its own
        raise InputError(f"{path}: the recording is damaged; leave out --resume to replace it") from error
    if not same or not isinstance(settings, Mapping):
        raise InputError(
            f"{path}: this recording does not say how it goes on, as those of older versions; leave out --resume to "
            "replace it, or choose another name"
        )
    if last is None:
        return None
    if not np.isfinite(last).all():
        raise InputError(f"{path}: its last frame is missing or damaged; leave out --resume to replace it")
    return dict(settings), count, last


def check_same(path: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises InputError where the run that wrote `path` has another setting than is wanted now."""
    for name, value in wanted.items():
        if stored.get(name) != value:
            what = (
                f"with another {name}"
                if name in ("rule", "network")
                else f"with {name} {shorten(stored.get(name))}, not {shorten(value)}"
            )
            raise InputError(
                f"--resume: {path} was begun {what}; give the same settings, or leave out --resume to replace it"
            )


def _plain(metadata: Any) -> str:
    """Metadata as text, so that one NaN equals another."""
    return json.dumps(metadata.to_dict(), sort_keys=True, default=str)
