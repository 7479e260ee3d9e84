"""The report of a study: one HTML file of its own, the questions in the order in which they are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from srnca.pages.parts import escape, number, paragraph, picture, section, tile
from srnca.pages.study_answers import (
    about_across,
    about_hyperparameters,
    about_importances,
    about_losses,
    about_named,
    about_ratings,
    about_score,
    about_suggestions,
    about_views,
    set_text,
    verdict,
)
from srnca.pages.study_drawing import Drawing
from srnca.pages.style import CSS
from srnca.studies.explore.findings import Findings
from srnca.studies.explore.named import name_of
from srnca.studies.ratings.sheet import read_picture, scaled

MORE_CSS = """
.grid { border-collapse: collapse; font-size: .88rem; }
.grid th, .grid td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line);
  font-weight: normal; vertical-align: top; font-variant-numeric: tabular-nums; white-space: nowrap; }
.grid th { color: var(--soft); }
.grid td.set { white-space: normal; min-width: 15rem; color: var(--soft); }
.grid img { width: 96px; height: 96px; }
.grid small { color: var(--soft); }
.drawing { margin: 0 0 1.2rem; max-width: 100%; }
"""
MOST_ROWS, SIDE = 8, 96  # trials shown with their pictures; pixels of each


def make_page(found: Findings, drawings: Mapping[str, Drawing], targets: Mapping[str, np.ndarray]) -> str:
    """The whole page. targets: name -> (h, w, 3) in [0, 1], where at hand."""
    name = escape(found.table.name)
    body = (
        _head(found),
        section("trials", "Best and worst trials", *_trials(found, targets)),
        section("losses", "Final losses", *about_losses(drawings)),
        section("across", "Does good on one texture mean good on all?", *about_across(found, drawings)),
        section("named", "Set 5 against set 8", *about_named(found)),
        section("ratings", "Loss against rating", *about_ratings(found, drawings)),
        section("hyperparameters", "Each hyperparameter against the loss", *about_hyperparameters(found, drawings)),
        section("importances", "What matters", *about_importances(found, drawings)),
        section("views", "The sets on a plane", *about_views(found, drawings)),
        section("suggestions", "What to run next", *about_suggestions(found)),
        section("score", "A learned score", *about_score(found, drawings)),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}: study</title><style>{CSS}{MORE_CSS}</style></head>\n"
        f"<body><main>{chr(10).join(part for part in body if part)}</main></body></html>\n"
    )


def _head(found: Findings) -> str:
    table = found.table
    states = Counter(result.status for result in table.every)
    rated = int(np.isfinite(table.ratings).sum())
    tiles = [tile(str(len(table.every)), "trials"), tile(str(len(table.targets)), "textures")]
    tiles += [tile(str(states[name]), name) for name in ("diverged", "pruned", "failed") if states[name]]
    tiles.append(tile(str(rated), "rated pictures"))
    if np.isfinite(table.losses).any():
        tiles.append(tile(number(float(np.nanmin(table.losses))), "lowest loss"))
    few = len(table.results)
    warning = "" if few >= 10 else paragraph(f"Only {few} trials ran to their end: read every interval.", "warning")
    return (
        f'<h1>{escape(table.name)}: study of hyperparameters</h1><p class="verdict">{escape(verdict(found))}</p>'
        f'{warning}<div class="tiles">{"".join(tiles)}</div>'
    )


def _trials(found: Findings, targets: Mapping[str, np.ndarray]) -> list[str]:
    table = found.table
    order = np.argsort(np.where(np.isfinite(table.badness), table.badness, np.inf), kind="stable")
    half = MOST_ROWS // 2
    shown = [*order] if len(order) <= MOST_ROWS else [*order[:half], *order[-half:]]
    by = "mean rating" if table.rated else "standardised log loss, mean over textures"
    rows = [f"<tr><th>trial</th><th>set</th>{''.join(f'<th>{escape(t)}</th>' for t in table.targets)}</tr>"]
    if targets:
        cells = "".join(f"<td>{_pixels(targets[t], t) if t in targets else ''}</td>" for t in table.targets)
        rows.append(f"<tr><td>target</td><td></td>{cells}</tr>")
    for index in shown:
        result = table.results[index]
        cells = "".join(_cell(found, index, place) for place in range(len(table.targets)))
        name = name_of(result.params)
        title = f"{result.number}{'' if name is None else f'<br><b>{escape(name)}</b>'}"
        rows.append(f'<tr><td>{title}</td><td class="set">{escape(set_text(result.params))}</td>{cells}</tr>')
    note = f"Ordered by {by}. Below each picture: texture loss, and the mean rating where there is one."
    if len(order) > MOST_ROWS:
        note = f"The best {half} and the worst {half} of {len(order)}. {note}"
    return [paragraph(note), f'<div class="scroll"><table class="grid">{"".join(rows)}</table></div>']


def _cell(found: Findings, index: int, place: int) -> str:
    table = found.table
    result, target = table.results[index], table.targets[place]
    path, loss, rating = result.pictures.get(target), table.losses[index, place], table.ratings[index, place]
    image = "" if path is None or not path.is_file() else picture(np.asarray(scaled(read_picture(path), SIDE)), target)
    said = number(float(loss)) if np.isfinite(loss) else "diverged" if target in result.losses else "not reached"
    stars = f" · {rating:.1f}" if np.isfinite(rating) else ""
    return f"<td>{image}<small>{said}{stars}</small></td>"


def _pixels(pixels: np.ndarray, alt: str) -> str:
    from srnca.studies.ratings.sheet import to_image

    return picture(np.asarray(scaled(to_image(pixels), SIDE)), alt)
