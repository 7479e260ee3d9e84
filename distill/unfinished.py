"""The finished stages of a distillation, in one file, so that a killed one can be resumed. Arrays and JSON, no code."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.deadline import Deadline
from distill.engines.session import Happenings
from distill.sampling import Samples
from distill.teacher import HasSamples, Teacher, answering, features_of
from equations.errors import InputError
from equations.expressions.tree import from_tree, to_tree
from equations.files import write_bytes
from equations.reading import check_regular_file, check_size
from equations.rule.rule import Candidate

UNFINISHED = "unfinished.npz"  # the file's name in a result folder; saving the result removes it
Arrays = dict[str, np.ndarray]
_SEAL = "seal"  # the member that holds the digest of all others
log = logging.getLogger(__name__)


class Unfinished:
    """The finished stages, each a dictionary of arrays; all of them are saved after each stage.

    path: the file, or None to save nothing.
    key: the settings that the stages depend on; a file with another key is refused.
    resume: continue with the file; where there is none yet, start one.

    The file holds a digest of its content, so that a damaged one is recognised.
    """

    def __init__(self, path: Path | None, key: dict[str, Any], *, resume: bool = False) -> None:
        self.path, self.key = path, json.dumps(key, sort_keys=True)
        self.parts: Arrays = {}
        if resume and path is None:
            raise InputError("resume: expected a folder with an unfinished distillation, got none; leave out resume")
        if resume and path is not None and path.exists():
            self._load(path)
        elif path is not None:
            if resume:
                log.info("%s: nothing unfinished there, beginning anew", path)
            try:  # now, not after the first stage
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"cannot make the folder {str(path.parent)!r}: {error.strerror}") from error

    def get(self, stage: str) -> Arrays | None:
        """The arrays of a stage, None if it is not done."""
        found = {name.split("/", 1)[1]: a for name, a in self.parts.items() if name.startswith(f"{stage}/")}
        return found or None

    def put(self, stage: str, arrays: Arrays) -> None:
        """Save a stage, in place of what was saved for it before."""
        if self.path is None:
            return
        kept = {name: a for name, a in self.parts.items() if not name.startswith(f"{stage}/")}
        self.parts = kept | {f"{stage}/{name}": a for name, a in arrays.items()}
        write_bytes(self.path, _sealed({"key": np.array(self.key), **self.parts}))

    def _load(self, path: Path) -> None:
        check_regular_file(path, "an unfinished distillation")
        check_size(path.stat().st_size, "this file", path)
        try:
            parts = _unsealed(path)
        except Exception as error:  # NumPy and zipfile raise many kinds for files that are damaged or no such archive
            raise InputError(
                f"{path}: expected an unfinished distillation, it is damaged or of an earlier version; "
                "start anew without --resume: only time is lost, the teacher and finished results are other files"
            ) from error
        if str(parts.pop("key", "")) != self.key:
            raise InputError(
                f"{path}: this distillation was begun with other settings or another teacher; "
                "give the same ones, or leave out --resume"
            )
        self.parts = parts


class PartOf(Unfinished):
    """The stages of one of several searches, in the file of them all."""

    def __init__(self, whole: Unfinished, prefix: str) -> None:
        """prefix: of the names of its stages in `whole`."""
        self.whole, self.prefix = whole, prefix

    def get(self, stage: str) -> Arrays | None:
        return self.whole.get(self.prefix + stage)

    def put(self, stage: str, arrays: Arrays) -> None:
        self.whole.put(self.prefix + stage, arrays)


def _sealed(arrays: Arrays) -> bytes:
    """The bytes of an uncompressed .npz of the arrays, with the digest of them all as its last member."""
    buffer, members = io.BytesIO(), dict[str, bytes]()
    for name, array in arrays.items():
        packed = io.BytesIO()
        np.lib.format.write_array(packed, np.asanyarray(array), allow_pickle=False)
        members[f"{name}.npy"] = packed.getvalue()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {**members, _SEAL: _digest(members)}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _unsealed(path: Path) -> Arrays:
    """The inverse of `_sealed`. Raises ValueError, or an error of zipfile, for any other file."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if any(i.compress_type or i.file_size != i.compress_size for i in infos):
            raise ValueError("compressed members")
        if sum(i.file_size for i in infos) > path.stat().st_size:
            raise ValueError("overlapping members")
        members = {info.filename: archive.read(info) for info in infos}
    if len(members) != len(infos) or members.pop(_SEAL, b"") != _digest(members):
        raise ValueError("another digest")
    return {
        name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        for name, data in members.items()
    }


def _digest(members: Mapping[str, bytes]) -> bytes:
    found = hashlib.sha256()
    for name, data in members.items():
        found.update(f"{name} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest().encode()


def digest_picture(picture: npt.NDArray[np.floating]) -> str:
    """The SHA-256 of a picture's pixels as float32."""
    return hashlib.sha256(np.ascontiguousarray(picture, np.float32).tobytes()).hexdigest()


def fingerprint(teacher: Teacher) -> str:
    """A short text that differs between teachers: a hash of some of their updates, to four digits."""
    if isinstance(teacher, HasSamples):
        recorded = teacher.samples(rows=256, seed=0)
        shown = [recorded.X, recorded.Y]
    else:
        seen = np.random.default_rng(0).uniform(-0.5, 0.5, (64, len(features_of(teacher)))).astype(np.float32)
        shown = [np.asarray(answering(teacher).update(seen), np.float64)]
    digest = hashlib.sha256(repr((features_of(teacher), teacher.dt, teacher.clamp, teacher.update_rate)).encode())
    if teacher.display is not None and teacher.display.colours is not None:
        digest.update(repr([to_tree(colour) for colour in teacher.display.colours.values()]).encode())
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


def pack_happenings(happenings: Happenings, deadline: Deadline) -> Arrays:
    """What happened to the engines, and what a deadline left out, as arrays."""
    content = {"notes": happenings.notes, "troubles": happenings.troubles, "left_out": deadline.left_out}
    return {"happenings": np.array(json.dumps(content))}


def unpack_happenings(arrays: Mapping[str, np.ndarray], deadline: Deadline) -> Happenings:
    """The inverse of `pack_happenings`; what was left out is noted in `deadline`. Older files have no happenings."""
    if "happenings" not in arrays:
        return Happenings()
    content = json.loads(str(arrays["happenings"]))
    for what in content["left_out"]:
        deadline.leave_out(what)
    return Happenings(
        list(content["notes"]), {name: list(sentences) for name, sentences in content["troubles"].items()}
    )
