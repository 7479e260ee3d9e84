"""`srnca show`: a rule as text, LaTeX, a stand-alone script or a table."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from srnca.cli.inputs import read_rule
from srnca.cli.output import say

EXAMPLES = """\
srnca show snake-rule/rule.json
srnca show gray-scott --format latex
srnca show rule.json --format python > rule.py && python rule.py --steps 500"""


def show(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule.json, its folder, or a model such as gray-scott.")
    ],
    format: Annotated[
        Literal["text", "latex", "python", "csv"],
        typer.Option(help="How: python is a script that needs only NumPy."),
    ] = "text",
) -> None:
    """Print the equations of a rule."""
    from equations.printers import print_rule

    say(print_rule(read_rule(rule), format).rstrip("\n"))
