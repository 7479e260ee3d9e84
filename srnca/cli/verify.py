"""`srnca verify`: is the rule what its automaton is, or a known model?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equations.errors import InputError
from srnca.cli.against import run_against
from srnca.cli.checks_text import checks_data, checks_table
from srnca.cli.inputs import Changes, read_rule
from srnca.cli.options import AsJson, Quiet, option
from srnca.cli.output import say, say_json, warn

EXAMPLES = """\
srnca verify snake-rule/rule.json --checkpoint snake.pt
srnca verify rule.json --checkpoint snake.pt --steps 10000 --json
srnca verify rule.json --against gray-scott:coral --out comparison.png
srnca verify rule.json --against all"""

MISMATCH = 3
STEPS = 5000


def verify(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule.json or its folder; with --against also a model.")
    ],
    checkpoint: Annotated[Path | None, option("The automaton that the rule came from.")] = None,
    against: Annotated[
        str | None,
        option("A known model, one of its presets, or all of them.", metavar="MODEL"),
    ] = None,
    changes: Changes = None,
    steps: Annotated[
        int | None,
        option(
            "How long the rule must stay bounded (5000), or how long both run (as long as the model's picture).", min=1
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path | None, option("With --against: both patterns and their spectra.", metavar="FILE.png")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check a rule against its automaton, or against known models. A mismatch exits 3."""
    if checkpoint is not None and against is not None:
        raise InputError("expected either --checkpoint FILE or --against MODEL, got both")
    if against is not None:
        ok = run_against(
            rule, against, changes=changes or (), steps=steps, seed=seed, out=out, as_json=as_json, quiet=quiet
        )
    elif checkpoint is not None:
        for flag, given in (("--set", changes), ("--out", out)):
            if given:
                raise InputError(f"{flag}: expected --against MODEL with it, got --checkpoint; leave {flag} out")
        ok = _of_automaton(rule, checkpoint, STEPS if steps is None else steps, seed, as_json=as_json, quiet=quiet)
    else:
        raise InputError("expected either --checkpoint FILE or --against MODEL, got neither")
    if not ok:
        raise typer.Exit(MISMATCH)


def _of_automaton(text: str, checkpoint: Path, steps: int, seed: int, *, as_json: bool, quiet: bool) -> bool:
    from srnca.automata import load

    law = read_rule(text, or_model=False)
    automaton = load(checkpoint)
    if not quiet:
        warn(f"running {text} beside {checkpoint} …")
    result = automaton.verify(law, steps=steps, seed=seed)
    if as_json:
        say_json(checks_data(result.checks))
    else:
        say(checks_table(result.checks))
    if not result.ok:
        failed = ", ".join(check.name for check in result.checks if not check.ok)
        warn(f"mismatch: {failed}")
    return result.ok
