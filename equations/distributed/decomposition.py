"""The decomposition of a grid into rows × columns of blocks of nearly equal size, one for each rank."""

from __future__ import annotations

import re
from dataclasses import dataclass

from equations.errors import InputError, shorten
from equations.rule.init import Part, Span

MAX_HALO = 32  # cells, the widest halo that is chosen automatically


@dataclass(frozen=True)
class Decomposition:
    """`rows` × `columns` blocks of a grid of `size` (h, w); rank = row · columns + column. The grid is periodic."""

    size: tuple[int, int]
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= self.size[0] and 1 <= self.columns <= self.size[1]):
            raise InputError(
                f"expected blocks of at least one cell, got {self.rows}x{self.columns} blocks of a grid of "
                f"{self.size[0]} rows and {self.size[1]} columns; use fewer processes or a larger grid"
            )

    @classmethod
    def parse(cls, text: str, size: tuple[int, int], ranks: int) -> Decomposition:
        """`auto` (the least halo), or ROWSxCOLUMNS with as many blocks as there are ranks. Raises InputError."""
        if text == "auto":
            return cls.least_halo(size, ranks)
        match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text) if isinstance(text, str) else None
        if match is None:
            raise InputError(f"expected a decomposition auto or ROWSxCOLUMNS such as 2x1, got {shorten(text)}")
        rows, columns = int(match[1]), int(match[2])
        if rows * columns != ranks:
            raise InputError(
                f"expected a decomposition into as many blocks as there are processes, {ranks}, got {text}; "
                f"torchrun --nproc-per-node {rows * columns} starts as many"
            )
        return cls(size, rows, columns)

    @classmethod
    def least_halo(cls, size: tuple[int, int], ranks: int) -> Decomposition:
        """The decomposition whose ranks send the fewest cells; of equals, the squarest blocks, then the most rows."""
        pairs = [(rows, ranks // rows) for rows in range(ranks, 0, -1) if ranks % rows == 0]
        fitting = [cls(size, *pair) for pair in pairs if pair[0] <= size[0] and pair[1] <= size[1]]
        if not fitting:
            raise InputError(
                f"expected a grid that {ranks} processes can share, got {size[0]} rows and {size[1]} columns; "
                "use fewer processes or a larger grid"
            )
        return min(fitting, key=lambda cut: (cut.halo_cells, sum(cut.largest)))

    @property
    def halo_cells(self) -> int:
        """How many cells the rank with the largest block gets from others, for a halo of width 1."""
        h, w = self.largest
        return 2 * w * (self.rows > 1) + 2 * h * (self.columns > 1)

    @property
    def halo(self) -> int:
        """The default width of the halo, which is also the number of steps between two exchanges.

        With a wider halo ranks wait less often for messages, but more cells are computed by two ranks.
        """
        return max(1, min(MAX_HALO, self.smallest // 4))

    @property
    def largest(self) -> tuple[int, int]:
        """Height and width of the largest block."""
        return -(-self.size[0] // self.rows), -(-self.size[1] // self.columns)

    @property
    def smallest(self) -> int:
        """The shortest side of any block."""
        return min(self.size[0] // self.rows, self.size[1] // self.columns)

    def part(self, rank: int) -> Part:
        """The rows and columns of a rank's block."""
        row, column = divmod(rank, self.columns)
        return _span(self.size[0], self.rows, row), _span(self.size[1], self.columns, column)

    def neighbour(self, rank: int, down: int, right: int) -> int:
        """The rank of the block that is `down` blocks below and `right` blocks to the right, with wrap-around."""
        row, column = divmod(rank, self.columns)
        return (row + down) % self.rows * self.columns + (column + right) % self.columns

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"


def _span(length: int, count: int, index: int) -> Span:
    """Start and stop of part `index` of `count`; sizes differ by at most one, and the larger parts come first."""
    least, more = divmod(length, count)
    start = index * least + min(index, more)
    return start, start + least + (index < more)
