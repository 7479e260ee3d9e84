"""A rule as a stand-alone C99 program that gives the reference backend's states and pictures."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from string import Template

from equations.colormaps import table as colour_table
from equations.divergence import limit_of
from equations.printers.c_parts import MARKS, PICTURES
from equations.printers.c_template import PROGRAM
from equations.printers.cell import EXP_ARGUMENT, Target, cell_lines, colour_lines, helpers, literal
from equations.printers.code import Dialect
from equations.rule import mask
from equations.rule.display import display_of
from equations.rule.init import MAX_CELLS
from equations.rule.rule import Rule
from equations.simulation import first_init

C = Dialect(
    "c",
    literal,
    {
        "Abs": "fabsf({0})",
        "Max": "larger({0}, {1})",
        "Min": "smaller({0}, {1})",
        "Tanh": "tanhf({0})",
        "Exp": f"expf({EXP_ARGUMENT})",
        "Sin": "sinf({0})",
        "Cos": "cosf({0})",
        "Sqrt": "sqrtf(at_least({0}, 0.0f))",
        "Reciprocal": "reciprocal({0})",
    },
    assign="float {name} = {value};",
)
TARGET = Target(C, "uint32_t", "static inline ")
_OPTIONAL = ("up", "down", "plane", "row", "west", "east")  # parameters that the code of a rule may not use


def print_rule(rule: Rule) -> str:
    """The program: one fused pass per step, the mask bit for bit, a `main` that writes a PPM or PGM picture."""
    init, display = first_init(rule), display_of(rule)
    cell, picture = _cell(rule), _picture(rule)
    used = set(re.findall(r"\w+", cell))
    init_step = f"{mask.INIT_STEP:#x}u"
    grey = not display.in_colour and display.colormap == "grey"
    fields = {
        "channel_names": ", ".join(rule.channels),
        "quoted_names": ", ".join(f'"{channel}"' for channel in rule.channels),
        "channels": len(rule.channels),
        "max_cells": MAX_CELLS // len(rule.channels),
        "golden": f"{mask.GOLDEN:#x}u",
        "init_step": init_step,
        "limit": literal(limit_of(rule)),
        "background": _numbers(init.background),
        "amplitude": _numbers(init.amplitude),
        "marks": Template(MARKS[init.kind]).substitute(
            square=_numbers(init.square), fraction=float(init.square_fraction), spots=init.spots, init_step=init_step
        ),
        "helpers": helpers(TARGET, PROGRAM + cell + picture),
        "cell": cell,
        "unused": "".join(f"    (void){name};\n" for name in _OPTIONAL if name not in used),
        "picture": picture,
        "endings": ".ppm|FILE.pgm" if grey else ".ppm",
        "good_ending": 'ends_in(end, ".ppm") || ends_in(end, ".pgm")' if grey else 'ends_in(end, ".ppm")',
        "endings_text": ".ppm or .pgm" if grey else ".ppm (the picture is in colour)",
        "grey": 'ends_in(out, ".pgm")' if grey else "0",
    }
    return Template(PROGRAM).substitute(fields)


def _cell(rule: Rule) -> str:
    """The lines that update one cell of every channel."""
    count = len(rule.channels)
    planes = ["", "plane + ", *(f"{index} * plane + " for index in range(2, count))]

    def read(channel: int, dy: int, dx: int) -> str:
        return f"{('up', 'mid', 'down')[dy + 1]}[{planes[channel]}{('x + west', 'x', 'x + east')[dx + 1]}]"

    lines, results = cell_lines(rule, TARGET, read)
    lines += [f"out[{planes[index]}x] = {new};" for index, new in enumerate(results)]
    if rule.masked:
        lines.insert(0, "uint32_t column = (uint32_t)x;")
    return "\n".join(f"        {line}" for line in lines)


def _picture(rule: Rule) -> str:
    """The function `paint`: the colour of one cell."""
    display = display_of(rule)
    if display.colours is not None:
        lines, results = colour_lines(rule, TARGET, lambda channel: f"cell[{channel} * plane]")
        lines += [f"colour[{index}] = shown({result});" for index, result in enumerate(results)]
        return Template(PICTURES["colours"]).substitute(lines="\n".join(f"    {line}" for line in lines))
    kind = "rgb" if display.in_colour else "grey" if display.colormap == "grey" else "map"
    table = "" if kind != "map" else ", ".join(f"0x{r:02x}{g:02x}{b:02x}" for r, g, b in colour_table(display.colormap))
    return Template(PICTURES["shown"] + PICTURES[kind]).substitute(
        scale=literal(display.scale),
        offset=literal(display.offset),
        shown=", ".join(str(rule.channels.index(name)) for name in display.channels),
        table="\n    ".join(textwrap.wrap(table, 110)),
    )


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(map(literal, values))
