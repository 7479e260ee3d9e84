"""`exact`: the teacher's own algebra, when it is closed-form already. No regression, no error."""

from __future__ import annotations

import weakref

from sympy import Expr

from distill.engines.base import FitOptions, Progress, silent
from distill.regression.polish import score
from distill.sampling import Samples
from distill.teacher import HasLongForm, Teacher
from equations.errors import InputError
from equations.rule.rule import Candidate


class ExactEngine:
    """The teacher's `closed_form()`, or else its `long_form()`, as the only candidate.

    It equals the teacher's update up to float32 rounding.
    """

    name = "exact"

    def __init__(self) -> None:
        self._known: tuple[weakref.ref[Samples], dict[str, Expr]] | None = None

    def fit(
        self, samples: Samples, channel: int, *, options: FitOptions, progress: Progress = silent
    ) -> list[Candidate]:
        """One candidate. Raises InputError for a teacher that has no closed form."""
        form = self._form(samples, options.teacher)
        name = samples.channels[channel]
        found = score(form[name], samples, channel, engine=self.name)
        if found is None:
            raise InputError(f'engine exact: the closed form of "{name}" is not finite on the samples')
        progress("exact", 1.0, name)
        return [found]

    def _form(self, samples: Samples, teacher: Teacher | None) -> dict[str, Expr]:
        """The form of all channels, computed once for the samples of one distillation."""
        if self._known is None or self._known[0]() is not samples:
            self._known = weakref.ref(samples), form_of(teacher)
        return self._known[1]


ENGINE = ExactEngine()


def form_of(teacher: Teacher | None) -> dict[str, Expr]:
    """The teacher's closed form, or its long form where it has only that.

    Raises InputError, saying which teachers have a closed form, when it has neither.
    """
    form: dict[str, Expr] | None = None
    if teacher is not None:
        form = teacher.closed_form()
        if form is None and isinstance(teacher, HasLongForm):
            form = teacher.long_form()
    if form is None:
        raise InputError(
            "engine exact: expected a teacher with a closed form (a rule, a known model, an automaton), "
            "got one without (a recording); use engine sparse, operon or auto"
        )
    return form
