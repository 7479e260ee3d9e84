"""`srnca simulate`, killed at chosen places: a recording in zarr holds whole frames at any time and goes on to the very
same one; other files are there whole or not at all.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.test_srnca.killing import Commands, Death, slow_but
from tests.test_srnca.test_writers import read

RULE = ["simulate", "gray-scott", "--size", "12x10", "--seed", 3, "--backend", "reference", "--quiet"]
FRAMES = 7
STEPS = ["--steps", 13, "--every", 2]
WORDS = [*RULE, *STEPS, "--out", "x.zarr", "--save-state", "now.npz"]

ADD, CREATE, CLOSE = (f"srnca.media.zarr.frames:ZarrWriter.{name}" for name in ("add", "_create", "close"))
PUT, MOVE, STEP = "zarr.storage._local:_put", "pathlib:Path.replace", "equations.simulation:Simulator.step"
GROUP, RENAME, REMOVE, BYTES, STATE = (
    "zarr:create_group", "os:rename", "shutil:rmtree", "pathlib:Path.write_bytes", "now.npz"
)  # fmt: skip
PUTS = 2 + 2 * FRAMES  # of the group, of the array without frames; for each frame the chunk and the new length

KILLS = [
    *(Death(STEP, call) for call in (1, 3)),
    *(Death(ADD, call, when) for call in (1, 4) for when in ("before", "after")),
    *(Death(PUT, call, when) for call in (1, 2, 3, 4, 7, 8, PUTS) for when in ("before", "after")),
    *(Death(MOVE, call, match=".partial") for call in (1, 2, 5, 6)),
    *(Death(GROUP, 1, when) for when in ("before", "after")),
    *(Death(RENAME, 1, when) for when in ("before", "after")),
    *(Death(CLOSE, 1, when) for when in ("before", "after")),
    Death(BYTES, 1, "halfway", match=""),
    *(Death("os:replace", 1, when, match=STATE) for when in ("before", "after")),
]
OVER_OLD = [
    *(Death(RENAME, call, when) for call in (1, 2) for when in ("before", "after")),
    *(Death(REMOVE, call, when) for call in (1, 2, 3) for when in ("before", "after")),
    *(Death(PUT, call) for call in (1, 2, 3)),
]


@pytest.fixture(scope="module")
def commands(kill_server: subprocess.Popen[str]) -> Commands:
    return Commands(kill_server)


@pytest.fixture(scope="module")
def whole(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run that was never stopped leaves."""
    folder = tmp_path_factory.mktemp("whole")
    commands.whole(folder, WORDS)
    return tree(folder)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def check_frames(folder: Path, whole: dict[str, bytes]) -> int:
    """That the frames in x.zarr are the first of the whole run; returns how many."""
    if not (folder / "x.zarr").exists():
        return 0
    frames = read(folder / "x.zarr")
    assert len(frames) <= FRAMES
    assert np.isfinite(frames).all()
    for number in range(len(frames)):
        chunk = f"x.zarr/frames/c/{number}/0/0/0"
        assert (folder / chunk).read_bytes() == whole[chunk]
    return len(frames)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


@pytest.mark.parametrize("death", slow_but(KILLS, Death(PUT, 7), Death(PUT, 7, "after"), Death(RENAME, 1)))
def test_a_killed_recording_goes_on_to_the_same_one(
    commands: Commands, whole: dict[str, bytes], folder: Path, death: Death
) -> None:
    commands.killed(folder, WORDS, death)
    kept = check_frames(folder, whole)
    ended = commands.whole(folder, [*WORDS, "--resume"])
    said = (
        f"going on from frame {kept - 1}, step {2 * kept - 2}" if kept else "nothing to go on from yet, starting anew"
    )
    assert f"x.zarr: {said}" in ended.err
    assert tree(folder) == whole


@pytest.mark.parametrize("death", slow_but(KILLS, Death(MOVE, 6, match=".partial")))
def test_a_killed_recording_can_be_made_anew(
    commands: Commands, whole: dict[str, bytes], folder: Path, death: Death
) -> None:
    commands.killed(folder, WORDS, death)
    commands.whole(folder, WORDS)
    assert tree(folder) == whole


def test_killed_at_one_place_after_another(commands: Commands, whole: dict[str, bytes], folder: Path) -> None:
    """Every run goes on from where the one before it was killed: no frame is lost or doubled."""
    at = []
    for death in (Death(PUT, 7), Death(PUT, 1, "after"), Death(ADD, 2), Death(STEP, 1, "after"), Death(MOVE, 1)):
        commands.killed(folder, [*WORDS, "--resume"], death)
        at.append(check_frames(folder, whole))
    assert at == [2, 2, 3, 3, 3]
    commands.whole(folder, [*WORDS, "--resume"])
    assert tree(folder) == whole
    commands.whole(folder, [*WORDS, "--resume"])  # which finds nothing to do
    assert tree(folder) == whole


@pytest.mark.parametrize("death", slow_but(OVER_OLD, Death(RENAME, 2), Death(REMOVE, 3)))
def test_a_kill_while_an_older_recording_is_replaced(
    commands: Commands, whole: dict[str, bytes], folder: Path, death: Death
) -> None:
    """There is the old recording, or none, or the new one; never one of both."""
    other = [*RULE, "--steps", 8, "--every", 1, "--seed", 4, "--out", "x.zarr"]
    commands.whole(folder, other)
    before = tree(folder / "x.zarr")
    commands.killed(folder, WORDS, death)
    if (folder / "x.zarr").exists() and tree(folder / "x.zarr") != before:
        check_frames(folder, whole)
    commands.whole(folder, WORDS)
    assert tree(folder) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_recording_goes_on_to_the_same_one(
    commands: Commands, whole: dict[str, bytes], folder: Path, number: int
) -> None:
    ended = commands.killed(folder, WORDS, Death(STEP, 4, number=number))
    assert "the same command with --resume goes on" in ended.out
    assert 0 < check_frames(folder, whole) < FRAMES
    commands.whole(folder, [*WORDS, "--resume"])
    assert tree(folder) == whole


def test_a_longer_run_goes_on_from_a_shorter_one(commands: Commands, whole: dict[str, bytes], folder: Path) -> None:
    short = [*RULE, "--steps", 5, "--every", 2, "--out", "x.zarr"]
    commands.whole(folder, short)
    assert check_frames(folder, whole) == 3
    commands.whole(folder, [*WORDS, "--resume"])
    assert tree(folder) == whole
    ended = commands.whole(folder, [*short, "--resume"])
    assert "7 frames" in ended.out
    assert tree(folder) == whole


@pytest.mark.parametrize("ending", ["png", "gif", "mp4", "npz"])
@pytest.mark.parametrize(
    "death",
    slow_but(
        [Death(STEP, 1), Death("os:fsync"), Death("os:replace"), Death("os:replace", when="after"), Death("os:chmod")],
        Death("os:replace"),
    ),
)
def test_other_files_are_there_whole_or_not_at_all(commands: Commands, folder: Path, death: Death, ending: str) -> None:
    words = [*RULE, "--steps", 6, "--every", 2, "--out", f"x.{ending}"]
    commands.killed(folder, words, death)
    if death.when == "before":
        assert not (folder / f"x.{ending}").exists()
    commands.whole(folder, words)
    assert [p.name for p in folder.iterdir()] == [f"x.{ending}"]
    after = read(folder / f"x.{ending}")
    again = folder.parent / "again"
    again.mkdir()
    commands.whole(again, words)
    np.testing.assert_array_equal(after, read(again / f"x.{ending}"))
