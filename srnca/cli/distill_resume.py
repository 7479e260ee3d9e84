"""The options that a distillation was begun with, kept so that `srnca distill --resume --out DIR` alone goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer.main

from equations.errors import InputError
from equations.files import write_text
from equations.reading import check_regular_file, check_size
from srnca.cli.options import check_folder

UNFINISHED = "unfinished.npz"  # as distill.unfinished has it; not imported, for a quick --help
OPTIONS = "unfinished.json"  # beside it: the words of a command line
OF_THE_RUN = ("out", "resume", "as_json", "quiet")  # said anew by every command


@contextmanager
def remembered(folder: Path, options: Mapping[str, Any]) -> Iterator[None]:
    """Keep the options in `folder` while a distillation runs, and afterwards where it can be gone on with.

    options: of `srnca distill`, by parameter. Those of a run that is gone on with stay.
    """
    kept = check_folder(folder) / OPTIONS
    if not options["resume"]:
        (folder / UNFINISHED).unlink(missing_ok=True)  # of an earlier run with other options
    if not (kept.exists() and (folder / UNFINISHED).exists()):
        write_text(kept, json.dumps(_words(options)) + "\n")
    try:
        yield
    finally:
        if not (folder / UNFINISHED).exists():
            kept.unlink(missing_ok=True)


def recall(folder: Path, options: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """The words with which the unfinished distillation in `folder` goes on.

    options: of this command, by parameter; usual: their defaults.
    Raises InputError where nothing is kept, and where a setting was given, since the unfinished one has its own.
    """
    path = folder / OPTIONS
    if not path.exists():
        raise InputError(
            f"--resume: expected an unfinished distillation in {folder}, found no {OPTIONS} there; repeat the command "
            "that began it, with --checkpoint, --frames or --image, and add --resume"
        )
    for name, value in options.items():
        if name not in OF_THE_RUN and value != usual[name]:
            raise InputError(
                f"--{name.replace('_', '-')}: expected --resume --out {folder} alone, which goes on with the settings "
                "that it was begun with; leave it out"
            )
    check_size(check_regular_file(path, "the options of a distillation").stat().st_size, "this file", path)
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
        if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            raise ValueError("no words")
    except ValueError as error:
        raise InputError(f"{path}: expected a list of words, it is damaged; repeat the command in full") from error
    flags = {"--json": options["as_json"], "--quiet": options["quiet"]}
    return [*words, "--out", str(folder), "--resume", *(flag for flag, wanted in flags.items() if wanted)]


def go_on(words: list[str]) -> None:
    """Run `srnca distill` with these words."""
    from srnca.cli.app import app

    command = typer.main.get_command(app).get_command(None, "distill")  # type: ignore[attr-defined]
    with command.make_context("distill", words) as context:
        command.invoke(context)


def _words(options: Mapping[str, Any]) -> list[str]:
    """As words of a command line. Paths are absolute, so that the working folder may be another one the next time."""
    words: list[str] = []
    for name, value in options.items():
        if name not in OF_THE_RUN:
            for one in value if isinstance(value, list) else [] if value is None else [value]:
                whole = isinstance(one, Path) or (name == "image" and not one.startswith("sample:"))
                words += ["--" + name.replace("_", "-"), str(Path(one).absolute() if whole else one)]
    return words
