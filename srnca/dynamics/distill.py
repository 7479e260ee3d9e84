"""From the automaton of a recording to a rule in the recording's own units."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from sympy import Expr

from distill import distill
from distill.engines import Progress
from distill.fidelity import r2
from distill.identify.refit import Refitted, refit_on_recording
from distill.report import count
from distill.result import Distillation
from distill.sampling import Samples
from distill.work import SearchOptions
from equations.backends.torch.threads import one_thread
from equations.expressions.terms import join_terms, split_terms
from equations.rule.rule import Rule
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.propose import propose_terms
from srnca.dynamics.teacher import RecordingNCATeacher
from srnca.pages import report_recording
from srnca.pages.live.result import write_result_page
from srnca.pages.settings import PageSettings
from srnca.provenance import add_provenance

ROWS = 20_000  # samples of the network
START = 1e-9  # factor on the weights of added terms, with which the fit starts


@one_thread()
def distill_network(
    checkpoint: RecordingCheckpoint,
    *,
    terms: int = 24,
    refine: bool = True,
    out: Path | None = None,
    teacher: RecordingNCATeacher | None = None,
    page: PageSettings | None = None,
    **search: Unpack[SearchOptions],
) -> Distillation:
    """The closed-form rule of an automaton that learned a recording. There is no texture: nothing is refined for one.

    First, equations are fitted to the network, on states of the recording and of the network's own rollouts, no more
    finely than its error allows. Then (`refine`) terms are selected and constants fitted on the recording's windows in
    the checkpoint. The report keeps both results, under `network` and `recording`. With hidden channels, which the
    recording does not show, the network's equations are the result. Arguments and errors as in `srnca.texture.distill`.
    """
    teacher = RecordingNCATeacher(checkpoint) if teacher is None else teacher
    grid = checkpoint.footage.frames[0].shape[2:]
    result = distill(teacher, rows=ROWS, max_terms=terms, size=(int(grid[0]), int(grid[1])), folder=out, **search)
    result.report["network"] = {
        "error": dict(zip(checkpoint.config.names, checkpoint.error, strict=False)),
        "updates": {c: str(e) for c, e in result.rule.updates.items()},
    }
    if refine and not checkpoint.config.hidden_channels:
        result = _refitted(result, teacher, result.report["seed"], search.get("progress"))
    add_provenance(result.report, trained=checkpoint.provenance)
    rule = result.rule.replace(provenance={**result.rule.provenance, "dx": checkpoint.config.dx})
    result = replace(result, rule=rule)
    if out is not None:
        report_recording(out / "report.html", result, teacher, out.name, page)
        write_result_page(out, result, out.name, network=teacher)
        result.save(out)  # last, with the rule: it removes what a killed one goes on from
    return result


def _refitted(result: Distillation, teacher: RecordingNCATeacher, seed: int, progress: Progress | None) -> Distillation:
    """The result with terms and constants fitted to the recording's windows."""
    checkpoint, started = teacher.checkpoint, time.perf_counter()

    def report_progress(fraction: float, detail: str) -> None:
        if progress is not None:
            progress("recording", fraction, detail)

    more = propose_terms(teacher, seed)
    offered = {c: _joined(result.fronts[c][-1].expr, more[c]) for c in result.rule.channels}
    found = refit_on_recording(
        offered,
        checkpoint.footage,
        teacher.stencils,
        dt=checkpoint.config.dt,
        inner=checkpoint.config.stride,
        seed=seed,
        noisy=checkpoint.gain < 1,
        progress=report_progress,
    )
    report_progress(1.0, "")
    rule = result.rule.replace(updates=found.updates)
    report = result.report
    report["time_s"]["recording"] = round(time.perf_counter() - started, 3)
    report["recording"] = _summary(found, checkpoint)
    report["terms"] = count(rule)
    report["r2"] = _fidelity(rule, teacher.samples(rows=ROWS, seed=seed))
    return replace(result, rule=rule.replace(metrics={**rule.metrics, "r2": report["r2"], "terms": report["terms"]}))


def _joined(expr: Expr, more: Expr) -> Expr:
    """`expr` with those terms of `more` that it lacks, at almost 0 weight, so that the fit starts from `expr`."""
    known = {basis for _, basis in split_terms(expr)}
    further = [(START * weight, basis) for weight, basis in split_terms(more) if basis not in known]
    return join_terms([*split_terms(expr), *further])


def _summary(found: Refitted, checkpoint: RecordingCheckpoint) -> dict[str, Any]:
    frames = sum(len(f) for f in checkpoint.footage.frames)
    return {
        "terms_from": "network, and regression along its rollouts",
        "constants_from": "rollouts on the recorded windows in the checkpoint",
        "frames": frames,
        "steps": found.frames * checkpoint.config.stride,
        "loss": found.loss,
        "loss_before": found.before if np.isfinite(found.before) else None,
        "gain": found.gain,
        "path": [list(point) for point in found.path],
    }


def _fidelity(rule: Rule, samples: Samples) -> Mapping[str, float]:
    return r2(rule, samples.X_held, samples.Y_held)
