"""Settings and stencils of an automaton that learns a recording."""

from __future__ import annotations

import numpy as np
import pytest

from equations.errors import InputError
from equations.rule.stencils import LAP5
from srnca.dynamics.config import DynamicsConfig, law_stencils


def test_stencils_are_in_units_of_length() -> None:
    """On x² + y² over cells of width dx: both Laplacians are 4, on x the slope is 1."""
    dx = 0.5
    y, x = np.mgrid[-1:2, -1:2] * dx
    _, lap, corner, right, down = law_stencils(5, dx)
    for stencil, field, wanted in ((lap, x**2 + y**2, 4), (corner, x**2 + y**2, 4), (right, x, 1), (down, y, 1)):
        assert np.sum(np.array(stencil.kernel) * field) == pytest.approx(wanted)
    assert law_stencils(2)[1].kernel == LAP5.kernel


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stride": 0}, "stride: expected a whole number from 1"),
        ({"filters": 6}, "filters: expected a whole number from 1 to 5"),
        ({"activation": "abs"}, "expected one of product, tanh, relu"),
        ({"dt": 0.0}, "dt: expected a finite number above 0"),
        ({"names": ()}, "at least one"),
        ({"stride": 8, "max_ca_steps": 4}, "at least the 8 steps"),
        ({"hidden_channels": 1, "names": ("u", "h2", "h2")}, "different names"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DynamicsConfig(**settings)  # type: ignore[arg-type]
