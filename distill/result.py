"""What `distill` returns: the rule, the fronts behind it, and the report, under the names PySR users know."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from distill.fidelity import predict
from distill.fronts.halloffame import write_hall_of_fame
from distill.unfinished import UNFINISHED
from equations.errors import InputError
from equations.files import write_text
from equations.rule.rule import Candidate, Rule

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


@dataclass(frozen=True)
class Distillation:
    """The result of a distillation.

    rule: the chosen rule; with an objective, the refined one.
    fronts: the equations that regression found, per channel.
    report: plain JSON data.
    texture_front: the refined rules as (terms per channel, texture loss, rule); empty without an objective.
    others: results that competed with this one and were not chosen, by name.
    """

    rule: Rule
    fronts: Mapping[str, tuple[Candidate, ...]]
    report: dict[str, Any]
    texture_front: Sequence[tuple[float, float, Rule]] = field(default=())
    others: Mapping[str, Distillation] = field(default_factory=dict)

    @property
    def equations_(self) -> list[pd.DataFrame]:
        """One table per channel: complexity, loss, score, equation, engine, terms, sympy_format.

        `score` is PySR's: the drop of log(loss) per unit of complexity against the row above.
        """
        return [_table(self.fronts[channel]) for channel in self.rule.channels]

    def sympy(self, index: int | Sequence[int] | None = None) -> list[Expr]:
        """The rule's equations, one per channel; with `index`, those rows of the fronts (one row number for
        all channels, or one for each).
        """
        if index is None:
            return list(self.rule.expressions)
        channels = self.rule.channels
        rows = [index] * len(channels) if isinstance(index, int) else list(index)
        if len(rows) != len(channels):
            raise InputError(f"expected one row, or one for each of {len(channels)} channels, got {len(rows)}")
        chosen = []
        for channel, row in zip(channels, rows, strict=True):
            front = self.fronts[channel]
            if not -len(front) <= row < len(front):
                raise InputError(f'expected a row below {len(front)} for channel "{channel}", got {row}')
            chosen.append(front[row].expr)
        return chosen

    def latex(self, index: int | Sequence[int] | None = None) -> list[str]:
        """`sympy(index)` as LaTeX, one string per channel."""
        import sympy

        return [str(sympy.latex(expr)) for expr in self.sympy(index)]

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The rule's updates (n, channels) for perceptions (n, features), channel-major."""
        X = np.asarray(X, np.float64)
        if X.ndim != 2 or X.shape[1] != len(self.rule.feature_names):
            raise InputError(f"expected X of (n, {len(self.rule.feature_names)} features), got {X.shape}")
        return predict(self.rule, X)

    def _repr_html_(self) -> str:
        """The front and the rule, for notebooks."""
        from distill.notebook import distillation_html

        return distillation_html(self)

    def pytorch(self) -> nn.Module:
        """A module (..., features) -> (..., channels) that computes the rule's updates."""
        from distill.module import UpdateModule

        return UpdateModule(self.rule)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write rule.json, report.json, hall_of_fame_output{1, 2, …}.csv and front/NUMBER_OF_TERMS.json into `folder`,
        which is made if needed.

        Each file is written whole or not at all, and the rule last: where there is a rule.json, all other files are
        there too. Rules of earlier results in front/ are removed, and so is the file that `distill` resumes from.
        """
        from equations.rule.rulefile import save_rule

        target = Path(folder)
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {str(target)!r}: {error.strerror}; choose another") from error
        if not any(self.fronts.values()):  # a law of few species has no equations of single channels
            for old in target.glob("hall_of_fame_output*.csv"):
                old.unlink()
        for number, channel in enumerate(self.rule.channels if any(self.fronts.values()) else (), start=1):
            write_hall_of_fame(target / f"hall_of_fame_output{number}.csv", self.fronts[channel])
        _save_front(target / "front", {round(n * len(rule.channels)): rule for n, _, rule in self.texture_front})
        write_text(target / "report.json", json.dumps(self.report, indent=2, allow_nan=False) + "\n")
        save_rule(self.rule, target / "rule.json")
        (target / UNFINISHED).unlink(missing_ok=True)
        return target


def _save_front(folder: Path, rules: Mapping[int, Rule]) -> None:
    from equations.rule.rulefile import save_rule

    for old in folder.glob("[0-9]*.json"):
        old.unlink()
    if rules:
        folder.mkdir(exist_ok=True)
    for terms, rule in rules.items():
        save_rule(rule, folder / f"{terms:04d}.json")


def _table(front: Sequence[Candidate]) -> pd.DataFrame:
    import pandas as pd

    loss = np.array([c.loss for c in front])
    complexity = np.array([c.complexity for c in front], float)
    logs = np.log(np.maximum(loss, 1e-300))
    steps = np.maximum(np.diff(complexity), 1)
    return pd.DataFrame(
        {
            "complexity": [c.complexity for c in front],
            "loss": loss,
            "score": np.concatenate([np.zeros(min(1, len(front))), -np.diff(logs) / steps]),
            "equation": [str(c.expr) for c in front],
            "engine": [c.engine for c in front],
            "terms": [c.terms for c in front],
            "sympy_format": [c.expr for c in front],
        }
    )
