"""Texture losses and judge of pictures, automata and rules, all measured in the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill.refine import Objective
from distill.species.scale import measure_scale
from equations.errors import DivergenceError
from equations.rule.display import colours_of
from equations.rule.rule import Rule
from equations.simulation import Simulator
from srnca.texture import controls
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.judge import Judge
from srnca.texture.lines import LineDistance
from srnca.texture.loss import TextureLoss, build_loss, logarithm
from srnca.texture.patches import PatchDistance, balanced
from srnca.texture.teacher import NCATeacher
from srnca.texture.weighing import counted

STEPS = 400  # age of the pictures that are measured
SEEDS = (90_001, 90_002, 90_003, 90_004)  # fresh: neither training nor refinement draws these
MAX_LOSS_RATIO = 2.0  # a rule's distance over the automaton's, by either; above it there is a warning, and verify fails
MAX_OF_FLAT = 0.5  # texture loss over that of a flat picture; above it there is hardly any texture
LINES = 0.5  # weight of how line-like a law's pictures are: coherences that are off by 0.2 cost a factor of e
LARGEST_LINES = 8.0  # the largest exponent of that factor
EXCESS = 30.0  # weight of the mean square by which colours leave [0, 1]: 0.06 costs 0.1

Scores = dict[str, float | None]  # who ("flat", "teacher", "rule") -> distance; None where its pictures diverged


def make_loss(checkpoint: Checkpoint) -> TextureLoss:
    """The texture loss on the bank that the automaton was trained with; InputError or MissingPartError without it."""
    named = checkpoint.provenance.get("vgg_weights")  # the file that training was given, if it is still there
    weights = Path(named) if isinstance(named, str) and Path(named).is_file() else None
    return build_loss(checkpoint.config.bank, checkpoint.target, vgg_weights=weights)


def make_judge(checkpoint: Checkpoint) -> Judge:
    """The judge of the automaton's picture; InputError without it."""
    return Judge(checkpoint.target)


def make_objective(checkpoint: Checkpoint, texture: TextureLoss | None = None) -> Objective:
    """The objective of closed-loop refinement: the automaton's own training loss, for Gram losses with patches.

    texture: the checkpoint's texture loss, where it is built already.
    """
    texture = make_loss(checkpoint) if texture is None else texture
    if not texture.with_patches:
        return _as_shown(Objective(lambda rgb, random: logarithm(texture(rgb)), texture, texture))
    patches = PatchDistance(checkpoint.target)

    def train(rgb: Tensor, random: torch.Generator) -> Tensor:
        return balanced(texture(rgb), patches(rgb, random, projections=16))

    return _as_shown(Objective(train, lambda rgb: balanced(texture(rgb), patches(rgb)).exp(), texture))


def make_species_objective(target: np.ndarray, measure: TextureLoss) -> Objective:
    """The objective of a law of few species: the wavelet loss, and how line-like the pattern is.

    By the wavelet loss alone a labyrinth with sharp edges is nearer to round spots than softer spots are. How line-like
    two pieces of one texture are differs by about 1, so that hardly counts (`counted`).
    target: (h, w, 3). measure: the loss that is reported. Raises InputError for a target of less than two waves.
    """
    lines = LineDistance(target, measure_scale(target).wavelength)
    texture = build_loss("wavelet", target)

    def unlike(rgb: Tensor) -> Tensor:
        return LINES * counted(lines(rgb), torch.log1p)

    def judge(rgb: Tensor) -> Tensor:
        return texture(rgb) * unlike(rgb).clamp(max=LARGEST_LINES).exp()

    return _as_shown(Objective(lambda rgb, random: logarithm(texture(rgb)) + unlike(rgb), judge, measure))


def _as_shown(plain: Objective) -> Objective:
    """The objective for pictures as they are shown, clipped to [0, 1]; beyond that colours only have a penalty."""

    def train(rgb: Tensor, random: torch.Generator) -> Tensor:
        shown = rgb.clamp(0, 1)
        return plain.train(shown, random) + EXCESS * (rgb - shown).square().mean(dim=(1, 2, 3))

    return Objective(train, lambda rgb: plain.judge(rgb.clamp(0, 1)), lambda rgb: plain.measure(rgb.clamp(0, 1)))


@torch.no_grad()
def flat_loss(loss: TextureLoss, target: np.ndarray) -> float:
    """The texture loss of a flat picture of the target's mean colour."""
    flat = torch.tensor(target.mean(axis=(0, 1)), dtype=torch.float32)[None, :, None, None]
    return float(loss(flat.expand(1, 3, *target.shape[:2]).contiguous()))


@torch.no_grad()
def texture_loss(loss: TextureLoss, pictures: np.ndarray) -> float:
    """Mean texture loss of pictures (n, h, w, 3), clipped to [0, 1] as they are shown; infinite where not finite."""
    if not np.isfinite(pictures).all():
        return math.inf
    shown = np.clip(pictures, 0, 1).transpose(0, 3, 1, 2)
    value = float(loss(torch.from_numpy(np.ascontiguousarray(shown))).mean())
    return value if math.isfinite(value) else math.inf


def score_pictures(loss: TextureLoss, judge: Judge, target: np.ndarray, **pictures: np.ndarray) -> dict[str, Scores]:
    """The texture losses and the judge of a `flat` picture and of each of `pictures`, (n, h, w, 3).

    Returns {"texture_loss": …, "judge": …}, as reports have them: JSON has no infinity, so it is None.
    """
    losses = {"flat": flat_loss(loss, target)} | {who: texture_loss(loss, made) for who, made in pictures.items()}
    judged = {"flat": judge(controls.flat(target))} | {who: judge.mean(made) for who, made in pictures.items()}
    return {"texture_loss": _finite(losses), "judge": _finite(judged)}


def _finite(distances: Mapping[str, float]) -> Scores:
    return {who: distance if math.isfinite(distance) else None for who, distance in distances.items()}


def shortfall(
    losses: Mapping[str, float | None], refined: bool, judged: Mapping[str, float | None] | None = None
) -> str | None:
    """A warning that the rule lacks its automaton's texture, or None where it has it.

    losses: texture losses of a `flat` colour, the `teacher` and the `rule`; None where pictures diverged.
    refined: whether the rule's constants were tuned on rollouts.
    judged: the same of the judge; older reports have none.
    """
    lacks: list[str] = []
    for distances, what in ((losses, "texture loss"), (judged, "distance from the picture by the judge")):
        if distances is None:
            continue
        flat, teacher, rule = (math.inf if (d := distances[who]) is None else d for who in ("flat", "teacher", "rule"))
        if teacher >= flat:
            return "the automaton itself is no better than a flat colour: train it longer before judging the rule"
        if rule >= flat:
            lacks = ["is no better than a flat colour"]
            break
        if rule > MAX_LOSS_RATIO * teacher > 0:
            lacks.append(f"has {rule / teacher:.1f} times the automaton's {what}")
    if not lacks:
        return None
    short = f"the rule {' and '.join(lacks)}"
    if not refined:
        return f"{short}: refinement is what keeps a texture, so leave out --refine none"
    return f"{short}: more --effort, more --terms or another --seed may give a better one"


def nca_pictures(
    checkpoint: Checkpoint,
    *,
    steps: int = STEPS,
    seeds: tuple[int, ...] = SEEDS,
    teacher: NCATeacher | None = None,
) -> np.ndarray:
    """The automaton's pictures (n, h, w, 3) after `steps`, one for each seed; not clipped.

    teacher: the checkpoint's, where it is built already.
    """
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    size = checkpoint.target.shape[:2]
    states = [teacher.rollout(size=size, steps=steps, seed=seed, every=steps)[-1] for seed in seeds]
    return teacher.pictures(np.stack(states))


def rule_pictures(
    rule: Rule, size: tuple[int, int], *, steps: int = STEPS, seeds: tuple[int, ...] = SEEDS
) -> np.ndarray:
    """A rule's pictures (n, h, w, 3) after `steps`; not clipped; not finite where the rule diverged."""
    return np.stack([_rule_picture(rule, size, steps, seed) for seed in seeds])


def _rule_picture(rule: Rule, size: tuple[int, int], steps: int, seed: int) -> np.ndarray:
    simulator = Simulator(rule, size=size, seed=seed)
    try:
        simulator.step(steps)
    except DivergenceError:
        return np.full((*size, 3), np.nan, np.float32)
    return picture_of(rule, simulator.state)


def picture_of(rule: Rule, state: np.ndarray) -> np.ndarray:
    """The picture (h, w, 3), not clipped, of a state (channel, h, w) of a rule that shows red, green and blue."""
    return colours_of(rule, state).transpose(1, 2, 0)
