"""Laws of few species: from a picture, without an automaton, or from an automaton's checkpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

from distill.refine import Settings
from distill.result import Distillation
from equations.backends.torch.threads import one_thread
from srnca.pages import report_law
from srnca.pages.law_figure import draw_law
from srnca.pages.live.beside import photo_url
from srnca.pages.live.result import write_result_page
from srnca.pages.settings import PageSettings
from srnca.texture.evaluate import MAX_OF_FLAT, STEPS, Scores, make_species_objective, rule_pictures, score_pictures
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss, build_loss

Species = int | Literal["auto"]
BANK = "wavelet"  # the texture loss that is reported where there is no automaton with another
NO_LAW = 0.9  # the judge's number from which a law's pictures are no pattern of the photo: a flat colour has 1


@one_thread()
def distill_picture(
    picture: np.ndarray,
    *,
    species: Species = "auto",
    name: str = "picture",
    terms: int | None = None,
    max_loss: float | None = None,
    refinement: Settings | None = None,
    out: Path | None = None,
    page: PageSettings | None = None,
    cell: float | None = None,
    picture_steps: int = STEPS,
    **search: Any,
) -> Distillation:
    """A law of few species for a picture (h, w, 3) in [0, 1], with its texture loss, its judge and what it means.

    species: 1 to 6, or "auto": 2, 3 and 4 compete.
    name: of the picture, for the page.
    terms: the most numbers in all, the constants of the colours included.
    max_loss: take the shortest law of at most this texture loss.
    refinement: how refinement works; `distill.species.search.SETTINGS` unless given.
    out: a folder for rule.json, report.json, report.html, page.html, figure.png, analysis.png and front/.
    cell: pixels of the photo that one of the picture stands for; lengths are reported in these too.
    picture_steps: age of the pictures whose texture losses and judge are reported, in steps.
    search: seed, effort, budget_s, progress and resume; see `distill_species`. `resume` goes on in `out`.

    Raises InputError for arguments that do not fit, and SrncaError for a picture without a pattern.
    """
    loss, judge = build_loss(BANK, picture), Judge(picture)
    result = find_law(picture, loss, species, terms=terms, max_loss=max_loss, refinement=refinement, out=out, **search)
    started = time.perf_counter()
    ours = rule_pictures(result.rule, picture.shape[:2], steps=picture_steps)
    scores = score_pictures(loss, judge, picture, rule=ours)
    result.report.update(scores, shortfall=no_law(scores["texture_loss"], scores["judge"]))
    result.report["provenance"]["picture"] = name
    add_meaning(result, picture, loss, cell=cell)
    result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)
    if out is not None:
        draw_meaning(out, result, picture)
        draw_law(out / "figure.png", picture, ours[0], result)
        report_law(out / "report.html", result, picture, name, loss, page)
        write_result_page(out, result, name, photo=photo_url(picture))
        result.save(out)  # last, with the rule: this removes the file from which a killed search resumes
    return result


def find_law(
    picture: np.ndarray,
    loss: TextureLoss,
    species: Species,
    *,
    terms: int | None = None,
    max_loss: float | None = None,
    refinement: Settings | None = None,
    out: Path | None = None,
    **search: Any,
) -> Distillation:
    """The search alone; see `distill_picture`. loss: the texture loss that is reported."""
    from distill.species import distill_species
    from distill.species.scale import check_pattern
    from distill.species.search import SETTINGS

    check_pattern(picture)  # before its wavelength is measured, for a gradient has none
    return distill_species(
        picture,
        make_species_objective(picture, loss),
        species=species,
        terms=terms,
        max_loss=max_loss,
        settings=SETTINGS if refinement is None else refinement,
        folder=out,
        **search,
    )


def no_law(losses: Scores, judged: Scores) -> str | None:
    """A sentence that no law of few species makes the picture, where loss and judge see hardly more than a flat colour.

    The judge alone does not decide: of perfectly regular stripes it finds any others far away.
    """
    loss, rule = losses["rule"], judged["rule"]
    if loss is not None and rule is not None and (rule < NO_LAW or loss < MAX_OF_FLAT * (losses["flat"] or 0)):
        return None
    seen = "its pictures run away" if rule is None else f"the judge gives the best one {rule:.2f}"
    return (
        f"no law of few species makes this picture: {seen} (0 is the picture, 1 a flat colour; a law has less than "
        f"{NO_LAW}, or at most half of a flat colour's texture loss)"
    )


def add_meaning(result: Distillation, picture: np.ndarray, loss: TextureLoss, *, cell: float | None = None) -> None:
    """What the law means, in the report.

    cell: pixels of the photo that one of the picture stands for, where that is known.
    """
    from distill.species.meaning import explain

    size = (picture.shape[0], picture.shape[1])
    data = explain(result.rule, make_species_objective(picture, loss), size=size, seed=result.report["seed"])
    waves = data["wavelength"]
    waves["photo_pixels"] = cell and {name: length and length * cell for name, length in waves["cells"].items()}
    result.report["meaning"] = data


def draw_meaning(out: Path, result: Distillation, picture: np.ndarray) -> None:
    """Write the figure of the law's analysis, analysis.png."""
    from distill.species.meaning import analyze_law
    from srnca.pages.analysis_figure import draw_analysis

    out.mkdir(parents=True, exist_ok=True)
    found = analyze_law(result.rule, size=(picture.shape[0], picture.shape[1]), seed=result.report["seed"])
    draw_analysis(out / "analysis.png", found, "the law")
