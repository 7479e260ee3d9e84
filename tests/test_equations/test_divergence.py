"""How large a state may become before a simulation counts as diverged."""

from __future__ import annotations

import numpy as np
import pytest

from equations import simulate
from equations.divergence import limit_of
from equations.errors import DivergenceError
from equations.rule.init import Init
from tests.test_equations.helpers import make_rule


def test_a_rule_of_large_values_has_room_and_others_the_usual_limit() -> None:
    rule = make_rule({"u": "0.1*u", "v": "0"})
    assert limit_of(rule.replace(init=None)) == 1e6
    assert limit_of(rule.replace(init=Init("noise", (1.0, -900.0), (0.1, 0.1)))) == 1e6
    assert limit_of(rule.replace(init=Init("noise", (3e7, 1.0), (1e7, 0.1)))) == 4e10


@pytest.mark.parametrize("backend", ["reference", "llvm", "torch"])
def test_every_backend_goes_as_far(backend: str) -> None:
    rule = make_rule({"u": "u", "v": "0"}).replace(init=Init("noise", (3e7, 1.0), (0.0, 0.1)))
    frames = simulate(rule, size=8, steps=9, seed=0, backend=backend, every=9)
    np.testing.assert_allclose(frames[-1, 0], 3e7 * 2**9)
    with pytest.raises(DivergenceError) as caught:
        simulate(rule, size=8, steps=20, seed=0, backend=backend, every=20)
    assert caught.value.step == 10  # 3e7 · 2¹⁰ is the first above 3e10
