"""The named sets 5 and 8 of the first published study: where this study trained both, which has the lower loss?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srnca.studies.estimates import Estimate
from srnca.studies.storage.schema import TrialResult
from srnca.texture.config import PRESETS

PAIR = ("blog-set5", "blog-set8")
SHAPE = ("channels", "hidden", "filters", "update_rate")  # these identify a named set; the others are of the training


@dataclass(frozen=True)
class PairedResult:
    """Both sets on one target, trained the same way.

    how: the hyperparameters of that training.
    losses: geometric mean of the losses of each set.
    trials: numbers of the trials of each set.
    """

    target: str
    how: Mapping[str, Any]
    losses: tuple[float, float]
    trials: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Comparison:
    """All pairs of results.

    ratio: geometric mean of (loss of the first set / loss of the second), with Student's interval over targets; None
        below two targets.
    wins: number of pairs in which the first set has the lower loss.
    """

    pairs: tuple[PairedResult, ...]
    ratio: Estimate | None
    wins: int


def name_of(params: Mapping[str, Any]) -> str | None:
    """The named set that has these values of SHAPE, if there is one."""
    for name in PAIR:
        if all(_same(params.get(key), getattr(PRESETS[name], key)) for key in SHAPE):
            return name
    return None


def compare_named(results: Sequence[TrialResult], targets: Sequence[str]) -> Comparison | None:
    """Compare both sets wherever they were trained the same way; None where they never were."""
    own: dict[tuple[Any, ...], dict[str, list[TrialResult]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        name = name_of(result.params)
        if name is not None:
            own[tuple(sorted((k, v) for k, v in result.params.items() if k not in SHAPE))][name].append(result)
    pairs = list[PairedResult]()
    for how, sides in own.items():
        for target in targets:
            reached = [[r for r in sides.get(name, ()) if r.losses.get(target) is not None] for name in PAIR]
            if all(reached):
                logs = [float(np.mean([math.log(r.losses[target] or 1e-12) for r in side])) for side in reached]
                numbers = tuple(tuple(r.number for r in side) for side in reached)
                pairs.append(PairedResult(target, dict(how), (math.exp(logs[0]), math.exp(logs[1])), numbers))  # type: ignore[arg-type]
    if not pairs:
        return None
    by_target = [[math.log(d.losses[0] / d.losses[1]) for d in pairs if d.target == t] for t in targets]
    logs_of_targets = np.array([np.mean(part) for part in by_target if part])
    return Comparison(tuple(pairs), _ratio(logs_of_targets), sum(d.losses[0] < d.losses[1] for d in pairs))


def _ratio(logs: np.ndarray) -> Estimate | None:
    """Student's interval of the mean of `logs`, as ratios."""
    if len(logs) < 2:
        return None
    from scipy.stats import t

    mean, half = float(logs.mean()), float(t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs)))
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, (int, float)) and isinstance(wanted, (int, float)):
        return math.isclose(value, wanted, rel_tol=1e-6)
    return bool(value == wanted)
