"""The numbers behind a distillation's page: rule and automaton are run side by side, from the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.fidelity import predict
from distill.teacher import HasSamples, features_of
from equations.analysis.spectrum import windowed_spectrum
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
from srnca.pages.settings import PageSettings
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import SEEDS, STEPS, make_loss, picture_of, texture_loss
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher

Picture = npt.NDArray[np.uint8]  # (h, w, 3)
State = npt.NDArray[np.float32]  # (channel, h, w)

SEED = SEEDS[0]  # neither training nor sampling nor refinement uses it


@dataclass(frozen=True)
class Film:
    """Rule and automaton at `marks` steps from the same seed; a state is None once its run has diverged.

    whole: states of the automaton, all channels.
    nca: the same states, with only the channels that the rule has.
    rule: states of the rule.
    grown: the age in steps at which texture losses are taken.
    """

    marks: tuple[int, ...]
    whole: tuple[State | None, ...]
    nca: tuple[State | None, ...]
    rule: tuple[State | None, ...]
    grown: int = STEPS

    def early_nca(self) -> list[State]:
        """The automaton's states after the first step and up to `grown`: the ages that rules are fitted to."""
        return [s for mark, s in zip(self.marks, self.whole, strict=True) if 0 < mark <= self.grown and s is not None]

    def late(self, side: Sequence[State | None]) -> list[State]:
        """The finite states of `side` from `grown` on; of a film that ends before, its last."""
        first = min(self.grown, self.marks[-1])
        return [s for mark, s in zip(self.marks, side, strict=True) if mark >= first and s is not None]


@dataclass(frozen=True)
class LongRun:
    """The rule alone, run for up to `last` steps on `side` × `side` cells.

    steps: when it was measured.
    largest: the largest |x| at these steps.
    loss: the texture loss at these steps; empty without a picture.
    diverged_at: the step at which it left the finite numbers, None if it never did.
    """

    side: int
    steps: tuple[int, ...]
    largest: tuple[float, ...]
    loss: tuple[float, ...]
    diverged_at: int | None
    last: int


@dataclass(frozen=True)
class Evidence:
    """All that the page shows beside the report; None or empty for what there is not.

    name: what the automaton or recording is called.
    wanted, got: updates (n, channel) of teacher and rule on states that nothing was fitted to.
    target: the picture that the automaton was trained on.
    film: rule and automaton side by side.
    large, large_steps: the rule on a larger grid, and after how many steps.
    spectra: who → (frequency in cycles per cell, power).
    long_run: the rule over a long time.
    """

    name: str
    wanted: npt.NDArray[np.float64]
    got: npt.NDArray[np.float64]
    target: Picture | None = None
    film: Film | None = None
    large: Picture | None = None
    large_steps: int = 0
    spectra: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]] | None = None
    long_run: LongRun | None = None


def gather_recording(rule: Rule, teacher: HasSamples, name: str, settings: PageSettings) -> Evidence:
    """The rule against a recording, on frames that were held out."""
    held = teacher.samples(rows=4 * settings.residuals, seed=SEED)
    rows = slice(None, None, max(1, len(held.X_held) // settings.residuals))
    return Evidence(name, held.Y_held[rows], predict(rule, held.X_held[rows]))


def gather_checkpoint(
    rule: Rule,
    checkpoint: Checkpoint,
    settings: PageSettings,
    *,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
) -> Evidence:
    """Run rule and automaton, and measure both.

    This takes about five seconds for eight channels of 64 × 64 cells on two cores.
    teacher, loss: those of the checkpoint, where they are built already.
    """
    picture = checkpoint.picture
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    if loss is None and picture is not None:
        loss = make_loss(checkpoint)
    with one_thread():
        film = make_film(rule, checkpoint, settings, teacher=teacher)
        wanted, got = _updates(rule, teacher, film.early_nca(), settings.residuals)
        large, large_steps = _draw_large(rule, settings)
        return Evidence(
            name=str(checkpoint.provenance.get("target", "an automaton")),
            wanted=wanted,
            got=got,
            target=None if picture is None else np.asarray(picture.clip(0, 1) * 255 + 0.5, np.uint8),
            film=film,
            large=large,
            large_steps=large_steps,
            spectra=_spectra(rule, film, picture),
            long_run=_run_long(rule, loss, settings),
        )


def make_film(rule: Rule, checkpoint: Checkpoint, settings: PageSettings, *, teacher: NCATeacher | None = None) -> Film:
    """Automaton and rule from the same first state, with the same update masks."""
    side = min(checkpoint.config.size, settings.largest_film)
    affordable = settings.film_work // (side**2 * len(rule.channels))
    if _is_written_out(rule, settings):
        affordable = settings.grown
    marks = tuple(mark for mark in settings.marks if mark <= max(settings.grown, affordable))
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    own, whole = places_in(rule, teacher.channels), _nca_states(teacher, side, marks)
    nca = tuple(None if state is None else state[own] for state in whole)
    return Film(marks, whole, nca, _rule_states(rule, side, marks), settings.grown)


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


def _updates(
    rule: Rule, teacher: NCATeacher, states: list[State], most: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The updates of automaton and rule at up to `most` cells of `states`, each (n, channel of the rule)."""
    if not states:
        return np.empty((0, len(rule.channels))), np.empty((0, len(rule.channels)))
    names = features_of(teacher)
    rows = np.concatenate([perceive(s, teacher.stencils).reshape(len(names), -1).T for s in states])
    rows = np.random.default_rng(SEED).permutation(rows)[:most]
    mine = rows[:, [names.index(name) for name in rule.feature_names]]
    wanted = teacher.update(rows)[:, places_in(rule, teacher.channels)]
    return wanted.astype(np.float64), predict(rule, mine.astype(np.float64))


def _is_written_out(rule: Rule, settings: PageSettings) -> bool:
    """Whether the rule is so long that it is an automaton written out, which gets a shorter run."""
    return operations([to_tree(expr) for expr in rule.expressions]) > settings.short_look


def _draw_large(rule: Rule, settings: PageSettings) -> tuple[Picture | None, int]:
    """A picture of the rule on a larger grid, None where it diverged, and the number of its steps."""
    side, steps = settings.large, settings.large_steps
    if _is_written_out(rule, settings):
        side, steps = side // 2, settings.grown
    try:
        return render(rule, Simulator(rule, size=side, seed=SEED).step(steps)), steps
    except DivergenceError:
        return None, steps


def _spectra(rule: Rule, film: Film, target: npt.NDArray[Any] | None) -> dict[str, Any]:
    """Radial power spectra of the target and of both runs, averaged over their late states."""
    pictures = {
        "target": [] if target is None else [target],
        "NCA": [render(rule, s) / 255 for s in film.late(film.nca)],
        "rule": [render(rule, s) / 255 for s in film.late(film.rule)],
    }
    return {name: windowed_spectrum([p.mean(axis=-1) for p in found]) for name, found in pictures.items() if found}


def _run_long(rule: Rule, loss: TextureLoss | None, settings: PageSettings) -> LongRun:
    side, last = settings.long, settings.long_steps
    if _is_written_out(rule, settings):
        side, last = side // 2, last // 10
    marks = np.unique(np.geomspace(10, last, settings.long_marks).round().astype(int)).tolist()
    simulator, diverged_at = Simulator(rule, size=side, seed=SEED), None
    steps, largest, losses = [], [], []
    try:
        for mark in marks:
            state = simulator.step(mark - simulator.steps_done)
            steps.append(mark)
            largest.append(float(np.abs(state).max()))
            if loss is not None:
                value = texture_loss(loss, picture_of(rule, state)[None])
                losses.append(value if math.isfinite(value) else math.nan)
    except DivergenceError as error:
        diverged_at = error.step
    return LongRun(side, tuple(steps), tuple(largest), tuple(losses), diverged_at, last)
