"""Which model of the catalogue a rule is: all of them in the order of their distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from equations import models
from equations.comparison.match import Match, compare_with_model
from equations.comparison.subject import Subject
from equations.rule.rule import Rule

TIE = 1e-3  # laws whose distances differ by less cannot be told apart


@dataclass(frozen=True)
class Ranking:
    """The closest that a rule comes to each model, the closest model first."""

    matches: tuple[Match, ...]

    @property
    def found(self) -> tuple[Match, ...]:
        """The models that the rule is: none, one, or several whose laws coincide in it."""
        best = self.matches[0]
        return tuple(m for m in self.matches if m.same and m.distance <= best.distance + TIE)


def identify(
    rule: Rule, names: Sequence[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> Ranking:
    """Compare a rule with all models, or with those called `names`; parameters are fitted, units and names are free.

    `progress(done, of)` is called after each model.
    """
    subject, known = Subject(rule), tuple(models.names() if names is None else names)
    matches = []
    for number, name in enumerate(known, 1):
        matches.append(compare_with_model(subject, name))
        if progress is not None:
            progress(number, len(known))
    return Ranking(tuple(sorted(matches, key=lambda match: match.distance)))
