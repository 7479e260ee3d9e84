"""How much those terms of a rule do that do not live on a model's cells: functions, and channels of the rule's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.comparison.cells import Cells
from equations.comparison.reduced_law import Term, Update
from equations.comparison.subject import Subject


class Foreign:
    """The size of such terms: on the model's cells where these have all that it looks at, else on the rule's own."""

    def __init__(self, subject: Subject, names: Mapping[str, str], scales: Mapping[str, float], cells: Cells) -> None:
        """names: all of the rule's channels → the comparison's; scales: of the paired ones, by the model's names."""
        self._subject, self._names, self._scales, self._cells = subject, names, scales, cells
        self._paired = {m: r for r, m in names.items() if m in scales}

    def size(self, term: Term, update: Update) -> float:
        """The root mean square of the term without its coefficient."""
        if term.other is None:
            return float(np.sqrt(np.mean(self._own_cells.term(term, update.below) ** 2)))
        index = self._subject.others[term.other]
        on_model = self._subject.channels_of(term.other) <= set(self._paired.values())
        return float((self._on_model if on_model else self._subject.own_sizes)[index])

    @cached_property
    def _own_cells(self) -> Cells:
        return self._subject.own_cells.in_units(self._names, {r: self._scales[m] for m, r in self._paired.items()})

    @cached_property
    def _on_model(self) -> npt.NDArray[Any]:
        inverse = {m: 1 / self._scales[m] for m in self._paired}
        return self._subject.sizes(self._cells.in_units(self._paired, inverse))
