"""Draws that depend on seed and trial alone; evolution that climbs down a known bowl."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import optuna
import pytest

from equations.errors import InputError
from srnca.studies.search.axis import Axis
from srnca.studies.search.samplers import DRAWN, GENERATION, NAMES, make_sampler
from srnca.studies.search.space import STUDY, Space
from tests.test_srnca.test_studies.quick import SPACE, bowl

optuna.logging.set_verbosity(optuna.logging.ERROR)


def searched(name: str, seed: int, trials: int, space: Space = SPACE) -> optuna.Study:
    directions = ["minimize"] * (2 if name == "nsga2" else 1)
    study = optuna.create_study(sampler=make_sampler(name, space, seed), directions=directions)
    for _ in range(trials):
        trial = study.ask(space.distributions())
        values = [bowl({"channels": 12, "update_rate": 0.7, **trial.params}), float(trial.number)]
        study.tell(trial, values[: len(directions)])
    return study


def sets(study: optuna.Study) -> list[dict[str, Any]]:
    return [t.params for t in study.get_trials()]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_draws_the_same_sets(name: str) -> None:
    first, again, other = (sets(searched(name, seed, 12, STUDY)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert all(STUDY.check(params) == params for params in first)
    assert len({str(params) for params in first}) == 12


def test_random_sets_do_not_depend_on_who_draws_them() -> None:
    """Two workers that draw in turn, each with a sampler of its own, make one worker's study."""
    alone = searched("random", 0, 8)
    study = optuna.create_study()
    samplers = [make_sampler("random", SPACE, 0) for _ in range(2)]
    for number in range(8):
        study.sampler = samplers[number % 2]
        study.ask(SPACE.distributions())
    assert sets(study) == sets(alone)


def test_evolution_finds_the_bowl_sooner_than_chance() -> None:
    """Squared distance in the study's own seven axes; a run of 60 random sets comes to about 0.26."""
    bottom = [0.66, 0.66, 0.5, 1.0, 0.0, 0.3, 0.9]

    def best(name: str, seed: int) -> float:
        study = optuna.create_study(sampler=make_sampler(name, STUDY, seed))
        for _ in range(60):
            trial = study.ask(STUDY.distributions())
            at = STUDY.to_unit(trial.params)
            study.tell(trial, sum((x - b) ** 2 for x, b in zip(at, bottom, strict=True)))
        return float(study.best_value)

    evolved, drawn = ([best(name, seed) for seed in range(3)] for name in ("cmaes", "random"))
    assert statistics.median(evolved) < 0.5 * statistics.median(drawn)


def test_evolution_counts_pruned_trials_and_passes_over_the_queue() -> None:
    study = optuna.create_study(sampler=make_sampler("cmaes", SPACE, 0))
    study.enqueue_trial({"channels": 9, "update_rate": 0.5})
    for number in range(20):
        trial = study.ask(SPACE.distributions())
        if number % 3:
            study.tell(trial, bowl(trial.params))
        else:
            trial.report(bowl(trial.params), 1)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    trials = study.get_trials()
    assert trials[0].params == {"channels": 9, "update_rate": 0.5}
    assert DRAWN not in trials[0].system_attrs
    assert max(t.system_attrs.get(GENERATION, 0) for t in trials) == 19 // 6  # the population of two axes is 6


def test_words_are_drawn_at_random_beside_evolution() -> None:
    space = Space((*SPACE.axes, Axis("activation", ("relu", "abs"))))
    study = searched("cmaes", 0, 20, space)
    assert {t.params["activation"] for t in study.get_trials()} == {"relu", "abs"}


def test_nothing_executable_is_kept_in_a_study() -> None:
    """Optuna's own CMA-ES keeps a pickle in its trials; ours keeps numbers."""
    kept = [v for t in searched("cmaes", 0, 30).get_trials() for v in t.system_attrs.values()]
    assert kept
    assert all(isinstance(v, int) or (isinstance(v, list) and all(isinstance(x, float) for x in v)) for v in kept)


def test_bad_samplers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one of random, tpe, cmaes, nsga2, got 'grid'"):
        make_sampler("grid", SPACE, 0)
    with pytest.raises(InputError, match="at least two hyperparameters with numbers to choose from, got 1"):
        make_sampler("cmaes", Space((Axis("channels", (6, 9)), Axis("mask", ("cell", "channel")))), 0)
