"""Damaged checkpoints, unfinished distillations, studies, spaces and scores: read, or refused with a sentence.

Bytes are damaged as on a bad disk, members of archives and values of dictionaries as by a program (or a person) that
means it: those get past the checksums.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import random
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distill.identify.footage import Footage
from distill.unfinished import Unfinished, pack_fronts, pack_samples, unpack_fronts, unpack_samples
from equations.expressions.infix import parse_infix
from equations.rule.rule import Candidate
from srnca.cli.output import plain
from srnca.cli.sweep_table import result_data, result_table
from srnca.dynamics.checkpoint import load_recording_checkpoint
from srnca.dynamics.config import DynamicsConfig
from srnca.dynamics.training import train_recording
from srnca.studies.explore.trial_table import read_table
from srnca.studies.ratings.ratings import consistency
from srnca.studies.ratings.score import load_score
from srnca.studies.ratings.statistics import NAMES
from srnca.studies.search.space import read_space
from srnca.studies.storage.results import list_results, open_study
from srnca.studies.workers.founding import study_settings
from srnca.studies.workers.trials import waiting_sets
from srnca.texture.checkpoint import load_checkpoint, save_checkpoint
from srnca.texture.config import TrainSettings
from srnca.texture.teacher import NCATeacher
from srnca.texture.training import train
from tests.test_distill.teachers import Network
from tests.test_srnca.fuzzing import check_reader, mutations, zip_mutations
from tests.test_srnca.recorded import record
from tests.test_srnca.test_legacy import Network as Legacy
from tests.test_srnca.test_studies.planted import planted_study
from tests.test_srnca.tiny import checkpoint, config, target

Mutate = Callable[[bytes, int, int], Iterator[bytes]]
KEY = {"seed": 0}
LONG = 100  # steps: an iteration of a configuration with more takes its time, as it says
FEW, MANY = 5, 3000  # of each kind of damage to each kind of file
LARGE = torch.zeros(1)
VALUES: list[Any] = [
    None, True, -1, 0, 3, 10**9, 2**70, 10**5000, 0.5, 1e300, float("inf"), float("nan"), "", "x", "x" * 5000,
    "\x1b[2J\u202e", "\udcff", "$a^", [], [[]], [1, 2], {}, {"a": 1}, {3: 4}, (1, 2),
]  # fmt: skip
TENSORS: list[Any] = [
    torch.tensor(1.0), torch.zeros(0), torch.zeros(3), torch.zeros(16, 16, 3), torch.full((4, 16), float("nan")),
    torch.arange(6), torch.zeros(2, 2, dtype=torch.complex64), torch.zeros(2, 2, dtype=torch.bool),
    torch.zeros(2, 3, 4, 5, dtype=torch.float16), LARGE.expand(10**9), LARGE.expand(10**4, 10**5),
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A file by its name, what reads it, and how it is damaged."""

    name: str
    read: Callable[[Path], object]
    damage: tuple[Mutate, ...]


def value_mutations(load: Callable[[bytes], Any], dump: Callable[[Any], bytes], values: list[Any]) -> Mutate:
    """Damage to what a file says: an entry is replaced, left out, doubled, or exchanged for another one."""

    def mutate(valid: bytes, count: int, seed: int) -> Iterator[bytes]:
        for number in range(count):
            rng = random.Random(f"values/{seed}/{number}")
            data = load(valid)
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                _change(data, rng, values)
            yield dump(data)

    mutate.__name__ = "value_mutations"
    return mutate


def _change(data: Any, rng: random.Random, values: list[Any]) -> None:
    places = list(_places(data))
    if not places:
        return
    (where, key), (other, another) = rng.choice(places), rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del where[key]
    elif kind == 1:
        where[key] = copy.deepcopy(other[another])
    elif kind == 2 and isinstance(where, dict):
        where[rng.choice(("x", "channels", 3, "\x1b[2J"))] = where[key]
    elif kind == 3 and isinstance(where, list):
        where.insert(rng.randrange(len(where) + 1), copy.deepcopy(where[key]))
    elif kind == 4 and isinstance(where[key], torch.Tensor) and where[key].numel() < 10**6:
        where[key] = _reshaped(where[key], rng)
    else:
        where[key] = copy.copy(rng.choice(values))


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry of nested dictionaries and lists, as (container, key)."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])


def _reshaped(tensor: torch.Tensor, rng: random.Random) -> torch.Tensor:
    ways: list[Callable[[], torch.Tensor]] = [
        lambda: tensor.flatten(), lambda: tensor[None], lambda: tensor.double(), lambda: tensor.half(),
        lambda: tensor.to(torch.int64), lambda: tensor * float("nan"), lambda: tensor * 1e30, lambda: tensor.t(),
        lambda: tensor[:1].expand(10**6, *tensor.shape[1:]), lambda: tensor[:0], lambda: torch.cat([tensor, tensor]),
    ]  # fmt: skip
    try:
        return rng.choice(ways)()
    except (RuntimeError, IndexError):  # of a tensor that has no such form
        return tensor[None]


def _load_pt(valid: bytes) -> Any:
    return torch.load(io.BytesIO(valid), weights_only=True)


def _dump_pt(data: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(data, buffer)
    return buffer.getvalue()


def _load_lines(valid: bytes) -> Any:
    return [json.loads(line) for line in valid.splitlines()]


def _dump_lines(data: Any) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in data)


def _load_json(valid: bytes) -> Any:
    return json.loads(valid)


def _dump_json(data: Any) -> bytes:
    return json.dumps(data).encode()


WRITABLE = [v for v in VALUES if not (isinstance(v, int) and v > 2**70)]  # Python writes no longer number as text
VALUE_MUTATIONS = {
    "pt": value_mutations(_load_pt, _dump_pt, [*VALUES, *TENSORS]),
    "lines": value_mutations(_load_lines, _dump_lines, WRITABLE),
    "json": value_mutations(_load_json, _dump_json, WRITABLE),
}


def read_picture_checkpoint(path: Path) -> None:
    """The checkpoint, what is told of it, and a step of it."""
    made = load_checkpoint(path)
    json.dumps(plain(made.provenance), allow_nan=False)
    teacher = NCATeacher(made)
    teacher.update(np.zeros((4, made.config.channels * made.config.filters), np.float32))
    if made.training and made.picture is not None and made.config.max_ca_steps < LONG:
        train(target(), made.config, out=path, resume=True, progress=_stop, settings=TrainSettings(save_every_s=1e9))


def _stop(_: object) -> None:
    raise KeyboardInterrupt


def resumed(read: Callable[[Path], None]) -> Callable[[Path], None]:
    """`read`, which goes on with an unfinished training for one iteration and saves nothing."""

    def until_stopped(path: Path) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            read(path)

    return until_stopped


def read_recording_checkpoint(path: Path) -> None:
    """The checkpoint, what is told of it, and a step of it."""
    made = load_recording_checkpoint(path)
    json.dumps(plain(made.provenance), allow_nan=False)
    made.nca(made.nca.begin(made.footage.frames[0][:1].double().transpose(0, 1)))
    if made.training and made.config.stride * made.config.max_ca_steps < LONG:
        train_recording(film(), made.config, out=path, resume=True, progress=_stop, save_every_s=1e9)


@functools.cache
def film() -> Footage:
    return Footage([record(8, size=8)[1]], ("u", "v"), 1.0)


def read_unfinished(path: Path) -> None:
    made = Unfinished(path, KEY, resume=True)
    stage = made.get("regress")
    assert stage is not None
    unpack_samples(stage, Network())
    unpack_fronts(stage)


def read_study(path: Path) -> None:
    """The study, and everything that commands read of it without training."""
    study = open_study("planted", f"journal:{path}")
    results = list_results(study, path.parent)
    table = read_table(study, path.parent)
    for part in (result_data(study, results), consistency(results), study_settings(study), table.badness.tolist()):
        json.dumps(plain(part) if isinstance(part, dict) else str(part))
    result_table(study, results)
    table.codec.encode(table.params)
    for name in table.codec.names:
        table.codec.numbers(table.params, name)
    waiting_sets(study, study.get_trials(deepcopy=False))


KINDS = {
    "picture": Kind("x.pt", resumed(read_picture_checkpoint), (mutations, zip_mutations, VALUE_MUTATIONS["pt"])),
    "recording": Kind("x.pt", resumed(read_recording_checkpoint), (mutations, zip_mutations, VALUE_MUTATIONS["pt"])),
    "legacy": Kind("x.pt", resumed(read_picture_checkpoint), (mutations, zip_mutations, VALUE_MUTATIONS["pt"])),
    "before torch 1.6": Kind("x.pt", resumed(read_picture_checkpoint), (mutations,)),
    "unfinished": Kind("unfinished.npz", read_unfinished, (mutations, zip_mutations)),
    "study": Kind("journal.log", read_study, (mutations, VALUE_MUTATIONS["lines"])),
    "space": Kind("space.toml", read_space, (mutations,)),
    "score": Kind("score.json", load_score, (mutations, VALUE_MUTATIONS["json"])),
}


def valid_file(kind: str, folder: Path) -> bytes:
    """A small file of that kind."""
    path = folder / "valid" / KINDS[kind].name
    path.parent.mkdir()
    if kind == "picture":
        settings = config(size=16, channels=3, hidden=3, filters=2, iterations=4, pool=2, batch_size=1)
        with pytest.raises(KeyboardInterrupt):
            train(target(), settings, out=path, progress=_stop)
    elif kind == "recording":
        shape = DynamicsConfig(hidden=2, filters=2, iterations=4, batch_size=1, max_ca_steps=1, hidden_channels=1)
        with pytest.raises(KeyboardInterrupt):
            train_recording(film(), shape, out=path, origin={"recordings": ["a.npz"]}, progress=_stop)
    elif kind == "unfinished":
        fronts = {name: (Candidate(3, 0.1, parse_infix("2*u + 1", ("u",)), "sparse", 2),) for name in "uv"}
        _, _, samples = _samples()
        Unfinished(path, KEY).put("regress", pack_samples(samples, samples) | pack_fronts(fronts))
    elif kind == "study":
        planted_study(path.parent, 6, rated=True)
        shutil.copy(path.parent / "planted.study" / "journal.log", path)
    elif kind == "space":
        path.write_text('channels = [6, 9]\nupdate_rate = {low = 0.5, high = 1.0, log = true}\nactivation = ["relu"]\n')
    elif kind == "score":
        count = len(NAMES)
        estimate = {"value": 0.5, "low": 0.1, "high": 0.9}
        data = {
            "format": "srnca.score/1", "names": NAMES, "middle": [0.0] * count, "scale": [1.0] * count,
            "weights": [0.1] * count, "intercept": 2.5, "inverse": np.eye(count).tolist(), "penalty": 1.0,
            "deviation": 0.5, "r2": estimate, "spearman": estimate, "pictures": 20, "trials": 10,
        }  # fmt: skip
        path.write_text(json.dumps(data))
    else:
        torch.save(Legacy().state_dict(), path, _use_new_zipfile_serialization=kind == "legacy")
    return path.read_bytes()


def _samples() -> tuple[Any, Any, Any]:
    from distill import sample

    teacher = Network()
    return teacher, None, sample(teacher, rows=60, size=(8, 8), steps=4)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", list(KINDS))
def test_damaged_files_are_read_or_refused(kind: str, count: int, tmp_path: Path) -> None:
    valid = valid_file(kind, tmp_path)
    one = KINDS[kind]
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for mutate in one.damage:
            found = check_reader(one.read, valid, one.name, tmp_path, count=count, seed=0, mutate=mutate)
            print(kind, mutate.__name__, dict(found))
            refused += found.total() - found["read"]
    assert refused > count / 4


def test_the_damage_is_damage(tmp_path: Path) -> None:
    """Most of what `value_mutations` make is another dictionary than the valid one."""
    save_checkpoint(checkpoint(), tmp_path / "x.pt")
    valid = (tmp_path / "x.pt").read_bytes()
    whole = _dump_pt(_load_pt(valid))
    changed = [data != whole for data in VALUE_MUTATIONS["pt"](valid, 40, 0)]
    assert sum(changed) > 30
