"""Trains any of the recipes for the same processor time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor

from benchmarks.recipes.automata import Automaton, MicroNCA, Network, SelfOrganising
from benchmarks.recipes.losses import make_loss
from equations.errors import InputError, SrncaError
from srnca.media.images import Target
from srnca.texture.colours import Colours
from srnca.texture.config import PRESETS, TrainConfig
from srnca.texture.growing import normalised, state_threads
from srnca.texture.loss import build_loss
from srnca.texture.training import _Run

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Published:
    """A published recipe. What all of them share is in the defaults.

    make: the untrained automaton.
    loss: see `make_loss`.
    steps: the shortest and the longest rollout.
    drops: shares of the training after which the learning rate is multiplied by 0.3.
    power: of the distance from [-1, 1] in the penalty, a sum over all states.
    unit_adjoints: whether the gradient by a state is scaled to unit norm after each step backwards.
    """

    make: Callable[[torch.Generator], Automaton]
    loss: str
    steps: tuple[int, int] = (32, 95)
    drops: tuple[float, float] = (0.2, 0.4)
    power: int = 1
    unit_adjoints: bool = False
    pool: int = 256
    batch: int = 4
    fresh_every: int = 8
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class Ours:
    """A configuration of `srnca train`."""

    settings: TrainConfig

    def config(self, size: int, seed: int) -> TrainConfig:
        return replace(self.settings, size=size, seed=seed)


Recipe = Published | Ours


def _self_organising(loss: str) -> Published:
    return Published(SelfOrganising, loss)


def _micro(laplacians: int, slopes: int, loss: str = "transport") -> Published:
    return Published(
        lambda random: MicroNCA(laplacians, slopes, random),
        loss,
        steps=(32, 127),
        drops=(0.1, 0.4),
        power=2,
        unit_adjoints=True,
    )


CHANNELS = (3, 4, 6, 8)
# The preset `default` before there were wavelet losses and maps of the colours; others before they had such a map
FORMER = TrainConfig(bank="multiscale", colours="channels", channels=8, learning_rate=3e-3, iterations=900)
UNMAPPED = {"quality": 12, "compact": 8}
OTHERS = {"quality": 12, "compact": 3}  # other numbers of channels with a map
RECIPES: dict[str, Recipe] = {
    "sot-vgg": _self_organising("vgg"),
    "sot-multiscale": _self_organising("multiscale"),
    "sot-wavelet": _self_organising("wavelet"),
    "munca-588": _micro(4, 4),
    "munca-264": _micro(4, 2),
    "munca-68": _micro(2, 1),
    "munca-588-wavelet": _micro(4, 4, "wavelet"),
    "default": Ours(PRESETS["default"]),
    "default-multiscale": Ours(replace(PRESETS["default"], bank="multiscale")),
    "former": Ours(FORMER),
    "compact": Ours(PRESETS["compact"]),
    "quality": Ours(PRESETS["quality"]),
    **{
        f"{kind}-{n}": Ours(replace(PRESETS["default"], colours=kind, channels=n))
        for kind in get_args(Colours)
        for n in CHANNELS
    },
    **{
        f"{name}-unmapped": Ours(replace(PRESETS[name], colours="channels", channels=n)) for name, n in UNMAPPED.items()
    },
    **{f"{name}-{n}": Ours(replace(PRESETS[name], channels=n)) for name, n in OTHERS.items()},
}


@dataclass(frozen=True)
class Trained:
    """seconds: of processor time. ended: how training ended, `in time` or `diverged`."""

    automaton: Automaton
    iterations: int
    seconds: float
    ended: str = "in time"


class Budget:
    """Processor time of a training. Learning rates follow the share that is used, so schedules stretch to fit."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.iterations = seconds, 0
        self.started = time.process_time()
        self.used = 0.0

    def count(self) -> None:
        self.iterations += 1
        self.used = time.process_time() - self.started

    @property
    def share(self) -> float:
        return min(1.0, self.used / self.seconds)

    @property
    def left(self) -> bool:
        """Whether one more iteration, as long as the mean one, would end nearer to the end than this one did."""
        return self.iterations == 0 or self.used * (1 + 0.5 / self.iterations) < self.seconds


def untrained(recipe: Recipe, target: Target, seed: int) -> Automaton:
    if isinstance(recipe, Ours):
        return Network(recipe.config(target.pixels.shape[0], seed), target.pixels)
    return recipe.make(torch.Generator().manual_seed(seed))


def train(recipe: Recipe, target: Target, seconds: float | None, seed: int) -> Trained:
    """The recipe's automaton after this much processor time. Preparing the loss and the pool is not counted.

    seconds: None trains ours for the iterations that it says. Raises InputError for a published recipe.
    """
    if isinstance(recipe, Ours):
        return _train_ours(recipe, target, seconds, seed)
    if seconds is None:
        raise InputError("a published recipe needs --minutes: only presets say how long they train")
    return _train_published(recipe, target, seconds, seed)


def _train_ours(recipe: Ours, target: Target, seconds: float | None, seed: int) -> Trained:
    """`srnca train`; with a budget the number of iterations is estimated anew after each one."""
    config = recipe.config(target.pixels.shape[0], seed)
    run = _Run(target, config, build_loss(config.bank, target.pixels), CPU)
    automaton = Network(config, target.pixels)
    automaton.nca = run.nca
    budget = Budget(math.inf if seconds is None else seconds)
    with state_threads(run.device, config.batch_size) as run.threads:
        while budget.left if seconds is not None else not run.done:
            if seconds is not None:
                fit = round(run.iteration / budget.share) if budget.share else 10**6
                run.config = replace(config, iterations=max(fit, run.iteration + 1))
            try:
                run.iterate()
            except SrncaError:
                return Trained(automaton, run.iteration, budget.used, "diverged")
            budget.count()
    return Trained(automaton, run.iteration, budget.used)


def _train_published(recipe: Published, target: Target, seconds: float, seed: int) -> Trained:
    training = PublishedTraining(recipe, target, seed)
    budget = Budget(seconds)
    while budget.left:
        finite = training.iterate(budget.share)
        budget.count()
        if not finite:
            return Trained(training.automaton, budget.iterations, budget.used, "diverged")
    return Trained(training.automaton, budget.iterations, budget.used)


class PublishedTraining:
    """The parts of a training by a published recipe."""

    def __init__(self, recipe: Published, target: Target, seed: int, device: torch.device = CPU) -> None:
        self.recipe, self.size = recipe, target.pixels.shape[0]
        self.random = torch.Generator().manual_seed(seed)
        self.noise = torch.Generator(device).manual_seed(seed)  # of masks and directions
        self.automaton = recipe.make(self.random).to(device)
        self.loss = make_loss(recipe.loss, target.pixels, device)
        self.pool = self.automaton.first_states(recipe.pool, self.size, self.random).to(device)
        self.parameters = list(self.automaton.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, lr=recipe.learning_rate)
        self.iteration = 0

    def iterate(self, share: float) -> bool:
        """One iteration, after this share of the training; whether all states are still finite."""
        recipe = self.recipe
        chosen = torch.randperm(recipe.pool, generator=self.random)[: recipe.batch]
        batch = self.pool[chosen]
        if self.iteration % recipe.fresh_every == 0:
            batch[:1] = self.automaton.first_states(1, self.size, self.random).to(batch.device)
        steps = int(torch.randint(recipe.steps[0], recipe.steps[1] + 1, (), generator=self.random))
        # On a CPU one state at a time: the same gradients with a fourth of the memory.
        parts = batch.split(1) if batch.device.type == "cpu" else [batch]
        grown = torch.cat([self._roll(states, steps) for states in parts])
        self.pool[chosen] = grown
        gradients = normalised([p.grad for p in self.parameters if p.grad is not None])
        for p, gradient in zip(self.parameters, gradients, strict=True):
            p.grad = gradient
        self.optimiser.param_groups[0]["lr"] = recipe.learning_rate * 0.3 ** sum(share >= d for d in recipe.drops)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.iteration += 1
        return bool(grown.isfinite().all())

    def _roll(self, states: Tensor, steps: int) -> Tensor:
        """Roll states out and add their gradients of the mean loss of the batch and the sum of what overflows in it."""
        for _ in range(steps):
            states = self.automaton(states, self.noise)
            if self.recipe.unit_adjoints:
                states.register_hook(_unit)
        excess = (states - states.clamp(-1, 1)).abs().pow(self.recipe.power).sum()
        (self.loss(self.automaton.rgb(states), self.noise).sum() / self.recipe.batch + excess).backward()
        return states.detach()


def _unit(adjoint: Tensor) -> Tensor:
    """Each state's gradient scaled to unit norm."""
    return adjoint / adjoint.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
