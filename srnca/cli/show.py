"""`srnca show`: prints a rule as text, LaTeX, MathML, a script, a C program, a shader or a table."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from srnca.cli.inputs import Changes, read_rule
from srnca.cli.output import say

EXAMPLES = """\
srnca show snake-rule/rule.json
srnca show gray-scott --format latex
srnca show gray-scott:coral --set F=0.03 --set k=0.06
srnca show rule.json --format python > rule.py && python rule.py --steps 500
srnca show rule.json --format c > rule.c && cc -O3 -o rule rule.c -lm && ./rule --out rule.ppm
srnca show rule.json --format glsl > rule.frag"""


def show(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule.json, its folder, or a model such as gray-scott.")
    ],
    format: Annotated[
        Literal["text", "latex", "mathml", "python", "c", "glsl", "csv"],
        typer.Option(help="python: a script that needs only NumPy; c: a C99 program; glsl: a shader for WebGL2."),
    ] = "text",
    changes: Changes = None,
) -> None:
    """Print the equations of a rule."""
    from equations.printers import print_rule

    say(print_rule(read_rule(rule, changes), format).rstrip("\n"))
