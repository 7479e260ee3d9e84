"""Is the rule what its automaton is? Questions, each with its threshold."""

from __future__ import annotations

import math
from copy import copy

import numpy as np
import torch

from distill.fidelity import predict
from equations.backends.torch.threads import one_thread
from equations.errors import DivergenceError, InputError
from equations.perception import perceive
from equations.rule.reduce import places_in
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
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import (
    MAX_LOSS_RATIO,
    MAX_OF_FLAT,
    STEPS,
    flat_loss,
    make_judge,
    make_loss,
    nca_pictures,
    picture_of,
    rule_pictures,
    texture_loss,
)
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher

MIN_R2 = 0.5  # one step; required of unrefined rules only
MIN_AGREEMENT = 0.5  # correlation of the displacements of rule and automaton, 8 steps after the same state
LARGER = 2  # side of the long run's grid over the picture's: a rule must not depend on the grid's size


@one_thread()
def verify(
    rule: Rule,
    checkpoint: Checkpoint,
    *,
    steps: int = 5000,
    seed: int = 0,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
    judge: Judge | None = None,
    picture_steps: int = STEPS,
) -> Verification:
    """Fidelity, rollout agreement with the same mask, texture at 400 steps, and texture and stability after `steps`
    steps of a larger grid. A texture loss is compared with the automaton's, and with that of a flat picture; the judge,
    at 400 steps, with the automaton's.

    A law of few species has states of its own, so neither its fidelity nor its agreement is asked for.
    Refinement changes a rule's dynamics on purpose to keep its texture. A refined rule's fidelity and agreement are
    therefore reported without a threshold, but its texture loss must be well below that of a flat picture.
    A legacy checkpoint has no picture, so no texture is compared, and no update rate, so the rule's is used.

    steps: of the long run.
    teacher, loss, judge: the checkpoint's, where they are built already (`srnca.automata.load`).
    picture_steps: age of the pictures whose texture losses and judge are compared.
    Raises InputError when the rule has other channels or stencils than the automaton, and SrncaError when the
    automaton itself runs away.
    """
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    size = (checkpoint.config.size, checkpoint.config.size)
    own_states = rule.provenance.get("engine") == "species"
    same = set(rule.channels) <= set(teacher.channels) and rule.stencils == teacher.stencils
    if not (own_states or same):
        raise InputError(
            f"verify: expected a rule over the automaton's channels {', '.join(teacher.channels)} and its stencils, "
            f"got {', '.join(rule.channels)}; name the checkpoint that the rule was distilled from"
        )
    if checkpoint.picture is None:
        teacher = copy(teacher)  # the caller's keeps its own update rate
        teacher.update_rate = rule.update_rate
    if rule.display is None or not rule.display.in_colour:
        raise InputError("verify: expected a rule whose display names red, green and blue; its pictures are compared")
    states = teacher.rollout(size=size, steps=400, seed=seed, every=40)
    check_bounded(states, "within 400 steps")
    promise = not rule.provenance.get("refined", False)
    if loss is None and checkpoint.picture is not None:
        loss = make_loss(checkpoint)
    stable, late = _long_run(rule, loss, states, (LARGER * size[0], LARGER * size[1]), steps, seed)
    checks = []
    if not own_states:
        checks = [_fidelity(rule, teacher, states, promise), _agreement(rule, teacher, states, seed, promise)]
    if loss is not None:
        theirs = nca_pictures(checkpoint, steps=picture_steps, teacher=teacher)
        check_bounded(theirs, f"within {picture_steps} steps")
        pictures = rule_pictures(rule, size, steps=picture_steps)
        flat, wanted = flat_loss(loss, checkpoint.target), texture_loss(loss, theirs)
        ours = texture_loss(loss, pictures)
        judge = make_judge(checkpoint) if judge is None else judge
        checks += [
            _of_flat(wanted, flat, promise),
            _of_nca("texture", ours, wanted, flat, f"{picture_steps} steps", promise),
            _judged(judge.mean(pictures), judge.mean(theirs), f"{picture_steps} steps"),
            _of_nca("texture later", late, wanted, flat, f"{steps} steps, {LARGER} times the size", promise),
        ]
    return Verification((*checks, stable))


def _fidelity(rule: Rule, teacher: NCATeacher, states: np.ndarray, promise: bool) -> Check:
    """One-step R², mean over the rule's channels, on states of the automaton."""
    own = places_in(rule, teacher.channels)
    rows = np.concatenate([_rows(s, teacher) for s in states])
    mine = np.concatenate([_rows(s[own], teacher) for s in states])
    wanted = teacher.update(rows).astype(np.float64)[:, own]  # (n, channel)
    got = predict(rule, mine)
    spread = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    r2 = float(np.mean(1 - ((wanted - got) ** 2).sum(axis=0) / np.maximum(spread, 1e-20)))
    return Check.at_least("fidelity (R², one step)", r2, MIN_R2 if promise else None, "mean over channels")


def _rows(state: np.ndarray, teacher: NCATeacher) -> np.ndarray:
    """The perception of the cells of a state (channel, h, w), as (n, features)."""
    return perceive(state, teacher.stencils).reshape(-1, state.shape[1] * state.shape[2]).T


def _agreement(rule: Rule, teacher: NCATeacher, states: np.ndarray, seed: int, promise: bool) -> Check:
    """Correlation of the displacements of rule and automaton over a few steps, with the same state and mask."""
    own = places_in(rule, teacher.channels)
    moved_rule, moved_nca = [], []
    for start in states:
        simulator = Simulator(rule, seed=seed, state=start[own])
        state = torch.from_numpy(start)[None]
        try:
            simulator.step(AGREEMENT_STEPS)
        except DivergenceError:
            return Check("rollout agreement", -math.inf, MIN_AGREEMENT, False, "the rule diverged")
        with torch.inference_mode():
            for step in range(AGREEMENT_STEPS):
                state = teacher.nca(state, teacher.step_mask(start.shape[1:], seed, step))
        moved_rule.append((simulator.state - start[own]).ravel())
        moved_nca.append((state[0].numpy() - start)[own].ravel())
    return agreement(moved_rule, moved_nca, MIN_AGREEMENT if promise else None)


def _of_flat(loss: float, flat: float, fidelity: bool) -> Check:
    """Whether the automaton itself shows its texture; only reported for a rule that is judged by its fidelity."""
    share = loss / max(flat, 1e-9)
    detail = f"loss {loss:.3g} over a flat picture's {flat:.3g}"
    if fidelity:
        return Check("automaton's texture", share, None, True, f"{detail}; reported")
    detail += ", at most; train it longer where there is more"
    return Check.at_most("automaton's texture", share, MAX_OF_FLAT, detail)


def _of_nca(name: str, loss: float, wanted: float, flat: float, when: str, fidelity: bool) -> Check:
    """The rule's texture loss over the automaton's; a refined rule must also be well below a flat picture."""
    ratio = loss / max(wanted, 1e-9)
    most = MAX_LOSS_RATIO if fidelity else min(MAX_LOSS_RATIO, MAX_OF_FLAT * flat / max(wanted, 1e-9))
    detail = f"loss {loss:.3g} over the automaton's {wanted:.3g} ({when}; flat picture {flat:.3g}), at most"
    return Check.at_most(name, ratio, most, detail)


def _judged(distance: float, wanted: float, when: str) -> Check:
    """The judge's distance of the rule's pictures over that of the automaton's."""
    detail = f"distance {distance:.3g} over the automaton's {wanted:.3g} ({when}; flat picture 1), at most"
    return Check.at_most("judge", distance / max(wanted, 1e-9), MAX_LOSS_RATIO, detail)


def _long_run(
    rule: Rule, loss: TextureLoss | None, states: np.ndarray, size: tuple[int, int], steps: int, seed: int
) -> tuple[Check, float]:
    """Whether the rule stays bounded for `steps` steps of a larger grid, and the texture loss of its last picture."""
    limit = MAX_GROWTH * max(1.0, float(np.abs(states).max()))
    simulator = Simulator(rule, size=size, seed=seed)
    detail = f"largest |state| in {steps} steps of {size[0]}x{size[1]} cells, at most"
    check = stability(simulator, steps, limit, detail)
    if not check.ok:
        return check, math.inf
    return check, math.nan if loss is None else texture_loss(loss, picture_of(rule, simulator.state)[None])
