"""How grids are cut."""

from __future__ import annotations

import numpy as np
import pytest

from equations.distributed import world_size
from equations.distributed.decomposition import Decomposition
from equations.errors import InputError


@pytest.mark.parametrize(
    ("size", "rows", "columns"), [((12, 12), 2, 2), ((13, 29), 3, 4), ((5, 7), 5, 7), ((9, 4), 1, 1)]
)
def test_blocks_cover_the_grid_once_and_are_alike(size: tuple[int, int], rows: int, columns: int) -> None:
    cut, seen = Decomposition(size, rows, columns), np.zeros(size, int)
    shapes = []
    for rank in range(rows * columns):
        (top, bottom), (left, right) = cut.part(rank)
        seen[top:bottom, left:right] += 1
        shapes.append((bottom - top, right - left))
    assert (seen == 1).all()
    for sides in zip(*shapes, strict=True):
        assert max(sides) - min(sides) <= 1
    assert cut.smallest == min(min(shape) for shape in shapes)
    assert 1 <= cut.halo <= cut.smallest


def test_neighbours_wrap() -> None:
    cut = Decomposition((30, 30), 2, 3)  # 0 1 2 / 3 4 5
    assert [cut.neighbour(0, *step) for step in ((-1, 0), (1, 0), (0, -1), (0, 1))] == [3, 3, 2, 1]
    assert [cut.neighbour(5, *step) for step in ((-1, 0), (1, 0), (0, -1), (0, 1))] == [2, 2, 4, 3]
    assert Decomposition((30, 30), 1, 1).neighbour(0, 1, 0) == 0


@pytest.mark.parametrize(
    ("size", "ranks", "wanted"),
    [
        ((64, 64), 1, "1x1"),
        ((64, 64), 2, "2x1"),
        ((64, 100), 2, "1x2"),
        ((64, 64), 4, "2x2"),
        ((64, 64), 6, "3x2"),
        ((64, 4096), 8, "1x8"),
        ((4096, 64), 8, "8x1"),
        ((2, 50), 4, "1x4"),
        ((50, 2), 7, "7x1"),
    ],
)
def test_auto_has_the_least_halo(size: tuple[int, int], ranks: int, wanted: tuple[int, int]) -> None:
    assert str(Decomposition.parse("auto", size, ranks)) == wanted
    cut = Decomposition.parse(wanted, size, ranks)
    for rows in range(1, ranks + 1):
        if ranks % rows == 0 and rows <= size[0] and ranks // rows <= size[1]:
            assert cut.halo_cells <= Decomposition(size, rows, ranks // rows).halo_cells


@pytest.mark.parametrize(
    ("text", "size", "ranks", "words"),
    [
        ("2x2", (9, 9), 2, "torchrun --nproc-per-node 4"),
        ("2", (9, 9), 2, "auto or ROWSxCOLUMNS"),
        ("0x2", (9, 9), 2, "auto or ROWSxCOLUMNS"),
        ("-1x2", (9, 9), 2, "auto or ROWSxCOLUMNS"),
        (None, (9, 9), 2, "auto or ROWSxCOLUMNS"),
        ("1x4", (9, 3), 4, "at least one cell"),
        ("auto", (3, 3), 11, "that 11 processes can share"),
    ],
)
def test_what_does_not_fit_is_refused(text: str | None, size: tuple[int, int], ranks: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Decomposition.parse(text, size, ranks)


@pytest.mark.parametrize(("text", "count"), [("4", 4), (None, 1), ("", 1), ("0", 1), ("two", 1)])
def test_world_size(monkeypatch: pytest.MonkeyPatch, text: str | None, count: int) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if text is not None:
        monkeypatch.setenv("WORLD_SIZE", text)
    assert world_size() == count
