"""Numerical instabilities of the grid and of the time step: growth that the continuous law does not have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from equations.analysis.dispersion import REAL, ZERO, Dispersion, Wave

NEAR_NYQUIST = 0.75 * math.pi  # radians per cell along x or y: waves of 2 to 2⅔ cells
Name = Literal["checkerboard", "overshoot", "outward spiral", "grid-scale growth"]


@dataclass(frozen=True)
class GridInstability:
    """A numerical instability.

    name: one of
        "checkerboard": dt is too large for the stencils; waves near the Nyquist number flip sign at every step,
        "overshoot": dt is too large for the reaction; long waves flip sign at every step,
        "outward spiral": explicit steps make a damped oscillation grow,
        "grid-scale growth": at any dt the fastest growing waves are about two cells long.
    wave: the wave that grows fastest.
    dt_max: the largest stable time step; None where no time step is stable.
    reason: a sentence with the numbers.
    """

    name: Name
    wave: Wave
    dt_max: float | None
    reason: str


def largest_stable_step(relation: Dispersion, *, flips: bool = True) -> float | None:
    """The largest dt with |1 + dt·λ| ≤ 1 for all damped λ, or None where nothing is damped.

    flips: count only the λ that change sign when dt is too large, |Re λ| > |Im λ|: the usual limit of diffusion and of
        stiff reactions. The others are damped oscillations, which explicit steps amplify unless dt is very small.
    The coefficients and the update rate stay as they are. Channels held by the clamp do not count.
    """
    free = relation.eigenvalues.reshape(-1)
    rule = relation.linear.rule
    if any(relation.linear.held):
        held = -rule.update_rate / rule.dt
        free = free[np.abs(free - held) > 1e-9 * abs(held)]
    damped = free[free.real < -ZERO * relation.scale]
    if flips:
        damped = damped[np.abs(damped.real) > np.abs(damped.imag)]
    return float((-2 * damped.real / np.abs(damped) ** 2).min()) if len(damped) else None


def grid_instability(relation: Dispersion) -> GridInstability | None:
    """The worst instability of the grid or the time step at this uniform state, or None.

    Explicit steps widen every band of growing oscillations a little; that is no instability of its own.
    """
    values, small = relation.eigenvalues, ZERO * relation.scale
    rate = np.log(np.maximum(np.abs(relation.multipliers), 1e-300)) / relation.dt
    caused = (values.real <= small) & (rate > small)
    turning = np.abs(values.imag) >= np.abs(values.real)
    if ((values.real > small) & (np.abs(values.imag) > REAL * np.abs(values))).any():
        caused &= ~turning
    if caused.any():
        row, column, index = np.unravel_index(int(np.argmax(np.where(caused, rate, -np.inf))), rate.shape)
        return _of_the_step(relation, relation.wave((int(row), int(column)), int(index)))
    fastest, uniform = relation.fastest(), relation.uniform()[0]
    if fastest is None or not _near_nyquist(fastest):
        return None
    if fastest.eigenvalue.real <= max(uniform.eigenvalue.real, 0) + small:
        return None
    reason = (
        f"waves of {fastest.wavelength:.2f} cells grow most, at any time step: the pattern is the grid's, not the law's"
    )
    return GridInstability("grid-scale growth", fastest, None, reason)


def _of_the_step(relation: Dispersion, worst: Wave) -> GridInstability:
    flips = abs(worst.eigenvalue.real) > abs(worst.eigenvalue.imag)
    most = largest_stable_step(relation, flips=flips)
    limit = f"dt = {relation.dt:g} is too large: stable up to {most:.4g}" if most else "no time step is stable"
    if not flips:
        name: Name = "outward spiral"
        what = "explicit steps turn a damped oscillation into a growing one"
    elif _near_nyquist(worst) and not _flips(relation.uniform()):
        name = "checkerboard"
        what = f"waves of {worst.wavelength:.2f} cells flip sign and grow {abs(worst.multiplier):.4g}-fold at each step"
    else:
        name = "overshoot"
        what = f"each step overshoots: disturbances flip sign and grow {abs(worst.multiplier):.4g}-fold"
    return GridInstability(name, worst, most, f"{what}; {limit}")


def _flips(uniform: list[Wave]) -> bool:
    """Whether uniform disturbances overshoot too: then the reaction, not the stencils, needs a smaller step."""
    return any(wave.multiplier.real < 0 and abs(wave.multiplier) > 1 for wave in uniform)


def _near_nyquist(wave: Wave) -> bool:
    return max(abs(wave.kx), abs(wave.ky)) >= NEAR_NYQUIST * (1 - 1e-9)
