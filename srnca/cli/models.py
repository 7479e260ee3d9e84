"""`srnca models`: the catalogue of known models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from srnca.cli.output import say, say_json, table

if TYPE_CHECKING:
    from equations import Rule
    from equations.models import Model

EXAMPLES = """\
srnca models
srnca models gray-scott
srnca simulate gray-scott:coral --out coral.png"""


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One model; without it, all.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """List the known models, or show one with its presets and its source."""
    from equations import models as catalogue

    if name is None:
        found = [catalogue.load(known) for known in catalogue.names()]
        if as_json:
            say_json({"models": {model.name: _summary(model) for model in found}})
            return
        rows = [(model.name, model.title, ", ".join(model.presets)) for model in found]
        say(table([("model", "", "presets"), *rows]))
        return
    base, _, preset = name.partition(":")
    model = catalogue.load(base)
    rule = model.rule(preset or None)
    if as_json:
        say_json({"name": model.name, **_summary(model), "latex": model.latex})
    else:
        say(_describe(model, rule))


def _summary(model: Model) -> dict[str, Any]:
    return {
        "title": model.title,
        "citation": model.citation,
        "parameters": model.parameters,
        "presets": {preset: model.values(preset) for preset in model.presets},
    }


def _describe(model: Model, rule: Rule) -> str:
    from equations.printers import print_rule

    rows: list[tuple[str, ...]] = [("preset", *model.parameters)]
    for preset in model.presets:
        rows.append((f"{model.name}:{preset}", *(f"{value:g}" for value in model.values(preset).values())))
    parts = [model.title, print_rule(rule, "text").rstrip("\n"), table(rows), model.citation]
    return "\n\n".join(parts)
