"""Studies with planted laws: trials that nobody trained, their losses and pictures drawn from known formulas."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from PIL import Image

from srnca.media.samples import make_sample
from srnca.studies.search.space import STUDY, Space
from srnca.studies.storage import schema

SIZE = 32
FEW_RESAMPLES = 399  # of an interval: a quarter of the time of the usual number
TARGETS = ("snake", "orchid")


@functools.cache
def draw_sample(name: str) -> np.ndarray:
    return make_sample(name, SIZE)


def planted_study(
    folder: Path,
    trials: int,
    *,
    name: str = "planted",
    targets: Sequence[str] = TARGETS,
    space: Space = STUDY,
    noise: float = 0.05,
    rated: bool = False,
    more: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
) -> optuna.Study:
    """A journal study in `folder`/NAME.study. log loss = −1.5 · place of the learning rate in [0, 1] + noise, the
    second texture's is half that and 0.2 higher; the pictures are the target under as much noise as the loss is large;
    ratings (of the rater "planted") fall with the loss. Trial 1 diverges on the last texture. more: further sets.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    home = folder / f"{name}.study"
    home.mkdir(parents=True)
    journal = optuna.storages.journal.JournalFileBackend(str(home / "journal.log"))
    study = optuna.create_study(study_name=name, storage=optuna.storages.JournalStorage(journal))
    study.set_user_attr(schema.FORMAT_KEY, schema.FORMAT)
    study.set_user_attr(schema.SPACE, space.to_dict())
    study.set_user_attr(schema.TARGETS, {t: {"spec": f"sample:{t}", "crop": None} for t in targets})
    study.set_user_attr(schema.SETTINGS, {"size": SIZE, "iterations": 10})
    random = np.random.default_rng(seed)
    sets = [space.from_unit(random.random(len(space.axes))) for _ in range(trials)]
    for number, params in enumerate([*sets, *more]):
        add_trial(study, home, number, params, targets, space, random, noise, rated, diverges=number == 1)
    return study


def add_trial(
    study: optuna.Study, home: Path, number: int, params: Mapping[str, Any], targets: Sequence[str], space: Space,
    random: np.random.Generator, noise: float, rated: bool, *, diverges: bool,
) -> None:  # fmt: skip
    losses, pictures = dict[str, float | None](), dict[str, str]()
    for place, target in enumerate(targets):
        loss = planted_loss(space, params, place) * math.exp(noise * random.standard_normal())
        if diverges and place == len(targets) - 1:
            losses[target] = None
            continue
        losses[target] = loss
        pictures[target] = f"trial-{number:04d}/{target}.png"
        spoiled = draw_sample(target) + 0.3 * loss * random.standard_normal((SIZE, SIZE, 3))
        (home / pictures[target]).parent.mkdir(exist_ok=True)
        Image.fromarray((spoiled.clip(0, 1) * 255).astype(np.uint8)).save(home / pictures[target])
        if rated:
            score = int(np.clip(round(5 - 4.5 * loss + 0.3 * random.standard_normal()), 0, 5))
            entry = {"score": score, "rater": "planted", "time": "2026-01-01T00:00:00+00:00"}
            study.set_user_attr(schema.rating_key(number, target, "planted"), [entry])
    healthy = [value for value in losses.values() if value is not None]
    study.add_trial(
        optuna.trial.create_trial(
            params=dict(params),
            distributions=space.distributions(),
            value=math.exp(float(np.mean(np.log([*healthy, *[30.0] * (len(losses) - len(healthy))])))),
            user_attrs={
                schema.LOSSES: losses,
                schema.PICTURES: pictures,
                schema.STATUS: schema.DIVERGED if diverges else schema.DONE,
                schema.SEED: number,
                schema.TIME: 1.0,
            },
        )
    )


def planted_loss(space: Space, params: Mapping[str, Any], place: int) -> float:
    """Without noise, on the texture at `place`."""
    at = dict(zip(space.names, space.to_unit(params), strict=True))["learning_rate"]
    return math.exp(-1.5 * at) if place == 0 else math.exp(-0.75 * at + 0.2)
