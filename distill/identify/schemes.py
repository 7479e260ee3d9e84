"""Schemes in time: how du/dt is formed from frames, and how the right-hand side is averaged to match it.

A scheme is two matrices over the frames of a recording: `change` (k, t) gives du/dt at k points in time, and `average`
(k, t) gives the f(u) that it equals. A recording of every step of a rule s ← s + dt f(s) obeys
(u[n+1] − u[n]) / dt = f(u[n]) exactly. A sampled continuous system obeys it with f averaged over the interval, as in
Adams-Moulton methods; a recording of every N-th step lies in between.
Windows (the weak form; Messenger & Bortz 2021, Weak SINDy for PDEs, J. Comput. Phys. 443, 110525) average both sides
over neighbouring points. Noise averages out, and by summation by parts no noisy frame is differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equations.errors import DivergenceError
from equations.rule.rule import Rule

Array = npt.NDArray[np.float64]

# weights of f at the frames -2 … 3 that give its mean from frame 0 to frame 1; exact for polynomials of degree 1, 3, 5
QUADRATURES: dict[int, tuple[float, ...]] = {
    1: (0.0, 0.0, 1.0, 0.0, 0.0, 0.0),  # every step of a rule
    2: (0.0, 0.0, 1 / 2, 1 / 2, 0.0, 0.0),
    4: (0.0, -1 / 24, 13 / 24, 13 / 24, -1 / 24, 0.0),
    6: (11 / 1440, -93 / 1440, 802 / 1440, 802 / 1440, -93 / 1440, 11 / 1440),
}
SHARPNESS = 5  # the power of test functions: (1 − x²)^5, whose first four derivatives vanish at the ends
REACH = 2.0  # standard deviations of a test function's spectrum that lie within the signal's band
MOST_STEPS = 64  # of a rule between two frames
CLOSE = 0.02  # of the change between two frames: how much halving the rule's step may still alter it


@dataclass(frozen=True)
class Scheme:
    """One scheme.

    order: of the quadrature; 1 for the steps of a rule.
    radius: of the windows in time, in frames; 0 for none.
    apart: distance between windows, in frames.
    substeps: steps of a rule between two frames; 0 for continuous time.
    """

    order: int
    radius: int = 0
    apart: int = 1
    substeps: int = 0

    @property
    def margin(self) -> int:
        """Intervals at either end of a recording that the quadrature cannot use."""
        return self.order // 2 - 1 if self.order > 1 else 0

    def matrices(self, frames: int, dt: float, most: int) -> tuple[Array, Array]:
        """`change` (k, t) and `average` (k, t) at no more than `most` points, evenly spread over a recording."""
        intervals = np.arange(self.margin, frames - 1 - self.margin)
        places = np.arange(self.radius, len(intervals) - self.radius, self.apart)
        places = places[:: max(1, -(-len(places) // most))]
        shape = bump(self.radius)
        change, average = np.zeros((len(places), frames)), np.zeros((len(places), frames))
        quadrature = [(o, w) for o, w in zip(range(-2, 4), quadrature_of(self.order, self.substeps), strict=True) if w]
        for row, place in enumerate(places):
            for shift, weight in zip(range(-self.radius, self.radius + 1), shape, strict=True):
                n = intervals[place + shift]
                change[row, n] -= weight / dt
                change[row, n + 1] += weight / dt
                for offset, share in quadrature:
                    average[row, n + offset] += weight * share
        return change, average


def quadrature_of(order: int, substeps: int = 0) -> tuple[float, ...]:
    """Weights of f at the frames −2 … 3 that give its average between frames 0 and 1.

    A rule with `substeps` steps in between changed by dt/substeps times the sum of f at the times 0, 1/substeps, …
    Its average is therefore the mean, at these times, of the polynomial through the frames: a left Riemann sum in place
    of the integral.
    """
    if order == 1 or substeps == 0:
        return QUADRATURES[order]
    nodes = np.arange(1 - order // 2, order // 2 + 1)
    places = np.arange(substeps) / substeps
    weights = dict.fromkeys(range(-2, 4), 0.0)
    for node in nodes:
        others = nodes[nodes != node]
        basis = np.prod((places[:, None] - others) / (node - others), axis=1)
        weights[int(node)] = float(basis.mean())
    return tuple(weights.values())


def bump(radius: int) -> Array:
    """The test function (1 − (k / (radius + 1))²)^5 at k = −radius … radius, with sum 1."""
    x = np.arange(-radius, radius + 1) / (radius + 1)
    values: Array = (1 - np.square(x)) ** SHARPNESS
    return values / values.sum()


def radius_for(frequency: float) -> int:
    """The radius of a window whose spectrum ends where the signal does, at `frequency` cycles per sample."""
    deviation = REACH / (2 * np.pi * frequency)  # of the test function, in samples
    return max(0, round(deviation * np.sqrt(2 * SHARPNESS + 3)) - 1)


def blur(size: int, radius: int, apart: int, *, periodic: bool = True) -> Array:
    """Averages over windows along one axis, (windows, size); without `periodic` only windows inside the edges."""
    places = np.arange(0, size, apart) if periodic else np.arange(radius, size - radius, apart)
    matrix = np.zeros((len(places), size))
    for offset, weight in zip(range(-radius, radius + 1), bump(radius), strict=True):
        np.add.at(matrix, (np.arange(len(places)), (places + offset) % size), weight)
    return matrix


def steps_between(rule: Rule, frame: npt.NDArray[np.floating], dt: float) -> int:
    """The least power of two of equal steps over the time `dt` whose result hardly changes when they are halved.

    frame: (channel, h, w), where the steps start.
    At most 64, also for a rule that diverges even then.
    """
    count, before = 1, _advanced(rule, frame, dt, 1)
    while count < MOST_STEPS:
        after = _advanced(rule, frame, dt, 2 * count)
        if before is not None and after is not None:
            change = np.sqrt(np.square(after - frame).mean())
            if np.sqrt(np.square(after - before).mean()) <= CLOSE * change:
                return count
        count, before = 2 * count, after
    return count


def _advanced(rule: Rule, frame: npt.NDArray[np.floating], dt: float, count: int) -> npt.NDArray[np.floating] | None:
    from equations.simulation import Simulator

    simulator = Simulator(rule.replace(dt=dt / count), state=frame, backend="reference")
    try:
        return np.array(simulator.step(count), np.float64)
    except DivergenceError:
        return None
