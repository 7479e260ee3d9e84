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
    """Asks `teacher.closed_form()`; the one candidate equals the teacher's update to float32 rounding."""

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
    """The teacher's closed form; raises InputError, saying which teachers have one, when it has none."""
    form = None if teacher is None else teacher.closed_form()
    if form is None:
        raise InputError(
            "engine exact: expected a teacher with a closed form (a rule, a known model, an NCA whose "
            "activation is linear or abs), got one without (a relu network, a recording); "
            "use engine sparse, operon or auto"
        )
    return form
