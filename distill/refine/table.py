"""A rule as a table of constants (channel x basis) that can be tuned, pruned and run at the speed of a kernel."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from equations.backends.llvm.adjustable import TermKernel
from equations.expressions.grouping import feature_kinds
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import join_terms, split_terms
from equations.expressions.tree import from_tree, to_tree
from equations.perception import perceive
from equations.rule.rule import Rule

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
SMALLEST = 1e-3  # typical size below which a basis counts as this large: its constant must not race


class TermTable:
    """The terms of a rule: `scaled` (channel, basis) = constant x typical size of its basis, `alive` where one is.

    Scaling makes every entry the size of that term's effect, so one learning rate fits all.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule.replace(fronts={})
        terms = [{basis: c for c, basis in split_terms(rule.updates[name])} for name in rule.channels]
        self.bases: list[Expr] = sorted({b for channel in terms for b in channel}, key=sympy.default_sort_key)
        rows = [[channel.get(basis, 0.0) for basis in self.bases] for channel in terms]
        self.scaled: Floats = np.array(rows, np.float32).reshape(len(rule.channels), len(self.bases))
        self.alive: Flags = self.scaled != 0
        self.size: Floats = np.ones(len(self.bases), np.float32)
        self._kernel: TermKernel | None = None

    @property
    def terms(self) -> int:
        """How many terms there are, over all channels."""
        return int(self.alive.sum())

    @property
    def places(self) -> list[tuple[int, int]]:
        """(channel, basis) of every term, in the order of `constants`."""
        return [(int(c), int(b)) for c, b in zip(*np.nonzero(self.alive), strict=True)]

    @property
    def kernel(self) -> TermKernel:
        """The compiled rule, made when it is first asked for after a change of terms."""
        if self._kernel is None:
            self._kernel = TermKernel(self.rule, self.bases, self.places)
        return self._kernel

    @property
    def slanted(self) -> Flags:
        """Which bases see a slope or another stencil that favours a direction, (basis,)."""
        kinds = feature_kinds(self.rule)
        even = ("reaction", "diffusion")
        return np.array([any(kinds[str(s)] not in even for s in basis.free_symbols) for basis in self.bases], bool)

    def constants(self) -> Floats:
        """One constant for each term."""
        table: Floats = self.scaled / self.size
        return np.ascontiguousarray(table[self.alive])

    def sizes(self) -> Floats:
        """The typical size of each term's basis."""
        return np.ascontiguousarray(np.broadcast_to(self.size, self.alive.shape)[self.alive])

    def calibrate(self, states: Floats) -> None:
        """Measure the typical size (root mean square) of every basis on states (n, channel, h, w)."""
        seen = np.stack([perceive(state, self.rule.stencils) for state in states], axis=1)
        rows = seen.reshape(seen.shape[0], -1).astype(np.float64)
        if not self.bases:
            return
        values = compile_numpy(self.bases, self.rule.feature_names)(rows)
        size = np.sqrt(np.square(np.nan_to_num(np.asarray(values))).mean(axis=1))
        size = np.maximum(size, SMALLEST).astype(np.float32)
        self.scaled *= size / self.size
        self.size = size

    def keep(self, alive: Flags) -> None:
        """Drop all terms but these, and the bases that no channel uses any more."""
        used: Flags = np.any(alive, axis=0, keepdims=True)[0]
        self.bases = [basis for basis, on in zip(self.bases, used.tolist(), strict=True) if on]
        self.scaled = np.ascontiguousarray((self.scaled * alive)[:, used])
        self.alive, self.size = np.ascontiguousarray(alive[:, used]), self.size[used]
        self._kernel = None

    def copy(self) -> TermTable:
        """A table of its own with the same terms and constants."""
        other = copy.copy(self)
        other.scaled, other.alive, other.size = self.scaled.copy(), self.alive.copy(), self.size.copy()
        other.bases = list(self.bases)
        return other

    def pack(self) -> dict[str, np.ndarray]:
        """The table as arrays, with where its terms come from, without the rule's other settings."""
        texts = {
            "provenance": json.dumps(self.rule.provenance, default=dict),
            "bases": json.dumps([to_tree(basis) for basis in self.bases]),
        }
        arrays = {"scaled": self.scaled, "alive": self.alive, "size": self.size}
        return {name: np.array(text) for name, text in texts.items()} | arrays

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> TermTable:
        """A table of the same rule with what `pack` gave."""
        other = self.copy()
        # a chain may have gone on from the rule of another, with another start
        other.rule = self.rule.replace(provenance=json.loads(str(arrays["provenance"])))
        other.bases = [from_tree(tree, symbols=self.rule.feature_names) for tree in json.loads(str(arrays["bases"]))]
        other.scaled, other.alive, other.size = (arrays[name].copy() for name in ("scaled", "alive", "size"))
        other._kernel = None
        return other

    def to_rule(self, digits: int | None = None) -> Rule:
        """The rule as it is now; constants to `digits` significant digits, or exactly (float32)."""
        updates = {}
        for name, row, alive in zip(self.rule.channels, self.scaled / self.size, self.alive, strict=True):
            kept = [(float(c), b) for c, b, on in zip(row, self.bases, alive, strict=True) if on and c != 0]
            updates[name] = join_terms([(c if digits is None else float(f"{c:.{digits}g}"), b) for c, b in kept])
        return self.rule.replace(updates=updates)


def least(alive: Flags, importance: npt.NDArray[np.floating], keep: int) -> Flags:
    """The flags of the `keep` most important terms; a channel that has terms keeps at least one. NaN is endless."""
    ranked = np.where(alive, np.where(np.isnan(importance), np.inf, importance), -np.inf)
    best = np.zeros_like(alive)
    best[np.arange(len(alive)), ranked.argmax(axis=1)] = True
    best &= alive
    # the best of each channel first, whatever else is endless
    order = np.lexsort((-ranked.ravel(), ~best.ravel()))[: min(max(keep, int(best.sum())), int(alive.sum()))]
    kept = np.zeros(alive.size, bool)
    kept[order] = True
    return kept.reshape(alive.shape) & alive


def pick(values: npt.ArrayLike, alive: Flags) -> npt.NDArray[np.float64]:
    """One value for each term, put into the table."""
    table = np.zeros(alive.shape)
    table[alive] = np.asarray(values)
    return table
