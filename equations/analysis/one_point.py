"""One fixed point read: what small disturbances do there, and which wave grows fastest."""

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
    """One fixed point read: `state` says what small disturbances do there.

    "stable": all die; "Turing", "wave": uniform ones die, but waves grow, standing or oscillating; "saddle",
    "unstable node", "unstable focus": uniform ones grow. `band`: standing waves grow that the uniform state has not
    by itself: the Turing band. `wave`: the fastest wave with k ≠ 0 that fits the grid, `best`: on an infinite grid;
    of the Turing band where there is one. `wavelengths`: shortest, mean and longest over the directions, in cells, if
    it grows. `perturbations` is None where none were tried.
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
        """The periods of the cycles that pushes from here ended on; one of a few steps is the time step's own."""
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
    """The fastest standing wave that needs diffusion to grow: it outgrows all uniform disturbances, or it is a saddle
    (det −J(k) < 0) where the uniform state has no growing real eigenvalue, at rest or oscillating."""
    values, small = relation.eigenvalues, ZERO * relation.scale
    up = (np.abs(values.imag) <= REAL * np.maximum(np.abs(values), 1e-300)) & (values.real > small)
    uniform = relation.uniform()[0].eigenvalue.real
    saddle = (up.sum(axis=-1) % 2 == 1) & (up[0, 0].sum() == 0)
    faster = values.real > max(uniform, 0) * (1 + 1e-3) + small
    return relation.fastest(up & (saddle[..., None] | faster))


def describe(r: Reading) -> str:
    """`u = 1, v = 0.9`; of many channels the first three."""
    pairs = list(zip(r.linear.rule.channels, r.point.values, strict=True))
    text = ", ".join(f"{name} = {value:.4g}" for name, value in pairs[:3])
    return text + (", …" if len(pairs) > 3 else "")
