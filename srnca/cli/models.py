"""`srnca models`: the catalogue of known models."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from srnca.cli.output import say, say_json, table

if TYPE_CHECKING:
    from equations.models import Model

EXAMPLES = """\
srnca models
srnca models gray-scott
srnca simulate gray-scott:coral --out coral.png"""

WIDTH = 110  # characters of a line


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One model; without it, all.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """List the known models, or show one: equations, parameters, presets, source."""
    from equations import models as catalogue

    if name is None:
        found = [catalogue.load(known) for known in catalogue.names()]
        if as_json:
            say_json({"models": {model.name: _summary(model) for model in found}})
        else:
            say("\n".join(_entry(model) for model in found))
        return
    base, _, preset = name.partition(":")
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
