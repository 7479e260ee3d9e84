"""From rich starting rules to a front of terms against texture loss, by tuning and pruning.

A rule that is right to 95 % for one step drifts off its texture in a hundred; only rollouts tell. So the rule is
run, its pictures are judged, and its constants follow the gradient, as its network was trained. Then the terms
whose loss is felt least go, and the rest is tuned again. That traces the front that matters: terms against loss.
Several chains with starts and random numbers of their own go down the levels side by side, a core each.
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
from distill.refine.costs import looks_cost
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

SHORTER = (2 / 3, 1 / 2, 1 / 3, 1 / 4)  # of the terms allowed: 24 a channel are followed by 16, 12, 8 and 6


@dataclass(frozen=True)
class RefineResult:
    """The chosen rule, and the best rule of every number of terms; of its number, the chosen one."""

    rule: Rule
    front: tuple[RefinedRule, ...]


def levels(start: int, channels: int, max_terms: int) -> list[int]:
    """Total terms at each level: from `start` down by half to `max_terms` per channel, then to two thirds, a half,
    a third and a quarter of that, but at least one term a channel.
    """
    limit = channels * max_terms
    wanted = [start]
    while wanted[-1] > limit:
        wanted.append(max(limit, round(wanted[-1] / 2)))
    below = [max(channels, round(share * limit)) for share in SHORTER]
    return wanted + [terms for terms in sorted(set(below), reverse=True) if terms < wanted[-1]]


@one_thread()  # a chain has a thread of its own, and sums in another order would be other sums
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
    """Tune and prune the rules `starts`, one chain each, until one makes the teacher's texture with few terms.

    effort: times the optimiser iterations of the settings; the same seed and effort give the same rule. deadline: when
    it has passed, the shortest rules are left out, which it notes; the choice among the others is still made. samples:
    tell how far the teacher's states go. unfinished: every level is saved there, and those that it holds are not done
    again. Raises SrncaError when no level yields a rule that survives.
    """
    settings = settings or Settings()
    limit = max(1.0, reach(samples))
    patch = (min(settings.side, size[0]), min(settings.side, size[1]))
    grown = teacher.rollout(size=patch, steps=400, seed=shift_seed(seed, 7), every=50)[1:]
    near = stretches_of(teacher, size=patch, seed=shift_seed(seed, 8)) if settings.states else None
    shared: dict[str, Any] = {"size": size, "grown": grown, "limit": limit, "stretches": near}
    chains = [
        Chain(rule, objective, settings, seed=shift_seed(seed, 31 * i), **shared) for i, rule in enumerate(starts)
    ]
    lengths = [chain.table.terms for chain in chains]
    channels, allowed = len(teacher.channels), max_terms * len(teacher.channels)
    long = [terms for terms in lengths if terms > allowed]  # a short start waits for these
    plan = levels(min(long or lengths), channels, max_terms)
    needed = 1 + next(i for i, terms in enumerate(plan) if terms <= allowed)
    progress = progress or silent
    iterations = round(effort * settings.iterations / len(plan))
    kept = unfinished or Unfinished(None, {})
    descent = Descent(chains, plan, needed, iterations, deadline or Deadline(), progress, kept)
    descent.run()
    points = _judged_anew(chains, progress, descent.cost)
    if not points:
        raise SrncaError("refinement: no rule survived a long rollout; train the teacher longer or give more --effort")
    front = {point.terms: point for point in sorted(points, key=lambda p: -p.score)}  # the best of each length is last
    choice = Choice(chains[0].judge, progress)
    chosen = choose(points, max_terms, max_loss) if max_loss else choice.lasting(points, max_terms)
    front[chosen.terms] = chosen
    rule = choice.tidy(chosen)
    rule = rule.replace(provenance={**rule.provenance, "start": chosen.start, "refined": True})
    marked = map(choice.marked, sorted(front.values(), key=lambda p: p.terms))
    return RefineResult(rule, tuple(marked))


def _judged_anew(chains: Sequence[Chain], progress: Progress, cost: float) -> list[RefinedRule]:
    """The best rules of every chain with their losses from more and other first states than they were found by, which
    flatter them; without those that one of these makes run away. cost: of everything before, for the progress.
    """
    found = [f for chain in chains for f in chain.found.values() if math.isfinite(f.score)]
    judge, channels = chains[0].judge, len(chains[0].table.rule.channels)
    looks, total = list[tuple[float, float]](), cost + looks_cost([f.terms for f in found])
    with ThreadPoolExecutor(2) as pool:
        for number, look in enumerate(pool.map(lambda f: judge.thorough(f.table), found), start=1):
            looks.append(look)
            done = cost + looks_cost([f.terms for f in found[:number]])
            progress("refine", done / total, f"rule {number} of {len(found)} judged by other first states")
    return [
        RefinedRule(f.terms / channels, loss, score, f.table.to_rule(), f.start)
        for f, (loss, score) in zip(found, looks, strict=True)
        if math.isfinite(score)
    ]
