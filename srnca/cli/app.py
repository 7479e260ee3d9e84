"""`srnca`: registers the commands and turns every error into one sentence and an exit code.

0 ok · 1 failed · 2 bad input or usage · 3 verify found a mismatch · 4 an optional part is missing ·
130 interrupted (after saving). Nothing heavy is imported here: each command loads what it needs when it runs.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, NoReturn

import typer

from equations.errors import InputError, MissingPartError, SrncaError
from srnca._version import __version__
from srnca.cli import analyze, distill, doctor, explore, models, rate, show, simulate, sweep, train, verify
from srnca.cli.output import warn
from srnca.cli.ranks import said_by_first

FAILED, BAD_INPUT, MISSING_PART, INTERRUPTED = 1, 2, 4, 130

app = typer.Typer(
    name="srnca",
    help="From an image to a neural automaton to a closed-form local rule that runs as a fast simulator.",
    epilog="Start with: srnca train sample:snake --out snake.pt",
    add_completion=False,
    rich_markup_mode=None,  # plain help is quick to print and keeps the examples' line breaks
    pretty_exceptions_enable=False,
)

_COMMANDS = (train, distill, simulate, verify, analyze, show, models, sweep, rate, explore, doctor)
for _module in _COMMANDS:
    _name = _module.__name__.rpartition(".")[2]
    app.command(name=_name, epilog="\b\nExamples:\n" + _module.EXAMPLES)(getattr(_module, _name))


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the library's log on stderr.")] = False,
) -> None:
    if not verbose:
        warnings.simplefilter("ignore")  # other libraries' advice to programmers
    _set_up_logging(verbose)


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if words == ["--version"]:
        print(f"srnca {__version__}")
        return 0
    with _terminating_like_ctrl_c():
        try:
            command = typer.main.get_command(app)
            with command.make_context("srnca", words) as context:  # typer's own main() has other exit codes
                command.invoke(context)
            sys.stdout.flush()
        except typer.Exit as done:
            return done.exit_code
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:  # `srnca show rule.json | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:
            known = _explain(error)
            if known is None:
                raise
            if not said_by_first(error):
                warn(f"error: {known[1]}")
            return known[0]
    return 0


def _explain(error: Exception) -> tuple[int, str] | None:
    """The exit code and the sentence for an error that a person can act on; None for a bug of ours."""
    text = " ".join(str(error).split())
    if isinstance(error, MissingPartError):
        return MISSING_PART, text
    if isinstance(error, InputError):
        return BAD_INPUT, text
    if isinstance(error, SrncaError):
        return FAILED, text
    if hasattr(error, "format_message"):  # usage errors of typer (and of click, in its older versions)
        message = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
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
    """Without --verbose the library's log stays silent: what matters reaches the commands as notes."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    for name in ("equations", "distill", "srnca"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO if verbose else logging.WARNING)


@contextmanager
def _terminating_like_ctrl_c() -> Iterator[None]:
    """`timeout` and batch systems ask with SIGTERM: save and stop as for Ctrl-C."""

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
