"""Prints everything: results to stdout, all else to stderr.

Text from files, names and studies may hold control characters (`\\x1b[2J` clears a terminal). They are written out, as
`\\x1b`.
"""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from srnca.cli.streams import write
from srnca.visible import escape_json, visible


def say(text: str = "") -> None:
    """Print lines of the result on stdout. Text from outside, which may hold line ends, goes through `shown` first."""
    write(visible(text, keep="\n"), sys.stdout)


def warn(text: str) -> None:
    """Print a line about the run on stderr."""
    write(visible(text), sys.stderr)


def say_json(data: Mapping[str, Any]) -> None:
    """Print the whole result as one JSON object on stdout. Infinities and NaN become null."""
    whole = plain(data)
    text = escape_json(json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=False))
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeError:
        text = json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=True)
    write(text, sys.stdout)


def shown(value: object) -> str:
    """A name, a path or a word of a file as part of a line: control characters and line ends are written out."""
    return visible(str(value))


def quoted(path: object) -> str:
    """A path as a shell takes it, for commands that a person may copy."""
    return shlex.quote(shown(path))


def plain(value: Any) -> Any:
    """`value` as JSON data: numpy and torch scalars and arrays, paths and tuples become plain ones."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def number(value: float | None) -> str:
    """Three significant digits, as all tables show them."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.3g}"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Left-aligned columns, two spaces apart. A cell is one line, whatever it holds."""
    rows = [tuple(map(shown, row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
