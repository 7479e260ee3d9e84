"""A rule as a table: channel, number of terms, expression."""

from __future__ import annotations

import csv
import io

from equations.expressions.terms import count_terms
from equations.printers.text import print_expression
from equations.rule.display import formulas_of
from equations.rule.rule import Rule


def print_rule(rule: Rule) -> str:
    """CSV with the columns `channel,terms,expression`, one row per channel, in exact infix form.

    Colours that are expressions follow as the rows `picture red`, `picture green`, `picture blue`; no channel has a
    blank in its name.
    """
    terms = rule.terms()
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("channel", "terms", "expression"))
    for channel in rule.channels:
        writer.writerow((channel, terms[channel], print_expression(rule.updates[channel])))
    for name, expr in formulas_of(rule).items():
        writer.writerow((f"picture {name}", count_terms(expr), print_expression(expr)))
    return buffer.getvalue()
