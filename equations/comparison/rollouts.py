"""Two rollouts side by side, from the same start.

`compare_rollouts` runs two rules of the same channels and measures how far they drift apart cell by cell.
`compare_patterns` runs a rule and the model that it was matched with: cell by cell until they part, then as patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations import models
from equations.comparison.match import Match
from equations.comparison.patterns import Statistics, histogram_distance, spectrum_distance, statistics
from equations.errors import DivergenceError, InputError
from equations.rule.init import make_state
from equations.rule.rule import Rule
from equations.simulation import Simulator, first_init, frame_steps

Array = npt.NDArray[Any]
PARTED = 0.1  # two runs have parted if their rms difference exceeds this part of the model's standard deviation
SPECTRUM = 0.3  # two patterns differ if the distance of their spectra exceeds this
HISTOGRAM = 0.3  # and likewise for their histograms
SIZE, COMPARISONS = 128, 100  # side of the grid; how many times the two states are compared


@dataclass(frozen=True)
class Rollouts:
    """Two runs in the model's units.

    parted: the first compared step at which they had parted; None where they stay together.
    steps: the steps at which the states were compared.
    apart: the distances then: rms difference over the model's standard deviation, of the worse channel.
    rule, model: the last states (channel, h, w).
    spectrum, histogram: the distances of spectra and histograms of the last states, by channel.
    statistics: of the last states of rule and model, by channel.
    diverged: which of the two left the finite numbers, and when; the last states are then those before.
    """

    parted: int | None
    steps: tuple[int, ...]
    apart: tuple[float, ...]
    rule: Array
    model: Array
    spectrum: Mapping[str, float]
    histogram: Mapping[str, float]
    statistics: Mapping[str, tuple[Statistics, Statistics]]
    diverged: str | None = None

    @property
    def alike(self) -> bool:
        """Whether the patterns look alike: spectra and histograms of all channels within the bounds."""
        worst = max(self.spectrum.values()) <= SPECTRUM and max(self.histogram.values()) <= HISTOGRAM
        return worst and self.diverged is None


def compare_patterns(
    rule: Rule,
    match: Match,
    *,
    size: int | tuple[int, int] = SIZE,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Rollouts:
    """Run `rule` and the model of `match` from the first state of its preset, for `steps` steps (None: the preset's).

    Raises InputError when the rule lacks one of the model's channels.
    """
    if match.missing_channels:
        raise InputError(
            f"expected a rule with a counterpart for each channel of {match.model}, got none for "
            f"{', '.join(match.missing_channels)}; their rollouts cannot be compared"
        )
    model = models.load(match.model)
    theirs = model.rule(match.preset, **match.parameters)
    theirs = theirs.replace(dt=theirs.dt * match.time)
    start = Simulator(theirs, size, seed).state
    factors = np.array([match.scales[c] for c in theirs.channels])[:, None, None]
    places = [rule.channels.index(match.channels[c]) for c in theirs.channels]
    first = make_state(first_init(rule), len(rule.channels), (start.shape[1], start.shape[2]), seed).astype(np.float64)
    first[places] = start * factors
    runs = Simulator(rule, size, seed, state=first), Simulator(theirs, size, seed, state=start)
    total = model.preset(match.preset).steps if steps is None else steps
    done, apart, diverged, ours, wanted = _run(runs, total, places, factors, progress)
    pairs = dict(zip(theirs.channels, zip(ours, wanted, strict=True), strict=True))
    return Rollouts(
        parted=next((step for step, far in zip(done, apart, strict=True) if far > PARTED), None),
        steps=tuple(done),
        apart=tuple(apart),
        rule=ours,
        model=wanted,
        spectrum={c: spectrum_distance(*pair) for c, pair in pairs.items()},
        histogram={c: histogram_distance(*pair) for c, pair in pairs.items()},
        statistics={c: (statistics(pair[0]), statistics(pair[1])) for c, pair in pairs.items()},
        diverged=diverged,
    )


def _run(
    runs: tuple[Simulator, Simulator],
    total: int,
    places: list[int],
    factors: Array,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[int], list[float], str | None, Array, Array]:
    """Steps, distances, divergence, and the last states in the model's units and order, of the paired channels only."""
    done, apart = list[int](), list[float]()
    ours = wanted = np.empty(0)
    for mark in frame_steps(total, max(1, -(-total // COMPARISONS))):
        for who, run in zip(("the rule", "the model"), runs, strict=True):
            try:
                run.step(mark - run.steps_done)
            except DivergenceError as error:
                return done, apart, f"{who}: {error}", ours, wanted
        ours, wanted = runs[0].state[places] / factors, runs[1].state.astype(np.float64)
        spread = np.maximum(wanted.std(axis=(1, 2)), 1e-6 * np.maximum(np.abs(wanted).max(axis=(1, 2)), 1e-300))
        done.append(mark)
        apart.append(float(np.max(np.sqrt(np.mean((ours - wanted) ** 2, axis=(1, 2))) / spread)))
        if progress is not None:
            progress(mark, total)
    return done, apart, None, ours, wanted


@dataclass(frozen=True)
class Comparison:
    """Differences of two rollouts: per compared step, the largest and the root mean square difference.

    `diverged` names the rule ("a" or "b") that left the finite numbers, and when; the lists then end before.
    """

    steps: tuple[int, ...]
    maximum: tuple[float, ...]
    rms: tuple[float, ...]
    diverged: str | None = None

    @property
    def worst(self) -> float:
        """The largest difference at any compared step; infinite after a divergence."""
        return float("inf") if self.diverged else max(self.maximum)


def compare_rollouts(
    a: Rule,
    b: Rule,
    *,
    size: int | tuple[int, int] = 64,
    steps: int = 200,
    every: int | None = None,
    seed: int = 0,
    state: npt.ArrayLike | None = None,
    backend: str = "auto",
) -> Comparison:
    """Run both rules from one start (a's, or `state`) and compare; channels are matched by name.

    Raises InputError when the rules' channels differ.
    """
    if set(a.channels) != set(b.channels):
        raise InputError(
            f"expected two rules of the same channels, got {', '.join(a.channels)} and {', '.join(b.channels)}"
        )
    order = [b.channels.index(name) for name in a.channels]
    first = Simulator(a, size, seed, backend, state)
    start = np.empty_like(first.state)
    start[order] = first.state
    second = Simulator(b, size, seed, backend, start)
    done: list[int] = []
    largest: list[float] = []
    rms: list[float] = []
    diverged = None
    for mark in frame_steps(steps, every):
        try:
            label = "a"
            first.step(mark - first.steps_done)
            label = "b"
            second.step(mark - second.steps_done)
        except DivergenceError as error:
            diverged = f"{label}: {error}"
            break
        difference = first.state.astype(np.float64) - second.state[order]
        done.append(mark)
        largest.append(float(np.abs(difference).max()))
        rms.append(float(np.sqrt(np.mean(difference**2))))
    return Comparison(tuple(done), tuple(largest), tuple(rms), diverged)
