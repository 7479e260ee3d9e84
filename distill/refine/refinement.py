"""From rich starting rules to a front of terms against texture loss, by tuning and pruning.

A rule that predicts one step with 95 % accuracy may still lose its texture within a hundred steps; only rollouts show
it. So the rule is run, its pictures are judged, and its constants follow the gradient through the rollout, as the
weights of its network did in training. Then the least important terms are dropped, and the rest is tuned again. This
traces the front of terms against texture loss. Several chains, each with its own starting rule and random numbers, go
through the levels side by side, one core each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from distill.deadline import Deadline
from distill.engines import Progress, silent
from distill.on_policy import reach
from distill.refine.chain import Chain
from distill.refine.choice import Choice, RefinedRule, choose
from distill.refine.costs import judging_cost
from distill.refine.descent import Descent
from distill.refine.settings import Objective, Settings
from distill.refine.stretches import stretches_of
from distill.sampling import Samples
from distill.teacher import Teacher
from distill.unfinished import Unfinished
from equations.backends.torch.threads import one_thread
from equations.errors import SrncaError
from equations.rule.mask import shift_seed
from equations.rule.rule import Rule

SHORTER = (2 / 3, 1 / 2, 1 / 3, 1 / 4)  # shares of the terms allowed: after 24 per channel come 16, 12, 8 and 6


@dataclass(frozen=True)
class RefineResult:
    """rule: the chosen rule, with rounded constants.

    front: the best rule of each number of terms; where the chosen rule is not the best of its number, it takes its
        place.
    """

    rule: Rule
    front: tuple[RefinedRule, ...]


def levels(start: int, channels: int, max_terms: int) -> list[int]:
    """Total number of terms at each level.

    It is halved from `start` until it reaches `max_terms` per channel. Levels of two thirds, a half, a third and a
    quarter of that follow, but never of less than one term per channel.
    """
    limit = channels * max_terms
    wanted = [start]
    while wanted[-1] > limit:
        wanted.append(max(limit, round(wanted[-1] / 2)))
    below = [max(channels, round(share * limit)) for share in SHORTER]
    return wanted + [terms for terms in sorted(set(below), reverse=True) if terms < wanted[-1]]


@one_thread()  # chains have a thread each, and torch's sums depend on how many threads share them
def refine(
    starts: Sequence[Rule],
    objective: Objective,
    *,
    teacher: Teacher,
    size: tuple[int, int],
    seed: int,
    max_terms: int,
    samples: Samples,
    effort: float = 1.0,
    deadline: Deadline | None = None,
    max_loss: float | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    unfinished: Unfinished | None = None,
) -> RefineResult:
    """Tune and prune the rules `starts`, one chain each, and choose a short rule that makes the teacher's texture.

    size: (height, width) of the grids that rules are judged on.
    seed: the same seed and effort give the same rule.
    max_terms: per channel.
    samples: their largest |state| is the teacher's range.
    effort: factor on the optimiser iterations of the settings.
    deadline: once it has passed, the shortest rules are left out, and it notes so; the choice is made from the rest.
    max_loss: choose the shortest rule whose texture loss is at most this.
    unfinished: every level is saved there; levels that it holds already are not done again.

    Raises SrncaError when no rule of any level survives a long rollout.
    """
    settings = settings or Settings()
    limit = max(1.0, reach(samples))
    patch = (min(settings.side, size[0]), min(settings.side, size[1]))
    grown = teacher.rollout(size=patch, steps=400, seed=shift_seed(seed, 7), every=50)[1:]
    stretches = stretches_of(teacher, size=patch, seed=shift_seed(seed, 8)) if settings.states else None
    shared: dict[str, Any] = {"size": size, "grown": grown, "limit": limit, "stretches": stretches}
    chains = [
        Chain(rule, objective, settings, seed=shift_seed(seed, 31 * i), **shared) for i, rule in enumerate(starts)
    ]
    lengths = [chain.table.terms for chain in chains]
    channels, allowed = len(teacher.channels), max_terms * len(teacher.channels)
    long = [terms for terms in lengths if terms > allowed]  # shorter starts wait until the others are as short
    plan = levels(min(long or lengths), channels, max_terms)
    needed = 1 + next(i for i, terms in enumerate(plan) if terms <= allowed)
    progress = progress or silent
    iterations = round(effort * settings.iterations / len(plan))
    kept = unfinished or Unfinished(None, {})
    deadline = deadline or Deadline()
    descent = Descent(chains, plan, needed, iterations, deadline, progress, kept)
    descent.run()
    hurried = bool(deadline.left_out)
    return settle(chains, descent.cost, max_terms=max_terms, max_loss=max_loss, progress=progress, hurried=hurried)


def settle(
    chains: Sequence[Chain],
    cost: float,
    *,
    max_terms: float,
    max_loss: float | None,
    progress: Progress,
    hurried: bool = False,
) -> RefineResult:
    """The choice among the best rules of all chains, judged anew. cost: of all work before this, for the progress.

    hurried: whether a time limit cut the work short, which the error then says.

    Raises SrncaError when none of the rules survives a long rollout.
    """
    points = _judged_anew(chains, progress, cost)
    if not points:
        mend = (
            "the time given was too short for tuning: give a longer --budget, or none"
            if hurried
            else "give more --effort, or train the automaton longer"
        )
        raise SrncaError(f"refinement: no rule survived a long rollout; {mend}")
    # of equal lengths the best comes last and stays
    front = {point.terms: point for point in sorted(points, key=lambda p: -p.score)}
    choice = Choice(chains[0].judge, progress)
    chosen = choose(points, max_terms, max_loss) if max_loss else choice.lasting(points, max_terms)
    front[chosen.terms] = chosen
    rule = choice.tidy(chosen)
    rule = rule.replace(provenance={**rule.provenance, "start": chosen.start, "refined": True})
    marked = map(choice.marked, sorted(front.values(), key=lambda p: p.terms))
    return RefineResult(rule, tuple(marked))


def _judged_anew(chains: Sequence[Chain], progress: Progress, cost: float) -> list[RefinedRule]:
    """The best rules of every chain, judged from more first states than they were found by, and other ones.

    Rules that run away from one of these are left out. cost: of all work before this, for the progress.
    """
    found = [f for chain in chains for f in chain.found.values() if math.isfinite(f.score)]
    judge, channels = chains[0].judge, chains[0].table.channels
    judged, total = list[tuple[float, float]](), cost + judging_cost([f.terms for f in found])
    with ThreadPoolExecutor(2) as pool:
        for number, losses in enumerate(pool.map(lambda f: judge.thorough(f.table), found), start=1):
            judged.append(losses)
            done = cost + judging_cost([f.terms for f in found[:number]])
            progress("refine", done / total, f"rule {number} of {len(found)} judged by other first states")
    return [
        RefinedRule(f.table.numbers if f.table.colours else f.terms / channels, loss, score, f.table.to_rule(), f.start)
        for f, (loss, score) in zip(found, judged, strict=True)
        if math.isfinite(score)
    ]
