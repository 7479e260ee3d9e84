"""A rule as a table of constants (channel x basis) that can be tuned, pruned and run at the speed of a kernel.

On request its colours are rows of the table as well, so that their constants are tuned, pruned and counted alike.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from equations.backends.llvm.adjustable import TermKernel
from equations.expressions.numeric import compile_numpy
from equations.expressions.terms import count_inner, join_terms, split_terms
from equations.expressions.tree import from_tree, to_tree
from equations.perception import perceive
from equations.rule.colours import COLOURS
from equations.rule.display import formulas_of
from equations.rule.grouping import feature_kinds
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.rule.symbols import symbol

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
SMALLEST = 1e-3  # least typical size of a basis, unless another is asked for
COLOUR_UNIT = 0.03  # a colour changes by this much where a state changes by 1: one learning rate then fits both


class TermTable:
    """The terms of a rule as arrays over (row, basis). Its rows are the channels, and with `colours` also r, g and b.

    colours: whether the colours that the rule's display gives are rows too; otherwise they stay as they are.
    scaled: constant times the typical size of its basis: the size of the term's effect, so one learning rate fits all.
    alive: True where the rule has a term.
    size: (basis,), the typical sizes.
    """

    def __init__(self, rule: Rule, *, colours: bool = False) -> None:
        self.rule = rule.replace(fronts={})
        self.colours = colours
        rows = [*rule.expressions, *(_formulas(rule) if colours else ())]
        terms = [{basis: c for c, basis in split_terms(expr)} for expr in rows]
        self.bases: list[Expr] = sorted({b for row in terms for b in row}, key=sympy.default_sort_key)
        table = [[row.get(basis, 0.0) for basis in self.bases] for row in terms]
        self.scaled: Floats = np.array(table, np.float32).reshape(len(rows), len(self.bases))
        self.alive: Flags = self.scaled != 0
        self.size: Floats = np.ones(len(self.bases), np.float32)
        unit = [1.0 if row < len(rule.channels) else COLOUR_UNIT for row in range(len(rows))]
        self.unit: Floats = np.array(unit, np.float32)[:, None]
        self.scaled *= self.unit
        self._kernel: TermKernel | None = None

    @property
    def terms(self) -> int:
        """How many terms there are, over all rows."""
        return int(self.alive.sum())

    @property
    def numbers(self) -> int:
        """How many numbers there are to copy: one a term, and those inside terms, once for all rows."""
        return self.terms + count_inner(self.bases)

    @property
    def channels(self) -> int:
        """How many of the rows are channels; they are the first ones."""
        return len(self.rule.channels)

    @property
    def places(self) -> list[tuple[int, int]]:
        """(channel, basis) of every term of a channel, in the order of `constants`."""
        return [(int(c), int(b)) for c, b in zip(*np.nonzero(self.alive[: self.channels]), strict=True)]

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

    def in_words(self, terms: int) -> str:
        """A number of terms over all rows, as users read it."""
        inner = self.numbers - self.terms
        return f"{terms + inner} numbers" if self.colours else f"{terms / self.channels:.1f} terms a channel"

    def values(self) -> Floats:
        """The constants themselves, (row, basis)."""
        values: Floats = self.scaled / (self.size * self.unit)
        return values

    def constants(self) -> Floats:
        """One constant for each term of a channel."""
        return np.ascontiguousarray(self.values()[: self.channels][self.alive[: self.channels]])

    def sizes(self) -> Floats:
        """The typical size of the basis of each term of a channel."""
        shape, alive = self.alive.shape, self.alive[: self.channels]
        return np.ascontiguousarray(np.broadcast_to(self.size, shape)[: self.channels][alive])

    def calibrate(self, states: Floats, least: float = SMALLEST) -> None:
        """Measure the typical size (root mean square) of every basis on states (n, channel, h, w).

        least: of these sizes; a smaller one would make the constant of its basis change too fast.
        """
        seen = np.stack([perceive(state, self.rule.stencils) for state in states], axis=1)
        rows = seen.reshape(seen.shape[0], -1).astype(np.float64)
        if not self.bases:
            return
        values = compile_numpy(self.bases, self.rule.feature_names)(rows)
        size = np.sqrt(np.square(np.nan_to_num(np.asarray(values))).mean(axis=1))
        size = np.maximum(size, least).astype(np.float32)
        self.scaled *= size / self.size
        self.size = size

    def keep(self, alive: Flags) -> None:
        """Drop all terms but these, and the bases that no channel uses any more."""
        alive = self._showing(alive)
        used: Flags = np.any(alive, axis=0, keepdims=True)[0]
        self.bases = [basis for basis, on in zip(self.bases, used.tolist(), strict=True) if on]
        self.scaled = np.ascontiguousarray((self.scaled * alive)[:, used])
        self.alive, self.size = np.ascontiguousarray(alive[:, used]), self.size[used]
        self._kernel = None

    def _showing(self, alive: Flags) -> Flags:
        """The flags; where no colour would depend on a channel, with the strongest term by which one does."""
        varying = np.array([bool(basis.free_symbols) for basis in self.bases], bool)
        shown = self.alive[self.channels :] & varying
        if not shown.any() or (alive[self.channels :] & varying).any():
            return alive
        alive = alive.copy()
        strongest = np.where(shown, np.abs(self.scaled[self.channels :]), -1.0).argmax()
        alive[self.channels :].flat[strongest] = True
        return alive

    def copy(self) -> TermTable:
        """A table of its own with the same terms and constants."""
        other = copy.copy(self)
        other.scaled, other.alive, other.size = self.scaled.copy(), self.alive.copy(), self.size.copy()
        other.bases = list(self.bases)
        return other

    def pack(self) -> dict[str, np.ndarray]:
        """The table, the rule's provenance and its first states as arrays; its other settings are left out."""
        init = self.rule.init
        texts = {
            "init": json.dumps(None if init is None else dataclasses.asdict(init)),
            "provenance": json.dumps(self.rule.provenance, default=dict),
            "bases": json.dumps([to_tree(basis) for basis in self.bases]),
        }
        arrays = {"scaled": self.scaled, "alive": self.alive, "size": self.size}
        return {name: np.array(text) for name, text in texts.items()} | arrays

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> TermTable:
        """A table with this rule's settings and the arrays that `pack` returned."""
        other = self.copy()
        # a chain may have continued from another chain's rule, which has another start, and first states of its own
        init = self.rule.init
        if "init" in arrays:  # files of before have none
            found = json.loads(str(arrays["init"]))
            init = None if found is None else Init(**found)
        other.rule = self.rule.replace(provenance=json.loads(str(arrays["provenance"])), init=init)
        other.bases = [from_tree(tree, symbols=self.rule.feature_names) for tree in json.loads(str(arrays["bases"]))]
        other.scaled, other.alive, other.size = (arrays[name].copy() for name in ("scaled", "alive", "size"))
        other._kernel = None
        return other

    def to_rule(self, digits: int | None = None) -> Rule:
        """The rule as it is now, its constants rounded to `digits` significant digits, or exact (float32)."""
        rows = []
        for row, alive in zip(self.values(), self.alive, strict=True):
            kept = [(float(c), b) for c, b, on in zip(row, self.bases, alive, strict=True) if on and c != 0]
            rows.append(join_terms([(c if digits is None else float(f"{c:.{digits}g}"), b) for c, b in kept]))
        updates = dict(zip(self.rule.channels, rows, strict=False))  # the colours follow after the channels
        if not self.colours:
            return self.rule.replace(updates=updates)
        display = Display(colours=dict(zip(COLOURS, rows[self.channels :], strict=True)))
        return self.rule.replace(updates=updates, display=display)


def _formulas(rule: Rule) -> list[Expr]:
    """Red, green and blue of a rule in colour, as expressions of its channels."""
    display = rule.display
    assert display is not None
    if display.colours is not None:
        return list(formulas_of(rule).values())
    return [join_terms([(display.scale, symbol(name)), (display.offset, sympy.S.One)]) for name in display.channels]


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
