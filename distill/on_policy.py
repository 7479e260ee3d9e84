"""The stages between fitting and refining: a rule to start from, an on-policy round, a look at stability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.engines.sparse import GUESS_COMPLEXITY, fit_bases, linear_bases
from distill.regression.polish import refit
from distill.sampling import Samples, add_states, ages
from distill.teacher import Teacher, compose
from equations.errors import InputError
from equations.expressions.terms import complexity, split_terms
from equations.rule.mask import shift_seed
from equations.rule.rule import Candidate, Rule
from equations.simulation import Rollout, roll

RUNAWAY = 4.0  # a rule whose states grow to this many times the teacher's is stopped
ON_POLICY_SEED = 1000  # apart from the seeds that sampling uses


def starting_rule(samples: Samples, teacher: Teacher) -> Rule:
    """The rich rule that closed-loop refinement prunes: the teacher's closed form where it has one, otherwise
    all of {1, p, |p|} by least squares.
    """
    form = teacher.closed_form()
    if form is not None:
        return compose(teacher, form).replace(provenance={"start": "closed form"})
    return _composed(fit_bases(linear_bases(samples), samples), samples, teacher, "features and absolute values")


def richer_rule(samples: Samples, teacher: Teacher, fronts: Mapping[str, tuple[Candidate, ...]]) -> Rule:
    """The same with the further terms (products, and what free-form search found) of each channel's best equation."""
    if teacher.closed_form() is not None:
        return starting_rule(samples, teacher)
    plain = linear_bases(samples)
    further, engines = dict[Expr, int](), set[str]()
    used = []
    for channel in samples.channels:
        best = fronts[channel][-1]
        own = [basis for _, basis in split_terms(best.expr) if complexity(basis) <= GUESS_COMPLEXITY]
        own = [basis for basis in own if basis not in plain]
        places = [further.setdefault(basis, len(plain) + len(further)) for basis in own]
        engines |= {best.engine} if own else set()
        used.append([*range(len(plain)), *places])
    count = sum(len(places) - len(plain) for places in used)
    source = f"features, absolute values and {count} further terms ({', '.join(sorted(engines)) or 'none'})"
    return _composed(fit_bases([*plain, *further], samples, used=used), samples, teacher, source)


def _composed(updates: list[Expr], samples: Samples, teacher: Teacher, source: str) -> Rule:
    rule = compose(teacher, dict(zip(samples.channels, updates, strict=True)))
    return rule.replace(provenance={"start": source})


def on_policy(
    rule: Rule, samples: Samples, teacher: Teacher, *, size: tuple[int, int], steps: int, seed: int
) -> Samples:
    """`samples` and half as many rows again from states that the *rule* visits, labelled by the teacher.

    One-step error says little about a rollout: a rule drifts to states that the teacher never showed, and
    learns there to come back (DAgger; Ross, Gordon & Bagnell 2011, arXiv:1011.0686).
    """
    run = trial(rule, samples, size=size, steps=steps, seed=shift_seed(seed, ON_POLICY_SEED))
    return label_visited(run, samples, teacher, seed)


def label_visited(run: Rollout, samples: Samples, teacher: Teacher, seed: int) -> Samples:
    """`samples` and half as many rows of the base set again from the states of a run, labelled by the teacher."""
    visited = run.frames[1:]
    if not len(visited):
        return samples
    return add_states(samples, teacher, visited[ages(len(visited))], rows=len(samples.X) // 2, seed=seed)


def state_distance(run: Rollout, teacher_states: npt.NDArray[np.floating]) -> float:
    """How far the states of a rule's run are from its teacher's: per channel the Wasserstein distance between the
    values of the cells of the last frames, in units of the teacher's standard deviation there; mean over channels.

    Infinite where the run left the teacher's range before its end.
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
