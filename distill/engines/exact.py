"""`exact`: the teacher's own algebra, when it is closed-form already. No regression, no error."""

from __future__ import annotations

from sympy import Expr

from distill.engines.base import FitOptions, Progress, silent
from distill.polish import score
from distill.sampling import Samples
from distill.teacher import Teacher
from equations.errors import InputError
from equations.rule import Candidate


class ExactEngine:
    """Asks `teacher.closed_form()`, or else its `long_form()`; the one candidate equals the teacher's update to float32
    rounding.
    """

    name = "exact"

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """One candidate. Raises InputError for a teacher that has no closed form."""
        form = form_of(options.teacher)
        name = samples.channels[channel]
        found = score(form[name], samples, channel, engine=self.name)
        if found is None:
            raise InputError(f'engine exact: the closed form of "{name}" is not finite on the samples')
        progress("exact", 1.0, name)
        return [found]


ENGINE = ExactEngine()


def form_of(teacher: Teacher | None) -> dict[str, Expr]:
    """The teacher's closed form, or the long one where it has only that; raises InputError, saying which teachers
    have one, when it has none.
    """
    form = None if teacher is None else teacher.closed_form()
    longer = getattr(teacher, "long_form", None)
    if form is None and longer is not None:
        form = longer()
    if form is None:
        raise InputError(
            "engine exact: expected a teacher with a closed form (a rule, a known model, an automaton), "
            "got one without (a recording); use engine sparse, operon or auto"
        )
    return form
