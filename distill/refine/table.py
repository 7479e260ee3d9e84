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
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import join_terms, split_terms
from equations.expressions.tree import from_tree, to_tree
from equations.perception import perceive
from equations.rule.grouping import feature_kinds
from equations.rule.rule import Rule

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
SMALLEST = 1e-3  # least typical size of a basis: a smaller one would make its constant change too fast


class TermTable:
    """The terms of a rule as arrays over (channel, basis).

    scaled: constant times the typical size of its basis: the size of the term's effect, so one learning rate fits all.
    alive: True where the rule has a term.
    size: (basis,), the typical sizes.
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
    def anisotropic(self) -> Flags:
        """Which bases use a gradient or another stencil that favours a direction, (basis,)."""
        kinds = feature_kinds(self.rule)
        isotropic = ("reaction", "diffusion")
        return np.array([any(kinds[str(s)] not in isotropic for s in basis.free_symbols) for basis in self.bases], bool)

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
        """The table and the rule's provenance as arrays; the rule's other settings are left out."""
        texts = {
            "provenance": json.dumps(self.rule.provenance, default=dict),
            "bases": json.dumps([to_tree(basis) for basis in self.bases]),
        }
        arrays = {"scaled": self.scaled, "alive": self.alive, "size": self.size}
        return {name: np.array(text) for name, text in texts.items()} | arrays

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> TermTable:
        """A table with this rule's settings and the arrays that `pack` returned."""
        other = self.copy()
        # a chain may have continued from another chain's rule, which has another start
        other.rule = self.rule.replace(provenance=json.loads(str(arrays["provenance"])))
        other.bases = [from_tree(tree, symbols=self.rule.feature_names) for tree in json.loads(str(arrays["bases"]))]
        other.scaled, other.alive, other.size = (arrays[name].copy() for name in ("scaled", "alive", "size"))
        other._kernel = None
        return other

    def to_rule(self, digits: int | None = None) -> Rule:
        """The rule as it is now, its constants rounded to `digits` significant digits, or exact (float32)."""
        updates = {}
        for name, row, alive in zip(self.rule.channels, self.scaled / self.size, self.alive, strict=True):
            kept = [(float(c), b) for c, b, on in zip(row, self.bases, alive, strict=True) if on and c != 0]
            updates[name] = join_terms([(c if digits is None else float(f"{c:.{digits}g}"), b) for c, b in kept])
        return self.rule.replace(updates=updates)


def most_important(alive: Flags, importance: npt.NDArray[np.floating], keep: int) -> Flags:
    """The flags of the `keep` most important terms; a channel that has terms keeps at least one.

    An importance of NaN counts as infinite.
    """
    ranked = np.where(alive, np.where(np.isnan(importance), np.inf, importance), -np.inf)
    best = np.zeros_like(alive)
    best[np.arange(len(alive)), ranked.argmax(axis=1)] = True
    best &= alive
    # the best of each channel comes first, also before other terms of infinite importance
    order = np.lexsort((-ranked.ravel(), ~best.ravel()))[: min(max(keep, int(best.sum())), int(alive.sum()))]
    kept = np.zeros(alive.size, bool)
    kept[order] = True
    return kept.reshape(alive.shape) & alive


def to_table(values: npt.ArrayLike, alive: Flags) -> npt.NDArray[np.float64]:
    """An array (channel, basis) with one value for each term, in the order of `places`, and 0 elsewhere."""
    table = np.zeros(alive.shape)
    table[alive] = np.asarray(values)
    return table
