"""The gallery of known models: one small picture per preset in docs/images/models, and the page docs/models.md.

python scripts/thumbnails.py                    # all pictures and the page (about two minutes)
python scripts/thumbnails.py barkley gray-scott:u-skate      # only these pictures, and the page
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from equations import models
from equations.files import write_bytes, write_text
from equations.models import Model
from equations.rule.display import render
from equations.simulation import Simulator

DOCS = Path(__file__).resolve().parents[1] / "docs"
COLUMNS = 4
MAX_BYTES = 20_000
COLOURS = (64, 48, 32, 24, 16)  # of the palette: as many as fit into MAX_BYTES

INTRODUCTION = """\
# Known models

Every model runs by its name. For example, `srnca simulate gray-scott:coral --out coral.png` draws the picture that is
shown here, on 192 × 192 cells. Below each picture are its parameters, its number of steps and its seed (0 if none is
given); other grid sizes may need another number of steps. `--set F=0.03` changes a parameter. A name without a preset,
such as `gray-scott`, means the model's first preset.

All models take explicit Euler steps on a periodic grid. ∇² is the five-point Laplacian over dx² (nine-point for
Swift-Hohenberg). All presets stay bounded for 20,000 steps. Allen-Cahn and Fisher-KPP become uniform long before that,
so their pictures show an earlier step. `python scripts/thumbnails.py` makes this page.
"""


def picture_path(model: Model, preset: str) -> Path:
    """Where the picture of a preset lies."""
    return DOCS / "images" / "models" / f"{model.name}-{preset}.png"


def draw(model: Model, name: str) -> bytes:
    """The typical picture of a preset as PNG."""
    preset = model.preset(name)
    rule = model.rule(name)
    simulator = Simulator(rule, size=preset.size, seed=preset.seed)
    simulator.step(preset.steps)
    picture = Image.fromarray(render(rule, simulator.state))
    sizes = (_png(picture, colours) for colours in COLOURS)
    return next(data for data in sizes if len(data) <= MAX_BYTES)


def _png(picture: Image.Image, colours: int) -> bytes:
    buffer = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def page() -> str:
    """The text of docs/models.md."""
    return "\n".join([INTRODUCTION, *(section(models.load(name)) for name in models.names())])


def section(model: Model) -> str:
    """The part of the page that shows one model."""
    bounds = f", held in [{model.clamp[0]:g}, {model.clamp[1]:g}]" if model.clamp else ""
    names = list(model.presets)
    parts = [
        f"## {model.title}",
        model.about,
        f"$${model.latex}$$",
        "\n\n".join(gallery(model, names[i : i + COLUMNS]) for i in range(0, len(names), COLUMNS)),
        "| parameter | usual value | meaning |\n|---|---|---|\n"
        + "\n".join(f"| `{name}` | {value:g} | {model.meaning[name]} |" for name, value in model.parameters.items()),
        f"Step dt = {model.dt:g}, cell dx = {model.dx:g}{bounds}. {model.citation}.",
    ]
    return "\n\n".join(parts) + "\n"


def gallery(model: Model, names: list[str]) -> str:
    """One row of pictures with what they show and how they are made."""
    rows = [
        [f"`{model.name}:{name}`" for name in names],
        ["---"] * len(names),
        [f"![{model.name}:{name}]({picture_path(model, name).relative_to(DOCS).as_posix()})" for name in names],
        [model.presets[name].about for name in names],
        [making(model, name) for name in names],
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def making(model: Model, name: str) -> str:
    """The numbers of a preset that differ from the usual ones, its steps, and its seed if it needs one."""
    preset = model.presets[name]
    numbers = [f"{parameter} {value:g}" for parameter, value in preset.values.items()]
    seed = [f"seed {preset.seed}"] if preset.seed else []
    return ", ".join([*numbers, f"{preset.steps:,} steps", *seed])


def main(wanted: list[str]) -> None:
    """Draw the pictures of the wanted models or presets (none named: all), then write the page."""
    for name in wanted or models.names():
        base, _, chosen = name.partition(":")
        model = models.load(base)
        for preset in [chosen] if chosen else model.presets:
            data, path = draw(model, preset), picture_path(model, preset)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, data)
            print(f"{path.relative_to(DOCS.parent)}: {len(data)} bytes")
    write_text(DOCS / "models.md", page())


if __name__ == "__main__":
    main(sys.argv[1:])
