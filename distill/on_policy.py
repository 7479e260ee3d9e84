"""On-policy rounds: a rule learns what its teacher would do in the states that the rule itself visits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from distill.engines import FitOptions, get_engine
from distill.fronts.select import pareto
from distill.regression.polish import refit
from distill.run import Fronts, Run, choose_equations, compose_rule
from distill.sampling import Samples, add_states, ages
from distill.teacher import AnsweringTeacher, answering
from equations.errors import InputError
from equations.rule.mask import shift_seed
from equations.rule.rule import Candidate, Rule
from equations.simulation import Rollout, roll

RUNAWAY = 4.0  # a rule whose states grow to this many times the teacher's is stopped
ON_POLICY_SEED = 1000  # added to the seed: these rollouts must differ from those that sampling uses
MOST_ROUNDS = 3


def on_policy_rounds(run: Run, fronts: Fronts, engines: tuple[str, ...], samples: Samples) -> tuple[Fronts, Samples]:
    """The fronts after on-policy rounds, and the samples with the rows that these added.

    In each round the teacher labels the states that the rule visits, these join the samples, and all equations are
    refitted. The rounds end when the rule's states are within `run.matched` of the teacher's (see `state_distance`),
    after the third round, or when the deadline has passed; the deadline then notes how many were left out.
    """
    every = run.steps // 10 or 1
    teacher_states = run.teacher.rollout(size=run.size, steps=run.steps, seed=shift_seed(run.seed, 3), every=every)
    wider = samples
    for number in range(MOST_ROUNDS + 1):
        rule = compose_rule(run, choose_equations(run, fronts, samples))
        seed = shift_seed(run.seed, ON_POLICY_SEED + number)
        visited = trial(rule, samples, size=run.size, steps=run.steps, seed=seed)
        run.distances.append(state_distance(visited, teacher_states))
        if run.distances[-1] <= run.matched or number == MOST_ROUNDS:
            break
        if run.deadline.passed:
            run.deadline.leave_out(f"on-policy: {MOST_ROUNDS - number} of at most {MOST_ROUNDS} rounds")
            break
        run.progress("on-policy", number / MOST_ROUNDS, f"states {run.distances[-1]:.2g} from the teacher's")
        wider = label_visited(visited, wider, answering(run.teacher), run.seed + number)
        fronts = _refitted(run, fronts, engines, wider, samples)
    return fronts, wider


def _refitted(run: Run, fronts: Fronts, engines: tuple[str, ...], wider: Samples, samples: Samples) -> Fronts:
    """The fronts for more samples: the sparse engine runs again; other engines' equations get refitted constants."""
    refitted = {}
    for index, (channel, front) in enumerate(fronts.items()):
        again: list[Candidate] = []
        if "sparse" in engines:
            options = FitOptions(seed=run.seed, max_terms=run.max_terms, teacher=run.teacher)
            again = get_engine("sparse").fit(wider, index, options=options)
            front = tuple(c for c in front if c.engine != "sparse")
        refitted[channel] = pareto(again, refit_front(front, wider, index), floor=float(samples.floor[index]))
    return refitted


def on_policy(
    rule: Rule, samples: Samples, teacher: AnsweringTeacher, *, size: tuple[int, int], steps: int, seed: int
) -> Samples:
    """`samples` with half as many rows added from states that the *rule* visits, labelled by the teacher.

    One-step error says little about a rollout: a rule drifts to states that the teacher never visits. With samples
    from there it learns to come back (DAgger; Ross, Gordon & Bagnell 2011, arXiv:1011.0686).
    """
    run = trial(rule, samples, size=size, steps=steps, seed=shift_seed(seed, ON_POLICY_SEED))
    return label_visited(run, samples, teacher, seed)


def label_visited(run: Rollout, samples: Samples, teacher: AnsweringTeacher, seed: int) -> Samples:
    """`samples` with half as many rows added from the states of a run, labelled by the teacher."""
    visited = run.frames[1:]
    if not len(visited):
        return samples
    return add_states(samples, teacher, visited[ages(len(visited))], rows=len(samples.X) // 2, seed=seed)


def state_distance(run: Rollout, teacher_states: npt.NDArray[np.floating]) -> float:
    """The distance between the states of a rule's run and its teacher's, averaged over channels.

    Per channel it is the Wasserstein-1 distance between the cells' values in the second half of the frames, in units
    of the teacher's standard deviation there. It is infinite where the run left the teacher's range before its end.
    """
    if run.diverged_at is not None:
        return float("inf")
    apart = []
    for mine, theirs in zip(_values(run.frames), _values(teacher_states), strict=True):
        spread = max(float(theirs.std()), 1e-6)
        ranks = np.linspace(0, 1, 201)
        apart.append(float(np.abs(np.quantile(mine, ranks) - np.quantile(theirs, ranks)).mean()) / spread)
    return float(np.mean(apart))


def _values(frames: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """(t, channel, h, w) -> (channel, values of the second half of the frames)."""
    late = frames[len(frames) // 2 :]
    return np.asarray(late.swapaxes(0, 1).reshape(frames.shape[1], -1))


def trial(rule: Rule, samples: Samples, *, size: tuple[int, int], steps: int, seed: int) -> Rollout:
    """A run of the rule that stops when a state exceeds four times the range of the samples (at least 4)."""
    limit = RUNAWAY * max(1.0, reach(samples))
    return roll(rule, size=size, steps=steps, seed=seed, every=max(1, steps // 50), stop_above=limit)


def reach(samples: Samples) -> float:
    """The largest |state| in the samples."""
    states = [samples.names.index(channel) for channel in samples.channels if channel in samples.names]
    if not states:
        raise InputError("expected the stencil id among the teacher's stencils: a rule must see its own state")
    return float(np.abs(samples.X[:, states]).max())


def refit_front(front: tuple[Candidate, ...], samples: Samples, channel: int) -> list[Candidate]:
    """Every equation of a front with its linear constants refitted to these samples."""
    fitted = [refit(c.expr, samples, channel, engine=c.engine) if c.terms else c for c in front]
    return [c for c in fitted if c is not None]


def stability(rule: Rule, samples: Samples, *, size: tuple[int, int], steps: int, seed: int) -> dict[str, Any]:
    """Whether the rule stays in the teacher's range over `steps` steps from a new first state, as plain data."""
    run = trial(rule, samples, size=size, steps=steps, seed=shift_seed(seed, 2 * ON_POLICY_SEED))
    return {
        "stable": run.diverged_at is None,
        "diverged_at_step": run.diverged_at,
        "steps": steps,
        "max_abs": float(np.abs(run.frames).max()),
        "teacher_max_abs": reach(samples),
    }
