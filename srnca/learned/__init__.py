"""Rules that SRNCA has learned from pictures, to start from: `learned:snake` wherever a rule is asked for.

    from srnca.learned import load

    rule = load("snake").rule

Each is a `NAME.json` in this folder: an ordinary rule file, whose provenance says what it learned from and how.
`benchmarks/learned.py` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from equations.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from equations import Rule

PREFIX = "learned:"
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class LearnedRule:
    """A rule, and what a person should know of it before using it.

    title: one line.
    picture: what was learned from, and its licence.
    commands: of the command line: they find such a rule again, with other random numbers.
    judge: distance of the pictures from the one that was learned (0: none, 1: as far as a flat colour), by who made
        them: {"teacher": the automaton, "rule": the rule}. Measured on fresh noise, on 64 x 64 cells. A law that was
        found without an automaton has no teacher.
    numbers: constants in updates and colours together, as many as one has to copy.
    """

    name: str
    rule: Rule
    title: str
    picture: str
    commands: tuple[str, ...]
    judge: Mapping[str, float]
    numbers: int


def names() -> tuple[str, ...]:
    """The names of all learned rules, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def load(name: str) -> LearnedRule:
    """The learned rule called `name` (without `learned:`); raises InputError for an unknown name."""
    from equations.rule.rulefile import load_rule

    known = names()
    if name not in known:
        raise InputError(f"unknown learned rule {name!r}{did_you_mean(name, known)}; expected {', '.join(known)}")
    rule = load_rule(_FOLDER / f"{name}.json")
    facts = rule.provenance["learned"]
    return LearnedRule(
        name=name,
        rule=rule,
        title=facts["title"],
        picture=facts["picture"],
        commands=tuple(facts["commands"]),
        judge=rule.metrics["judge"],
        numbers=facts["numbers"],
    )


__all__ = ["PREFIX", "LearnedRule", "load", "names"]
