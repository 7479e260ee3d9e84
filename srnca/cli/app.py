"""`srnca`: registers the commands and turns every error into one sentence and an exit code.

0 ok · 1 failed · 2 bad input or usage · 3 verify found a mismatch · 4 an optional part is missing ·
130 interrupted (after saving). Nothing heavy is imported here: each command loads what it needs when it runs.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Annotated, NoReturn

import typer

from equations.errors import DivergenceError, InputError, MissingPartError, SrncaError, shorten_text
from srnca._version import __version__
from srnca.cli import (
    analyze,
    distill,
    doctor,
    explore,
    gallery,
    models,
    page,
    rate,
    show,
    simulate,
    sweep,
    train,
    verify,
)
from srnca.cli.output import say, warn
from srnca.cli.ranks import said_by_first
from srnca.cli.streams import flush_output, is_gone, prepare_streams, write
from srnca.help import RUNS_AWAY, help_at, help_for_missing
from srnca.visible import visible

FAILED, BAD_INPUT, MISSING_PART, INTERRUPTED = 1, 2, 4, 130
LONGEST = 2000  # characters of a message

app = typer.Typer(
    name="srnca",
    help="From an image to a neural automaton to a closed-form local rule that runs as a fast simulator.",
    epilog="Start with: srnca train sample:snake --out snake.pt",
    add_completion=False,
    rich_markup_mode=None,  # plain help is quick to print and keeps the examples' line breaks
    pretty_exceptions_enable=False,
)

_COMMANDS = (train, distill, simulate, verify, analyze, show, page, gallery, models, sweep, rate, explore, doctor)
for _module in _COMMANDS:
    _name = _module.__name__.rpartition(".")[2]
    app.command(name=_name, epilog="\b\nExamples:\n" + _module.EXAMPLES)(getattr(_module, _name))


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the library's log on stderr.")] = False,
) -> None:
    if not verbose:
        warnings.simplefilter("ignore")  # of other libraries, for programmers
    _set_up_logging(verbose)


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    prepare_streams()
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    code = _run(words)
    failure = flush_output()
    if failure is not None and code == 0:
        warn(f"error: the result could not be written to standard output: {failure}")
        return FAILED
    return code


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        say(f"srnca {__version__}")
        return 0
    with _terminating_like_ctrl_c():
        try:
            command = typer.main.get_command(app)
            with command.make_context("srnca", words) as context:  # typer's own main() has other exit codes
                command.invoke(context)
        except typer.Exit as done:
            return done.exit_code
        except KeyboardInterrupt:
            return INTERRUPTED
        except Exception as error:
            if isinstance(error, BrokenPipeError) and is_gone(sys.stdout):  # `srnca --help | head -1`
                return 0
            known = _explain(error)
            if known is None:
                sys.excepthook = _print_bug
                raise
            if not said_by_first(error):
                warn(f"error: {known[1]}")
            return known[0]
    return 0


def _print_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback without control characters, since its message may quote a file."""
    text = "".join(traceback.format_exception(kind, error, trace))
    write(visible(text, keep="\n").rstrip("\n"), sys.stderr)


def _explain(error: Exception) -> tuple[int, str] | None:
    """The exit code and the sentence for an error that a person can act on; None for a bug in this program."""
    text = shorten_text(str(error), LONGEST)
    if isinstance(error, MissingPartError):
        return MISSING_PART, f"{text} ({help_for_missing(text)})"
    if isinstance(error, InputError):
        return BAD_INPUT, text
    if isinstance(error, DivergenceError):
        return FAILED, f"{text} ({help_at(RUNS_AWAY)})"
    if isinstance(error, SrncaError):
        return FAILED, text
    if hasattr(error, "format_message"):  # usage errors of typer (and of click, in its older versions)
        message = shorten_text(error.format_message(), LONGEST).replace("Value error, ", "").rstrip(".")
        code = int(getattr(error, "exit_code", BAD_INPUT))
        return code, f"{message} (see: srnca {_command_path(error)}--help)"
    if isinstance(error, OSError):
        return FAILED, f"{error.filename or 'the system'}: {error.strerror or text}"
    if type(error).__name__ == "OutOfMemoryError":
        return FAILED, "the GPU's memory ran out; use a smaller --size or --batch-size, or --device cpu"
    if isinstance(error, MemoryError):
        return FAILED, "memory ran out; use a smaller --size, or --every N to keep fewer frames"
    return None


def _command_path(error: Exception) -> str:
    path = getattr(getattr(error, "ctx", None), "command_path", "srnca")
    return "".join(f"{word} " for word in path.split()[1:])


def _set_up_logging(verbose: bool) -> None:
    """Show the library's log with --verbose only: what matters reaches a person as notes of the commands."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    handler.setFormatter(_Cleaning("%(name)s: %(message)s"))
    logging.captureWarnings(verbose)
    vars(logging)["lastResort"] = handler  # for what other libraries log
    for name in ("equations", "distill", "srnca", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO if verbose else logging.WARNING)


class _Cleaning(logging.Formatter):
    """Formats log records without control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record), keep="\n")


@contextmanager
def _terminating_like_ctrl_c() -> Iterator[None]:
    """SIGTERM, with which `timeout` and batch systems end a program, saves and stops as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
