"""Closed-loop refinement: constants by gradient through rollouts, the terms that matter least pruned step by step.

A rule that is right to 95 % for one step drifts off its texture in a hundred; only rollouts tell. So the rule is
run, its pictures are judged, and its constants follow the gradient, as its network was trained. Then the terms
whose loss is felt least go, and the rest is tuned again. That traces the front that matters: terms against loss.
Several chains with starts and random numbers of their own go down the levels side by side, a core each.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distill.engines import Progress, silent
from distill.refine.chain import Chain, Found
from distill.refine.descent import Descent, merged
from distill.refine.judge import LASTS
from distill.refine.settings import Objective, Settings
from distill.refine.stretches import stretches_of
from distill.refine.table import TermTable
from distill.sampling import Samples
from distill.stages import reach
from distill.teacher import Teacher
from distill.unfinished import Unfinished
from equations.backends.torch_threads import one_thread
from equations.errors import SrncaError
from equations.mask import shift_seed
from equations.reduce import drop_unseen
from equations.rule import Rule

__all__ = ["Objective", "RefineResult", "RefinedRule", "Settings", "choose", "levels", "refine"]

SHORTER = (2 / 3, 1 / 2, 1 / 3, 1 / 4)  # of the terms allowed: 24 a channel are followed by 16, 12, 8 and 6
TOLERANCE = 1.1  # the knee: the shortest rule whose score is within this factor of the best
LATE_COMERS = 1.25  # how much better rules must score whose texture goes on getting better
FELT = 1.05  # a change of score or texture loss that counts as felt


@dataclass(frozen=True)
class RefinedRule:
    """A point of the front. terms: per channel. loss: texture loss, the worst of 400 and 1,600 steps. score: what rules
    are chosen by. start: what the rule was pruned from.
    """

    terms: float
    loss: float
    score: float
    rule: Rule
    start: str


@dataclass(frozen=True)
class RefineResult:
    """The chosen rule, and the best rule of every level, by their number of terms.

    `hurried`: the machine was too slow for the number of iterations that the budget stands for, so another machine
    may give another rule.
    """

    rule: Rule
    front: tuple[RefinedRule, ...]
    hurried: bool


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
    budget_s: float,
    max_terms: int,
    samples: Samples,
    max_loss: float | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    unfinished: Unfinished | None = None,
) -> RefineResult:
    """Tune and prune the rules `starts`, one chain each, until one makes the teacher's texture with few terms.

    budget_s: sets the optimiser iterations of a level, at a nominal speed, so that the same seed and budget give
    the same rule. A machine that needs more than 2.5 times as long leaves the shortest rules out, and the result
    says so. samples: tell how far the teacher's states go. unfinished: every level is saved there, and those that it
    holds are not done again. Raises SrncaError when no level yields a rule that survives.
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
    descent = Descent(chains, plan, needed, budget_s, progress or silent, unfinished or Unfinished(None, {}))
    descent.run()
    best = merged(chains)
    front = {f.terms: point for f in best.values() if (point := _looked_at_again(f, chains[0], channels))}
    if not front:
        raise SrncaError("refinement: no rule survived a long rollout; train the teacher longer or give more --budget")
    points = list(front.values())
    chosen = choose(points, max_terms, max_loss) if max_loss else _choose_lasting(points, max_terms, chains[0])
    rule = _tidy(chains[0], best[round(chosen.terms * channels)].table)
    rule = rule.replace(provenance={**rule.provenance, "start": chosen.start, "refined": True})
    return RefineResult(rule, tuple(sorted(front.values(), key=lambda p: p.terms)), descent.hurried)


def _looked_at_again(found: Found, chain: Chain, channels: int) -> RefinedRule | None:
    """A rule with its losses from more and other first states than it was chosen by, which flatter it; None where one
    of these makes it run away.
    """
    loss, score = chain.judge.thorough(found.table) if math.isfinite(found.score) else (math.inf, math.inf)
    if not math.isfinite(score):
        return None
    return RefinedRule(found.terms / channels, loss, score, found.table.to_rule(), found.start)


def _choose_lasting(front: Sequence[RefinedRule], max_terms: float, chain: Chain) -> RefinedRule:
    """The choice among the rules that have their texture at the first age and keep it; where those score much worse,
    among the rules that get there later; else among those that keep it undamaged; else among all.
    """
    short = [p for p in front if p.terms <= max_terms] or [min(front, key=lambda p: p.terms)]
    near = LATE_COMERS * min(p.score for p in short)
    ageing = functools.cache(lambda point, damage: chain.judge.ageing(TermTable(point.rule), damage))
    least, most = LASTS
    for low, worst, damage in ((least, near, True), (0.0, math.inf, True), (0.0, math.inf, False)):
        left = [p for p in short if p.score <= worst]
        while left:
            chosen = choose(left, max_terms)
            if low <= ageing(chosen, damage) <= most:
                return chosen
            left.remove(chosen)
    return choose(short, max_terms)


def choose(front: Sequence[RefinedRule], max_terms: float, max_loss: float | None = None) -> RefinedRule:
    """The shortest rule of at most `max_terms` a channel whose score is within 10 % of the best of those; with
    `max_loss`, the shortest whose texture loss is at most that, or the one of the least loss.
    """
    short = [p for p in front if p.terms <= max_terms] or [min(front, key=lambda p: p.terms)]
    if max_loss is not None:
        good = [p for p in short if p.loss <= max_loss]
        return min(good, key=lambda p: p.terms) if good else min(short, key=lambda p: p.loss)
    best = min(p.score for p in short)
    return min((p for p in short if p.score <= TOLERANCE * best), key=lambda p: p.terms)


def _tidy(chain: Chain, table: TermTable) -> Rule:
    """The rule without channels that nobody sees, and with as few digits in its constants as its pictures feel, large
    and old ones too.
    """
    rule, judge = table.to_rule(), chain.judge
    exact, (young, ageing) = judge.thorough(table), judge.aged(table)
    least, most = min(LASTS[0], ageing), max(LASTS[1], ageing)

    def unfelt(other: TermTable) -> bool:
        if not all(a <= FELT * b for a, b in zip(judge.thorough(other), exact, strict=True)):
            return False
        large, changed = judge.aged(other)
        return large <= FELT * young and least <= changed <= most

    bare = drop_unseen(rule)
    if bare is not rule and unfelt(TermTable(bare)):
        rule, table = bare, TermTable(bare)
    for digits in (2, 3, 4):
        rounded = table.to_rule(digits)
        if unfelt(TermTable(rounded)):
            return rounded
    return rule
