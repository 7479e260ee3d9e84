"""Names and files that nobody means to give: every command ends with a documented code and one clean sentence."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from srnca.cli.app import main

ROOT = Path(__file__).parents[2]
CODES = {0, 1, 2, 3, 4}
SECONDS = 120  # of waiting for a command that waits for a pipe

COMMANDS = {
    "train": ["train", "{}", "--out", "made.pt", "--iterations", "1", "-q"],
    "train --frames": ["train", "--frames", "{}", "--out", "made.pt", "--iterations", "1", "-q"],
    "train --resume": ["train", "--resume", "--out", "{}.pt", "-q"],
    "distill": ["distill", "--checkpoint", "{}", "--out", "made", "-q"],
    "distill --frames": ["distill", "--frames", "{}", "--out", "made", "-q"],
    "simulate": ["simulate", "{}", "--out", "made.png", "--steps", "1", "-q"],
    "verify": ["verify", "gray-scott", "--checkpoint", "{}", "-q"],
    "analyze": ["analyze", "{}", "--out", "made.png", "--steps", "0", "-q"],
    "show": ["show", "{}"],
    "gallery": ["gallery", "{}", "--out", "made", "-q"],
    "explore": ["explore", "{}", "--storage", "journal:{}", "-q"],
    "explore --storage": ["explore", "plants", "--storage", "journal:{}", "-q"],
    "rate": ["rate", "plants", "--storage", "journal:{}"],
    "sweep --space": ["sweep", "sample:snake", "--study", "plants", "--space", "{}", "--trials", "1", "-q"],
    "models": ["models", "{}"],
}
NAMES = {
    "escape": "a\x1b[2J\x1b]0;owned\x07b", "line end": "a\nerror: b", "direction": "a\u202egnp.b", "percent": "%s%n{}",
    "long": "x" * 300, "dashes": "./--help", "dots": "../../..", "nothing": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextlib.contextmanager
def not_waiting() -> Iterator[None]:
    """Fails where a command waits for somebody to write into a pipe."""

    def stop(*_: object) -> None:
        raise AssertionError("the command waits")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def ends_well(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with not_waiting():
        code = main(words)
    out, err = capsys.readouterr()
    assert code in CODES, (code, err)
    if code == 0:
        return
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, err
    assert (out + err).replace("\n", "").isprintable(), err
    assert len(lines[0]) < 2100


def words_for(command: str, name: str) -> list[str]:
    return [word.replace("{}", name) for word in COMMANDS[command]]


QUICK_NAMES, QUICK_SUFFIXES = ("escape", "line end"), ("",)


def some(quick: tuple[str, ...], every: Iterable[str]) -> list[Any]:
    """Those of `every` that are not in `quick` take longer than quick tests may."""
    return [one if one in quick else pytest.param(one, marks=pytest.mark.slow) for one in every]


@pytest.mark.parametrize("name", some(QUICK_NAMES, NAMES))
@pytest.mark.parametrize("command", list(COMMANDS))
def test_names_of_nothing(capsys: pytest.CaptureFixture[str], command: str, name: str) -> None:
    ends_well(capsys, words_for(command, NAMES[name]))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_name_of_bytes_that_are_no_text(capsys: pytest.CaptureFixture[str], command: str) -> None:
    name = os.fsdecode(b"caf\xe9.pt")
    ends_well(capsys, words_for(command, name))
    try:
        Path(name).write_bytes(b"\xff\x00 nothing")
    except OSError:
        pytest.skip("this file system takes text only")
    ends_well(capsys, words_for(command, name))


@pytest.mark.parametrize("suffix", some(QUICK_SUFFIXES, ("", ".pt", ".json", ".npz", ".png")))
@pytest.mark.parametrize("command", list(COMMANDS))
def test_files_of_nothing(capsys: pytest.CaptureFixture[str], command: str, suffix: str) -> None:
    Path(f"empty{suffix}").touch()
    Path(f"folder{suffix}").mkdir()
    Path(f"loop{suffix}").symlink_to(f"loop{suffix}")
    Path(f"null{suffix}").symlink_to("/dev/null")
    Path(f"noise{suffix}").write_bytes(bytes(range(256)) * 4)
    for name in ("empty", "folder", "loop", "null", "noise"):
        ends_well(capsys, words_for(command, f"{name}{suffix}"))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_pipes_that_nobody_writes_into(capsys: pytest.CaptureFixture[str], command: str) -> None:
    for name in ("pipe", "pipe.pt", "pipe.json", "pipe.npz", "pipe.png", "pipe.tif", "pipe.gif"):
        os.mkfifo(name)
        ends_well(capsys, words_for(command, name))


NOBODY = """
import pwd, sys
def nobody(*_):
    raise KeyError("getpwuid(): uid not found: 54321")
pwd.getpwuid = pwd.getpwnam = nobody
from srnca.cli.app import main
sys.exit(main())
"""


def as_nobody(folder: Path, *words: bytes) -> subprocess.CompletedProcess[bytes]:
    """As in a container: a user without name and folder, and an encoding of few characters."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    line = [os.fsencode(sys.executable), b"-c", NOBODY.encode(), *words]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, timeout=300)
    assert b"Traceback" not in done.stderr, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
    return done


@pytest.mark.slow
@pytest.mark.parametrize("command", list(COMMANDS))
def test_in_a_process_of_its_own_without_a_home(command: str, tmp_path: Path) -> None:
    name = b"caf\xe9\x1b[2J.pt"
    (tmp_path / os.fsdecode(name)).write_bytes(b"nothing")
    done = as_nobody(tmp_path, *(os.fsencode(word).replace(b"{}", name) for word in COMMANDS[command]))
    assert done.returncode in CODES, done.stderr


@pytest.mark.slow
def test_the_whole_way_without_a_home_with_a_picture_whose_name_is_no_text(tmp_path: Path) -> None:
    from PIL import Image

    from srnca.media.samples import make_sample

    pixels = (make_sample("snake", 32) * 255).astype("uint8")
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    picture = os.fsdecode(b"caf\xe9.png")
    (tmp_path / "plain.png").rename(tmp_path / picture)
    small = [b"--size", b"16", b"--iterations", b"3", b"--channels", b"4", b"--activation", b"abs", b"--json", b"-q"]
    done = as_nobody(tmp_path, b"train", os.fsencode(picture), b"--out", b"x\xe9.pt", *small)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    rest = [b"--out", b"rule\xe9", b"--engine", b"exact", b"--json", b"-q"]
    done = as_nobody(tmp_path, b"distill", b"--checkpoint", b"x\xe9.pt", *rest)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    done = as_nobody(tmp_path, b"doctor", b"--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    done = as_nobody(
        tmp_path, b"simulate", b"rule\xe9", b"--steps", b"3", b"--size", b"16", b"--out", b"y\xe9.png", b"-q"
    )
    assert done.returncode == 0, done.stderr
