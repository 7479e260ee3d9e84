"""The report of a study: the data that `templates/study.html` lays out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from srnca.pages import study_answers as answers
from srnca.pages.parts import data_url, number
from srnca.pages.rendering import render
from srnca.pages.study_drawing import Drawing
from srnca.studies.explore.findings import VIEWS, Findings
from srnca.studies.explore.named import name_of
from srnca.studies.explore.trial_table import Table
from srnca.studies.ratings.sheet import read_picture, scaled, to_image

MOST_ROWS = 8  # trials shown with their pictures
SIDE = 96  # pixels a side of each picture


def make_page(found: Findings, drawings: Mapping[str, Drawing], targets: Mapping[str, np.ndarray]) -> str:
    """The whole page. targets: name → (h, w, 3) in [0, 1], for those whose picture is on this machine."""
    return render(
        "study.html",
        name=found.table.name,
        verdict=answers.verdict(found),
        ended=len(found.table.results),
        tiles=_tiles(found.table),
        targets=list(found.table.targets),
        trials=_trials(found.table, targets),
        drawings=drawings,
        lacks=found.lacks,
        importances_lacking=[text for key, text in found.lacks.items() if key.startswith("importances")],
        views_lacking=[(name, found.lacks[name]) for name in VIEWS if name in found.lacks],
        across=answers.across_rows(found),
        named=answers.named_answer(found),
        with_ratings=answers.rating_rows(found),
        raters=answers.rater_rows(found),
        correlations=answers.correlations(found),
        weak_forests=answers.weak_forests(found),
        suggestions=answers.suggestion_table(found),
        score=answers.score_answer(found),
    )


def _tiles(table: Table) -> list[tuple[str, str]]:
    """The numbers that are looked for first, with what they count."""
    states = Counter(result.status for result in table.every)
    tiles = [(str(len(table.every)), "trials"), (str(len(table.targets)), "textures")]
    tiles += [(str(states[name]), name) for name in ("diverged", "pruned", "failed") if states[name]]
    tiles.append((str(int(np.isfinite(table.ratings).sum())), "rated pictures"))
    if np.isfinite(table.losses).any():
        tiles.append((number(float(np.nanmin(table.losses))), "lowest loss"))
    return tiles


def _trials(table: Table, targets: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The best and the worst trials with their pictures; all of them where there are few."""
    order = np.argsort(np.where(np.isfinite(table.badness), table.badness, np.inf), kind="stable")
    half = MOST_ROWS // 2
    few = len(order) <= MOST_ROWS
    return {
        "half": None if few else half,
        "number": len(order),
        "by": "mean rating" if table.rated else "standardised log loss, mean over textures",
        "target_pictures": {name: _data_url(to_image(pixels)) for name, pixels in targets.items()},
        "rows": [_trial(table, index) for index in (order if few else [*order[:half], *order[-half:]])],
    }


def _trial(table: Table, index: int) -> dict[str, Any]:
    result = table.results[index]
    return {
        "number": result.number,
        "name": name_of(result.params),
        "set": answers.set_text(result.params),
        "cells": [_cell(table, index, place) for place in range(len(table.targets))],
    }


def _cell(table: Table, index: int, place: int) -> dict[str, str | None]:
    """A trial's picture of one texture, with its loss and rating."""
    result, target = table.results[index], table.targets[place]
    path, loss, rating = result.pictures.get(target), table.losses[index, place], table.ratings[index, place]
    said = number(float(loss)) if np.isfinite(loss) else "diverged" if target in result.losses else "not reached"
    return {
        "target": target,
        "source": None if path is None or not path.is_file() else _data_url(read_picture(path)),
        "text": f"{said} · {rating:.1f}" if np.isfinite(rating) else said,
    }


def _data_url(image: Image.Image) -> str:
    return data_url(np.asarray(scaled(image, SIDE)))
