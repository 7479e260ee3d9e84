"""A rule as a table: channel, number of terms, expression."""

from __future__ import annotations

import csv
import io

from equations.printers.text import print_expression
from equations.rule.rule import Rule


def print_rule(rule: Rule) -> str:
    """CSV with the columns `channel,terms,expression`, one row per channel, in exact infix form."""
    terms = rule.terms()
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("channel", "terms", "expression"))
    for channel in rule.channels:
        writer.writerow((channel, terms[channel], print_expression(rule.updates[channel])))
    return buffer.getvalue()
