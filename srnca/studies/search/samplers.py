"""Samplers: they propose a trial's hyperparameters. Loaded on use: they need Optuna and, for CMA-ES, cmaes.

Every draw depends only on the study's seed and the job's index in the study (`attempts.job_index`), not on the worker
that draws, nor on how often workers were killed. With one worker, all samplers are reproducible. With several, only
`random` is: the others learn from the trials that happen to have ended by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from equations.errors import InputError, MissingPartError, check_choice
from srnca.studies.search.axis import Axis
from srnca.studies.search.space import Space
from srnca.studies.storage.attempts import job_index

NAMES = ("random", "tpe", "cmaes", "nsga2")
POPULATION = 16  # of NSGA-II; Optuna's default of 50 exceeds the trials of most studies
SPREAD = 0.25  # initial standard deviation of CMA-ES, where each axis has length 1
GENERATION, DRAWN = "srnca:cmaes:generation", "srnca:cmaes:x"


def make_sampler(name: str, space: Space, seed: int) -> BaseSampler:
    """The sampler `name`. Raises InputError for another name or an unsuitable space, MissingPartError without cmaes."""
    check_choice("--sampler", name, NAMES)
    if name == "random":
        return RandomSets(space, seed)
    if name == "cmaes":
        return Evolution(space, seed)
    if name == "tpe":
        return _PerTrial(seed, lambda s: TPESampler(seed=s, multivariate=True, constant_liar=True))
    return _PerTrial(seed, lambda s: NSGAIISampler(seed=s, population_size=POPULATION))


def _seed_of(seed: int, study: optuna.Study, trial: FrozenTrial) -> int:
    return int(np.random.SeedSequence([seed, job_index(study, trial)]).generate_state(1)[0])


class RandomSets(BaseSampler):
    """Independent uniform draws, see `Axis.draw`."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        return self.space.distributions()

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        random = np.random.default_rng(_seed_of(self.seed, study, trial))
        return {axis.name: axis.draw(random) for axis in self.space.axes}

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, name: str, distribution: Any) -> Any:
        return self.sample_relative(study, trial, {})[name]


class Evolution(RandomSets):
    """CMA-ES with margin for the discrete axes (Hamano et al. 2022, arXiv:2205.13482).

    For each draw, the search distribution is recomputed from the ended trials, generation by generation in the order
    in which they ended. So the study stores plain numbers only. Axes of words are drawn uniformly. A pruned trial
    counts with the value it had reached, which was among the worst.
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        try:
            import cmaes  # noqa: F401
        except ImportError as error:
            raise MissingPartError("--sampler cmaes needs cmaes: pip install 'srnca[sweep]'") from error
        self.searched = [axis for axis in space.axes if axis.ordered and axis.steps != 1]
        if len(self.searched) < 2:
            raise InputError(
                "--sampler cmaes: expected at least two hyperparameters with numbers to choose from, "
                f"got {len(self.searched)}; use another sampler"
            )

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        import warnings

        drawn = super().sample_relative(study, trial, search_space)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # about degenerate covariances, which cmaes repairs
            generation, encoded, raw = self._ask(_ended(study), _seed_of(self.seed, study, trial))
        storage, number = study._storage, trial._trial_id  # private, but Optuna's own samplers use them too
        storage.set_trial_system_attr(number, DRAWN, raw.tolist())
        storage.set_trial_system_attr(number, GENERATION, generation)
        return drawn | {axis.name: axis.from_unit(x) for axis, x in zip(self.searched, encoded, strict=True)}

    def _ask(self, ended: Sequence[FrozenTrial], seed: int) -> tuple[int, np.ndarray, np.ndarray]:
        """Generation, point (d,) rounded to the values of the discrete axes, and the point before rounding."""
        from cmaes import CMAwM

        n = len(self.searched)
        optimizer = CMAwM(
            mean=np.full(n, 0.5),
            sigma=SPREAD,
            bounds=np.tile([0.0, 1.0], (n, 1)),
            steps=np.array([_step(axis) for axis in self.searched]),
            seed=seed % 2**31,
            n_max_resampling=10 * n,
        )
        while True:
            members = [t for t in ended if t.system_attrs.get(GENERATION) == optimizer.generation]
            members = [t for t in members if len(t.system_attrs.get(DRAWN, ())) == n][: optimizer.population_size]
            if len(members) < optimizer.population_size:
                encoded, raw = optimizer.ask()
                return optimizer.generation, encoded, raw
            optimizer.tell([(np.array(t.system_attrs[DRAWN]), float(t.values[0])) for t in members])


def _step(axis: Axis) -> float:
    return 1.0 / (axis.steps - 1) if axis.steps else 0.0


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    """Trials with a value in the order in which they ended, which later trials do not change."""
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    trials = [t for t in study.get_trials(deepcopy=False, states=states) if t.values and np.isfinite(t.values[0])]
    return sorted(trials, key=lambda t: (t.datetime_complete, t.number))


class _PerTrial(BaseSampler):
    """One of Optuna's samplers, created for each trial with a seed of its own."""

    def __init__(self, seed: int, make: Callable[[int], BaseSampler]) -> None:
        self.seed, self.make = seed, make
        self._made: tuple[int, BaseSampler] | None = None

    def _of(self, study: optuna.Study, trial: FrozenTrial) -> BaseSampler:
        if self._made is None or self._made[0] != trial.number:
            self._made = trial.number, self.make(_seed_of(self.seed, study, trial))
        return self._made[1]

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        return self._of(study, trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        return self._of(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, name: str, distribution: Any) -> Any:
        return self._of(study, trial).sample_independent(study, trial, name, distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._of(study, trial).before_trial(study, trial)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self._of(study, trial).after_trial(study, trial, state, values)
