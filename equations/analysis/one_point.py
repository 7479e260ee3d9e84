"""The analysis of one fixed point: what small disturbances do there, and which wave grows fastest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from equations.analysis.dispersion import REAL, ZERO, Dispersion, Wave, over_directions, refine
from equations.analysis.fixed_points import FixedPoint
from equations.analysis.grid import GridInstability, grid_instability, largest_stable_step
from equations.analysis.jacobian import Linearisation
from equations.analysis.perturb import Perturbations

State = Literal["stable", "neutral", "Turing", "wave", "saddle", "unstable node", "unstable focus"]


@dataclass(frozen=True, eq=False)
class Reading:
    """The analysis of one fixed point.

    state: what small disturbances do. "stable": all decay. "Turing", "wave": uniform ones decay, but standing or
        oscillating waves grow. "saddle", "unstable node", "unstable focus": uniform ones grow. "neutral": neither.
    band: whether there is a Turing band: standing waves that grow because of diffusion.
    wave: the fastest growing wave with k ≠ 0 that fits the grid; the fastest of the Turing band where there is one.
    best: the same on an infinite grid.
    wavelengths: shortest, mean and longest fastest wavelength over the directions, in cells; None if no wave grows.
    grid: the numerical instability at this point, if there is one.
    dt_max: the largest stable time step.
    perturbations: what finite pushes lead to; None where none were tried.
    """

    point: FixedPoint
    linear: Linearisation
    relation: Dispersion
    state: State
    band: bool
    wave: Wave | None
    best: Wave | None
    wavelengths: tuple[float, float, float] | None
    grid: GridInstability | None
    dt_max: float | None
    perturbations: Perturbations | None = None

    @property
    def cycles(self) -> list[float]:
        """The periods of the limit cycles that pushes led to, without those of up to 4 steps (from the time step)."""
        least = 4 * self.relation.dt
        periods = (
            [orbit.period for orbit in self.perturbations.orbits if orbit.kind == "cycle"] if self.perturbations else []
        )
        return [period for period in periods if period is not None and period > least]


def read_point(point: FixedPoint, relation: Dispersion) -> Reading:
    """The state of a fixed point, from its dispersion relation."""
    small = ZERO * relation.scale
    uniform = relation.uniform()
    growing = [wave for wave in uniform if wave.eigenvalue.real > small]
    fastest = relation.fastest()
    turing = _turing_band(relation)
    if growing:
        down = any(wave.eigenvalue.real < -small for wave in uniform)
        focus = any(wave.oscillates for wave in growing)
        state: State = "unstable focus" if focus else "saddle" if down else "unstable node"
    elif fastest is not None and fastest.eigenvalue.real > small:
        state = "wave" if fastest.oscillates else "Turing"
    else:
        state = "neutral" if max(wave.eigenvalue.real for wave in uniform) >= -small else "stable"
    wave = turing if turing is not None and state != "wave" else fastest
    best, lengths = wave, None
    if wave is not None and wave.eigenvalue.real > small:
        best = refine(relation.linear, wave)
        lengths = over_directions(relation.linear, best)
    grid, most = grid_instability(relation), largest_stable_step(relation)
    return Reading(point, relation.linear, relation, state, turing is not None, wave, best, lengths, grid, most)


def _turing_band(relation: Dispersion) -> Wave | None:
    """The fastest standing wave that needs diffusion to grow, or None.

    Either it grows faster than every uniform disturbance, or it is a saddle (det −J(k) < 0) while no real eigenvalue of
    the uniform state grows.
    """
    values, small = relation.eigenvalues, ZERO * relation.scale
    up = (np.abs(values.imag) <= REAL * np.maximum(np.abs(values), 1e-300)) & (values.real > small)
    uniform = relation.uniform()[0].eigenvalue.real
    saddle = (up.sum(axis=-1) % 2 == 1) & (up[0, 0].sum() == 0)
    faster = values.real > max(uniform, 0) * (1 + 1e-3) + small
    return relation.fastest(up & (saddle[..., None] | faster))


def describe(r: Reading) -> str:
    """The fixed point as text, `u = 1, v = 0.9`; of more than three channels only the first three."""
    pairs = list(zip(r.linear.rule.channels, r.point.values, strict=True))
    text = ", ".join(f"{name} = {value:.4g}" for name, value in pairs[:3])
    return text + (", …" if len(pairs) > 3 else "")
