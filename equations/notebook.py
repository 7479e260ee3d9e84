"""How a rule shows itself in a notebook: a picture beside its typeset equations."""

from __future__ import annotations

import base64
import io

from equations.errors import DivergenceError
from equations.expressions.terms import count_constants
from equations.rule.rule import Rule

SIZE = 96  # cells a side
STEPS = 2000
MOST_WORK = 2e9  # cells × steps × terms: about a second or two; a longer rule runs for fewer steps
LONGEST = 400  # numbers; equations with more are not typeset


def rule_html(rule: Rule) -> str:
    """HTML with a picture of `rule` as a data URL, and its equations in MathML.

    The picture shows SIZE × SIZE cells from seed 0 after at most STEPS steps, in the rule's display. Where the rule
    diverges, a sentence takes its place; so it does for equations of more than LONGEST numbers.
    """
    return (
        '<div style="display: flex; flex-wrap: wrap; align-items: center; gap: 1.5em">'
        f"<div>{_picture(rule)}</div><div>{_equations(rule)}</div></div>"
    )


def rule_latex(rule: Rule) -> str:
    """The equations of `rule` in LaTeX's display style, between dollar signs."""
    from equations.printers.latex import print_rule

    return f"$\\displaystyle {print_rule(rule).strip()}$"


def _equations(rule: Rule) -> str:
    from equations.printers.mathml import print_rule

    numbers = sum(count_constants(expr) for expr in rule.expressions)
    if numbers > LONGEST:
        return f"{sum(rule.terms().values()):,} terms with {numbers:,} numbers, too many to typeset"
    return print_rule(rule)


def _picture(rule: Rule) -> str:
    from PIL import Image

    from equations.rule.display import render
    from equations.simulation import Simulator

    steps = max(1, min(STEPS, int(MOST_WORK / (SIZE * SIZE * max(1, sum(rule.terms().values()))))))
    simulator = Simulator(rule, size=SIZE, seed=0)
    try:
        pixels = render(rule, simulator.step(steps))
    except DivergenceError as error:
        return f"diverges within {error.step:,} steps"
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((2 * SIZE, 2 * SIZE), Image.Resampling.NEAREST).save(buffer, "png")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    title = f"{SIZE} × {SIZE} cells after {steps:,} steps, seed 0"
    return f'<img src="data:image/png;base64,{data}" alt="{title}" title="{title}">'
