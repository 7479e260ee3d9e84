"""`hall_of_fame_output{i}.csv`: a front in PySR's own format, so that either program reads it."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sympy import Expr

from equations.errors import InputError, SrncaError, shorten
from equations.expressions.infix import parse_infix
from equations.expressions.terms import count_terms
from equations.expressions.tree import to_tree
from equations.files import write_text
from equations.reading import check_regular_file
from equations.rule.rule import Candidate

HEADER = ["Complexity", "Loss", "Equation"]
MAX_BYTES = 64 * 2**20


def write_hall_of_fame(path: str | os.PathLike[str], front: Iterable[Candidate]) -> None:
    """Write a front as CSV (Complexity, Loss, Equation), atomically; constants keep all their digits."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for c in front:
        table.writerow([c.complexity, repr(c.loss), infix(c.expr)])
    write_text(path, text.getvalue())


def read_hall_of_fame(
    path: str | os.PathLike[str], names: Sequence[str], *, engine: str = "pysr"
) -> tuple[Candidate, ...]:
    """The candidates of a hall-of-fame file, written by PySR or by this project.

    names: the features that its equations may use.

    Equations are read by our own parser, never evaluated. Raises InputError, naming file and line, for a
    missing file, another header, a cell that is not a number, or an equation that does not parse.
    """
    rows = _rows(Path(path))
    if not rows or [cell.strip() for cell in rows[0]] != HEADER:
        got = ",".join(rows[0])[:80] if rows else "an empty file"
        raise InputError(f"{path}: expected a hall of fame with the header {','.join(HEADER)}, got {got}")
    found = []
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            found.append(_candidate(row, names, engine))
        except SrncaError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
    return tuple(found)


def _rows(path: Path) -> list[list[str]]:
    check_regular_file(path, "a hall_of_fame CSV file")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: expected a hall of fame of at most {MAX_BYTES >> 20} MB, got a larger file")
        text = path.read_text(encoding="utf-8-sig")
        return list(csv.reader(io.StringIO(text)))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a hall_of_fame CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV text file, got something else ({error})") from error


def _candidate(row: list[str], names: Sequence[str], engine: str) -> Candidate:
    if len(row) != len(HEADER):
        raise InputError(f"expected {len(HEADER)} columns ({', '.join(HEADER)}), got {len(row)}")
    complexity, loss = _number(row[0], "complexity"), _number(row[1], "loss")
    if complexity != int(complexity) or complexity < 0 or loss < 0:
        raise InputError(f"expected a whole complexity and a loss of at least 0, got {row[0]} and {row[1]}")
    expr = parse_infix(row[2], names)
    return Candidate(int(complexity), loss, expr, engine, count_terms(expr))


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"expected a finite number for the {what}, got {shorten(text)}")
    return value


def infix(expr: Expr) -> str:
    """`expr` as PySR writes equations (+ - * / ^ and function calls); `parse_infix` reads it back exactly."""
    return _text(to_tree(expr))


def _text(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    if not isinstance(tree, list):
        return repr(tree) if tree >= 0 else f"({tree!r})"
    head, args = tree[0], [_text(arg) for arg in tree[1:]]
    if head == "Negate":
        return f"(-{args[0]})"
    if head == "Power":
        exponent = tree[2]
        power = args[0] if abs(exponent) == 1 else f"({args[0]} ^ {abs(exponent)})"
        return power if exponent > 0 else f"(1 / {power})"
    signs = {"Add": " + ", "Multiply": " * ", "Rational": " / "}
    if head in signs:
        return f"({signs[head].join(args)})"
    if head in ("Max", "Min") and len(args) > 2:  # PySR's take two
        rest = _text([head, *tree[2:]])
        return f"{head.lower()}({args[0]}, {rest})"
    return f"{head.lower()}({', '.join(args)})"
