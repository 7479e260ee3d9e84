"""Command lines in shell blocks, checked against the program without running it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import typer.main

from srnca.cli.app import app


def lines_of(text: str) -> Iterator[str]:
    """The command lines of a block: continued lines joined, comments and prompts taken off."""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip().removeprefix("$ ")
        if line and not line.startswith("#"):
            yield line


def calls_of(line: str) -> Iterator[list[str]]:
    """The words behind `srnca` (or `-m srnca`) of every call in a command line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not re.fullmatch(r"[|&;<>]+", word):
            words.append(word)
            continue
        for index, found in enumerate(words):
            first = index == 0 or words[index - 1] == "-m" or words[index - 1].endswith("/")
            if found == "srnca" and first:
                yield words[index + 1 :]
                break
        words = []


def complaint(words: list[str]) -> str | None:
    """What is wrong with the arguments of a call; None where the program would take them."""
    command = typer.main.get_command(app)
    if not words or words[0].startswith("-"):
        return None if words in ([], ["--help"], ["--version"]) else f"unknown option {words[0]}"
    name, *rest = words
    found = command.get_command(None, name)  # type: ignore[attr-defined]
    if found is None:
        return f"there is no command {name}"
    if "--help" in rest:
        return None
    try:
        found.make_context(name, list(rest), resilient_parsing=False)
    except Exception as error:
        return str(error.format_message() if hasattr(error, "format_message") else error)
    return None
