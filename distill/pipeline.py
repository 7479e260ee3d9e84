"""`distill`: from a teacher to a rule, stage by stage. Each stage is a function of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.compete import fit_channel, line_up
from distill.engines import FitOptions, Progress, silent
from distill.report import make_report
from distill.result import Distillation
from distill.rounds import on_policy_rounds
from distill.run import Fronts, Run, choose_equations, compose_rule
from distill.sampling import Samples, sample
from distill.stages import on_policy, richer_rule, starting_rule
from distill.teacher import Teacher
from distill.unfinished import (
    UNFINISHED,
    Unfinished,
    fingerprint,
    pack_fronts,
    pack_samples,
    unpack_fronts,
    unpack_samples,
)
from equations.errors import InputError
from equations.mask import check_seed, shift_seed
from equations.rule import Rule
from equations.tree import names_in

if TYPE_CHECKING:
    from distill.refine import Objective, RefineResult

REGRESSION_SHARE = 0.2  # of the time budget, when there is an objective to refine for
CHANNEL_LIMIT_S = 60.0
BESIDES_S = 6.0  # what the other work on a channel takes beside the search: the library, refitting, pruning
PATIENCE = 1.5  # so many times slower than nominal is still waited for


def distill(
    teacher: Teacher,
    *,
    engine: str = "auto",
    seed: int = 0,
    rows: int = 20_000,
    max_terms: int = 24,
    max_loss: float | None = None,
    objective: Objective | None = None,
    refine: bool = True,
    states: float = 0.0,
    budget_s: float = 180.0,
    size: tuple[int, int] = (64, 64),
    steps: int = 400,
    progress: Progress | None = None,
    folder: Path | None = None,
    resume: bool = False,
) -> Distillation:
    """The closed-form rule behind `teacher`.

    engine: auto, exact, sparse, operon or pysr. rows: samples to fit. max_terms: per channel. max_loss: take the
    shortest rule whose texture loss is at most this. objective: a loss of pictures (batch, 3, h, w) to refine the
    rule's rollouts for (`refine=False` leaves it out). states: how much, beside the objective, refinement heeds that
    short stretches of the rule's rollouts end where the teacher's end: 0 is not at all, 1 as much as the objective.
    budget_s: roughly what fitting and refining may take. size, steps: of the teacher's rollouts. folder: where an
    unfinished distillation is kept, stage by stage, until the result is saved there; `resume=True` goes on from there.

    Raises InputError for bad arguments, a teacher that cannot be distilled so, or nothing to resume,
    MissingPartError for an engine that is not installed.
    """
    for name, value in (("max_terms", max_terms), ("rows", rows), ("budget_s", budget_s)):
        if not value > 0:
            raise InputError(f"distill: expected {name} above 0, got {value}")
    if max_loss is not None and not max_loss > 0:
        raise InputError(f"distill: expected max_loss above 0, got {max_loss}")
    run = Run(teacher, check_seed(seed), size, steps, max_terms, progress or silent)
    engines = line_up(engine, teacher)
    alone = objective is None or not refine or engine == "exact"  # asked for by name, exact stays exact
    if max_loss is not None and alone:
        raise InputError("distill: expected max_loss with an objective and refinement, which texture losses come from")
    if not 0 <= states < math.inf or (states and alone):
        raise InputError(f"distill: expected states of at least 0, and above 0 only with refinement, got {states}")
    settings = {"engines": engines, "seed": seed, "rows": rows, "terms": max_terms, "budget": budget_s, "alone": alone}
    key = {**settings, "states": states, "size": size, "steps": steps, "teacher": fingerprint(teacher)}
    unfinished = Unfinished(None if folder is None else folder / UNFINISHED, key, resume=resume)
    share = budget_s if alone else REGRESSION_SHARE * budget_s
    samples, wider, fronts = _regress(run, engines, rows, share, unfinished)
    chosen = choose_equations(run, fronts, samples)
    rule = compose_rule(run, chosen)
    refined: RefineResult | None = None
    if objective is not None and not alone:
        with run.stage("refine"):
            refined = _refine(run, fronts, wider, objective, budget_s - share, max_loss, states, unfinished)
            rule, run.hurried = refined.rule, run.hurried or refined.hurried
    with run.stage("report"):
        report = make_report(run, engine, rule, chosen, samples, refined)
    rule = _signed(rule, fronts, report)
    texture_front = () if refined is None else tuple((p.terms, p.loss, p.rule) for p in refined.front)
    return Distillation(rule, fronts, report, texture_front)


def _regress(
    run: Run, engines: tuple[str, ...], rows: int, budget_s: float, unfinished: Unfinished
) -> tuple[Samples, Samples, Fronts]:
    """The teacher's samples, the same with on-policy rows, and a front for every channel."""
    before = unfinished.get("regress")
    if before is not None:
        run.distances, run.hurried = before["distances"].tolist(), bool(before["hurried"])
        return *unpack_samples(before, run.teacher), unpack_fronts(before)
    with run.stage("sample"):
        samples = sample(run.teacher, rows=rows, size=run.size, steps=run.steps, seed=run.seed)
    with run.stage("fit"):
        fronts = _fit(run, engines, samples, budget_s)
    wider = samples
    if run.answers and "exact" not in engines and not _settled(fronts, samples):
        with run.stage("on-policy"):
            fronts, wider = on_policy_rounds(run, fronts, engines, samples, budget_s)
    told = {"distances": np.array(run.distances, float), "hurried": np.array(run.hurried)}
    unfinished.put("regress", pack_samples(samples, wider) | pack_fronts(fronts) | told)
    return samples, wider, fronts


def _fit(run: Run, engines: tuple[str, ...], samples: Samples, budget_s: float) -> Fronts:
    """A Pareto front for every channel. A machine that is much slower than nominal searches less, and says so."""
    count = len(samples.channels)
    share = min(CHANNEL_LIMIT_S, budget_s / count)
    fronts, started = {}, time.monotonic()
    for index, channel in enumerate(samples.channels):
        late = (time.monotonic() - started) / (index * (share + BESIDES_S)) if index else 1.0
        if late > PATIENCE:
            run.hurried = True
        options = FitOptions(
            seed=run.seed,
            max_terms=run.max_terms,
            budget_s=share / late if late > PATIENCE else share,
            teacher=run.teacher,
        )

        def heard(stage: str, fraction: float, detail: str, index: int = index) -> None:
            run.progress("fit", (index + fraction) / count, f"{stage}: {detail}")

        fronts[channel] = fit_channel(engines, samples, index, options=options, progress=heard)
    return fronts


def _settled(fronts: Fronts, samples: Samples) -> bool:
    """Whether every channel's law is found to float32 rounding: more states would teach nothing."""
    return all(front[-1].loss <= floor for front, floor in zip(fronts.values(), samples.floor, strict=True))


def _refine(
    run: Run,
    fronts: Fronts,
    samples: Samples,
    objective: Objective,
    budget_s: float,
    max_loss: float | None,
    states: float,
    unfinished: Unfinished,
) -> RefineResult:
    """Closed-loop refinement of the rules that regression offers to start from."""
    from distill.refine import Settings, refine

    if run.answers and run.teacher.closed_form() is None:
        first, seed = starting_rule(samples, run.teacher), shift_seed(run.seed, 1)
        samples = on_policy(first, samples, run.teacher, size=run.size, steps=run.steps, seed=seed)
    return refine(
        [starting_rule(samples, run.teacher), richer_rule(samples, run.teacher, fronts)],
        objective,
        teacher=run.teacher,
        size=run.size,
        seed=run.seed,
        budget_s=budget_s,
        max_terms=run.max_terms,
        max_loss=max_loss,
        settings=Settings(states=states),
        progress=run.progress,
        samples=samples,
        unfinished=unfinished,
    )


def _signed(rule: Rule, fronts: Fronts, report: Mapping[str, Any]) -> Rule:
    """The rule with its fronts, its figures and its origin; nothing that differs between equal runs."""
    metrics = {name: report[name] for name in ("r2", "terms", "stability")}
    provenance = {**rule.provenance, **report["provenance"]}
    features = set(rule.feature_names)
    kept = {c: tuple(p for p in fronts[c] if names_in(p.expr) <= features) for c in rule.channels}
    return rule.replace(fronts=kept, metrics=metrics, provenance=provenance)
