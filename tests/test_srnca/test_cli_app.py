"""Exit codes and messages: every error ends in one sentence on stderr."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import srnca
from equations.errors import InputError, MissingPartError, SrncaError
from srnca.cli import show
from srnca.cli.app import main
from tests.test_srnca.command import run

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "train", "distill", "simulate", "verify", "analyze", "show", "page", "gallery", "models", "sweep", "rate",
    "explore", "doctor",
)  # fmt: skip


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """`srnca show x` raises `error` from the library."""

    def read_rule(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(show, "read_rule", read_rule)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InputError("x.json: expected a rule,\n  got soup"), 2, "error: x.json: expected a rule, got soup"),
        (MissingPartError("Julia is not here"), 4, "error: Julia is not here"),
        (SrncaError("diverged"), 1, "error: diverged"),
        (PermissionError(13, "Permission denied", "out.png"), 1, "error: out.png: Permission denied"),
        (MemoryError(), 1, "error: memory ran out"),
    ],
)
def test_errors_become_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    sentence: str,
) -> None:
    raising(monkeypatch, error)
    got, out, err = run(capsys, "show", "x")
    assert (got, out) == (code, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_ctrl_c_exits_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert run(capsys, "show", "x") == (130, "", "")


def test_our_own_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["show", "x"])


def test_sigterm_counts_as_ctrl_c_and_the_old_handler_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def read_rule(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(show, "read_rule", read_rule)
    assert main(["show", "x"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tran"], "No such command 'tran'. Did you mean 'train'?"),
        (["simulate"], "RULE"),
        (
            ["show", "x", "--format", "hlsl"],
            "'hlsl' is not one of 'text', 'latex', 'mathml', 'python', 'c', 'glsl', 'csv'",
        ),
        (["train", "x", "--activation", "gelu"], "'gelu' is not one of 'relu', 'linear', 'abs'"),
        (["train", "x", "--itertions", "5"], "--iterations"),
        (["train", "x", "--channels", "many"], "--channels"),
        (["train", "x", "--time-limit", "soon"], "--time-limit: expected a time above zero"),
        (["train"], "expected an image or sample:NAME"),
        (["train", "x", "--out", "model.txt"], "expected a file ending in .pt"),
        (["distill"], "expected either --checkpoint FILE or --frames FILE, got neither"),
        (["distill", "--checkpoint", "a", "--frames", "b"], "got several"),
        (["distill", "--checkpoint", "a", "--engine", "magic"], "'magic' is not one of"),
        (["distill", "--checkpoint", "a", "--budget", "-1"], "--budget"),
        (["simulate", "x.json", "--steps", "-1"], "--steps"),
        (["simulate", "x.json", "--size", "0"], "--size: expected"),
        (["simulate", "x.json", "--out", "x.mov"], "ending in .png or .gif or .mp4"),
        (["simulate", "x.json", "--backend", "cobol"], "unknown backend 'cobol'"),
        (["verify", "x.json"], "--checkpoint"),
    ],
)
def test_bad_usage_exits_2(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_no_words_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert all(name in out for name in COMMANDS)
    assert "..." not in out.partition("Commands:")[2]  # each command's sentence fits into its line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_parse(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    lines = [line.strip() for line in out.partition("Examples:\n")[2].splitlines() if line.strip()]
    assert lines
    assert all(line.rpartition("| ")[2].startswith("srnca ") for line in lines)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"srnca {srnca.__version__}\n", "")


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m srnca doctor --json | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr


def test_the_documentation_knows_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    pages = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        _, out, _ = run(capsys, name, "--help")
        flags = set(re.findall(r"(?<![\w-])--[a-z-]+", out.partition("Examples:")[0])) - {"--help"}
        assert flags, name
        assert {flag for flag in flags if f"`{flag}" not in pages} == set(), name
    documented = set(re.findall(r"`(--[a-z-]+)", pages))
    helps = "".join(run(capsys, name, "--help")[1] for name in (*COMMANDS,)) + "--verbose"
    assert {flag for flag in documented if flag not in helps} == set()
