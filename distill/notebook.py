"""How a distillation shows itself in a notebook: its front, and the chosen rule."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from equations.notebook import rule_html
from equations.rule.rule import Candidate

if TYPE_CHECKING:
    from distill.result import Distillation

LONGEST = 160  # characters of an equation in a table


def distillation_html(result: Distillation) -> str:
    """HTML with the front of `result` and its rule.

    The front is that of terms against texture loss, the chosen rule in bold. A distillation that was not refined
    has the fronts of its channels instead: complexity, held-out error, engine and equation.
    """
    if result.texture_front:
        rows = [
            _row((f"{terms:.1f}", f"{loss:.3g}"), chosen=rule == result.rule)
            for terms, loss, rule in sorted(result.texture_front, key=lambda point: point[0])
        ]
        front = _table(("terms per channel", "texture loss"), rows)
    else:
        front = "".join(_channel(name, result.fronts.get(name, ())) for name in result.rule.channels)
    return f"<div>{front}{rule_html(result.rule)}</div>"


def _channel(name: str, front: Sequence[Candidate]) -> str:
    if not front:
        return ""
    rows = [_row((str(c.complexity), f"{c.loss:.3g}", c.engine, _shortened(str(c.expr)))) for c in front]
    return f"<p>Δ{escape(name)}</p>" + _table(("complexity", "error", "engine", "equation"), rows)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _row(cells: Sequence[str], *, chosen: bool = False) -> str:
    tag = "th" if chosen else "td"
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    return f"<table><thead>{_row(head, chosen=True)}</thead><tbody>{''.join(rows)}</tbody></table>"
