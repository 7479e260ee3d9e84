"""The errors of the whole library; every message says what was expected, what was found, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


class SrncaError(Exception):
    """Base class: catch this to catch everything the library raises on purpose."""


class InputError(SrncaError):
    """The input (file, argument, expression) is not what was expected; the command line exits with 2."""


class MissingPartError(SrncaError):
    """An optional part (PySR, ffmpeg, weights) is not installed; the command line exits with 4."""


class DivergenceError(SrncaError):
    """A state is not finite, or larger than the limit of `equations.divergence.limit_of`.

    step: the step at which it was seen.
    channel: the name of the channel.
    y, x: the first such cell.
    """

    def __init__(self, message: str, *, step: int, channel: str, y: int, x: int) -> None:
        super().__init__(message)
        self.step, self.channel, self.y, self.x = step, channel, y, x

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _rebuild_divergence, (str(self), self.step, self.channel, self.y, self.x)


def _rebuild_divergence(message: str, step: int, channel: str, y: int, x: int) -> DivergenceError:
    return DivergenceError(message, step=step, channel=channel, y=y, x=x)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean "u_lap"?)`, or an empty string when nothing known is close to `name`, whatever its case."""
    folded = {text.lower(): text for text in list(known)[:1000]}
    close = difflib.get_close_matches(name[:100].lower(), folded, n=1)
    return f' (did you mean "{folded[close[0]]}"?)' if close else ""


def check_choice(name: str, value: object, known: Collection[str], of: str = "") -> None:
    """Raises InputError unless `value` is one of `known`.

    name: what has this value, for the message.
    of: what `known` holds for, such as " for a recording".
    """
    if value not in known:
        choices = f"{', '.join(known)}{of}"
        raise InputError(f"{name}: expected one of {choices}, got {value!r}{did_you_mean(str(value), known)}")


def check_range(name: str, value: object, low: int, high: int) -> None:
    """Raises InputError unless `value` is a whole number from `low` to `high`."""
    if not (isinstance(value, int) and low <= value <= high):
        raise InputError(f"{name}: expected a whole number from {low} to {high}, got {value}")


def shorten(value: object, limit: int = 60) -> str:
    """`value` for use in a message: its repr, cut to about `limit` characters; lists and arrays are not walked."""
    if isinstance(value, (list, tuple, dict)):
        return f"{type(value).__name__} of {len(value)} entries"
    if isinstance(value, int) and value.bit_length() > 256:  # printing a giant integer is quadratic
        return f"an integer of {value.bit_length()} bits"
    shape = getattr(value, "shape", None)
    if shape is not None and not isinstance(value, type):
        kind = getattr(value, "dtype", "")
        return shorten_text(f"{type(value).__name__} of shape {tuple(shape)} {kind}".strip(), limit)
    return shorten_text(repr(value[: limit + 1]) if isinstance(value, str) else repr(value), limit)


def shorten_text(text: str, limit: int = 200) -> str:
    """`text` as one line of at most `limit` characters."""
    line = text[: 4 * limit]
    if not line.isprintable():  # line ends, for one
        line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
