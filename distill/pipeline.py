"""`distill`: from a teacher to a rule, in stages: sample, fit, on-policy, refine, report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.deadline import Deadline
from distill.engines import FitOptions, Progress, silent
from distill.engines.session import open_engines
from distill.fronts.compete import FREE_FORM, fit_channel, line_up
from distill.on_policy import on_policy, on_policy_rounds
from distill.refine.starts import richer_rule, starting_rule
from distill.report import make_report
from distill.result import Distillation
from distill.run import MATCHED, Fronts, Run, choose_equations, compose_rule
from distill.sampling import Samples, sample
from distill.teacher import Teacher, answering
from distill.unfinished import (
    UNFINISHED,
    Unfinished,
    fingerprint,
    pack_fronts,
    pack_happenings,
    pack_samples,
    unpack_fronts,
    unpack_happenings,
    unpack_samples,
)
from distill.work import check_positive, search_evaluations
from equations.errors import InputError
from equations.expressions.tree import names_in
from equations.rule.mask import check_seed, shift_seed
from equations.rule.rule import Candidate, Rule
from equations.threads import one_blas_thread

if TYPE_CHECKING:
    from distill.refine import Objective, RefineResult, Settings


@one_blas_thread()
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
    settings: Settings | None = None,
    effort: float = 1.0,
    budget_s: float | None = None,
    size: tuple[int, int] = (64, 64),
    steps: int = 400,
    matched: float = MATCHED,
    progress: Progress | None = None,
    folder: Path | None = None,
    resume: bool = False,
    unfinished: Unfinished | None = None,
) -> Distillation:
    """The closed-form rule behind `teacher`.

    engine: auto, exact, sparse, operon or pysr.
    rows: number of samples to fit.
    max_terms: additive terms per channel.
    max_loss: choose the shortest rule whose texture loss is at most this.
    objective: losses of pictures (batch, 3, h, w) for which the rule's rollouts are refined.
    refine: False leaves refinement out.
    states: weight, in refinement, of short rollouts ending where the teacher's end; 0 none, 1 that of the objective.
    settings: how refinement works; the defaults of Settings unless given. Their `states` are the argument's.
    effort: factor on the work of free-form search and refinement.
    budget_s: seconds that fitting and refining may take. The report's `left_out` says what there was no time for.
        Without it the result depends on the other arguments alone, however slow or busy the machine is.
    size, steps: of the teacher's rollouts.
    matched: distance of the rule's states from the teacher's, in standard deviations, that ends the on-policy rounds.
    folder: where an unfinished distillation is kept, stage by stage, until the result is saved there.
    resume: continue the unfinished distillation in `folder`; start one where there is none.
    unfinished: where its stages are kept, in place of `folder` and `resume`.

    Raises InputError for bad arguments, for a teacher that this engine cannot distil, and when the unfinished
    distillation has other settings; MissingPartError for an engine that is not installed.
    """
    check_positive("distill", max_terms=max_terms, rows=rows, effort=effort, budget_s=budget_s, max_loss=max_loss)
    deadline = Deadline(budget_s)
    run = Run(teacher, check_seed(seed), size, steps, max_terms, progress or silent, deadline=deadline, matched=matched)
    engines = line_up(engine, teacher)
    alone = objective is None or not refine or engine == "exact"  # asked for by name, exact stays exact
    if max_loss is not None and alone:
        raise InputError("distill: expected max_loss with an objective and refinement, which texture losses come from")
    if not 0 <= states < math.inf or (states and alone):
        raise InputError(f"distill: expected states of at least 0, and above 0 only with refinement, got {states}")
    asked = {"engines": engines, "seed": seed, "rows": rows, "terms": max_terms, "effort": effort, "alone": alone}
    key = {**asked, "states": states, "size": size, "steps": steps, "teacher": fingerprint(teacher)}
    if settings is not None:
        key["settings"] = asdict(settings)
    if matched != MATCHED:  # absent at its default, as in files that were written before it was an argument
        key["matched"] = matched
    if unfinished is None:
        unfinished = Unfinished(None if folder is None else folder / UNFINISHED, key, resume=resume)
    evaluations = search_evaluations(effort, len(teacher.channels), alone=alone)
    samples, wider, fronts = _regress(run, engines, rows, evaluations, unfinished)
    chosen = choose_equations(run, fronts, samples)
    rule = compose_rule(run, chosen)
    refined: RefineResult | None = None
    if objective is not None and not alone:
        with run.stage("refine", tell_end=False):
            refined = _refine(run, fronts, wider, objective, effort, max_loss, states, settings, unfinished)
            rule = refined.rule
    with run.stage("report"):
        report = make_report(run, engine, rule, chosen, samples, refined)
    rule = _signed(rule, fronts, report)
    texture_front = () if refined is None else tuple((p.terms, p.loss, p.rule) for p in refined.front)
    return Distillation(rule, fronts, report, texture_front)


def _regress(
    run: Run, engines: tuple[str, ...], rows: int, evaluations: int, unfinished: Unfinished
) -> tuple[Samples, Samples, Fronts]:
    """The teacher's samples, the same with on-policy rows added, and a front for every channel.

    evaluations: expressions that free-form search tries for each channel.
    """
    before = unfinished.get("regress")
    if before is not None:
        run.distances, run.happenings = before["distances"].tolist(), unpack_happenings(before, run.deadline)
        return *unpack_samples(before, run.teacher), unpack_fronts(before)
    with run.stage("sample"):
        samples = sample(run.teacher, rows=rows, size=run.size, steps=run.steps, seed=run.seed)
    with run.stage("fit"):
        fronts = _fit(run, engines, samples, evaluations, unfinished)
    wider = samples
    if run.answers and "exact" not in engines and not _settled(fronts, samples):
        with run.stage("on-policy"):
            fronts, wider = on_policy_rounds(run, fronts, engines, samples)
    results = {"distances": np.array(run.distances, float)} | pack_happenings(run.happenings, run.deadline)
    unfinished.put("regress", pack_samples(samples, wider) | pack_fronts(fronts) | results)
    return samples, wider, fronts


def _fit(run: Run, engines: tuple[str, ...], samples: Samples, evaluations: int, unfinished: Unfinished) -> Fronts:
    """A Pareto front for every channel.

    A front from a free-form search is kept in `unfinished` at once. The other engines are fast enough to be run again.
    """
    fronts: dict[str, tuple[Candidate, ...]] = {}
    before = unfinished.get("fit")
    if before is not None:
        fronts, run.happenings = unpack_fronts(before), unpack_happenings(before, run.deadline)
    options = FitOptions(
        seed=run.seed,
        max_terms=run.max_terms,
        evaluations=evaluations,
        teacher=run.teacher,
        deadline=run.deadline,
    )
    count = len(samples.channels)
    with open_engines(engines, run.happenings) as session:
        for index, channel in enumerate(samples.channels):

            def on_progress(stage: str, fraction: float, detail: str, index: int = index) -> None:
                run.progress("fit", (index + fraction) / count, f"{stage}: {detail}")

            if channel not in fronts:
                fronts[channel] = fit_channel(session, samples, index, options=options, progress=on_progress)
                if set(engines) & set(FREE_FORM):
                    unfinished.put("fit", pack_fronts(fronts) | pack_happenings(run.happenings, run.deadline))
    return fronts


def _settled(fronts: Fronts, samples: Samples) -> bool:
    """Whether every channel's law is exact up to float32 rounding, so that more samples would not help."""
    return all(front[-1].loss <= floor for front, floor in zip(fronts.values(), samples.floor, strict=True))


def _refine(
    run: Run,
    fronts: Fronts,
    samples: Samples,
    objective: Objective,
    effort: float,
    max_loss: float | None,
    states: float,
    settings: Settings | None,
    unfinished: Unfinished,
) -> RefineResult:
    """Closed-loop refinement of the starting rules that regression gives."""
    from distill.refine import Settings, refine

    if run.answers and run.teacher.closed_form() is None:
        first, seed = starting_rule(samples, run.teacher), shift_seed(run.seed, 1)
        samples = on_policy(first, samples, answering(run.teacher), size=run.size, steps=run.steps, seed=seed)
    return refine(
        [starting_rule(samples, run.teacher), richer_rule(samples, run.teacher, fronts)],
        objective,
        teacher=run.teacher,
        size=run.size,
        seed=run.seed,
        effort=effort,
        deadline=run.deadline,
        max_terms=run.max_terms,
        max_loss=max_loss,
        settings=replace(settings or Settings(), states=states),
        progress=run.progress,
        samples=samples,
        unfinished=unfinished,
    )


def _signed(rule: Rule, fronts: Fronts, report: Mapping[str, Any]) -> Rule:
    """The rule with its fronts, its metrics and its provenance; nothing in it differs between equal runs."""
    metrics = {name: report[name] for name in ("r2", "terms", "stability")}
    provenance = {**rule.provenance, **report["provenance"]}
    features = set(rule.feature_names)
    kept = {c: tuple(p for p in fronts[c] if names_in(p.expr) <= features) for c in rule.channels}
    return rule.replace(fronts=kept, metrics=metrics, provenance=provenance)
