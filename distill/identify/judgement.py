"""Whether a rule is the law of a recording: what it leaves unexplained, and whether it forecasts late frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.identify.causes import name_causes
from distill.identify.channel_law import Law
from distill.identify.survey import Survey
from distill.identify.system import System, early_rows
from distill.identify.task import Task, system_of
from distill.run import Run
from distill.weak.equation import Verdict, worst
from distill.weak.forecast import LONGEST, compare, denoised
from equations.errors import DivergenceError
from equations.rule.rule import Rule

Array = npt.NDArray[np.float64]

EXPLAINED = 0.002  # share of the squared change that schemes and sampling may leave unexplained
OF_NOISE = 0.2  # … or this share of what noise adds, whichever is larger
PARTLY = 0.2  # unexplained share above which a law is none
GOOD_FORECAST = 0.1  # share of the change by which a forecast may be wrong …
NOISY_START = 3.0  # … and this many times the noise left in its start
LATE = 0.75  # of a recording, where the forecast starts
LEAST_LEFT = 2  # frames of a forecast


@dataclass(frozen=True)
class Judgement:
    """What is said of a rule.

    verdict: "found", "partly" or "none".
    causes: why it is not "found", as sentences.
    forecast: root mean square error of a forecast from a late frame, as a share of how much the frames change; None
        where there was none.
    """

    verdict: Verdict
    causes: tuple[str, ...]
    forecast: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data: keys of report.json."""
        return {"verdict": self.verdict, "causes": list(self.causes), "forecast": self.forecast}


def judge_rule(run: Run, task: Task, chosen: Survey, laws: Mapping[str, Law], rule: Rule, steps: int) -> Judgement:
    """The verdict on a rule that takes `steps` steps from frame to frame."""
    verdicts: list[Verdict] = []
    causes: list[str] = []
    for channel, law in laws.items():
        verdict, reason = _of_law(law)
        verdicts.append(verdict)
        if reason:
            causes.append(f"{channel}: {reason}")
    share, allowed = (None, 0.0) if "none" in verdicts else _forecast(task, chosen, rule, steps)
    if share is not None and share > allowed:
        verdicts.append("partly")
        causes.append(f"a forecast of a few late frames is wrong by {share:.0%} of the change")
    verdict = worst(verdicts)
    if verdict != "found":
        causes += _likely(run, task, chosen, laws)
    return Judgement(verdict, tuple(causes), share)


def _of_law(law: Law) -> tuple[Verdict, str]:
    """The verdict on one channel's law, and why it is not "found"."""
    share = f"{100 * min(1.0, law.misfit):.3g} % of the squared change is explained neither by the law nor by noise"
    if law.misfit > max(PARTLY, OF_NOISE * law.disturbance):
        return "none", share
    if not law.constants and law.misfit > EXPLAINED:
        return "none", "no term of the library explains the change"
    if law.misfit > max(EXPLAINED, OF_NOISE * law.disturbance):
        return "partly", share
    return "found", ""


def _forecast(task: Task, chosen: Survey, rule: Rule, steps: int) -> tuple[float | None, float]:
    """The forecast's error, and how large it may be. Without walls only: a rule's edges are those of a torus."""
    from equations.simulation import Simulator

    frames = np.asarray(task.data.frames[0], np.float64)
    begin = min(int(LATE * len(frames)), len(frames) - 1 - LEAST_LEFT)
    if chosen.windows.walls or begin < 0:
        return None, 0.0
    scales = np.array([task.units.scale_of(c) for c in task.data.channels])
    noise = chosen.noise.levels * scales
    start, left = denoised(frames[begin], noise) if noise.any() else (frames[begin], noise)
    count = min(LONGEST, len(frames) - 1 - begin)
    simulator = Simulator(rule, state=start.astype(np.float32), backend="reference")
    predicted = []
    try:
        for _ in range(count):
            predicted.append(np.array(simulator.step(steps), np.float64))
    except DivergenceError:
        return 1.0, GOOD_FORECAST
    size = np.sqrt(np.square(frames - frames.mean(axis=(0, 2, 3), keepdims=True)).mean(axis=(0, 2, 3)))[:, None, None]
    size = np.where(size > 0, size, 1.0)
    seen, ahead, first = (x / size for x in (frames[begin + 1 : begin + 1 + count], np.array(predicted), start))
    share = compare(ahead, seen, first, noise / size.ravel())
    change = float(np.sqrt(np.square(ahead - first).mean()))
    remains = float(np.sqrt(np.square(left / size.ravel()).mean()))
    return share, GOOD_FORECAST + NOISY_START * remains / max(change, 1e-12)


def _likely(run: Run, task: Task, chosen: Survey, laws: Mapping[str, Law]) -> list[str]:
    """Likely causes of what each law leaves unexplained."""
    if chosen.windows.walls:
        first = ["the edges look like walls: cells along them were left out, and the rule's own edges are a torus's"]
    else:
        first = []
    system = system_of(run, task, chosen)
    found = list[str]()
    for index, (channel, law) in enumerate(laws.items()):
        if law.misfit <= EXPLAINED:
            continue
        residual = _residual(system, task, chosen, channel, index, law)
        causes = name_causes(
            residual,
            index,
            law.misfit,
            chosen.frames,
            system.averaged,
            system.block,
            early_rows(system),
            predicted=system.Y[:, index] - residual,
        )
        found += [f"{channel}: {cause}" for cause in causes]
    if chosen.windows.scheme.order > 1 and not chosen.windows.scheme.substeps:
        found.append("frames are no steps of a rule: --time continuous fits derivatives in place of 3 x 3 stencils")
    return first + found


def _residual(system: System, task: Task, chosen: Survey, channel: str, index: int, law: Law) -> Array:
    inside = task.units.law_inside(law.expr, channel, chosen.stencil)
    return np.asarray(system.Y[:, index] - system.values([inside])[:, 0])


def without_errors(constants: Mapping[str, Sequence[float]], verdict: Verdict) -> dict[str, dict[str, float | None]]:
    """Each term's value, and its standard error where the law is found: beside another law it would mean nothing."""
    return {
        term: {"value": value, "error": error if verdict == "found" else None}
        for term, (value, error) in constants.items()
    }
