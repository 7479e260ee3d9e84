"""Which known model a rule is: its terms against a model's, in any names and units, and both side by side in time.

from equations.comparison import compare_patterns, compare_with_model, identify
identify(rule).found                                   # the models that it is, if any
match = compare_with_model(rule, "gray-scott")         # terms, units, parameters, distance
compare_patterns(rule, match).parted                   # the step at which the two runs part
"""

from __future__ import annotations

from equations.comparison.catalogue import Ranking, identify
from equations.comparison.match import THRESHOLD, Match, compare_with_model
from equations.comparison.rescale import in_units
from equations.comparison.rollouts import Rollouts, compare_patterns
from equations.comparison.term_by_term import TermMatch

__all__ = [
    "THRESHOLD",
    "Match",
    "Ranking",
    "Rollouts",
    "TermMatch",
    "compare_patterns",
    "compare_with_model",
    "identify",
    "in_units",
]
