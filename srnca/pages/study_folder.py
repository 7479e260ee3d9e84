"""Explore a study, and write what was found to a folder: report, figures, tables, suggestions, learned score."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from equations.errors import InputError, did_you_mean
from equations.files import write_bytes, write_text
from srnca.pages.study_answers import verdict
from srnca.pages.study_curves import draw_all
from srnca.pages.study_page import make_page
from srnca.studies.explore.findings import VIEWS, Findings, FindOptions, find
from srnca.studies.explore.trial_table import Table, read_table
from srnca.studies.ratings.score import save_score
from srnca.studies.ratings.sheet import load_targets, read_picture
from srnca.studies.storage import schema
from srnca.studies.workers.founding import study_settings


def explore(study: Any, folder: Path, out: Path, **options: Unpack[FindOptions]) -> Findings:
    """Explore `study`, and write report.html, the figures as PNG, trials.csv, queue.json and, with enough ratings,
    score.json. The queue is also stored in the study, whose next sweep runs it first.

    folder: where the pictures of the study lie.
    out: where the files are written.
    options: see `find`.
    Raises InputError when no trial has ended.
    """
    table, settings = read_table(study, folder), study_settings(study)
    targets = load_targets(study.user_attrs.get(schema.TARGETS, {}), _picture_size(table))
    found = find(
        table,
        check=lambda params: settings.config(table.codec.space.check(params), 0),
        pictures=targets,
        **options,
    )
    drawings = draw_all(found)
    out.mkdir(parents=True, exist_ok=True)
    for drawing in drawings.values():
        write_bytes(out / f"{drawing.name}.png", drawing.png)
    write_text(out / "report.html", make_page(found, drawings, targets))
    write_text(out / "trials.csv", _csv(table))
    queue = queue_of(found)
    write_text(out / "queue.json", json.dumps(queue, indent=1) + "\n")
    if queue:
        study.set_user_attr(schema.QUEUE, queue)
    if found.score is not None:
        save_score(out / "score.json", found.score)
    return found


def parse_views(text: str) -> tuple[str, ...]:
    """Names of views from a text such as `pca,umap`. Raises InputError for a name that is no view."""
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in VIEWS:
            raise InputError(f"--views: expected some of {', '.join(VIEWS)}, got {name!r}{did_you_mean(name, VIEWS)}")
    return names


def queue_of(found: Findings) -> list[dict[str, Any]]:
    """The suggested sets, one from each view in turn."""
    rows = [[s.params for s in drawn.suggestions] for drawn in found.drawn]
    longest = max(map(len, rows), default=0)
    return [row[index] for index in range(longest) for row in rows if index < len(row)]


def summarise(found: Findings) -> dict[str, Any]:
    """The findings as plain data, which --json prints."""
    table = found.table
    return {
        "study": table.name,
        "trials": len(table.every),
        "targets": table.targets,
        "verdict": verdict(found),
        "agreement": _data(found.agreement),
        "across": {f"{a}/{b}": {**asdict(c), "line": asdict(line)} for (a, b), (c, line) in found.across.items()},
        "with_ratings": {target: asdict(one) for target, one in found.with_ratings.items()},
        "hyperparameters": {f"{name}/{target}": asdict(one) for (name, target), one in found.by_hyperparameter.items()},
        "importances": {
            what: {"r2": one.r2, **{n: [m, s] for n, m, s in zip(one.names, one.mean, one.spread, strict=True)}}
            for what, one in found.importances.items()
        },
        "views": {view.name: view.missed / max(view.spread, 1e-9) for view in found.views},
        "suggestions": [asdict(s) for drawn in found.drawn for s in drawn.suggestions],
        "refused": sum(drawn.refused for drawn in found.drawn),
        "score": found.score and {k: _data(getattr(found.score, k)) for k in ("r2", "spearman", "deviation")},
        "raters": {name: asdict(one) for name, one in found.raters.items()},
        "named": _data(found.named),
        "lacks": found.lacks,
    }  # fmt: skip


def _csv(table: Table) -> str:
    """A table with a row for each trial, including pruned and failed ones."""
    text, names = io.StringIO(), table.codec.names
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "trial",
            "status",
            "seed",
            "time_s",
            *names,
            *(f"loss:{t}" for t in table.targets),
            *(f"rating:{t}" for t in table.targets),
        ]
    )
    from srnca.studies.ratings.ratings import mean_scores

    for result in table.every:
        scores = mean_scores(result)
        row = [result.number, result.status, result.seed, result.time_s, *(result.params.get(name) for name in names)]
        writer.writerow([*row, *(result.losses.get(t) for t in table.targets), *(scores.get(t) for t in table.targets)])
    return text.getvalue()


def _picture_size(table: Table) -> int:
    """The width of the trials' pictures in pixels; 64 where there are none."""
    for result in table.every:
        for path in result.pictures.values():
            if path.is_file():
                return read_picture(path).width
    return 64


def _data(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    data = asdict(value)
    return {key: list(item) if isinstance(item, np.ndarray) else item for key, item in data.items()}
