"""`srnca models`: the catalogue of known models, and the rules learned from pictures that come with the package."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equations.errors import InputError
from srnca.cli.output import say, say_json, table

if TYPE_CHECKING:
    from equations.models import Model
    from srnca.learned import LearnedRule

EXAMPLES = """\
srnca models
srnca models gray-scott
srnca models learned:snake
srnca simulate gray-scott:coral --out coral.png"""

WIDTH = 110  # characters of a line


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One model or learned rule; without it, all.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """List known models and learned rules, or show one. It says equations, parameters and source."""
    from equations import models as catalogue
    from srnca import learned

    if name is None:
        found = [catalogue.load(known) for known in catalogue.names()]
        rules = [learned.load(known) for known in learned.names()]
        if as_json:
            say_json(
                {
                    "models": {model.name: _summary(model) for model in found},
                    "learned": {rule.name: _facts(rule) for rule in rules},
                }
            )
        else:
            say("\n".join(_entry(model) for model in found))
            say("\nlearned from pictures by srnca\n" + table([_row(rule) for rule in rules]))
        return
    if name.startswith(learned.PREFIX):
        rule = learned.load(name.removeprefix(learned.PREFIX))
        if as_json:
            say_json({"name": name, **_facts(rule)})
        else:
            say(_describe_learned(rule))
        return
    base, _, preset = name.partition(":")
    if base not in catalogue.names() and base in learned.names():
        raise InputError(f"unknown model {name!r}; the learned rule of that name is {learned.PREFIX}{base}")
    model = catalogue.load(base)
    model.preset(preset or None)  # raises for an unknown preset before anything is printed
    if as_json:
        say_json({"name": model.name, **_summary(model)})
    else:
        say(_describe(model, preset or next(iter(model.presets))))


def _summary(model: Model) -> dict[str, Any]:
    return {
        "title": model.title,
        "about": model.about,
        "equations": model.equations,
        "latex": model.latex,
        "parameters": model.parameters,
        "meaning": model.meaning,
        "dt": model.dt,
        "dx": model.dx,
        "clamp": model.clamp,
        "presets": {preset: model.values(preset) for preset in model.presets},
        "patterns": {
            name: {"about": preset.about, "steps": preset.steps, "seed": preset.seed, "size": preset.size}
            for name, preset in model.presets.items()
        },
        "citation": model.citation,
    }


def _entry(model: Model) -> str:
    indent = " " * 18
    presets = textwrap.fill(", ".join(model.presets), WIDTH, initial_indent=indent, subsequent_indent=indent)
    return f"{model.name:<17} {model.title}\n{presets}"


def _row(learned: LearnedRule) -> tuple[str, ...]:
    size = f"{len(learned.rule.channels)} species, {learned.numbers} numbers"
    return f"learned:{learned.name}", learned.title, size, f"judge {learned.judge['rule']:.2f}"


def _facts(learned: LearnedRule) -> dict[str, Any]:
    from equations.printers import print_rule

    return {
        "title": learned.title,
        "picture": learned.picture,
        "channels": list(learned.rule.channels),
        "numbers": learned.numbers,
        "judge": dict(learned.judge),
        "commands": list(learned.commands),
        "equations": print_rule(learned.rule, "text"),
    }


def _describe_learned(learned: LearnedRule) -> str:
    from equations.printers import print_rule

    judge = learned.judge
    automaton = f"; its automaton {judge['teacher']:.2f}" if "teacher" in judge else ""
    facts = [
        ("learned from", learned.picture),
        ("numbers", f"{learned.numbers} constants in all, those of the colours included"),
        ("judge", f"{judge['rule']:.2f}{automaton} (0: the picture, 1: a flat colour)"),
        *(("made as by" if index == 0 else "", command) for index, command in enumerate(learned.commands)),
    ]
    name = f"learned:{learned.name}"
    tries = [("try", f"srnca simulate {name} --out {learned.name}.png"), ("", f"srnca show {name} --format latex")]
    return "\n\n".join([learned.title, print_rule(learned.rule, "text").rstrip("\n"), table(facts + tries)])


def _describe(model: Model, preset: str) -> str:
    names = list(model.parameters)
    widest = max(len(channel) for channel in model.channels)
    equations = "\n".join(f"d{channel:<{widest}}/dt = {text}" for channel, text in model.equations.items())
    values = [(name, f"{value:g}", model.meaning[name]) for name, value in model.values(preset).items()]
    changed = [name for name in names if any(name in entry.values for entry in model.presets.values())]
    rows = [("preset", *changed, "steps", "seed", "")]
    for name, entry in model.presets.items():
        numbers = [f"{model.values(name)[parameter]:g}" for parameter in changed]
        rows.append((name, *numbers, str(entry.steps), str(entry.seed), entry.about))
    tried = f"srnca simulate {model.name}:{preset} --set {names[0]}={model.values(preset)[names[0]]:g}"
    parts = [
        f"{model.title}\n{textwrap.fill(model.about, WIDTH)}",
        f"{equations}\n{_step(model)}",
        f"parameters of {model.name}:{preset}; another value: {tried}\n{table(values)}",
        table(rows),
        textwrap.fill(model.citation, WIDTH),
    ]
    return "\n\n".join(parts)


def _step(model: Model) -> str:
    bounds = f", held in [{model.clamp[0]:g}, {model.clamp[1]:g}]" if model.clamp else ""
    return f"step dt = {model.dt:g}, cell dx = {model.dx:g}{bounds}"
