"""`srnca train`, killed at chosen places: what is saved is whole, and --resume gives the automaton of a run that was
never stopped.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.test_srnca.killing import SAVING_ALWAYS, Commands, Death, slow_but
from tests.test_srnca.tiny import stripes

ITERATIONS = 10
SMALL = ["--channels", 4, "--hidden", 8, "--size", 16, "--max-ca-steps", 4, "--seed", 5, "--device", "cpu", "--quiet"]
WORDS = ["train", "stripes.png", "--out", "x.pt", "--iterations", ITERATIONS, *SMALL]

STEP, GROW, SAVE = (
    "srnca.texture.training:_Run.iterate",
    "srnca.texture.growing:Growing.__call__",
    "srnca.texture.training:save_checkpoint",
)
BYTES, SYNC, RENAME = "pathlib:Path.write_bytes", "os:fsync", "os:replace"

KILLS = [
    *(Death(STEP, call) for call in (1, 2, ITERATIONS)),
    *(Death(GROW, call, when) for call, when in ((1, "before"), (4, "after"))),
    *(Death(SAVE, call, when) for call in (1, 3, ITERATIONS + 1) for when in ("before", "after")),
    *(Death(BYTES, call, "halfway") for call in (1, 2, ITERATIONS + 1)),
    *(Death(SYNC, call, when) for call, when in ((1, "before"), (5, "after"))),
    *(Death(RENAME, call, when) for call in (1, 6, ITERATIONS + 1) for when in ("before", "after")),
]

# between two iterations, within one, and while a checkpoint is being written
STOPS = [
    Death(STEP, 4, number=signal.SIGINT),
    *(
        Death(*place, "after", number=number)
        for place in ((STEP, 1), (STEP, 4), (GROW, 1), (GROW, 5), (BYTES, 3), (RENAME, 2), (RENAME, ITERATIONS + 1))
        for number in (signal.SIGINT, signal.SIGTERM)
    ),
]


@pytest.fixture(scope="module")
def commands(kill_server: subprocess.Popen[str]) -> Commands:
    """They save after every iteration."""
    return Commands(kill_server, SAVING_ALWAYS)


@pytest.fixture(scope="module")
def whole(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run that was never stopped leaves."""
    folder = tmp_path_factory.mktemp("whole")
    draw(folder)
    commands.whole(folder, WORDS)
    return read(folder / "x.pt")


def draw(folder: Path) -> None:
    Image.fromarray(np.uint8(255 * stripes())).save(folder / "stripes.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    draw(made)
    return made


def read(path: Path) -> dict[str, Any]:
    """All that a checkpoint holds, but for the second in which it was written."""
    found: dict[str, Any] = torch.load(path, weights_only=True)
    del found["provenance"]["date"]
    return found


def same(one: Any, two: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    return torch.equal(one, two) if isinstance(one, torch.Tensor) else bool(one == two)


@pytest.mark.parametrize(
    "death", slow_but(KILLS, Death(GROW, 4, "after"), Death(BYTES, 2, "halfway"), Death(RENAME, ITERATIONS + 1))
)
def test_a_killed_training_goes_on_to_the_same_automaton(
    commands: Commands, whole: dict[str, Any], folder: Path, death: Death
) -> None:
    commands.killed(folder, WORDS, death)
    if (folder / "x.pt").exists():
        assert 0 < read(folder / "x.pt")["iteration"] <= ITERATIONS
    commands.whole(folder, [*WORDS, "--resume"])
    assert same(read(folder / "x.pt"), whole)
    assert sorted(p.name for p in folder.iterdir()) == ["stripes.png", "x.pt"]


def test_killed_at_one_place_after_another(commands: Commands, whole: dict[str, Any], folder: Path) -> None:
    """Every run goes on from where the one before it was killed, and none begins anew."""
    at = [0]
    for death in (Death(BYTES, 2, "halfway"), Death(GROW, 3), Death(RENAME, 2), Death(STEP, 2, "after")):
        commands.killed(folder, [*WORDS, "--resume"], death)
        at.append(read(folder / "x.pt")["iteration"])
    assert at == [0, 1, 3, 4, 5]
    commands.whole(folder, [*WORDS, "--resume"])
    assert same(read(folder / "x.pt"), whole)


@pytest.mark.parametrize("death", slow_but(STOPS, STOPS[0], Death(GROW, 5, "after", number=signal.SIGTERM)))
def test_a_stopped_training_saves_and_goes_on(
    commands: Commands, whole: dict[str, Any], folder: Path, death: Death
) -> None:
    """Ctrl-C and SIGTERM: the iterations that are done are saved, whatever the time since the last save."""
    rarely = Commands(commands.server, {} if death.at in (STEP, GROW) else commands.settings)
    ended = rarely.killed(folder, WORDS, death)
    assert "go on with: srnca train --resume --out x.pt" in ended.err
    if death.at in (STEP, GROW):
        between = death.at == STEP and death.when == "after"
        assert read(folder / "x.pt")["iteration"] == death.call - (not between)
    rarely.whole(folder, ["train", "--resume", "--out", "x.pt", "--quiet"])  # what the message says
    assert same(read(folder / "x.pt"), whole)
    assert sorted(p.name for p in folder.iterdir()) == ["stripes.png", "x.pt"]
