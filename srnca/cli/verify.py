"""`srnca verify`: is the rule what the automaton is?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnca.cli.inputs import read_rule
from srnca.cli.output import number, say, say_json, table, warn

if TYPE_CHECKING:
    from srnca.verify import Verification

EXAMPLES = """\
srnca verify snake-rule/rule.json --checkpoint snake.pt
srnca verify rule.json --checkpoint snake.pt --steps 10000 --json"""

MISMATCH = 3


def verify(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule.json or its folder.")],
    checkpoint: Annotated[Path, typer.Option(help="The automaton that the rule came from.")],
    steps: Annotated[int, typer.Option(min=1, help="How long the rule must stay bounded.")] = 5000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The checks as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Check a rule against its automaton: fidelity, rollouts, texture, stability. A mismatch exits 3."""
    from srnca.checkpoint import load_checkpoint
    from srnca.verify import verify as run_checks

    law = read_rule(rule, or_model=False)
    automaton = load_checkpoint(checkpoint)
    if not quiet:
        warn(f"running {rule} beside {checkpoint} …")
    result = run_checks(law, automaton, steps=steps, seed=seed)
    if as_json:
        say_json(as_data(result))
    else:
        say(describe(result))
    if not result.ok:
        failed = ", ".join(check.name for check in result.checks if not check.ok)
        warn(f"mismatch: {failed}")
        raise typer.Exit(MISMATCH)


def as_data(result: Verification) -> dict[str, object]:
    """The checks as JSON data."""
    return {
        "ok": result.ok,
        "checks": {
            check.name: {
                "value": check.value,
                "threshold": check.threshold,
                "ok": check.ok,
                "detail": check.detail,
            }
            for check in result.checks
        },
    }


def describe(result: Verification) -> str:
    """One row for each check, with what was asked of it."""
    rows: list[tuple[str, ...]] = [("", "check", "value", "threshold", "")]
    for check in result.checks:
        rows.append(
            (
                "ok" if check.ok else "NO",
                check.name,
                number(check.value),
                number(check.threshold),
                check.detail,
            )
        )
    return table(rows)
