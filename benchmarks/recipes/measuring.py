"""What one training came to: its record, its pictures, and where they are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.recipes.automata import Automaton, grow
from benchmarks.recipes.training import RECIPES, Trained, train, untrained
from equations.files import write_text
from srnca.media.images import Target
from srnca.provenance import provenance
from srnca.texture.controls import flat
from srnca.texture.evaluate import SEEDS, STEPS, texture_loss
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss, build_loss

LARGE_STEPS = 1600  # at twice the size
BANKS = ("wavelet", "multiscale")


class Measures:
    """All measures of pictures against one target, built once."""

    def __init__(self, target: np.ndarray) -> None:
        self.judge = Judge(target)
        self.losses: dict[str, TextureLoss] = {bank: build_loss(bank, target) for bank in BANKS}

    def __call__(self, pictures: list[np.ndarray]) -> dict[str, float]:
        stacked = np.stack(pictures)
        found = {bank: texture_loss(loss, stacked) for bank, loss in self.losses.items()}
        return found | {"judge": self.judge.mean(stacked)}


@dataclass(frozen=True)
class Place:
    """The files of one training. The record is written last: what has one is not run again."""

    folder: Path
    recipe: str
    seed: int

    def file(self, ending: str) -> Path:
        return self.folder / f"{self.recipe}-{self.seed}{ending}"

    @property
    def record(self) -> dict[str, Any] | None:
        path = self.file(".json")
        return json.loads(path.read_text()) if path.exists() else None


def run(place: Place, target: Target, minutes: float | None, large: int, measures: Measures) -> dict[str, Any]:
    """The record of one training: from its file, or trained and measured now.

    minutes: of processor time; None trains ours for the iterations that it says.
    large: how many pictures of twice the size are judged.
    """
    if place.record is not None:
        return place.record
    trained = _trained(place, target, minutes)
    side = target.pixels.shape[0]
    small = [grow(trained.automaton, side, STEPS, seed) for seed in SEEDS]
    big = [grow(trained.automaton, 2 * side, LARGE_STEPS, seed) for seed in SEEDS[:large]]
    record: dict[str, Any] = {
        "recipe": place.recipe,
        "target": target.name,
        "seed": place.seed,
        "iterations": trained.iterations,
        "seconds": trained.seconds,
        "ended": trained.ended,
        "numbers": trained.automaton.numbers,
        **measures(small),
        "judge_large": measures.judge.mean(np.stack(big)),
        "flat": measures([flat(target.pixels)]),
        "provenance": provenance(minutes=minutes, size=side, threads=torch.get_num_threads(), large=large),
    }
    np.savez_compressed(place.file(".npz"), small=small[0], large=big[0], target=target.pixels)
    write_text(place.file(".json"), json.dumps(record, indent=2) + "\n")
    return record


def _trained(place: Place, target: Target, minutes: float | None) -> Trained:
    """What was trained before, else trained now and saved at once."""
    if found := saved(place, target):
        return found
    trained = train(RECIPES[place.recipe], target, None if minutes is None else 60 * minutes, place.seed)
    about = {"iterations": trained.iterations, "seconds": trained.seconds, "ended": trained.ended}
    part = place.file(".part")
    torch.save({"weights": trained.automaton.state_dict(), **about}, part)
    part.replace(place.file(".pt"))
    return trained


def saved(place: Place, target: Target) -> Trained | None:
    """A training read from its file of weights; None where there is none."""
    if not place.file(".pt").exists():
        return None
    kept = torch.load(place.file(".pt"), weights_only=True)
    automaton: Automaton = untrained(RECIPES[place.recipe], target, place.seed)
    automaton.load_state_dict(kept["weights"])
    return Trained(automaton, kept["iterations"], kept["seconds"], kept["ended"])
