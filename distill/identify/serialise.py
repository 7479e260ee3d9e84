"""The survey and the laws as arrays, for the file from which an interrupted identification resumes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.identify.channel_law import Law
from distill.identify.noise import Noise, smooth
from distill.identify.schemes import Scheme
from distill.identify.survey import Survey
from distill.identify.system import Windows
from equations.expressions.tree import from_tree, to_tree
from equations.rule.rule import Candidate

Array = npt.NDArray[np.float64]
Arrays = dict[str, np.ndarray]


def pack_laws(chosen: Survey, laws: Mapping[str, Law]) -> Arrays:
    """Survey and laws without the frames, as one JSON text."""
    windows, noise = chosen.windows, chosen.noise
    scheme = windows.scheme
    record = {
        "derivative": chosen.derivative,
        "stencil": chosen.stencil,
        "scheme": [
            scheme.order,
            scheme.radius,
            scheme.apart,
            scheme.substeps,
            windows.radius,
            windows.walls,
        ],
        "noise": [noise.levels.tolist(), noise.share.tolist(), list(noise.bands)],
        "tried": dict(chosen.tried),
        "laws": {channel: _pack(law) for channel, law in laws.items()},
    }
    return {"found": np.array(json.dumps(record))}


def unpack_laws(arrays: Arrays, frames: Sequence[Array]) -> tuple[Survey, dict[str, Law]]:
    """The inverse of `pack_laws`; frames: the recordings in inner units."""
    record = json.loads(str(arrays["found"]))
    levels, share, bands = record["noise"]
    noise = Noise(np.array(levels), np.array(share), (bands[0], bands[1]))
    order, radius, apart, substeps, across, *walls = record["scheme"]  # files of before 2026-12 do not say walls
    quiet = [smooth(f, noise.bands) for f in frames] if record["derivative"] == "savgol" else list(frames)
    windows = Windows(Scheme(order, radius, apart, substeps), across, any(walls))
    chosen = Survey(record["derivative"], windows, record["stencil"], tuple(quiet), noise, record["tried"])
    return chosen, {channel: _unpack(law) for channel, law in record["laws"].items()}


def _pack(law: Law) -> dict[str, Any]:
    return {
        "candidate": _row(law.candidate),
        "front": [_row(c) for c in law.front],
        "constants": law.constants,
        "inclusion": law.inclusion,
        "figures": [law.r2, law.misfit, law.disturbance],
    }


def _unpack(kept: dict[str, Any]) -> Law:
    candidate = _candidate(kept["candidate"])
    return Law(
        candidate.expr,
        candidate,
        tuple(_candidate(row) for row in kept["front"]),
        {term: (value, error) for term, (value, error) in kept["constants"].items()},
        kept["inclusion"],
        *kept["figures"],
    )


def _row(c: Candidate) -> list[Any]:
    return [c.complexity, c.loss, to_tree(c.expr), c.engine, c.terms]


def _candidate(row: list[Any]) -> Candidate:
    complexity, loss, tree, engine, terms = row
    return Candidate(int(complexity), float(loss), from_tree(tree), str(engine), int(terms))
