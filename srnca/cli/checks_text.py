"""The checks of `srnca verify`, of a rule against its automaton or a known model, as a table and as JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from srnca.cli.output import number, table

if TYPE_CHECKING:
    from srnca.automata.verification import Check


def checks_table(checks: Sequence[Check]) -> str:
    """One row for each check, with what was asked of it."""
    rows = [("ok" if c.ok else "NO", c.name, number(c.value), number(c.threshold), c.detail) for c in checks]
    return table([("", "check", "value", "threshold", ""), *rows])


def checks_data(checks: Sequence[Check]) -> dict[str, Any]:
    """The checks by their names as JSON data, and whether all hold."""
    named = {c.name: {key: value for key, value in asdict(c).items() if key != "name"} for c in checks}
    return {"ok": all(c.ok for c in checks), "checks": named}
