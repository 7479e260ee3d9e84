"""`analyze`: split, fixed points, dispersion, verdict and measured wavelength of a rule, in one object."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.dispersion import ZERO, dispersion
from equations.analysis.fixed_points import FixedPoint, FixedPoints, find_fixed_points
from equations.analysis.jacobian import UniformRule, linearise
from equations.analysis.measure import Measured, measure
from equations.analysis.one_point import Reading, describe, read_point
from equations.analysis.perturb import duration, perturb, scales
from equations.analysis.positive import positive_channels
from equations.analysis.split import Split, split_rule
from equations.analysis.verdict import MOST_CHANNELS, Verdict, judge_rule
from equations.errors import InputError
from equations.rule.init import check_size
from equations.rule.mask import check_seed
from equations.rule.rule import Rule

Array = npt.NDArray[Any]
MOST_POINTS = 12  # the largest number of fixed points whose dispersion relation is computed


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that `analyze` finds out about a rule.

    size, seed: the grid (h, w) and the seed of the search and of the run.
    split: the updates by kind of term.
    found: the result of the search for fixed points.
    readings: the analysis of each fixed point, the nearest to the rule's first state first.
    outside: fixed points left out because a concentration is negative there.
    scale: (C,) the size of typical values of each channel.
    measured: what the simulation showed; None where no run was asked for.
    """

    rule: Rule
    size: tuple[int, int]
    seed: int
    split: Split
    found: FixedPoints
    readings: tuple[Reading, ...]
    outside: tuple[FixedPoint, ...]
    scale: Array
    verdict: Verdict
    measured: Measured | None

    @property
    def reading(self) -> Reading | None:
        """The fixed point that the verdict is about."""
        return None if self.verdict.about is None else self.readings[self.verdict.about]

    @property
    def headline(self) -> str:
        """The name of the verdict, followed by the names of all grid instabilities."""
        grids = sorted({r.grid.name for r in self.readings if r.grid is not None})
        return self.verdict.name + (f"; grid instability: {', '.join(grids)}" if grids else "")

    @property
    def predicted(self) -> float | None:
        """The fastest growing wavelength in cells, mean over directions; None where no wave with k ≠ 0 grows."""
        r = self.reading
        chosen = r is not None and (r.state in ("Turing", "wave") or (r.band and self.verdict.name == "Turing-Hopf"))
        if r is not None and self.verdict.name in ("undecided", "neutral", "unstable") and r.best is not None:
            fastest = r.best.eigenvalue.real
            chosen = fastest > max(0.0, r.relation.uniform()[0].eigenvalue.real) * (1 + 1e-9) + 1e-9 * r.relation.scale
        return r.wavelengths[1] if r is not None and chosen and r.wavelengths is not None else None


def analyze(
    rule: Rule,
    *,
    size: int | tuple[int, int] = 128,
    steps: int | None = None,
    seed: int = 0,
    run: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Analysis:
    """Analyse a rule: its terms, its fixed points, their dispersion relations and a verdict.

    size: of the grid, whose waves the dispersion relation covers and on which the rule is run.
    steps: length of the simulation whose wavelength is measured; None for as long as the predicted growth needs.
    seed: of the search for fixed points and of the simulation.
    run: False leaves the simulation out.
    progress: called as progress(stage, done, of) from time to time.
    Raises InputError for a size below 3 × 3.
    """
    grid = check_size(size)
    if min(grid) < 3:
        raise InputError(f"expected a grid of at least 3 × 3 cells, got {grid[1]} × {grid[0]}")
    report = progress or (lambda what, done, of: None)
    split = split_rule(rule)
    positive = positive_channels(rule, split)
    found = find_fixed_points(rule, seed=check_seed(seed))
    floor = np.where(positive, -1e-9, -np.inf)
    inside = [p for p in found.points if (np.array(p.values) >= floor).all()]
    outside = tuple(p for p in found.points if p not in inside)
    scale = scales(rule, np.array([p.values for p in inside]).reshape(-1, len(rule.channels)))
    readings = []
    for point in inside[:MOST_POINTS]:
        readings.append(read_point(point, dispersion(linearise(rule, point.values, point.held), grid)))
        report("fixed points", len(readings), min(len(inside), MOST_POINTS))
    if len(rule.channels) <= MOST_CHANNELS and not found.continuum:
        readings = _perturbed(rule, readings, scale, positive, report)
    complete = found.complete and len(inside) <= MOST_POINTS
    verdict = judge_rule(readings, complete=complete, continuum=found.continuum, tried=found.starts)
    result = Analysis(rule, grid, seed, split, found, tuple(readings), outside, scale, verdict, None)
    if not run:
        return result
    measured = _measure(result, steps, report)
    note = _growth_note(result, measured)
    if note:
        verdict = dataclasses.replace(verdict, notes=(*verdict.notes, note))
    return dataclasses.replace(result, verdict=verdict, measured=measured)


def _perturbed(
    rule: Rule,
    readings: list[Reading],
    scale: Array,
    positive: tuple[bool, ...],
    report: Callable[[str, int, int], None],
) -> list[Reading]:
    if not readings:
        return readings
    rests, uniform = np.array([r.point.values for r in readings]), UniformRule(rule)
    steps = duration(rule, np.concatenate([r.relation.eigenvalues[0, 0].real for r in readings]))
    result = []
    for index, r in enumerate(readings):
        result.append(
            dataclasses.replace(r, perturbations=perturb(uniform, rests[index], rests, scale, steps, positive))
        )
        report("pushes", index + 1, len(readings))
    return result


def _measure(result: Analysis, steps: int | None, report: Callable[[str, int, int], None]) -> Measured:
    """Run the rule from near the fixed point if the verdict is that waves grow there, else from its first state."""
    rule, r = result.rule, result.reading
    near = result.predicted is not None and r is not None and result.verdict.name not in ("undecided", "neutral")
    if steps is None and not near:
        noted = rule.provenance.get("steps")
        steps = int(noted) if isinstance(noted, int) and 0 < noted <= 10**6 else 2000
    return measure(
        rule,
        result.size,
        result.scale,
        near=np.array(r.point.values) if near and r is not None else None,
        growth=r.best.growth if near and r is not None and r.best is not None else None,
        steps=steps,
        seed=result.seed,
        progress=lambda done, of: report("simulation", done, of),
    )


def _growth_note(result: Analysis, measured: Measured) -> str | None:
    """For an undecided verdict: a note on whether the measured wavelength is one that grows at the fixed point."""
    r, length = result.reading, measured.wavelength
    if r is None or length is None or result.verdict.name != "undecided":
        return None
    number, angles = 2 * np.pi / length, np.pi * np.arange(24) / 24
    rates = np.linalg.eigvals(r.linear.generator(number * np.cos(angles), number * np.sin(angles))).real
    grows = float(rates.max()) > ZERO * r.relation.scale
    if grows:
        return f"the run's wavelength, {length:.3g} cells, is among those that grow at {describe(r)}"
    return (
        f"the run's wavelength, {length:.3g} cells, does not grow at {describe(r)}: "
        "small disturbances of that state do not explain it"
    )
