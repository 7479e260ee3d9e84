"""`srnca analyze`: the diffusion and reaction of a rule, its fixed points and their stability, its wavelength."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnca.cli.inputs import Changes, file_name, read_source, with_step
from srnca.cli.options import AsJson, Quiet, check_output, option, parse_size
from srnca.cli.output import number, say, say_json, table, warn
from srnca.cli.progress import Progress

if TYPE_CHECKING:
    from sympy import Expr

    from equations.analysis import Analysis
    from equations.analysis.one_point import Reading

EXAMPLES = """\
srnca analyze gray-scott:coral
srnca analyze schnakenberg --set Dv=9 --json
srnca analyze brusselator --size 256 --steps 40000 --out brusselator.png
srnca analyze gray-scott --dt 2
srnca analyze snake-rule/rule.json --seed 3"""

MOST_ROWS = 8  # fixed points in the table


def analyze(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule.json, its folder, or a model such as gray-scott:coral.")
    ],
    changes: Changes = None,
    size: Annotated[
        str | None,
        option("Cells of the grid, for waves and the run: N or WIDTHxHEIGHT.  [default: a model's own, or 128]"),
    ] = None,
    steps: Annotated[
        int | None,
        option(
            "Steps of the run whose wavelength is measured; 0: no run.  [default: as long as its growth needs]", min=0
        ),
    ] = None,
    dt: Annotated[float | None, option("Another time step than the rule's, to see when it is too large.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run, and of the search for fixed points.")] = 0,
    out: Annotated[Path | None, option("The figure, a .png.  [default: NAME-analysis.png]")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say why a rule makes its pattern: fixed points and waves. It is split into diffusion and reaction first."""
    source = read_source(rule, changes)
    law = source.rule if dt is None else with_step(source, dt)
    grid = parse_size(size) if size is not None else source.size or (128, 128)
    name = file_name(rule)
    path = check_output(out or Path(f"{name}-analysis.png"), (".png",))

    from equations.analysis import analyze as read
    from equations.analysis import as_data
    from srnca.pages.analysis_figure import draw_analysis

    with Progress(quiet=quiet) as progress:
        found = read(law, size=grid, steps=steps or None, seed=seed, run=steps != 0, progress=progress.update)
    draw_analysis(path, found, name)
    if as_json:
        say_json({"rule": rule, **as_data(found), "figure": path})
    else:
        say(describe(found))
        warn(f"figure: {path}")


def describe(found: Analysis) -> str:
    """The table: split, fixed points, verdict, wavelength."""
    parts = [_split(found), _points(found), _verdict(found), _wavelengths(found)]
    return "\n\n".join(part for part in parts if part)


def _split(found: Analysis) -> str:
    rows: list[tuple[str, ...]] = [("update of", "part", "")]
    for channel, groups in found.split.groups.items():
        for index, (kind, expr) in enumerate(groups.items()):
            text = _rounded(expr)
            rows.append((channel if index == 0 else "", kind, text if len(text) <= 90 else text[:87] + " …"))
    channels = found.rule.channels
    spread = [
        f"D[{c}, {d}] = {value:.4g}"
        for i, c in enumerate(channels)
        for j, d in enumerate(channels)
        if (value := found.split.diffusion[i, j]) and len(channels) <= 4
    ]
    return table(rows) + (f"\ndiffusion, length² per time: {', '.join(spread)}" if spread else "")


def _rounded(expr: Expr) -> str:
    """An expression with its constants rounded to six digits for the table: 0.117, not 0.11699999999999999."""
    from equations.expressions.tree import round_constants
    from equations.printers.text import print_expression

    return print_expression(round_constants(expr, 6))


def _points(found: Analysis) -> str:
    if not found.readings:
        return "fixed points: none found"
    names = found.rule.channels[:4]
    more = "…" if len(found.rule.channels) > 4 else ""
    heads = ("fixed point", *names, *([more] if more else []), "state", "eigenvalues at k = 0", "fastest wave", "dt ≤")
    rows: list[tuple[str, ...]] = [heads]
    for index, r in enumerate(found.readings[:MOST_ROWS]):
        values = [f"{value:.4g}" for value in r.point.values[:4]]
        mark = " *" if index == found.verdict.about else ""
        rows.append(
            (
                f"{index}{mark}",
                *values,
                *([more] if more else []),
                r.state + ("" if r.linear.smooth else ", kinked"),
                _eigenvalues(r),
                _fastest(r),
                number(r.dt_max),
            )
        )
    lines = [table(rows)]
    if len(found.readings) > MOST_ROWS:
        lines.append(f"and {len(found.readings) - MOST_ROWS} more")
    if found.outside:
        lines.append(f"{len(found.outside)} more, where a concentration would be negative, are left out")
    if found.found.poles:
        lines.append(f"{found.found.poles} more, where something is divided by 0, are left out")
    return "\n".join(lines)


def _eigenvalues(r: Reading) -> str:
    texts = []
    for wave in r.relation.uniform()[:4]:
        value = wave.eigenvalue
        if not wave.oscillates:
            texts.append(f"{value.real:.3g}")
        elif value.imag > 0:
            texts.append(f"{value.real:.3g} ± {value.imag:.3g}i")
    return ", ".join(texts) + (", …" if len(r.point.values) > 4 else "")


def _fastest(r: Reading) -> str:
    if r.best is None:
        return "–"
    if r.wavelengths is None:
        return "none grows"
    how = f", frequency {r.best.frequency:.3g}" if r.best.oscillates else ""
    if r.best.eigenvalue.real <= r.relation.uniform()[0].eigenvalue.real:
        return "none outgrows k = 0"
    return f"{r.wavelengths[1]:.4g} cells, rate {r.best.growth:.3g}{how}"


def _verdict(found: Analysis) -> str:
    lines = [f"verdict: {found.headline}", f"  {found.verdict.reason}"]
    for index, r in enumerate(found.readings):
        if r.grid is not None:
            lines.append(f"  grid instability at fixed point {index}, {r.grid.name}: {r.grid.reason}")
    return "\n".join([*lines, *(f"  {note}" for note in found.verdict.notes)])


def _wavelengths(found: Analysis) -> str:
    dx, run = found.rule.dx, found.measured
    rows: list[tuple[str, ...]] = [("wavelength", "cells", "length", "")]

    def row(name: str, cells: float | None, about: str) -> None:
        rows.append((name, number(cells), number(None if cells is None else cells * dx), about))

    about = "of the fastest wave" if found.predicted else "no wave outgrows k = 0"
    kinked = found.reading is not None and not found.reading.linear.smooth
    row("predicted", found.predicted, about + ", were there no kinks" if kinked else about)
    if run is not None and run.failure:
        row("measured", None, run.failure)
    elif run is not None:
        start = "from near the fixed point" if run.near else "from the rule's first state"
        if run.early is not None:
            row("measured, small", run.early, f"after {run.early_steps:,} steps {start}")
        nothing = "" if run.wavelength else "; no wavelength of its own"
        row("measured", run.wavelength, f"after {run.steps:,} steps {start}{nothing}")
    return table(rows)
