"""The numbers behind the page: rule and automaton side by side, from the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.fidelity import predict
from distill.identify.teacher import RecordingTeacher
from distill.teacher import features_of
from equations.analysis.radial import radial_spectrum
from equations.backends.torch.threads import one_thread
from equations.errors import DivergenceError
from equations.expressions.lowering import operations
from equations.expressions.tree import to_tree
from equations.perception import perceive
from equations.rule.display import render
from equations.rule.init import make_state
from equations.rule.reduce import places_in
from equations.rule.rule import Rule
from equations.simulation import Simulator
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import SEEDS, STEPS, make_loss, texture_loss
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher

Picture = npt.NDArray[np.uint8]  # (h, w, 3)
State = npt.NDArray[np.float32]  # (channel, h, w)

MARKS = (0, 20, 50, 100, 400, 1000, 2000)  # steps at which both are shown
LARGEST_FILM = 128  # cells a side; larger automata are shown on a part
FILM_WORK = 2**27  # channels · cells · steps that an automaton may take on the way to the last mark
LARGE, LARGE_STEPS = 256, 1000  # the rule on a larger grid
LONG, LONG_STEPS = 128, 10_000  # the rule for a long time
LONG_MARKS = 16
# A rule of more operations a cell is an automaton written out, which nobody reads: it gets a short look
SHORT_LOOK = 2_000
RESIDUALS = 6000  # cells
SEED = SEEDS[0]  # fresh: neither training, sampling nor refinement draws it


@dataclass(frozen=True)
class Film:
    """Both at `marks` steps from one seed; None once a run has left the finite numbers. `nca` has the rule's channels,
    `whole` all of the automaton's, which may be more.
    """

    marks: tuple[int, ...]
    whole: tuple[State | None, ...]
    nca: tuple[State | None, ...]
    rule: tuple[State | None, ...]

    def early_nca(self) -> list[State]:
        """The automaton's states of 20 to 400 steps: the ages that rules are fitted to."""
        return [s for mark, s in zip(self.marks, self.whole, strict=True) if 0 < mark <= STEPS and s is not None]

    def late(self, side: Sequence[State | None]) -> list[State]:
        """The healthy states from 400 steps on; of a film that ends before, its last."""
        first = min(STEPS, self.marks[-1])
        return [s for mark, s in zip(self.marks, side, strict=True) if mark >= first and s is not None]


@dataclass(frozen=True)
class LongRun:
    """The rule on a grid of its own for up to `last` steps: largest |x|, and texture loss (empty without a picture), at
    `steps`.
    """

    side: int
    steps: tuple[int, ...]
    largest: tuple[float, ...]
    loss: tuple[float, ...]
    diverged_at: int | None
    last: int = LONG_STEPS


@dataclass(frozen=True)
class Evidence:
    """All that is shown beside the report; None or empty for what there is not.

    wanted, got: updates (n, channel) of teacher and rule on states that nothing was fitted to.
    spectra: who → (frequency in cycles per cell, power).
    """

    name: str
    wanted: npt.NDArray[np.float64]
    got: npt.NDArray[np.float64]
    target: Picture | None = None
    film: Film | None = None
    large: Picture | None = None
    large_steps: int = LARGE_STEPS
    spectra: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]] | None = None
    long_run: LongRun | None = None


def gather_recording(rule: Rule, teacher: RecordingTeacher, name: str) -> Evidence:
    """A recording has its held-out frames."""
    held = teacher.samples(rows=4 * RESIDUALS, seed=SEED)
    rows = slice(None, None, max(1, len(held.X_held) // RESIDUALS))
    return Evidence(name, held.Y_held[rows], predict(rule, held.X_held[rows]))


def gather_checkpoint(
    rule: Rule, checkpoint: Checkpoint, *, teacher: NCATeacher | None = None, loss: TextureLoss | None = None
) -> Evidence:
    """Run both, and look: about five seconds for eight channels of 64 x 64 cells on two cores."""
    picture = checkpoint.picture
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    if loss is None and picture is not None:
        loss = make_loss(checkpoint)
    with one_thread():
        film = make_film(rule, checkpoint, teacher=teacher)
        wanted, got = _updates(rule, teacher, film.early_nca())
        large, large_steps = _large(rule)
        return Evidence(
            name=str(checkpoint.provenance.get("target", "an automaton")),
            wanted=wanted,
            got=got,
            target=None if picture is None else np.asarray(picture.clip(0, 1) * 255 + 0.5, np.uint8),
            film=film,
            large=large,
            large_steps=large_steps,
            spectra=_spectra(rule, film, picture),
            long_run=_run_long(rule, loss),
        )


def make_film(rule: Rule, checkpoint: Checkpoint, *, teacher: NCATeacher | None = None) -> Film:
    """Automaton and rule from the same first state, with the same update masks."""
    side = min(checkpoint.config.size, LARGEST_FILM)
    affordable = FILM_WORK // (side**2 * len(rule.channels))
    if _is_written_out(rule):
        affordable = STEPS
    marks = tuple(mark for mark in MARKS if mark <= max(STEPS, affordable))
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    own, whole = places_in(rule, teacher.channels), _nca_states(teacher, side, marks)
    nca = tuple(None if state is None else state[own] for state in whole)
    return Film(marks, whole, nca, _rule_states(rule, side, marks))


@torch.inference_mode()
def _nca_states(teacher: NCATeacher, side: int, marks: tuple[int, ...]) -> tuple[State | None, ...]:
    size, done = (side, side), 0
    state = torch.from_numpy(make_state(teacher.nca.first_state, len(teacher.channels), size, SEED))[None]
    kept: list[State | None] = []
    for mark in marks:
        for step in range(done, mark):
            state = teacher.nca(state, teacher.step_mask(size, SEED, step))
        done = mark
        kept.append(state[0].numpy().copy() if bool(state.isfinite().all()) else None)
    return tuple(kept)


def _rule_states(rule: Rule, side: int, marks: tuple[int, ...]) -> tuple[State | None, ...]:
    simulator, kept = Simulator(rule, size=side, seed=SEED), list[State | None]()
    try:
        for mark in marks:
            kept.append(simulator.step(mark - simulator.steps_done).copy())
    except DivergenceError:
        kept += [None] * (len(marks) - len(kept))
    return tuple(kept)


def _updates(rule: Rule, teacher: NCATeacher, states: list[State]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """What both want to do on the automaton's states, (n, channel) each, for the rule's channels."""
    if not states:
        return np.empty((0, len(rule.channels))), np.empty((0, len(rule.channels)))
    names = features_of(teacher)
    rows = np.concatenate([perceive(s, teacher.stencils).reshape(len(names), -1).T for s in states])
    rows = np.random.default_rng(SEED).permutation(rows)[:RESIDUALS]
    mine = rows[:, [names.index(name) for name in rule.feature_names]]
    wanted = teacher.update(rows)[:, places_in(rule, teacher.channels)]
    return wanted.astype(np.float64), predict(rule, mine.astype(np.float64))


def _is_written_out(rule: Rule) -> bool:
    return operations([to_tree(expr) for expr in rule.expressions]) > SHORT_LOOK


def _large(rule: Rule) -> tuple[Picture | None, int]:
    """The rule on a larger grid, None where it diverged, and after how many steps."""
    side, steps = (LARGE // 2, STEPS) if _is_written_out(rule) else (LARGE, LARGE_STEPS)
    try:
        return render(rule, Simulator(rule, size=side, seed=SEED).step(steps)), steps
    except DivergenceError:
        return None, steps


def _spectra(rule: Rule, film: Film, target: npt.NDArray[Any] | None) -> dict[str, Any]:
    """Radial power spectra, mean over the late states."""
    pictures = {
        "target": [] if target is None else [target],
        "NCA": [render(rule, s) / 255 for s in film.late(film.nca)],
        "rule": [render(rule, s) / 255 for s in film.late(film.rule)],
    }
    return {name: radial_spectrum([p.mean(axis=-1) for p in found]) for name, found in pictures.items() if found}


def _run_long(rule: Rule, loss: TextureLoss | None) -> LongRun:
    side, last = (LONG // 2, LONG_STEPS // 10) if _is_written_out(rule) else (LONG, LONG_STEPS)
    marks = np.unique(np.geomspace(10, last, LONG_MARKS).round().astype(int)).tolist()
    simulator, diverged_at = Simulator(rule, size=side, seed=SEED), None
    steps, largest, losses = [], [], []
    try:
        for mark in marks:
            state = simulator.step(mark - simulator.steps_done)
            steps.append(mark)
            largest.append(float(np.abs(state).max()))
            if loss is not None:
                value = texture_loss(loss, _shown(rule, state)[None])
                losses.append(value if math.isfinite(value) else math.nan)
    except DivergenceError as error:
        diverged_at = error.step
    return LongRun(side, tuple(steps), tuple(largest), tuple(losses), diverged_at, last)


def _shown(rule: Rule, state: State) -> npt.NDArray[np.float32]:
    """The picture (h, w, 3) that the loss is taken of: not clipped."""
    assert rule.display is not None
    shown = [rule.channels.index(name) for name in rule.display.channels]
    return np.asarray(rule.display.scale * state[shown].transpose(1, 2, 0) + rule.display.offset, np.float32)
