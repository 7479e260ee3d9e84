"""`srnca sweep`, its worker killed at chosen places: the next call ends with the trials of a study that was never
stopped, none lost and none twice.
"""

from __future__ import annotations

import functools
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnca.studies.storage.results import list_results, open_study
from tests.test_srnca.killing import SAVING_ALWAYS, Commands, Death, slow_but
from tests.test_srnca.test_kill_train import draw, read, same

TRIALS, ITERATIONS = 3, 8
SPACE = """
channels = [3, 4]
hidden = [8]
max_ca_steps = [4]
pool = [8]
learning_rate = { low = 1e-3, high = 1e-2, log = true }
"""
WORDS = [
    "sweep",
    "stripes.png",
    "--study",
    "s",
    "--trials",
    TRIALS,
    "--space",
    "space.toml",
    "--iterations",
    ITERATIONS,
]
WORDS += ["--size", 16, "--seed", 3, "--device", "cpu", "--threads", 1, "--quiet", "--json", "--sampler"]
SAMPLERS = ["random", "tpe", "cmaes", "nsga2"]

WRITE = "optuna.storages.journal._file:JournalFileBackend.append_logs"
ASK, TELL = "optuna.study.study:Study.ask", "optuna.study.study:Study.tell"
STEP, SAVE, DRAW = (
    "srnca.texture.training:_Run.iterate",
    "srnca.texture.training:save_checkpoint",
    "srnca.studies.workers.objective:_draw",
)
BYTES, RENAME = "pathlib:Path.write_bytes", "os:replace"

KILLS = [
    *(Death(STEP, call, when) for call, when in ((1, "before"), (4, "after"), (ITERATIONS + 3, "before"))),
    *(Death(SAVE, call, when) for call in (3, ITERATIONS, ITERATIONS + 1) for when in ("before", "after")),
    *(Death(BYTES, call, "halfway") for call in (1, ITERATIONS + 2)),
    *(Death(RENAME, 1, when, match="stripes.png") for when in ("before", "after")),
    *(Death(DRAW, call, when) for call in (1, 2) for when in ("before", "after")),
    *(Death(ASK, call, when) for call in (1, 2) for when in ("before", "after")),
    *(Death(TELL, call, when) for call in (1, TRIALS) for when in ("before", "after")),
]


@pytest.fixture(scope="module")
def commands(kill_server: subprocess.Popen[str]) -> Commands:
    """They save after every iteration, and wait only a moment for workers without a heartbeat and for old locks."""
    quick = {
        **SAVING_ALWAYS,
        "srnca.studies.workers.liveness:Timing.__init__.__defaults__": [10.0, 0.3, 0.1],  # grace and poll are short
    }
    quick["optuna.storages.journal._file:JournalFileSymlinkLock.__init__.__defaults__"] = [1]
    return Commands(kill_server, quick)


Whole = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def whole(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """sampler -> the trials of a study that was never stopped."""

    @functools.cache
    def of(sampler: str) -> list[dict[str, Any]]:
        folder = made(tmp_path_factory.mktemp(sampler))
        commands.whole(folder, [*WORDS, sampler])
        return results(folder)

    return of


def made(folder: Path) -> Path:
    """`folder` with a picture and a space."""
    folder.mkdir(exist_ok=True)
    draw(folder)
    (folder / "space.toml").write_text(SPACE)
    return folder


def results(folder: Path) -> list[dict[str, Any]]:
    """What a study tells of its trials, in the order in which they ended."""
    found, study = [], folder / "s.study"
    for trial in list_results(open_study("s", f"journal:{study}/journal.log"), study):
        picture = trial.pictures["stripes"]
        told = {"params": trial.params, "losses": trial.losses, "status": trial.status, "seed": trial.seed}
        told |= {"value": trial.value, "picture": np.asarray(Image.open(picture)).tolist()}
        found.append(told | {"checkpoint": read(picture.with_suffix(".pt"))})
    return found


def check(folder: Path, whole: list[dict[str, Any]]) -> None:
    """That the study ended with the same trials, and lies in as many folders."""
    found = results(folder)
    assert [t["seed"] for t in found] == [t["seed"] for t in whole]
    assert [t["params"] for t in found] == [t["params"] for t in whole]
    assert all(same(one, two) for one, two in zip(found, whole, strict=True))
    places = sorted((folder / "s.study").glob("trial-*"))
    assert len(places) == len(whole)
    for place in places:
        assert sorted(p.name for p in place.iterdir()) == ["stripes.png", "stripes.pt"]


@pytest.mark.parametrize("death", slow_but(KILLS, KILLS[1], Death(ASK, 2, "after")))
def test_a_killed_study_ends_with_the_same_trials(
    commands: Commands, whole: Whole, tmp_path: Path, death: Death
) -> None:
    folder = made(tmp_path / "run")
    commands.killed(folder, [*WORDS, "random"], death)
    commands.whole(folder, [*WORDS, "random"])
    check(folder, whole("random"))


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_killed_at_every_writing_to_the_journal(commands: Commands, whole: Whole, tmp_path: Path, sampler: str) -> None:
    """Before it is written, after it, and with half of a line written; with most samplers at every fifth."""
    call, died = 0, True
    while died:
        call += 1 if sampler == "random" else 5
        folder = made(tmp_path / f"{call}")
        when = ("before", "after")[call % 2]
        died = commands.run(folder, [*WORDS, sampler], Death(WRITE, call, when)).reached
        if died and when == "before" and (folder / "s.study" / "journal.log").exists():
            with (folder / "s.study" / "journal.log").open("a") as journal:
                journal.write('{"op_code": 4, "worker_id": "')
        commands.whole(folder, [*WORDS, sampler])
        check(folder, whole(sampler))
    assert call > 20


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stopped_study_goes_on(commands: Commands, whole: Whole, tmp_path: Path, number: int) -> None:
    folder = made(tmp_path / "run")
    ended = commands.killed(folder, [*WORDS, "random"], Death(STEP, 4, number=number))
    assert f"interrupted; go on with: srnca sweep --study s --trials {TRIALS}" in ended.err
    commands.whole(folder, ["sweep", "--study", "s", "--trials", TRIALS, "--threads", 1, "--quiet"])
    check(folder, whole("random"))


RATE = "srnca.studies.ratings.ratings:add_rating"


@pytest.mark.parametrize(
    "death",
    slow_but(
        [
            *(Death(RATE, call, when) for call in (1, TRIALS) for when in ("before", "after")),
            *(Death(WRITE, 1, when, match="rating:") for when in ("before", "after")),
            Death("os:replace", 2, match="rate.png"),
        ],
        Death(WRITE, 1, "after", match="rating:"),
    ),
)
def test_no_rating_is_lost_or_doubled(commands: Commands, tmp_path: Path, death: Death) -> None:
    """Each picture is rated once, with 5 until the rater is killed and with 1 afterwards."""
    folder = made(tmp_path / "run")
    commands.whole(folder, [*WORDS, "random"])
    words = ["rate", "s", "--rater", "ada", "--again", 0, "--seed", 1]
    killed = commands.run(folder, words, death, answers="5\n" * TRIALS)
    assert (killed.code, killed.reached) == (-signal.SIGKILL, True), killed.err
    before = ratings(folder)
    if death.at != "os:replace":
        assert before == [5] * (death.call - (death.when == "before"))
    ended = commands.run(folder, words, answers="1\n" * (TRIALS - len(before)))
    assert (ended.code, ratings(folder)) == (0 if len(before) < TRIALS else 2, before + [1] * (TRIALS - len(before)))


def ratings(folder: Path) -> list[int]:
    """All scores in the study, the highest first; no picture has more than one."""
    study = folder / "s.study"
    given = [t.ratings.get("stripes", ()) for t in list_results(open_study("s", f"journal:{study}/journal.log"), study)]
    assert all(len(of_one) <= 1 for of_one in given)
    return sorted((int(rating["score"]) for of_one in given for rating in of_one), reverse=True)
