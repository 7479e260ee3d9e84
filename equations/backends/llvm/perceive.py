"""Perception inside a kernel: neighbours are loaded once, and stencils of one channel share their column sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from equations.backends.llvm.instructions import Instructions
from equations.rule.rule import Rule
from equations.rule.stencils import Stencil, feature_name

ROWS = {-1: "above", 0: "row", 1: "below"}
Weighted = dict[str, float]  # value -> weight


class Perceiver:
    """Writes the code of stencil responses at the present cell. Channels are given by their number.

    shifts: what is added to the cell's column `%x` for its left (-1) and right (1) neighbour.
    """

    def __init__(self, rule: Rule, code: Instructions, shifts: dict[int, str]) -> None:
        self.rule, self.code, self.shifts = rule, code, shifts
        self.columns: dict[int, str] = {0: "%x"}
        self.read: dict[tuple[int, int, int], str] = {}
        self.sums: dict[tuple[int, int, int], str] = {}
        self.used = set(rule.used_features)
        wide = [s for s in rule.stencils if s.kernel[0][0] or s.kernel[0][2]]  # with corners
        self.sharing = {
            index
            for index, channel in enumerate(rule.channels)
            if sum(feature_name(channel, s.name) in self.used for s in wide) > 1
        }

    def features(self) -> Iterator[tuple[str, str]]:
        """The name and the value of every feature in use; the code of each is written when it is asked for."""
        for index, channel in enumerate(self.rule.channels):
            for stencil in self.rule.stencils:
                name = feature_name(channel, stencil.name)
                if name in self.used:
                    yield name, self.response(index, stencil)

    def response(self, channel: int, stencil: Stencil) -> str:
        kernel = stencil.kernel
        weights: Weighted = {}
        for dx in (-1, 0, 1):
            up, middle, down = (kernel[1 + dy][1 + dx] for dy in (-1, 0, 1))
            if channel in self.sharing and (up or down):
                # any column is a multiple of [1 2 1], one of [-1 0 1], and something in the middle
                for sign, weight in ((1, (up + down) / 2), (-1, (down - up) / 2)):
                    if weight:
                        weights[self.column_sum(channel, dx, sign)] = weight
                middle, up, down = middle - up - down, 0.0, 0.0
            for dy, weight in ((-1, up), (0, middle), (1, down)):
                if weight:
                    weights[self.cell(channel, dy, dx)] = weight
        return self.weighted(weights)

    def column_sum(self, channel: int, dx: int, sign: int) -> str:
        """[1 2 1] (sign 1) or [-1 0 1] (sign -1) over the three cells of a column."""
        key = (channel, dx, sign)
        if key not in self.sums:
            up, down = self.cell(channel, -1, dx), self.cell(channel, 1, dx)
            total = self.code.op("fadd" if sign > 0 else "fsub", down, up)
            if sign > 0:
                total = self.code.product_sum(self.code.number(2), self.cell(channel, 0, dx), total)
            self.sums[key] = total
        return self.sums[key]

    def weighted(self, weights: Weighted) -> str:
        """The weighted sum; values of equal weight are added before they are multiplied."""
        total = ""
        for weight in dict.fromkeys(abs(weight) for weight in weights.values()):
            part, sign = self._signed_sum((value, own) for value, own in weights.items() if abs(own) == weight)
            signed = self.code.number(sign * weight)
            if total:
                total = self.code.product_sum(signed, part, total)
            else:
                total = part if sign * weight == 1 else self.code.op("fmul", signed, part)
        return total or self.code.number(0)

    def _signed_sum(self, values: Iterable[tuple[str, float]]) -> tuple[str, int]:
        """The sum of the values with the signs of their weights, up to the sign of the first one."""
        total, first = "", 1
        for value, weight in values:
            if not total:
                total, first = value, 1 if weight > 0 else -1
            else:
                total = self.code.op("fadd" if weight * first > 0 else "fsub", total, value)
        return total, first

    def cell(self, channel: int, dy: int, dx: int) -> str:
        """The state of the neighbour at (dy, dx)."""
        key = (channel, dy, dx)
        if key not in self.read:
            if dx not in self.columns:
                self.columns[dx] = self.code.add(f"add nsw i64 %x, {self.shifts[dx]}")
            self.read[key] = self.code.load(f"%{ROWS[dy]}_{channel}", self.columns[dx])
        return self.read[key]
