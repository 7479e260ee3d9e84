"""The table of what was trained."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.recipes.measuring import Place
from benchmarks.recipes.training import RECIPES

Record = dict[str, Any]
JUDGED = ("judge", "judge_large")
COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "iterations": ("iterations", lambda x: f"{x:.0f}"),
    "seconds": ("processor s", lambda x: f"{x:.0f}"),
    "numbers": ("numbers", lambda x: f"{x:.0f}"),
    "wavelet": ("wavelet", lambda x: f"{x:.3g}"),
    "multiscale": ("multiscale", lambda x: f"{x:.3g}"),
    "judge": ("judge", lambda x: f"{x:.3g}"),
    "judge_large": ("judge at 2x", lambda x: f"{x:.3g}"),
}


def places(folder: Path) -> list[Place]:
    """All finished trainings of one target, in the order of RECIPES and seeds."""
    found = [path.stem.rpartition("-") for path in folder.glob("*.json")]
    known = [Place(folder, recipe, int(seed)) for recipe, _, seed in found if recipe in RECIPES and seed.isdigit()]
    return sorted(known, key=lambda place: (list(RECIPES).index(place.recipe), place.seed))


def records(folder: Path) -> list[Record]:
    return [record for place in places(folder) if (record := place.record)]


def medians(rows: Iterable[Record], recipe: str) -> Record | None:
    """Medians over the trainings of one recipe; None where there is none."""
    own = [row for row in rows if row["recipe"] == recipe]
    if not own:
        return None
    found: Record = {column: statistics.median(row[column] for row in own) for column in COLUMNS}
    return found | {"trainings": len(own), "diverged": sum(row["ended"] != "in time" for row in own)}


def table(folders: list[Path]) -> str:
    """A table for each target, medians over seeds; then medians over targets, and on how many a recipe was the best."""
    by_target = {folder.name: records(folder) for folder in folders}
    by_target = {name: rows for name, rows in by_target.items() if rows}
    if not by_target:
        return "nothing has been trained yet"
    blocks, per_recipe = [], {recipe: [] for recipe in RECIPES}  # type: ignore[var-annotated]
    best: dict[str, list[str]] = {judged: [] for judged in JUDGED}
    for name, rows in by_target.items():
        found = {recipe: m for recipe in RECIPES if (m := medians(rows, recipe))}
        for recipe, values in found.items():
            per_recipe[recipe].append(values)
        for judged in JUDGED:
            best[judged].append(min(found, key=lambda recipe: found[recipe][judged]))
        lines = [_row(_label(recipe, values), values) for recipe, values in found.items()]
        blocks.append("\n".join([_head(name), *lines, _row("flat colour", rows[0]["flat"])]))
    lines = []
    for recipe, seen in per_recipe.items():
        if seen:
            whole = {column: statistics.median(values[column] for values in seen) for column in COLUMNS}
            wins = [str(best[judged].count(recipe)) for judged in JUDGED]
            lines.append(_row(recipe, whole, f"{len(seen)}", *wins))
    head = _head(f"median of {len(by_target)} targets", "targets", "best", "best at 2x")
    return "\n\n".join([*blocks, "\n".join([head, *lines])])


def _label(recipe: str, values: Record) -> str:
    more = f", {values['trainings']} seeds" if values["trainings"] > 1 else ""
    return f"{recipe}{more}" + (f", {values['diverged']} diverged" if values["diverged"] else "")


def _head(name: str, *more: str) -> str:
    cells = [name, *(title for title, _ in COLUMNS.values()), *more]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


def _row(name: str, values: Record, *more: str) -> str:
    cells = [shown(values[column]) if column in values else "–" for column, (_, shown) in COLUMNS.items()]
    return f"| {' | '.join([name, *cells, *more])} |"
