"""From a picture to a law of few species: starts, a choice among them, and closed-loop refinement with its pruning."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from distill.deadline import Deadline
from distill.engines import Progress, silent
from distill.refine.chain import Chain
from distill.refine.descent import Descent
from distill.refine.refinement import RefineResult, settle
from distill.refine.settings import Objective, Settings
from distill.refine.table import TermTable
from distill.result import Distillation
from distill.species.choosing import LIMIT, Searching, begin, choose_starts
from distill.species.family import check_species
from distill.species.report import make_species_report
from distill.species.scale import Scale, check_pattern, measure_scale
from distill.unfinished import UNFINISHED, Unfinished, digest_picture
from distill.work import check_positive
from equations.backends.torch.threads import one_thread
from equations.errors import InputError
from equations.rule.mask import check_seed

SETTINGS = Settings(
    colours=True,
    iterations=3600,
    rate=5e-4,  # times the effect of the start's largest term
    smallest=0.05,
    steps=(40, 200),
    trial_steps=200,
    regrown=0.0,
)
AUTO = (2, 3, 4)  # species that compete where the number is not given
AFTER = 190.0  # iterations of tuning that take as long as choosing a law, its pictures and what it means
CLEARLY = 1.25  # a law with more numbers is taken where its score is better by more than this factor
NO_TIME = 0.1  # of the budget: with less of it left, no search with more species begins
GROWTH = 4  # numbers for each species that a law may have more than its start, before it is pruned
FASTER, FAST, SLOW = 80, 0.6, 0.82  # above 80 numbers a level keeps 0.6 of them, below that 0.82


def levels_of_law(start: int, species: int, most: int) -> list[int]:
    """How many numbers there are at each level: those of the start, some more, and in small steps down again.

    The last level has `most`, or four a species and four more where that is fewer.
    """
    least = min(most, 4 * species + 4)
    found = [start, min(max(start, most), start + GROWTH * species)]
    while found[-1] > least:
        share = FAST if found[-1] > FASTER else SLOW
        found.append(max(least, min(found[-1] - 1, round(share * found[-1]))))
    return found


def most_numbers(species: int) -> int:
    """The largest length of a law where none is asked for."""
    return 30 + 10 * max(0, species - 3)


def check_numbers(species: int, terms: int | None) -> int:
    """`terms` where a law of so many species may have so few. Raises InputError otherwise."""
    least = species + 6  # of each species and colour one, two of the blend, and one more
    if terms is not None and terms < least:
        raise InputError(
            f"terms: expected at least {least} numbers for {species} species and their colours, got {terms}; "
            "give more, or fewer species"
        )
    return most_numbers(species) if terms is None else terms


@one_thread()
def distill_species(
    picture: npt.NDArray[np.floating],
    objective: Objective,
    *,
    species: int | Literal["auto"],
    terms: int | None = None,
    max_loss: float | None = None,
    settings: Settings = SETTINGS,
    seed: int = 0,
    effort: float = 1.0,
    budget_s: float | None = None,
    progress: Progress | None = None,
    folder: Path | None = None,
    resume: bool = False,
    unfinished: Unfinished | None = None,
) -> Distillation:
    """A law of so many species whose pictures look like `picture`, (h, w, 3) in [0, 1].

    species: 1 to 6; "auto" searches with 2, 3 and 4, and takes the law with the fewest numbers unless a longer one is
        clearly better (`CLEARLY`).
    objective: how its pictures are judged.
    terms: the most numbers in all, the constants of the colours included; by default `most_numbers`.
    max_loss: choose the shortest law whose texture loss is at most this.
    settings: how refinement works; colours are tuned along whatever it says of them.
    effort: factor on the iterations.
    budget_s: seconds for all; the report's `left_out` says what there was no time for.
    folder, resume, unfinished: as in `distill`.

    Raises InputError for arguments that do not fit and for a picture of less than two waves, and SrncaError for a
    picture without a pattern (`check_pattern`).
    """
    asked = AUTO if species == "auto" else (check_species(species),)
    for count in asked:
        check_numbers(count, terms)
    check_positive("distill", effort=effort, budget_s=budget_s, max_loss=max_loss)
    key: dict[str, Any] = {
        "species": species,
        "seed": check_seed(seed),
        "terms": terms,
        "effort": effort,
        "settings": asdict(settings),
    }
    key["picture"] = digest_picture(picture)
    if unfinished is None:
        unfinished = Unfinished(None if folder is None else folder / UNFINISHED, key, resume=resume)
    check_pattern(picture)
    scale = measure_scale(picture)
    size = (picture.shape[0], picture.shape[1])
    deadline, settings = Deadline(budget_s), replace(settings, colours=True)
    search = Searching(objective, settings, size, seed, effort, deadline, progress or silent, unfinished)
    found: list[tuple[Distillation, float]] = []
    for count in asked:
        if found and budget_s is not None and deadline.remaining_s() < NO_TIME * budget_s:
            deadline.leave_out(f"laws of {count} species")
            continue
        part = search if len(asked) == 1 else search.part(count)
        found.append(_find(part, picture, scale, count, terms, max_loss))
    return found[0][0] if len(asked) == 1 else _compete(found)


def _find(
    search: Searching,
    picture: npt.NDArray[np.floating],
    scale: Scale,
    species: int,
    terms: int | None,
    max_loss: float | None,
) -> tuple[Distillation, float]:
    """The law of so many species, and its score."""
    most, times = check_numbers(species, terms), {}
    began = time.perf_counter()
    chains, scores = choose_starts(search, begin(search, picture, scale, species))
    times["starts"] = round(time.perf_counter() - began, 3)
    refined = _prune(search, chains, species, most, max_loss)
    times["refine"] = round(time.perf_counter() - began - times["starts"], 3)
    report = make_species_report(
        refined, species=species, scale=scale, scores=scores, size=search.size, seed=search.seed, terms=most,
        limit=LIMIT, times=times, left_out=search.deadline.left_out,
    )  # fmt: skip
    rule = refined.rule.replace(
        metrics={name: report[name] for name in ("terms", "stability")},
        provenance={**refined.rule.provenance, **report["provenance"]},
    )
    front = tuple((point.terms / len(rule.channels), point.loss, point.rule) for point in refined.front)
    score = chains[0].judge.thorough(TermTable(rule, colours=True))[1]
    return Distillation(rule, dict.fromkeys(rule.channels, ()), report, front), score


def _compete(found: list[tuple[Distillation, float]]) -> Distillation:
    """The law with the fewest numbers whose score is within `CLEARLY` of the best; its report lists all."""
    best = min(score for _, score in found)
    good = [law for law, score in found if score <= CLEARLY * best]
    chosen = min(good or [found[0][0]], key=lambda law: law.report["species"]["numbers"]["all"])
    rows = [
        {
            "species": len(law.rule.channels),
            "numbers": law.report["species"]["numbers"]["all"],
            "score": score if math.isfinite(score) else None,
        }
        for law, score in found
    ]
    chosen.report["species"] |= {"asked": "auto", "competed": rows}
    chosen.report["time_s"] = {
        stage: round(sum(law.report["time_s"][stage] for law, _ in found), 3) for stage in chosen.report["time_s"]
    }
    chosen.report["left_out"] = found[-1][0].report["left_out"]
    return chosen


def _prune(search: Searching, chains: list[Chain], species: int, most: int, max_loss: float | None) -> RefineResult:
    """Prune the chains in small steps, and choose. The numbers inside terms stay as they are."""
    allowed = most - max(chain.table.numbers - chain.table.terms for chain in chains)
    plan = levels_of_law(chains[0].table.terms, species, allowed)
    needed = 1 + next(i for i, terms in enumerate(plan) if terms <= allowed)
    iterations = round(search.effort * search.settings.iterations / len(plan))
    descent = Descent(chains, plan, needed, iterations, search.deadline, search.progress, search.unfinished, AFTER)
    descent.run()
    return settle(chains, descent.cost, max_terms=most, max_loss=max_loss, progress=search.progress)
