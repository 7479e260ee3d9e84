"""Results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def say(text: str = "") -> None:
    """A line of the result, on stdout."""
    print(text)


def warn(text: str) -> None:
    """A line about the run, on stderr."""
    print(text, file=sys.stderr, flush=True)


def say_json(data: Mapping[str, Any]) -> None:
    """The whole result as one JSON object on stdout. Numbers that JSON has no word for become null."""
    print(json.dumps(plain(data), indent=2, allow_nan=False, ensure_ascii=False))


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
    """Left-aligned columns, two spaces apart."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
