"""The result of an identification: the rule, its fronts and its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill.identify.channel_law import Law
from distill.identify.judgement import Judgement, judge_rule, without_errors
from distill.identify.schemes import steps_between
from distill.identify.survey import Survey
from distill.identify.task import Task
from distill.report import make_report
from distill.result import Distillation
from distill.run import Run
from distill.sampling import Samples
from distill.teacher import compose
from equations.rule.rule import Candidate, Rule

UNUSED = "not started: the library's laws leave nothing to explain"


def result_of(
    run: Run, task: Task, chosen: Survey, laws: Mapping[str, Law], engines: tuple[str, ...], samples: Samples
) -> Distillation:
    """The rule of these laws, with its report; `samples` of the recording say how well it fits."""
    candidates = {channel: law.candidate for channel, law in laws.items()}
    rule = compose(run.teacher, {channel: law.expr for channel, law in laws.items()})
    steps = 1
    if chosen.windows.scheme.order > 1:
        steps = chosen.windows.scheme.substeps or steps_between(rule, task.data.frames[0][0], task.data.dt)
        rule = rule.replace(dt=task.data.dt / steps)
    name = engines[0] if len(engines) == 1 else "auto"
    for engine in engines:
        run.happenings.troubles.setdefault(engine, [] if engine == "sparse" else [UNUSED])
    report = make_report(run, name, rule, candidates, samples, None)
    report["r2"] = {channel: law.r2 for channel, law in laws.items()}
    report["regression"]["r2"] = dict(report["r2"])
    judgement = judge_rule(run, task, chosen, laws, rule, steps)
    report |= describe(task, chosen, laws, steps, judgement)
    fronts = {channel: law.front for channel, law in laws.items()}
    return Distillation(_with_provenance(rule, fronts, report, task), fronts, report)


def _with_provenance(
    rule: Rule, fronts: Mapping[str, tuple[Candidate, ...]], report: Mapping[str, Any], task: Task
) -> Rule:
    metrics = {name: report[name] for name in ("r2", "terms", "stability")}
    settings = {name: report[name] for name in ("derivative", "stencil", "steps_per_frame")}
    provenance = {**rule.provenance, **report["provenance"], **settings, "dx": task.data.dx}
    return rule.replace(fronts=fronts, metrics=metrics, provenance=provenance)


def describe(task: Task, chosen: Survey, laws: Mapping[str, Law], steps: int, judgement: Judgement) -> dict[str, Any]:
    """The part of a report that only recordings have; plain data."""
    return {
        "recordings": [{"frames": len(f), "size": list(f.shape[2:])} for f in task.data.frames],
        "dt": task.data.dt,
        "dx": task.data.dx,
        "steps_per_frame": steps,
        "time": "steps" if chosen.windows.scheme.order == 1 or chosen.windows.scheme.substeps else "continuous",
        "boundary": "walls" if chosen.windows.walls else "periodic",
        **judgement.to_json(),
        "derivative": chosen.derivative,
        "windows": chosen.windows.describe(),
        "stencil": chosen.stencil,
        "tried": {name: float(f"{value:.4g}") for name, value in chosen.tried.items()},
        "noise": {
            channel: {"deviation": float(level) * task.units.scale_of(channel), "share": float(share)}
            for channel, level, share in zip(task.data.channels, chosen.noise.levels, chosen.noise.share, strict=True)
        },
        "constants": {channel: without_errors(law.constants, judgement.verdict) for channel, law in laws.items()},
        "inclusion": {channel: law.inclusion for channel, law in laws.items()},
        "misfit": {channel: law.misfit for channel, law in laws.items()},
    }
