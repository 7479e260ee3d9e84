"""The numbers behind a distillation's page: rule and automaton are run side by side, from the same seed."""

from __future__ import annotations

import math
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
from srnca.pages.runs import Film, LongRun, Picture, State
from srnca.pages.settings import PageSettings
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import SEEDS, make_loss, picture_of, texture_loss
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher

SEED = SEEDS[0]  # neither training nor sampling nor refinement uses it


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
    law: a picture of the law of few species that was not chosen.
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
    law: Picture | None = None


def gather_recording(rule: Rule, teacher: HasSamples, name: str, settings: PageSettings) -> Evidence:
    """The rule against a recording, on frames that were held out."""
    held = teacher.samples(rows=4 * settings.residuals, seed=SEED)
    rows = slice(None, None, max(1, len(held.X_held) // settings.residuals))
    return Evidence(name, held.Y_held[rows], predict(rule, held.X_held[rows]))


def gather_law(
    rule: Rule, picture: npt.NDArray[np.floating], name: str, loss: TextureLoss, settings: PageSettings
) -> Evidence:
    """Run a law of few species; there is no automaton beside it."""
    with one_thread():
        large, large_steps = _draw_large(rule, settings)
        return Evidence(
            name=name,
            wanted=np.empty((0, len(rule.channels))),
            got=np.empty((0, len(rule.channels))),
            target=np.asarray(picture.clip(0, 1) * 255 + 0.5, np.uint8),
            large=large,
            large_steps=large_steps,
            long_run=_run_long(rule, loss, settings),
        )


def gather_checkpoint(
    rule: Rule,
    checkpoint: Checkpoint,
    settings: PageSettings,
    *,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
    law: Rule | None = None,
) -> Evidence:
    """Run rule and automaton, and measure both.

    This takes about five seconds for eight channels of 64 × 64 cells on two cores.
    teacher, loss: those of the checkpoint, where they are built already.
    law: a law of few species that competed with the rule.
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
            law=None if law is None else _draw_large(law, settings)[0],
        )


def is_law_of_species(rule: Rule) -> bool:
    """Whether a rule was found for the picture alone, so that its channels are not its automaton's."""
    return rule.provenance.get("engine") == "species"


def make_film(rule: Rule, checkpoint: Checkpoint, settings: PageSettings, *, teacher: NCATeacher | None = None) -> Film:
    """Automaton and rule from the same first state, with the same update masks."""
    side = min(checkpoint.config.size, settings.largest_film)
    affordable = settings.film_work // (side**2 * len(rule.channels))
    if _is_written_out(rule, settings):
        affordable = settings.grown
    marks = tuple(mark for mark in settings.marks if mark <= max(settings.grown, affordable))
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    whole = _nca_states(teacher, side, marks)
    if is_law_of_species(rule):
        drawn = tuple(None if state is None else _drawn(teacher, state) for state in whole)
        return Film(marks, whole, whole, _rule_states(rule, side, marks), settings.grown, drawn)
    own = places_in(rule, teacher.channels)
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


def _drawn(teacher: NCATeacher, state: State) -> Picture:
    """What the automaton itself shows in a state."""
    return np.asarray(teacher.pictures(state[None])[0].clip(0, 1) * 255 + 0.5, np.uint8)


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
    if not states or is_law_of_species(rule):
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
        "NCA": [p / 255 for p in film.late(film.drawn)]
        if film.drawn
        else [render(rule, s) / 255 for s in film.late(film.nca)],
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
