"""Steps of the catalogue's models on states made by hand, for the tests against theory."""

from __future__ import annotations

import numpy as np

from equations.backends import get_backend
from equations.rule.rule import Rule


def run(rule: Rule, state: np.ndarray, n: int = 1) -> np.ndarray:
    """n steps of the rule in float64."""
    return get_backend("reference").make_stepper(rule, np.float64)(state, 0, n, 0)


def flat(values: tuple[float, ...], shape: tuple[int, int] = (3, 3)) -> np.ndarray:
    return np.array(values, float)[:, None, None] * np.ones(shape)


def bend(waves: int, cells: int, dx: float = 1.0) -> float:
    """−(five-point Laplacian) of a cosine, over the cosine; it has the given number of waves along one side."""
    return (2 - 2 * np.cos(2 * np.pi * waves / cells)) / dx**2
