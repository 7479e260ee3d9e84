"""The commands of README.md and docs/ that need no file run as they stand, on a small grid."""

from __future__ import annotations

from pathlib import Path

import pytest

from equations import models
from srnca import learned
from srnca.cli.app import main
from tests.test_docs.blocks import all_blocks
from tests.test_docs.commands import calls_of, lines_of

SMALLER = {"simulate": ["--size", "16", "--steps", "2"], "analyze": ["--size", "16", "--steps", "0"]}
LEFT_OUT = {"--open"}  # it would start a browser


def calls() -> list[list[str]]:
    """The calls whose first argument is a known model or a learned rule."""
    lines = [line for block in all_blocks("sh", "console") for line in lines_of(block.text)]
    found = [words for line in lines for words in calls_of(line) if len(words) > 1]
    known = {*models.names(), *(learned.PREFIX + name for name in learned.names())}
    return [words for words in found if words[1] in known or words[1].partition(":")[0] in models.names()]


CALLS = {" ".join(words): words for words in calls()}


def test_there_are_such_commands() -> None:
    assert {words[0] for words in CALLS.values()} >= {"simulate", "show", "models", "page", "analyze"}


@pytest.mark.parametrize(
    "text", [pytest.param(text, marks=[pytest.mark.slow] if CALLS[text][0] == "analyze" else []) for text in CALLS]
)
def test_a_command_that_needs_no_file_runs(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [word for word in CALLS[text] if word not in LEFT_OUT]
    assert main([*words, *SMALLER.get(words[0], [])]) == 0
    written = [words[words.index(flag) + 1] for flag in ("--out",) if flag in words]
    assert [name for name in written if not (tmp_path / name).exists()] == []
