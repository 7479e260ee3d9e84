"""Is the rule what its automaton is? Four questions, each with its threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from equations.errors import DivergenceError, InputError
from equations.numeric import compile_numpy
from equations.perception import perceive
from equations.rule import Rule
from equations.simulation import Simulator
from srnca.checkpoint import Checkpoint
from srnca.evaluate import flat_loss, make_loss, nca_pictures, rule_pictures, texture_loss
from srnca.teacher import NCATeacher

AGREEMENT_STEPS = 8
MIN_R2 = 0.5  # one step; asked of rules that claim to be the automaton, not of refined ones
MIN_AGREEMENT = 0.5  # correlation of where rule and automaton have moved after 8 steps from the same state
MAX_LOSS_RATIO = 2.0  # the rule's texture loss over the automaton's
MAX_GROWTH = 4.0  # largest |state| of the rule over the automaton's


@dataclass(frozen=True)
class Check:
    """One question: `ok` says whether `value` is on the right side of `threshold`; None asks for nothing."""

    name: str
    value: float
    threshold: float | None
    ok: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def verify(rule: Rule, checkpoint: Checkpoint, *, steps: int = 5000, seed: int = 0) -> Verification:
    """Fidelity, rollout agreement with the same mask, texture loss, and stability over `steps` steps.

    A refined rule has left its automaton's ways on purpose and promises the texture only: its fidelity and
    agreement are reported, and nothing is asked of them.
    Raises InputError when the rule and the automaton do not even speak of the same channels and stencils.
    """
    teacher, size = NCATeacher(checkpoint), checkpoint.target.shape[:2]
    if rule.channels != teacher.channels or rule.stencils != teacher.stencils:
        raise InputError(
            f"verify: expected a rule over the automaton's channels {', '.join(teacher.channels)} and its stencils, "
            f"got {', '.join(rule.channels)}; name the checkpoint that the rule was distilled from"
        )
    if rule.display is None or len(rule.display.channels) != 3:
        raise InputError("verify: expected a rule whose display names red, green and blue; its pictures are compared")
    states = teacher.rollout(size=size, steps=400, seed=seed, every=40)
    promise = not rule.provenance.get("refined", False)
    return Verification(
        (
            _fidelity(rule, teacher, states, promise),
            _agreement(rule, teacher, states, seed, promise),
            _texture(rule, checkpoint),
            _stability(rule, states, size, steps, seed),
        )
    )


def _fidelity(rule: Rule, teacher: NCATeacher, states: np.ndarray, promise: bool) -> Check:
    """One-step R², mean over channels, on states of the automaton."""
    rows = np.concatenate([perceive(s, teacher.stencils).reshape(-1, s.shape[1] * s.shape[2]).T for s in states])
    wanted = teacher.update(rows).astype(np.float64)  # (n, channel)
    got = np.asarray(compile_numpy(rule.expressions, rule.feature_names)(rows.T.astype(np.float64))).T
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    r2 = float(np.mean(1 - ((wanted - got) ** 2).sum(axis=0) / np.maximum(spread, 1e-20)))
    return _at_least("fidelity (R², one step)", r2, MIN_R2 if promise else None, "mean over channels")


def _agreement(rule: Rule, teacher: NCATeacher, states: np.ndarray, seed: int, promise: bool) -> Check:
    """Correlation of the visible displacement of rule and automaton over a few steps, same start, same mask."""
    moved_rule, moved_nca = [], []
    for start in states:
        simulator = Simulator(rule, seed=seed, state=start)
        state = torch.from_numpy(start)[None]
        try:
            simulator.step(AGREEMENT_STEPS)
        except DivergenceError:
            return Check("rollout agreement", -math.inf, MIN_AGREEMENT, False, "the rule diverged")
        with torch.inference_mode():
            for step in range(AGREEMENT_STEPS):
                state = teacher.nca(state, teacher.step_mask(start.shape[1:], seed, step))
        moved_rule.append((simulator.state - start).ravel())
        moved_nca.append((state[0].numpy() - start).ravel())
    with np.errstate(invalid="ignore", divide="ignore"):  # one that stands still correlates with nothing
        value = float(np.corrcoef(np.concatenate(moved_rule), np.concatenate(moved_nca))[0, 1])
    value = value if math.isfinite(value) else 0.0
    detail = f"correlation of displacements after {AGREEMENT_STEPS} steps"
    return _at_least("rollout agreement", value, MIN_AGREEMENT if promise else None, detail)


def _at_least(name: str, value: float, threshold: float | None, detail: str) -> Check:
    if threshold is None:
        return Check(name, value, None, True, f"{detail}; reported, a refined rule does not promise it")
    return Check(name, value, threshold, value >= threshold, f"{detail}, at least")


def _texture(rule: Rule, checkpoint: Checkpoint) -> Check:
    loss, size = make_loss(checkpoint), checkpoint.target.shape[:2]
    teacher = texture_loss(loss, nca_pictures(checkpoint))
    ours = texture_loss(loss, rule_pictures(rule, size))
    ratio = ours / max(teacher, 1e-9)
    detail = f"rule {ours:.3g} / NCA {teacher:.3g}, flat colour {flat_loss(loss, checkpoint.target):.3g}; at most"
    return Check("texture loss ratio", ratio, MAX_LOSS_RATIO, ratio <= MAX_LOSS_RATIO, detail)


def _stability(rule: Rule, states: np.ndarray, size: tuple[int, int], steps: int, seed: int) -> Check:
    limit = MAX_GROWTH * max(1.0, float(np.abs(states).max()))
    simulator, largest, done = Simulator(rule, size=size, seed=seed), 0.0, 0
    try:
        while done < steps and largest <= limit:
            simulator.step(min(100, steps - done))
            done += min(100, steps - done)
            largest = max(largest, float(np.abs(simulator.state).max()))
    except DivergenceError as error:
        return Check("stability", math.inf, limit, False, str(error))
    detail = f"largest |state| in {done} steps, at most"
    return Check("stability", largest, limit, largest <= limit, detail)
