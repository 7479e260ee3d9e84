"""Makes printing safe where standard output or error is closed, broken, or in an encoding that lacks characters."""

from __future__ import annotations

import codecs
import os
import select
import sys
import unicodedata
from typing import TextIO

_HANDLER = "srnca"
_PLAIN = {
    "−": "-", "–": "-", "—": "-", "×": "x", "·": "*", "∗": "*", "≤": "<=", "≥": ">=", "≈": "~", "±": "+-", "→": "->",
    "←": "<-", "…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "∞": "inf", "√": "sqrt", "∂": "d", "∇": "grad",
    "∑": "sum", "²": "^2", "³": "^3", "¹": "^1", "°": " deg", "µ": "mu", "━": "-", "╸": "-", "╺": "-", "█": "#",
    "│": "|", "─": "-",
}  # fmt: skip


def prepare_streams() -> None:
    """Call once before anything is printed: from then on no character can make a command fail.

    Characters that the terminal's encoding lacks are spelt out (α: alpha, ≤: <=). A closed stream is replaced by the
    null device, so that no file that is opened later gets its number.
    """
    codecs.register_error(_HANDLER, _spell)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (for the whole run)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)


def write(text: str, stream: TextIO) -> None:
    """Print `text` as a line. A reader that has gone away (`| head`) is no error: the work goes on without output."""
    try:
        print(text, file=stream, flush=stream is sys.stderr)
    except BrokenPipeError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Send what waits to be written, and all that is printed later, to the null device."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):  # a stream without a file
        return
    finally:
        os.close(nowhere)


def is_gone(stream: TextIO) -> bool:
    """Whether nobody reads `stream` any more; if so, it is silenced."""
    try:
        stream.flush()
        gone = _reader_is_gone(stream)
    except BrokenPipeError:
        gone = True
    if gone:
        silence(stream)
    return gone


def _reader_is_gone(stream: TextIO) -> bool:
    """Whether the reader of a pipe is gone. Call it when nothing is left to be written."""
    if not hasattr(select, "poll"):
        return False
    try:
        asked = select.poll()
        asked.register(stream.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in asked.poll(0))
    except (OSError, ValueError):  # a stream without a file
        return False


def flush_output() -> str | None:
    """Write what waits for standard output. Returns why that failed; None where it did not, or where nobody reads."""
    try:
        is_gone(sys.stdout)
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        return getattr(error, "strerror", None) or str(error)
    return None


def spell(character: str) -> str:
    """A character in ASCII: by a sign that looks like it, a Greek letter by its name, others by their number."""
    if character in _PLAIN:
        return _PLAIN[character]
    words = unicodedata.name(character, "").split()
    if words[:1] == ["GREEK"] and "LETTER" in words:
        name = words[words.index("LETTER") + 1].lower()
        return name.capitalize() if "CAPITAL" in words else name
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if plain:
        return f"^{plain}" if words[:1] == ["SUPERSCRIPT"] else plain
    return character.encode("ascii", "backslashreplace").decode()


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(spell, error.object[error.start : error.end])), error.end
