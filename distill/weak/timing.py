"""Whether frames are the steps of an automaton on 3 × 3 cells, or samples of something continuous in space and time.

Both are fitted in the same windows with equally many terms, and what they leave unexplained on held-out blocks is
compared. In space, stencils stand against derivatives moved to the test function. In time, steps of length h stand
against h = 0: a rule's step is a forward difference, which in a window is
∫ φ(t) (u(t + h) − u(t)) / h dt = ∫ (φ(t − h) − φ(t)) / h u(t) dt, without an error of its own.

Noise hides the difference between two fits with many terms. Where they do not speak for steps, laws with few terms are
compared too (`same_terms`), and decide if they explain the recording and differ clearly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from distill.weak.both_ways import STEPS, both_ways, system_of
from distill.weak.grams import Grams, make_grams
from distill.weak.paths import backward
from distill.weak.same_terms import Comparison, compare_same_terms
from distill.weak.scaling import LEAST_CELLS, LEAST_FRAMES, Scaled, scale
from distill.weak.supports import choose_bump
from distill.weak.system import Setting, System

Array = npt.NDArray[np.float64]

MOST_FRAMES, MOST_SIDE = 120, 72  # of a recording that are looked at
REPLICAS = 2  # of simulated noise
CLEAR = 3.0  # standard errors of the odds that they must be from 0
LEAST_ODDS = 0.7  # about a factor of two
UNSURE = 0.3  # of what noise adds to a residual, which is what may be left of it after subtraction
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 34)  # of supports that are compared, besides all terms
NOTHING = 1e-14  # share of the squared change that rounding may leave
STREAM = 52_813


@dataclass(frozen=True)
class Timing:
    """What time is in a recording, and why.

    time: "steps" or "continuous".
    unexplained: of the squared change, by steps of a rule on 3 × 3 cells and by derivatives; empty where neither could
        be fitted.
    odds: mean over blocks of the logarithm of what derivatives leave over what steps leave, with many terms; above 0
        speaks for steps.
    error: standard error of the odds.
    step: length of the rule's step that fits best, in frames; 0 for continuous time.
    reason: a sentence that says what was compared and what follows.
    """

    time: Literal["steps", "continuous"]
    unexplained: dict[str, float]
    odds: float
    error: float
    step: float
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain data: `timing` of equation.json and report.json."""
        return {key: value for key, value in asdict(self).items() if key != "time"}


def decide_time(
    recordings: Sequence[npt.ArrayLike], channels: Sequence[str], dt: float, dx: float = 1.0, *, seed: int = 0
) -> Timing:
    """Whether recordings (t, channel, h, w) of one system are to be read as steps or as continuous.

    Without a clear difference they are read as continuous: then either law is within the noise of the other.
    dt, dx: as for `distill.find_equation`, they only have to be above 0. seed: of simulated noise.

    Recordings that are too small for windows, or in which a channel never changes, are read as steps. Raises InputError
    for frames that are no recording, as `distill.find_equation` does.
    """
    arrays = [np.asarray(r) for r in recordings]
    sizes = [a.shape for a in arrays if a.ndim == 4]
    if any(s[0] < LEAST_FRAMES or min(s[2:]) < LEAST_CELLS for s in sizes):
        why = f"fewer than {LEAST_FRAMES} frames of {LEAST_CELLS} x {LEAST_CELLS} cells say nothing about derivatives"
        return Timing("steps", {}, 0.0, 0.0, 1.0, f"read as the steps of a rule: {why}")
    if any(np.ptp(a[:, c]) == 0 for a in arrays if a.ndim == 4 for c in range(a.shape[1])):
        return Timing(
            "steps", {}, 0.0, 0.0, 1.0, "read as the steps of a rule: a channel has the same value throughout"
        )
    scaled = _piece(scale(arrays, channels, dt, dx))
    rng = np.random.default_rng((seed, STREAM))
    both = _systems(scaled, rng)
    shares = {name: [_unexplained(grams) for grams in found] for name, found in both.items()}
    best = {name: int(np.argmin([float(s.sum()) for s in blocks])) for name, blocks in shares.items()}
    left = {name: shares[name][best[name]] for name in shares}
    odds = np.log(left["continuous"] / left["steps"])
    error = float(odds.std(ddof=1) / np.sqrt(len(odds))) if len(odds) > 1 else np.inf
    sums = {name: float(blocks.sum()) for name, blocks in left.items()}
    found = _decided(sums, float(odds.mean()), error, (*STEPS, 0.0)[best["steps"]], scaled.dt)
    if found.time == "steps":
        return found
    return _with_few_terms(found, compare_same_terms(scaled.frames, scaled.noise, REPLICAS, rng), scaled.dt)


def _with_few_terms(before: Timing, seen: Comparison, dt: float) -> Timing:
    """The decision by laws with few terms; the one before where these explain too little or do not differ clearly."""
    if not seen.explains or abs(seen.errors) <= CLEAR:
        return before
    time: Literal["steps", "continuous"] = "steps" if seen.errors > 0 else "continuous"
    left = {"steps": max(0.0, seen.steps), "continuous": max(0.0, seen.continuous)}
    reason = (
        f"read as {_read_as(time, seen.step)}: of the squared change, few terms through 3 x 3 "
        f"stencils leave {left['steps']:.2g} unexplained beside noise ({_best(seen.step * dt)}) and the same terms by "
        f"derivatives {left['continuous']:.2g}, a difference of {abs(seen.errors):.3g} standard errors"
    )
    return replace(before, time=time, unexplained=left, step=seen.step if time == "steps" else 0.0, reason=reason)


def _decided(left: dict[str, float], odds: float, error: float, step: float, dt: float) -> Timing:
    steps, continuous = left["steps"], left["continuous"]
    clear = abs(odds) > max(CLEAR * error, LEAST_ODDS)
    seen = (
        f"of the squared change, 3 x 3 stencils leave {steps:.2g} unexplained ({_best(step * dt)}) and derivatives "
        f"{continuous:.2g}"
    )
    if clear and odds > 0:
        return Timing("steps", left, odds, error, step, f"read as {_read_as('steps', step)}: {seen}")
    if clear:
        return Timing("continuous", left, odds, error, 0.0, f"read as continuous: {seen}")
    return Timing("continuous", left, odds, error, 0.0, f"read as continuous, for lack of a clear difference: {seen}")


def _read_as(time: str, step: float) -> str:
    if time == "continuous":
        return time
    return "the steps of a rule" if step else "a rule of the grid's cells in continuous time"


def _best(step: float) -> str:
    """The steps with which stencils leave the least."""
    return f"at best, with steps of {step:.3g}" if step else "at best, in continuous time"


def _piece(scaled: Scaled) -> Scaled:
    """The last frames and a corner of each recording: enough to decide, and quick."""
    return replace(scaled, frames=tuple(f[:MOST_FRAMES, :, :MOST_SIDE, :MOST_SIDE] for f in scaled.frames))


def _systems(scaled: Scaled, rng: np.random.Generator) -> dict[str, list[list[Grams]]]:
    """For stencils with each step length, and for derivatives in continuous time: each channel's sums."""
    bumps = [choose_bump(scaled.frames, axis, order, scaled.noise) for axis, order in ((0, 1), (2, 4), (3, 4))]
    setting = Setting((), (bumps[0], bumps[1], bumps[2]), (), False)
    noisy = [
        [f + scaled.noise[:, None, None] * rng.standard_normal(f.shape) for f in scaled.frames] for _ in range(REPLICAS)
    ]
    parts = [both_ways(frames, setting) for frames in (list(scaled.frames), *noisy)]
    found: dict[str, list[list[Grams]]] = {}
    for name, steps in (("steps", (*STEPS, 0.0)), ("continuous", (0.0,))):
        found[name] = []
        for step in steps:
            systems = [system_of(part, name, step) for part in parts]
            first = systems[0]
            errors = [
                System(s.features - first.features, s.change - first.change, first.block, first.place)
                for s in systems[1:]
            ]
            found[name].append([make_grams(first, errors, c) for c in range(len(scaled.channels))])
    return found


def _unexplained(grams: Sequence[Grams]) -> Array:
    """Of each block, the share of the squared change that neither terms nor noise explain, mean over channels."""
    total = np.zeros(len(grams[0].data))
    for one in grams:
        found = []
        for support in backward(one.without_noise(range(one.terms)), list(range(one.terms))):
            if len(support) in SIZES or len(support) == one.terms:
                losses, noise = one.held_out(support)
                found.append(np.maximum(losses - noise, UNSURE * noise + NOTHING))
        total += min(found, key=lambda blocks: float(blocks.sum()))
    return total / len(grams)
