"""Which of the refined rules is chosen, and how many digits its constants need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from distill.engines import Progress, silent
from distill.refine.scoring import LASTS, Scoring, lasts
from distill.refine.table import TermTable
from equations.expressions.tree import round_constants
from equations.rule.colours import Display
from equations.rule.reduce import drop_unseen
from equations.rule.rule import Rule

TOLERANCE = 1.1  # the shortest rule whose score is within this factor of the best is chosen
NEAR = 1.5  # a rule whose texture lasts may have a score up to this factor above the best
EQUAL = 1.05  # a score or texture loss that grows by less than this factor counts as unchanged
# Significant digits that are tried for the constants, in this order, and the factor by which their losses may grow.
# Textures of other noise differ more than EQUAL where a rule is chaotic, whatever its digits. Four digits change no
# constant by more than 0.05 %, so a larger factor is put down to that. Longer constants would only be harder to read.
DIGITS = {2: EQUAL, 3: EQUAL, 4: 1.25}


@dataclass(frozen=True)
class RefinedRule:
    """A point of the front.

    terms: per channel; where the colours are tuned along (`Settings.colours`), all numbers of channels and colours.
    loss: texture loss, the worst of the ages (400 and 1,600 steps).
    score: what rules are chosen by, likewise.
    start: what the rule was pruned from.
    lasts: whether the texture stays the same when it is old; None where that was not measured.
    """

    terms: float
    loss: float
    score: float
    rule: Rule
    start: str
    lasts: bool | None = None


def choose(front: Sequence[RefinedRule], max_terms: float, max_loss: float | None = None) -> RefinedRule:
    """The shortest rule, among those of at most `max_terms` per channel, whose score is within 10 % of their best.

    With `max_loss`, the shortest whose texture loss is at most that, or the one of least loss where there is none.
    """
    short = _short(front, max_terms)
    if max_loss is not None:
        good = [p for p in short if p.loss <= max_loss]
        return min(good, key=_length) if good else min(short, key=lambda p: p.loss)
    best = min(p.score for p in short)
    return min((p for p in short if p.score <= TOLERANCE * best), key=_length)


def _short(front: Sequence[RefinedRule], max_terms: float) -> list[RefinedRule]:
    """The rules of at most `max_terms` per channel, or the shortest one where there is none."""
    return [p for p in front if p.terms <= max_terms] or [min(front, key=_length)]


def _length(point: RefinedRule) -> tuple[float, float]:
    return point.terms, point.score


def _choose_lasting(
    short: Sequence[RefinedRule], max_terms: float, ageing: Callable[[RefinedRule, bool], float], damage: bool
) -> RefinedRule | None:
    """The choice among the rules that last; otherwise the rule of the best score when old; None where all run away.

    ageing: gives the ratio of late to early loss of a rule, with or without damage.
    """
    near = [p for p in short if p.score <= NEAR * min(p.score for p in short)]
    while near:
        chosen = choose(near, max_terms)
        if lasts(ageing(chosen, damage)):
            return chosen
        near.remove(chosen)
    best, best_score = None, math.inf
    for point in sorted(short, key=lambda p: p.score):
        if point.score >= best_score:
            break
        old_score = point.score * max(1.0, ageing(point, damage))
        if old_score < best_score:
            best, best_score = point, old_score
    return best


class Choice:
    """The last decisions. Old pictures take the judge long, so each of its measurements is made once and kept."""

    def __init__(self, judge: Scoring, progress: Progress = silent) -> None:
        self.judge, self.progress = judge, progress
        self.measured: dict[tuple[Rule, bool], tuple[float, float]] = {}

    def aged(self, rule: Rule, damage: bool) -> tuple[float, float]:
        """`Scoring.aged` of the rule, measured once."""
        if (rule, damage) not in self.measured:
            self.measured[rule, damage] = self.judge.aged(self._table(rule), damage)
        return self.measured[rule, damage]

    def _table(self, rule: Rule) -> TermTable:
        return TermTable(rule, colours=self.judge.settings.colours)

    def _size(self, point: RefinedRule) -> str:
        return f"{point.terms:.0f} numbers" if self.judge.settings.colours else f"{point.terms:.1f} terms a channel"

    def marked(self, point: RefinedRule) -> RefinedRule:
        """The point with its field `lasts` filled in (with damage), if that was measured."""
        measured = self.measured.get((point.rule, True))
        return point if measured is None else replace(point, lasts=lasts(measured[1]))

    def lasting(self, points: Sequence[RefinedRule], max_terms: float) -> RefinedRule:
        """The choice among the rules whose texture is there at the first age and lasts.

        Where all of these have much worse scores than the best rule, the rule whose score is best when it is old is
        chosen. Where damage makes all rules run away, they are compared without damage.
        """
        short, seen = _short(points, max_terms), set[tuple[RefinedRule, bool]]()

        def ageing(point: RefinedRule, damage: bool) -> float:
            share = len(seen) / (2 * len(short))
            self.progress("choose", share, f"{self._size(point)}, old pictures")
            seen.add((point, damage))
            return self.aged(point.rule, damage)[1]

        chosen = next((c for damage in (True, False) if (c := _choose_lasting(short, max_terms, ageing, damage))), None)
        self.progress("choose", 1.0, "" if chosen else "all run away")
        return chosen or choose(short, max_terms)

    def tidy(self, point: RefinedRule) -> Rule:
        """The rule without unseen channels, and with as few digits in its constants as leave its textures as they are.

        Pictures on large grids and old pictures count too.
        """
        rule, (early, ageing) = point.rule, self.aged(point.rule, True)
        least, most = min(LASTS[0], ageing), max(LASTS[1], ageing)

        def unchanged(other: Rule, factor: float) -> bool:
            judged = self.judge.thorough(self._table(other))
            if not all(a <= factor * b for a, b in zip(judged, (point.loss, point.score), strict=True)):
                return False
            large, ratio = self.aged(other, True)
            wider = factor / EQUAL
            return large <= factor * early and least / wider <= ratio <= most * wider

        bare = drop_unseen(rule)
        if bare is not rule and unchanged(bare, EQUAL):
            rule = bare
        for tried, (digits, factor) in enumerate(DIGITS.items()):
            self.progress("round", tried / len(DIGITS), f"{digits} digits")
            rounded = self._table(rule).to_rule(digits)
            if unchanged(rounded, factor):
                rule = rounded
                break
        self.progress("round", 1.0, "")
        return short_colours(rule)


def short_colours(rule: Rule) -> Rule:
    """The rule with four digits in the constants of its colours: the most that a picture of 8 bits can show."""
    display = rule.display
    if display is None or display.colours is None:
        return rule
    colours = {name: round_constants(formula, max(DIGITS)) for name, formula in display.colours.items()}
    return rule.replace(display=Display(colours=colours))
