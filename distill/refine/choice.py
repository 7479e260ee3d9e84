"""Which of the refined rules is taken, and how many digits its constants need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from distill.engines import Progress, silent
from distill.refine.judge import LASTS, Judge, lasts
from distill.refine.table import TermTable
from equations.rule.reduce import drop_unseen
from equations.rule.rule import Rule

TOLERANCE = 1.1  # the knee: the shortest rule whose score is within this factor of the best
NEAR = 1.5  # times the best score: so much worse may be a rule whose texture lasts
FELT = 1.05  # a change of score or texture loss that counts as felt
DIGITS = (2, 3, 4)  # that constants may have, tried in turn


@dataclass(frozen=True)
class RefinedRule:
    """A point of the front. terms: per channel. loss: texture loss, the worst of 400 and 1,600 steps. score: what rules
    are chosen by. start: what the rule was pruned from. lasts: whether it keeps its texture when old, None where that
    was not looked at.
    """

    terms: float
    loss: float
    score: float
    rule: Rule
    start: str
    lasts: bool | None = None


def choose(front: Sequence[RefinedRule], max_terms: float, max_loss: float | None = None) -> RefinedRule:
    """The shortest rule of at most `max_terms` a channel whose score is within 10 % of the best of those; with
    `max_loss`, the shortest whose texture loss is at most that, or the one of the least loss.
    """
    short = _short(front, max_terms)
    if max_loss is not None:
        good = [p for p in short if p.loss <= max_loss]
        return min(good, key=_length) if good else min(short, key=lambda p: p.loss)
    best = min(p.score for p in short)
    return min((p for p in short if p.score <= TOLERANCE * best), key=_length)


def _short(front: Sequence[RefinedRule], max_terms: float) -> list[RefinedRule]:
    return [p for p in front if p.terms <= max_terms] or [min(front, key=_length)]


def _length(point: RefinedRule) -> tuple[float, float]:
    return point.terms, point.score


def _steady(
    short: Sequence[RefinedRule], max_terms: float, ageing: Callable[[RefinedRule, bool], float], damage: bool
) -> RefinedRule | None:
    """The choice by how rules age; None where all run away."""
    near = [p for p in short if p.score <= NEAR * min(p.score for p in short)]
    while near:
        chosen = choose(near, max_terms)
        if lasts(ageing(chosen, damage)):
            return chosen
        near.remove(chosen)
    best, worth = None, math.inf
    for point in sorted(short, key=lambda p: p.score):
        if point.score >= worth:
            break
        old = point.score * max(1.0, ageing(point, damage))
        if old < worth:
            best, worth = point, old
    return best


class Choice:
    """The last decisions, by a judge whose looks at old pictures take long: each is done once."""

    def __init__(self, judge: Judge, progress: Progress = silent) -> None:
        self.judge, self.progress = judge, progress
        self.looks: dict[tuple[Rule, bool], tuple[float, float]] = {}

    def aged(self, rule: Rule, damage: bool) -> tuple[float, float]:
        """What the judge says, who is asked once."""
        if (rule, damage) not in self.looks:
            self.looks[rule, damage] = self.judge.aged(TermTable(rule), damage)
        return self.looks[rule, damage]

    def marked(self, point: RefinedRule) -> RefinedRule:
        """The point with whether its rule lasts, damaged on the way, if that was looked at."""
        look = self.looks.get((point.rule, True))
        return point if look is None else replace(point, lasts=lasts(look[1]))

    def lasting(self, points: Sequence[RefinedRule], max_terms: float) -> RefinedRule:
        """The choice among the rules that have their texture at the first age and keep it. Where all of these score
        much worse than the best, the rule of the best score when it is old; undamaged, where damage makes all run away.
        """
        short, seen = _short(points, max_terms), set[tuple[RefinedRule, bool]]()

        def ageing(point: RefinedRule, damage: bool) -> float:
            share = len(seen) / (2 * len(short))
            self.progress("choose", share, f"{point.terms:.1f} terms a channel, old pictures")
            seen.add((point, damage))
            return self.aged(point.rule, damage)[1]

        chosen = next((c for damage in (True, False) if (c := _steady(short, max_terms, ageing, damage))), None)
        self.progress("choose", 1.0, "" if chosen else "all run away")
        return chosen or choose(short, max_terms)

    def tidy(self, point: RefinedRule) -> Rule:
        """The rule without channels that nobody sees, and with as few digits in its constants as its pictures feel,
        large and old ones too.
        """
        rule, (young, ageing) = point.rule, self.aged(point.rule, True)
        least, most = min(LASTS[0], ageing), max(LASTS[1], ageing)

        def unfelt(other: Rule) -> bool:
            looked = self.judge.thorough(TermTable(other))
            if not all(a <= FELT * b for a, b in zip(looked, (point.loss, point.score), strict=True)):
                return False
            large, changed = self.aged(other, True)
            return large <= FELT * young and least <= changed <= most

        bare = drop_unseen(rule)
        if bare is not rule and unfelt(bare):
            rule = bare
        for tried, digits in enumerate(DIGITS):
            self.progress("round", tried / len(DIGITS), f"{digits} digits")
            rounded = TermTable(rule).to_rule(digits)
            if unfelt(rounded):
                rule = rounded
                break
        self.progress("round", 1.0, "")
        return rule
