from __future__ import annotations

import numpy as np
import pytest

from distill.fidelity import r2
from tests.test_distill.teachers import drawn, planted

LAW = {"u": "0.5*u - 0.25*v_lap", "v": "u*v"}


def test_r2_is_one_for_the_law_zero_for_the_mean_negative_for_worse() -> None:
    samples = drawn(LAW, 300, filters=2)
    assert r2(planted(LAW, filters=2), samples.X, samples.Y) == pytest.approx({"u": 1.0, "v": 1.0})
    mean = {c: str(float(samples.Y[:, i].mean())) for i, c in enumerate("uv")}
    assert r2(planted(mean, filters=2), samples.X, samples.Y) == pytest.approx({"u": 0.0, "v": 0.0}, abs=1e-9)
    assert r2(planted({"u": "3*v", "v": "9"}, filters=2), samples.X, samples.Y)["u"] < -1


def test_r2_matches_the_formula() -> None:
    samples = drawn(LAW, 300, filters=2, noise=0.2)
    value = r2(planted(LAW, filters=2), samples.X, samples.Y)["u"]
    y, f = samples.Y[:, 0], 0.5 * samples.X[:, 0] - 0.25 * samples.X[:, 3]
    assert value == pytest.approx(1 - ((y - f) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    assert 0 < value < 0.95


def test_still_channels_and_infinite_predictions() -> None:
    X, Y = np.full((5, 4), 1e60), np.zeros((5, 2))
    assert r2(planted({"u": "0", "v": "u"}, filters=2), X, Y) == {"u": 1.0, "v": 0.0}
    Y = np.arange(10.0).reshape(5, 2)
    wild = {"u": "u^8", "v": "v"}
    assert r2(planted(wild, filters=2), X, Y)["u"] == -1e300
