"""`distill`: from a teacher to a rule, stage by stage. Each stage is a function of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from distill.compete import FREE_FORM, fit_channel, line_up
from distill.engines import FitOptions, Progress, silent
from distill.report import make_report
from distill.result import Distillation
from distill.sampling import Samples, sample
from distill.select import knee, pareto
from distill.stages import on_policy, refit_front, starting_rule
from distill.teacher import Teacher, compose
from equations.errors import InputError
from equations.mask import check_seed, shift_seed
from equations.rule import Candidate, Rule

if TYPE_CHECKING:
    from distill.refine import Objective

REGRESSION_SHARE = 0.25  # of the time budget, when there is an objective to refine for
CHANNEL_LIMIT_S = 60.0

Fronts = Mapping[str, tuple[Candidate, ...]]


@dataclass
class Run:
    """What the stages share: the settings and a stopwatch."""

    teacher: Teacher
    seed: int
    size: tuple[int, int]
    steps: int
    max_terms: int
    progress: Progress
    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.progress(name, 0.0, "")
        started = time.perf_counter()
        yield
        self.times[name] = self.times.get(name, 0.0) + round(time.perf_counter() - started, 3)
        self.progress(name, 1.0, "")

    @property
    def answers(self) -> bool:
        """Whether the teacher can label new states; a recording cannot."""
        return getattr(self.teacher, "samples", None) is None


def distill(
    teacher: Teacher,
    *,
    engine: str = "auto",
    seed: int = 0,
    rows: int = 20_000,
    max_terms: int = 24,
    objective: Objective | None = None,
    refine: bool = True,
    budget_s: float = 300.0,
    size: tuple[int, int] = (64, 64),
    steps: int = 400,
    progress: Progress | None = None,
) -> Distillation:
    """The closed-form rule behind `teacher`.

    engine: auto, exact, sparse, operon or pysr. rows: samples to fit. max_terms: per channel. objective: a
    loss of pictures (batch, 3, h, w) to refine the rule's rollouts for (`refine=False` leaves it out).
    budget_s: roughly what fitting and refining may take. size, steps: of the teacher's rollouts.

    Raises InputError for bad arguments or a teacher that cannot be distilled so, MissingPartError for an
    engine that is not installed.
    """
    for name, value in (("max_terms", max_terms), ("rows", rows), ("budget_s", budget_s)):
        if not value > 0:
            raise InputError(f"distill: expected {name} above 0, got {value}")
    run = Run(teacher, check_seed(seed), size, steps, max_terms, progress or silent)
    engines = line_up(engine, teacher)
    alone = objective is None or not refine or engine == "exact"  # asked for by name, exact stays exact
    with run.stage("sample"):
        samples = sample(teacher, rows=rows, size=size, steps=steps, seed=seed)
    with run.stage("fit"):
        fronts = _fit(run, engines, samples, budget_s if alone else REGRESSION_SHARE * budget_s)
    chosen, wider = _choose(run, fronts, samples), samples
    if run.answers and not _settled(fronts, samples):
        with run.stage("on-policy"):
            fronts, wider = _on_policy(run, _compose(run, chosen), fronts, engines, samples)
            chosen = _choose(run, fronts, samples)
    rule = _compose(run, chosen)
    texture_front: tuple[tuple[float, float, Rule], ...] = ()
    if objective is not None and not alone:
        with run.stage("refine"):
            share = budget_s * (1 - REGRESSION_SHARE)
            rule, texture_front = _refine(run, engines, fronts, wider, objective, share)
    with run.stage("report"):
        report = make_report(run, engine, rule, chosen, samples, texture_front)
    rule = _signed(rule, fronts, report)
    return Distillation(rule, fronts, report, texture_front)


def _fit(run: Run, engines: tuple[str, ...], samples: Samples, budget_s: float) -> Fronts:
    """A Pareto front for every channel."""
    count = len(samples.channels)
    fronts = {}
    for index, channel in enumerate(samples.channels):
        options = FitOptions(
            seed=run.seed,
            max_terms=run.max_terms,
            budget_s=min(CHANNEL_LIMIT_S, budget_s / count),
            teacher=run.teacher,
        )

        def heard(stage: str, fraction: float, detail: str, index: int = index) -> None:
            run.progress("fit", (index + fraction) / count, f"{stage}: {detail}")

        fronts[channel] = fit_channel(engines, samples, index, options=options, progress=heard)
    return fronts


def _choose(run: Run, fronts: Fronts, samples: Samples) -> dict[str, Candidate]:
    """One equation per channel. An exact form is taken whole, whatever its length."""
    chosen = {}
    for index, (channel, front) in enumerate(fronts.items()):
        limit = None if any(c.engine == "exact" for c in front) else run.max_terms
        chosen[channel] = knee(front, floor=float(samples.floor[index]), max_terms=limit)
    return chosen


def _compose(run: Run, chosen: Mapping[str, Candidate]) -> Rule:
    return compose(run.teacher, {channel: candidate.expr for channel, candidate in chosen.items()})


def _settled(fronts: Fronts, samples: Samples) -> bool:
    """Whether every channel's law is found to float32 rounding: more states would teach nothing."""
    return all(front[-1].loss <= floor for front, floor in zip(fronts.values(), samples.floor, strict=True))


def _on_policy(
    run: Run, rule: Rule, fronts: Fronts, engines: tuple[str, ...], samples: Samples
) -> tuple[Fronts, Samples]:
    """One round: the rule's own states, labelled by the teacher, join the samples; all equations are
    refitted.
    """
    wider = on_policy(rule, samples, run.teacher, size=run.size, steps=run.steps, seed=run.seed)
    if wider is samples:
        return fronts, samples
    refitted = {}
    for index, (channel, front) in enumerate(fronts.items()):
        again: tuple[Candidate, ...] = ()
        if "sparse" in engines:
            options = FitOptions(seed=run.seed, max_terms=run.max_terms, teacher=run.teacher)
            again = fit_channel(("sparse",), wider, index, options=options)
            front = tuple(c for c in front if c.engine != "sparse")
        refitted[channel] = pareto(again, refit_front(front, wider, index), floor=float(samples.floor[index]))
    return refitted, wider


def _refine(
    run: Run, engines: tuple[str, ...], fronts: Fronts, samples: Samples, objective: Objective, budget_s: float
) -> tuple[Rule, tuple[tuple[float, float, Rule], ...]]:
    """Closed-loop refinement; returns the best rule and terms against loss.

    It starts from a rich linear rule, or, where a free-form engine was asked for alone, from its best equations.
    """
    from distill.refine import refine

    start = starting_rule(samples, run.teacher)
    if engines[0] in FREE_FORM:
        start = compose(run.teacher, {channel: front[-1].expr for channel, front in fronts.items()})
    elif run.answers and run.teacher.closed_form() is None:
        samples = on_policy(start, samples, run.teacher, size=run.size, steps=run.steps, seed=shift_seed(run.seed, 1))
        start = starting_rule(samples, run.teacher)
    result = refine(
        start,
        objective,
        teacher=run.teacher,
        size=run.size,
        seed=run.seed,
        budget_s=budget_s,
        max_terms=run.max_terms,
        progress=run.progress,
        samples=samples,
    )
    rule = result.rule.replace(provenance={**start.provenance, "refined": True})
    return rule, tuple(result.front)


def _signed(rule: Rule, fronts: Fronts, report: Mapping[str, Any]) -> Rule:
    """The rule with its fronts, its figures and its origin; nothing that differs between equal runs."""
    metrics = {name: report[name] for name in ("r2", "terms", "stability")}
    provenance = {**rule.provenance, **report["provenance"]}
    return rule.replace(fronts=dict(fronts), metrics=metrics, provenance=provenance)
