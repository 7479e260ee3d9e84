"""The size of terms that a model's cells do not define: functions, and terms with channels of the rule alone."""

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
    """Measures such terms, on the model's cells where these have all channels of a term, else on the rule's."""

    def __init__(self, subject: Subject, names: Mapping[str, str], scales: Mapping[str, float], cells: Cells) -> None:
        """names: the rule's channels → their names here. scales: of the paired channels, by the model's names."""
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
