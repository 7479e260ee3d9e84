"""`srnca explore`: what a study says, as one page, and the sets to run next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnca.cli.options import AsJson, Quiet, option
from srnca.cli.output import number, say, say_json, shown, table, warn
from srnca.cli.progress import Progress

if TYPE_CHECKING:
    from srnca.studies.explore.findings import Findings

EXAMPLES = """\
srnca explore plants
srnca explore plants --out plants-report --json
srnca explore plants --views pca,autoencoder --suggestions 4"""


def explore(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name given to srnca sweep --study.")],
    out: Annotated[Path | None, option("The report's folder.  [default: STUDY-report]")] = None,
    storage: Annotated[str | None, option("As for srnca sweep.  [default: STUDY.study/journal.log]")] = None,
    views: Annotated[str, typer.Option(help="Planes to show and to draw new sets on.")] = "pca,umap,autoencoder",
    suggestions: Annotated[int, typer.Option(min=0, max=1000, help="New sets for the queue, from each view.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of intervals, views and suggestions.")] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Report on a study, and queue new sets of hyperparameters. They come from where the good ones lie."""
    from srnca.studies.storage.connect import check_journal, study_folder

    check_journal(study, storage)  # before the slow imports
    from srnca.pages.study_folder import explore as write_report
    from srnca.pages.study_folder import parse_views, summarise
    from srnca.studies.storage.results import open_study

    wanted = parse_views(views)
    opened = open_study(study, storage)
    folder = out or Path(f"{study}-report")
    with Progress(quiet=quiet) as progress:
        found = write_report(
            opened,
            study_folder(study, storage),
            folder,
            wanted=wanted,
            suggestions=suggestions,
            seed=seed,
            progress=progress.update,
        )
    if as_json:
        say_json({**summarise(found), "report": folder / "report.html"})
    else:
        say(describe(found))
        warn(f"report: {folder / 'report.html'}")


def describe(found: Findings) -> str:
    """The findings as text: losses of each texture, the verdict, the queue, and what could not be computed."""
    import numpy as np

    from srnca.pages.study_answers import verdict

    losses = found.table.losses
    rows: list[tuple[str, ...]] = [
        ("texture", "trials", "best loss", "median", "worst", "rank agreement with the rating")
    ]
    for place, target in enumerate(found.table.targets):
        own = losses[np.isfinite(losses[:, place]), place]
        rated = found.with_ratings.get(target)
        figures = [number(float(f(own))) if len(own) else "–" for f in (np.min, np.median, np.max)]
        rows.append((target, str(len(own)), *figures, "–" if rated is None else str(rated.spearman)))
    queued = sum(len(drawn.suggestions) for drawn in found.drawn)
    lines = [table(rows), "", verdict(found), f"{queued} new sets in the queue; srnca sweep runs them first"]
    if found.score is not None:
        lines.append(f"learned score: R² {found.score.r2} held out by trial")
    lines += [f"{what}: {shown(why)}" for what, why in found.lacks.items()]
    return "\n".join(lines)
