"""Kernels are exact sums of their parts, and the parts have the moments that their names say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from equations.comparison.kernels import PARTS, describe_laplacian, parts_of
from equations.comparison.kernels import STENCILS as PART_STENCILS
from equations.rule.stencils import STENCILS, Stencil


def kernel_of(name: str) -> np.ndarray:
    return np.array(next(s.kernel for s in PART_STENCILS if s.name == (name or "id")))


@pytest.mark.parametrize("stencil", [*STENCILS.values()], ids=lambda s: s.name)
def test_every_kernel_is_the_sum_of_its_parts(stencil: Stencil) -> None:
    total = sum(weight * kernel_of(part) for part, weight in parts_of(stencil.kernel).items())
    np.testing.assert_allclose(total, stencil.kernel, atol=1e-14)


def test_any_kernel_is() -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 3))
    parts = parts_of(tuple(map(tuple, kernel)))
    assert set(parts) == set(PARTS)
    np.testing.assert_allclose(sum(w * kernel_of(p) for p, w in parts.items()), kernel, atol=1e-14)


@pytest.mark.parametrize(("part", "function"), [
    ("dx", lambda y, x: x), ("dy", lambda y, x: y), ("lap", lambda y, x: (x**2 + y**2) / 4),
    ("aniso", lambda y, x: (x**2 - y**2) / 4), ("dxy", lambda y, x: x * y), ("", lambda y, x: 1 + 0 * x),
])  # fmt: skip
def test_leading_parts_differentiate(part: str, function: Callable[..., Any]) -> None:
    """Each is 1 on the polynomial that it measures and 0 on the others."""
    y, x = np.mgrid[-1:2, -1:2]
    for other in PARTS[:6]:
        assert (kernel_of(other) * function(y, x)).sum() == pytest.approx(float(other == part))


def test_laplacians_are_called_by_name() -> None:
    names = {name: describe_laplacian(parts_of(STENCILS[name].kernel)) for name in ("lap", "lap5", "lap9sims")}
    assert names == {"lap": "nine-point (1 2 1)", "lap5": "five-point", "lap9sims": "nine-point (1 4 1)"}
    odd = Stencil("odd", ((1, 1, 1), (1, -8, 1), (1, 1, 1)))
    assert describe_laplacian(parts_of(odd.kernel)) == "nine-point, corners 0.333 of it"


def test_a_laplacian_of_wider_cells_is_the_same_part() -> None:
    wide = tuple(tuple(w / 0.16 for w in row) for row in STENCILS["lap5"].kernel)
    assert parts_of(wide) == {"lap": pytest.approx(6.25)}
