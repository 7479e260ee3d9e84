"""What a distillation has done so far, in one file, so that a killed one goes on. Arrays and JSON, no code."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distill.engines.session import Happenings
from distill.sampling import Samples
from distill.teacher import Teacher, features_of
from equations.errors import InputError
from equations.files import write_bytes
from equations.rule import Candidate
from equations.tree import from_tree, to_tree

UNFINISHED = "unfinished.npz"  # the file's name in a result folder; saving the result removes it
Arrays = dict[str, np.ndarray]
# what NumPy and zipfile raise for files that are no such archive
_DAMAGE = (OSError, ValueError, TypeError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile)


class Unfinished:
    """The stages that are done, each a dictionary of arrays; saved whole after every one.

    path: the file, or None to save nothing. key: what the stages depend on; a file made with another one is refused.
    """

    def __init__(self, path: Path | None, key: dict[str, Any], *, resume: bool = False) -> None:
        self.path, self.key = path, json.dumps(key, sort_keys=True)
        self.parts: Arrays = {}
        if resume:
            self._load()
        elif path is not None:
            try:  # now, not after the first stage
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"cannot make the folder {str(path.parent)!r}: {error.strerror}") from error

    def get(self, stage: str) -> Arrays | None:
        """The arrays of a stage, None if it is not done."""
        found = {name.split("/", 1)[1]: a for name, a in self.parts.items() if name.startswith(f"{stage}/")}
        return found or None

    def put(self, stage: str, arrays: Arrays) -> None:
        """Remember a stage, in the place of what was there of it."""
        if self.path is None:
            return
        kept = {name: a for name, a in self.parts.items() if not name.startswith(f"{stage}/")}
        self.parts = kept | {f"{stage}/{name}": a for name, a in arrays.items()}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, key=np.array(self.key), **self.parts)
        write_bytes(self.path, buffer.getvalue())

    def _load(self) -> None:
        if self.path is None or not self.path.is_file():
            raise InputError(
                f"resume: expected an unfinished distillation, found no file {self.path}; leave out --resume"
            )
        try:
            with np.load(self.path, allow_pickle=False) as data:
                parts = {name: data[name] for name in data.files}
        except _DAMAGE as error:
            raise InputError(f"{self.path}: expected an unfinished distillation, it is damaged; start anew") from error
        if str(parts.pop("key", "")) != self.key:
            raise InputError(
                f"{self.path}: this distillation was begun with other settings or another teacher; "
                "give the same ones, or leave out --resume"
            )
        self.parts = parts


def fingerprint(teacher: Teacher) -> str:
    """A short text that differs between teachers: from what they do, to four digits."""
    own = getattr(teacher, "samples", None)
    if own is not None:
        recorded: Samples = own(rows=256, seed=0)
        shown = [recorded.X, recorded.Y]
    else:
        seen = np.random.default_rng(0).uniform(-0.5, 0.5, (64, len(features_of(teacher)))).astype(np.float32)
        shown = [np.asarray(teacher.update(seen), np.float64)]
    digest = hashlib.sha256(repr((features_of(teacher), teacher.dt, teacher.clamp, teacher.update_rate)).encode())
    for values in shown:
        digest.update(np.array2string(values, precision=4, threshold=10**6).encode())
    return digest.hexdigest()[:16]


def pack_samples(samples: Samples, wider: Samples) -> Arrays:
    """Both as arrays; `wider` begins with the rows of `samples`."""
    arrays = {name: getattr(wider, name) for name in ("X", "Y", "X_held", "Y_held")}
    return arrays | {"rows": np.array(len(samples.X)), "rounding": np.array(samples.rounding)}


def unpack_samples(arrays: Arrays, teacher: Teacher) -> tuple[Samples, Samples]:
    rows, rounding = int(arrays["rows"]), arrays["rounding"]
    names, channels = features_of(teacher), teacher.channels
    x, y, held = arrays["X"], arrays["Y"], (arrays["X_held"], arrays["Y_held"])
    wider = Samples(x, y, names, channels, *held, rounding)
    return (wider if rows == len(x) else Samples(x[:rows], y[:rows], names, channels, *held, rounding)), wider


def pack_fronts(fronts: Mapping[str, tuple[Candidate, ...]]) -> Arrays:
    rows = {
        channel: [[c.complexity, c.loss, to_tree(c.expr), c.engine, c.terms] for c in front]
        for channel, front in fronts.items()
    }
    return {"fronts": np.array(json.dumps(rows))}


def unpack_fronts(arrays: Arrays) -> dict[str, tuple[Candidate, ...]]:
    rows = json.loads(str(arrays["fronts"]))
    return {
        channel: tuple(Candidate(int(c), float(loss), from_tree(t), str(e), int(n)) for c, loss, t, e, n in front)
        for channel, front in rows.items()
    }


def pack_happenings(happenings: Happenings) -> Arrays:
    return {"happenings": np.array(json.dumps({"notes": happenings.notes, "troubles": happenings.troubles}))}


def unpack_happenings(arrays: Mapping[str, np.ndarray]) -> Happenings:
    """Nothing for a file that was begun before engines' happenings were kept."""
    if "happenings" not in arrays:
        return Happenings()
    told = json.loads(str(arrays["happenings"]))
    return Happenings(list(told["notes"]), {name: list(said) for name, said in told["troubles"].items()})
