"""The stages between fitting and refining: a rule to start from, an on-policy round, a look at stability."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill.engines.sparse import linear_fit
from distill.polish import refit
from distill.rolling import Rollout, roll
from distill.sampling import Samples, add_states, ages
from distill.teacher import Teacher, compose
from equations.errors import InputError
from equations.mask import shift_seed
from equations.rule import Candidate, Rule

RUNAWAY = 4.0  # a rule whose states grow to this many times the teacher's is stopped
ON_POLICY_SEED = 1000  # apart from the seeds that sampling uses


def starting_rule(samples: Samples, teacher: Teacher) -> Rule:
    """The rich rule that closed-loop refinement prunes: the teacher's closed form where it has one, otherwise
    all of {1, p, |p|} by least squares.
    """
    form = teacher.closed_form()
    fitted = dict(zip(samples.channels, linear_fit(samples), strict=True)) if form is None else form
    source = "closed form" if form is not None else "linear in features and their absolute values"
    return compose(teacher, fitted).replace(provenance={"start": source})


def on_policy(
    rule: Rule, samples: Samples, teacher: Teacher, *, size: tuple[int, int], steps: int, seed: int
) -> Samples:
    """`samples` and half as many rows again from states that the *rule* visits, labelled by the teacher.

    One-step error says little about a rollout: a rule drifts to states that the teacher never showed, and
    learns there to come back (DAgger; Ross, Gordon & Bagnell 2011, arXiv:1011.0686).
    """
    visited = trial(rule, samples, size=size, steps=steps, seed=shift_seed(seed, ON_POLICY_SEED)).frames[1:]
    if not len(visited):
        return samples
    return add_states(samples, teacher, visited[ages(len(visited))], rows=len(samples.X) // 2, seed=seed)


def trial(rule: Rule, samples: Samples, *, size: tuple[int, int], steps: int, seed: int) -> Rollout:
    """A run of the rule that stops where its states leave four times the range of the samples."""
    limit = RUNAWAY * max(1.0, reach(samples))
    return roll(rule, size=size, steps=steps, seed=seed, every=max(1, steps // 50), stop_above=limit)


def reach(samples: Samples) -> float:
    """The largest |state| in the samples."""
    states = [samples.names.index(channel) for channel in samples.channels if channel in samples.names]
    if not states:
        raise InputError("expected the stencil id among the teacher's stencils: a rule must see its own state")
    return float(np.abs(samples.X[:, states]).max())


def refit_front(front: tuple[Candidate, ...], samples: Samples, channel: int) -> list[Candidate]:
    """Every equation of a front with its linear constants refitted to (more) samples."""
    fitted = [refit(c.expr, samples, channel, engine=c.engine) if c.terms else c for c in front]
    return [c for c in fitted if c is not None]


def stability(rule: Rule, samples: Samples, *, size: tuple[int, int], steps: int, seed: int) -> dict[str, Any]:
    """Whether the rule stays in the teacher's range over `steps` steps from a fresh seed; plain data."""
    run = trial(rule, samples, size=size, steps=steps, seed=shift_seed(seed, 2 * ON_POLICY_SEED))
    return {
        "stable": run.diverged_at is None,
        "diverged_at_step": run.diverged_at,
        "steps": steps,
        "max_abs": float(np.abs(run.frames).max()),
        "teacher_max_abs": reach(samples),
    }
