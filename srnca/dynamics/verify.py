"""Checks of a rule against the automaton of a recording: fidelity, agreement, recording, stability; no texture."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from distill.fidelity import predict
from distill.identify.windows import gather, raw_states
from equations.backends.torch.threads import one_thread
from equations.errors import DivergenceError, InputError
from equations.rule.rule import Rule
from equations.simulation import Simulator
from srnca.automata.verification import (
    AGREEMENT_STEPS,
    MAX_GROWTH,
    Check,
    Verification,
    agreement,
    check_bounded,
    stability,
)
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.teacher import RecordingNCATeacher

MIN_R2 = 0.95  # R² of the rate, mean over channels
MIN_AGREEMENT = 0.95  # correlation of the displacements of rule and network
MAX_RATIO = 1.5  # the rule's error on held-out frames over the network's
ROWS, WINDOWS = 20_000, 8
ROUNDING = 1e-7  # added to both squared errors, in units of change: below it they count as equal


@one_thread()
def verify_network(
    rule: Rule,
    checkpoint: RecordingCheckpoint,
    *,
    steps: int = 5000,
    seed: int = 0,
    teacher: RecordingNCATeacher | None = None,
) -> Verification:
    """Check one-step fidelity on the network's states, agreement over a few steps, the errors of rule and network on
    held-out frames, and that the rule stays bounded for `steps` steps from a recorded state.

    teacher: the checkpoint's, where it is built already. Raises InputError for a rule over other channels or stencils,
    and SrncaError when the network itself runs away.
    """
    teacher = RecordingNCATeacher(checkpoint) if teacher is None else teacher
    if rule.channels != teacher.channels or rule.stencils != teacher.stencils or rule.dt != teacher.dt:
        raise InputError(
            f"verify: expected a rule over the automaton's channels {', '.join(teacher.channels)}, its stencils and "
            f"its dt {teacher.dt:g}, got {', '.join(rule.channels)} and dt {rule.dt:g}; name the checkpoint that the "
            "rule was distilled from"
        )
    checks = [_fidelity(rule, teacher, seed), _agreement(rule, teacher)]
    if not checkpoint.config.hidden_channels:
        checks.append(_recording(rule, teacher))
    return Verification((*checks, _stability(rule, teacher, steps)))


def _fidelity(rule: Rule, teacher: RecordingNCATeacher, seed: int) -> Check:
    samples = teacher.samples(rows=ROWS, seed=seed)
    off = np.square(samples.Y_held - predict(rule, samples.X_held)).sum(axis=0)
    spread = np.square(samples.Y_held - samples.Y_held.mean(axis=0)).sum(axis=0)
    value = float(np.mean(1 - off / np.maximum(spread, 1e-300)))
    return Check.at_least("fidelity (R², one step)", value, MIN_R2, "mean over channels")


def _agreement(rule: Rule, teacher: RecordingNCATeacher) -> Check:
    moved_rule, moved_nca = [], []
    with torch.no_grad():
        for start in teacher.states()[:: max(1, len(teacher.states()) // WINDOWS)]:
            state, now = start, start.numpy()[:, 0]
            for _ in range(AGREEMENT_STEPS):
                state = teacher.nca(state)
            check_bounded(state.numpy(), f"within {AGREEMENT_STEPS} steps of a recorded state")
            try:
                ours = _run(rule, now, AGREEMENT_STEPS)
            except DivergenceError:
                return Check("rollout agreement", -math.inf, MIN_AGREEMENT, False, "the rule diverged")
            unit = np.maximum(np.abs(state.numpy()[:, 0] - now).max(axis=(1, 2), keepdims=True), 1e-300)
            moved_rule.append(((ours - now) / unit).ravel())
            moved_nca.append(((state.numpy()[:, 0] - now) / unit).ravel())
    return agreement(moved_rule, moved_nca, MIN_AGREEMENT)


def _recording(rule: Rule, teacher: RecordingNCATeacher) -> Check:
    """Error of one-frame forecasts of held-out frames: the rule's over the network's."""
    footage, stride = teacher.checkpoint.footage, teacher.checkpoint.config.stride
    windows = footage.windows(1, held=True)
    windows = windows[:: -(-len(windows) // WINDOWS)]

    def ours(state: Tensor) -> np.ndarray:
        return np.stack([_run(rule, s, stride) for s in state.numpy().swapaxes(0, 1)], axis=1)

    mine, theirs, unit = 0.0, 0.0, footage.change.numpy()[:, None, None, None]
    with torch.no_grad():
        for batch in gather(footage, raw_states(footage, teacher.nca.begin), windows, 1, torch.device("cpu")):
            wanted = batch.later[0].numpy()
            try:
                mine += float(np.square((ours(batch.first) - wanted) / unit).mean())
            except DivergenceError:
                return Check("recording", math.inf, MAX_RATIO, False, "the rule diverged")
            theirs += float(np.square((teacher.forecast(batch.first).numpy() - wanted) / unit).mean())
    ratio = math.sqrt((mine + ROUNDING) / (theirs + ROUNDING))
    detail = (
        f"error on held-out frames, {math.sqrt(mine):.3g} of the change, over the network's {math.sqrt(theirs):.3g}"
    )
    return Check.at_most("recording", ratio, MAX_RATIO, f"{detail}, at most")


def _stability(rule: Rule, teacher: RecordingNCATeacher, steps: int) -> Check:
    frames = teacher.checkpoint.footage.frames
    with torch.no_grad():
        start = teacher.nca.begin(frames[0][:1].transpose(0, 1).double())[:, 0].numpy()
    limit = MAX_GROWTH * max(float(f.abs().max()) for f in frames)
    detail = f"largest |state| in {steps} steps from the recording's first state, at most"
    return stability(Simulator(rule, state=start, dtype="float64"), steps, limit, detail)


def _run(rule: Rule, state: np.ndarray, steps: int) -> np.ndarray:
    simulator = Simulator(rule, state=state, dtype="float64", backend="reference")
    return np.array(simulator.step(steps), np.float64)
