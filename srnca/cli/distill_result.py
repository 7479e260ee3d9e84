"""Prints the result of `srnca distill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from srnca.cli.distill_text import describe, describe_coefficients, describe_shortfall, shortened, verdict
from srnca.cli.output import number, say, say_json, shown, warn
from srnca.cli.simulate_text import next_simulation
from srnca.help import POOR, help_at

if TYPE_CHECKING:
    from distill.result import Distillation

TITLES = {"law": "a law of few species", "rule": "a rule of the automaton's channels"}


def say_result(result: Distillation, folder: Path, recording: Path | None, *, as_json: bool) -> None:
    """Equations, numbers, and what to do next.

    recording: the one of which the law is, if any.
    """
    from equations.printers import print_rule

    if as_json:
        say_json({**result.report, "folder": folder})
        return
    if "verdict" in result.report:
        say(describe_coefficients(result.report))
    if "competed" in result.report:
        say_competed(result.report["competed"], folder)
    say("\n".join(map(shortened, print_rule(result.rule, "text").splitlines())))
    say()
    say(describe(result.report))
    short = describe_shortfall(result.report, folder)
    if result.report.get("verdict") == "none":
        say(f"\n{shown(folder)}/rule.json is the closest rule that was found, and not the law")
    elif short is None:
        say(f"\n{shown(folder)}/rule.json; {next_simulation(folder, recording, 'picture.png')}")
    else:
        say(f"\n{shown(folder)}/rule.json is {verdict(result.report)}: {short}")
        warn(help_at(POOR))


def say_competed(competed: dict[str, Any], folder: Path) -> None:
    """The result that was not chosen, whole where it is a law, and why the other one is before it."""
    for name, other in competed["others"].items():
        size = f"{other['channels']} channels, {other['numbers']} numbers"
        judged = f"judge {number(other['judge'])}, {other['quality']}"
        say(f"{TITLES[name]}: {size}, {judged}; it is in {shown(folder / other['folder'])}")
        if name == "law":
            say("\n".join(other["equations"]))
        say()
    if "law" not in competed["others"] and competed["chosen"] != "law":
        say(f"no law of few species: {competed['why']}\n")
    else:
        say(f"chosen: {TITLES[competed['chosen']]}, because {competed['why']}")
