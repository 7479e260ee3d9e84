"""What is printed: nothing commands the terminal, nothing is lost to its encoding, and a closed stream is no error."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from equations.errors import InputError
from srnca.cli import show
from srnca.cli.app import main
from srnca.cli.output import say, say_json, shown, table, warn
from srnca.cli.progress import Progress
from srnca.cli.streams import prepare_streams, spell
from srnca.visible import escape_json, visible

ROOT = Path(__file__).parents[2]
HARMFUL = "\x1b[2J\x07\x00\x7f\x85\x9b\u200e\u200f\u061c\u202a\u202e\u2066\u2069\u2028"
HARMLESS = r"\x1b[2J\x07\x00\x7f\x85\x9b\u200e\u200f\u061c\u202a\u202e\u2066\u2069\u2028"


def test_harmful_characters_are_written_out() -> None:
    assert visible(HARMFUL) == HARMLESS
    assert visible("a\nb\tc\rd") == r"a\nb\tc\rd"
    assert visible("a\nb\tc\rd", keep="\n") == "a\nb\\tc\\rd"
    assert visible("α ² ≤ − é 画 😀") == "α ² ≤ − é 画 😀"
    assert visible(os.fsdecode(b"\xff.png")) == r"\xff.png"
    assert json.loads(escape_json(json.dumps({"a": HARMFUL}, ensure_ascii=False))) == {"a": HARMFUL}


def test_all_that_prints_cleans(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"{HARMFUL}\nsecond"
    say(f"a {shown(text)}")
    say(table([("h", "i"), (text, "b")]))
    warn(text)
    with Progress() as progress:
        progress.note(text)
        progress.update(text, 1, 2, text)
    out, err = capsys.readouterr()
    line = HARMLESS + r"\nsecond"
    assert out.splitlines() == [f"a {line}", f"h{' ' * (len(line) + 1)}i", f"{line}  b"]
    assert err.splitlines() == [line, line, f"{line}  1/2  {line}"]
    say_json({text: text, "path": Path(text)})
    out = capsys.readouterr().out
    assert json.loads(out) == {text: text, "path": text}
    assert not set(HARMFUL) & set(out) - {"[", "2", "J"}


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def read_rule(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(show, "read_rule", read_rule)


@pytest.mark.parametrize(
    "error",
    [InputError(HARMFUL), PermissionError(13, HARMFUL, HARMFUL), OSError(28, HARMFUL)],
    ids=lambda error: type(error).__name__,
)
def test_errors_are_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    raising(monkeypatch, error)
    assert main(["show", "x"]) in (1, 2)
    said = capsys.readouterr().err
    assert said.isascii()
    assert said[:-1].isprintable()
    assert r"\x1b[2J" in said


def test_usage_errors_the_log_and_bugs_are_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["show", "x", "--format", HARMFUL], [HARMFUL], ["show", "x", f"--{HARMFUL}"], ["show", "x", HARMFUL]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert said[:-1].isprintable(), said
        assert r"\x1b[2J" in said

    def read_rule(*_: object, **__: object) -> NoReturn:
        logging.getLogger("srnca.x").warning(HARMFUL)
        warnings.warn(HARMFUL, stacklevel=1)
        raise ZeroDivisionError(HARMFUL)

    monkeypatch.setattr(show, "read_rule", read_rule)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.raises(ZeroDivisionError) as caught:
            main(["--verbose", "show", "x"])
    sys.excepthook(caught.type, caught.value, caught.tb)
    logging.captureWarnings(False)
    said = capsys.readouterr().err
    assert said.count(r"\x1b[2J") >= 3
    assert said.replace("\n", "").isprintable()
    assert "Traceback" in said


def test_a_file_that_clears_the_screen_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"format": "\x1b[2J\x1b]0;owned\x07EVIL\nsecond line"}, tmp_path / "x.pt")
    assert main(["distill", "--checkpoint", str(tmp_path / "x.pt"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert r"got '\x1b[2J\x1b]0;owned\x07EVIL\nsecond line'" in said
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_long_messages_are_cut(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, InputError("long " * 10**6))
    assert main(["show", "x"]) == 2
    assert len(capsys.readouterr().err) < 2100


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8"])
def test_no_character_ends_a_command(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["models", "gray-scott"]) == 0
    said = "α ² ≤ − ∞ → 画 é"
    say(said)
    warn(said)
    say_json({"name": os.fsdecode(b"\xff") + said})
    out.flush()
    text = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    lines = text.splitlines()
    at = lines.index("{")
    assert json.loads("\n".join(lines[at:])) == {"name": "\udcff" + said}
    expected = {"ascii": r"alpha ^2 <= - inf -> \u753b e", "cp1252": r"alpha ² <= - inf -> \u753b é", "utf-8": said}
    assert lines[at - 1] == expected.get(encoding, r"alpha ² <= - inf -> \u753b é")
    err.flush()
    assert err.buffer.getvalue().decode(encoding).strip() == lines[at - 1]  # type: ignore[attr-defined]


def test_greek_is_spelt() -> None:
    assert list(map(spell, "αΩςµ₃⁴ﬁ😀")) == ["alpha", "Omega", "final", "mu", "3", "^4", "fi", r"\U0001f600"]


CLOSED = [
    ("{srnca} models gray-scott >&- 2>&- <&-", 0),
    ("{srnca} --help | head -0; exit ${{PIPESTATUS[0]}}", 0),
    ("{srnca} models gray-scott > /dev/full", 1),
]
CLOSED_TOO = [
    ("{srnca} models gray-scott >&-", 0),
    ("{srnca} show no.json 2>&-", 2),
    ("PYTHONUTF8=0 LC_ALL=C PYTHONCOERCECLOCALE=0 {srnca} models gray-scott", 0),
    ("({srnca} show no.json; echo $? > code) 2>&1 | head -0; exit $(cat code)", 2),
]


@pytest.mark.parametrize(
    ("command", "code"), [*CLOSED, *(pytest.param(*one, marks=pytest.mark.slow) for one in CLOSED_TOO)]
)
def test_closed_and_broken_streams_are_no_traceback(tmp_path: Path, command: str, code: int) -> None:
    if "/dev/full" in command and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    done = subprocess.run(
        command.format(srnca=f"{sys.executable} -m srnca"), shell=True, executable="/bin/bash", capture_output=True,
        text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_closed_standard_output_is_not_the_next_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    prepare_streams()
    assert sys.stdout is not None
    assert sys.stdout.name == os.devnull
    sys.stdout.close()
