"""Which model of the catalogue a rule is: all models, ranked by their distance from the rule."""

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
    """The best match of a rule with each model, the closest model first."""

    matches: tuple[Match, ...]

    @property
    def found(self) -> tuple[Match, ...]:
        """The models that the rule is an instance of: none, one, or several that have this law in common."""
        best = self.matches[0]
        return tuple(m for m in self.matches if m.same and m.distance <= best.distance + TIE)


def identify(
    rule: Rule, names: Sequence[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> Ranking:
    """Compare a rule with all models, or with those called `names`, in any units and names of its channels.

    The models' parameters are fitted.

    `progress(done, of)` is called after each model.
    """
    subject, known = Subject(rule), tuple(models.names() if names is None else names)
    matches = []
    for number, name in enumerate(known, 1):
        matches.append(compare_with_model(subject, name))
        if progress is not None:
            progress(number, len(known))
    return Ranking(tuple(sorted(matches, key=lambda match: match.distance)))
