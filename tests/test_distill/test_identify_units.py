"""Laws come back in the units of their recording, whatever these are: small cells, large numbers, far from 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from scipy.ndimage import gaussian_filter, laplace

from distill.identify import identify
from distill.identify.units import units_of
from equations import Rule, simulate
from equations.errors import InputError
from equations.rule.symbols import symbol

SHAPE = (20, 22)


def growth(count: int = 24) -> np.ndarray:
    """u' = 0.2 ∇²u + 0.05 u (1 − u), every step of it, (t, 1, h, w)."""
    u = gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 3, mode="wrap")
    u = 0.05 + 0.85 * (u - u.min()) / np.ptp(u)
    frames = []
    for _ in range(count):
        frames.append(u[None])
        u = u + 0.2 * laplace(u, mode="wrap") + 0.05 * u * (1 - u)
    return np.array(frames)


FRAMES = growth()


def law(frames: np.ndarray, dt: float = 1.0, **how: Any) -> tuple[Rule, dict[str, float]]:
    found = identify([frames], dt, ["u"], engine="sparse", rows=3000, **how)
    constants = found.result.report["constants"]["u"]
    return found.result.rule, {term: row["value"] for term, row in constants.items()}


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("scale", "dx"),
    [
        (1.0, 1e-3),
        (3e7, 1.0),
        (1e-9, 50.0),
        *(pytest.param(scale, dx, marks=slow) for scale, dx in ((1.0, 1.0), (255.0, 1.0), (2e4, 1e-6), (1e-6, 1e-9))),
    ],
)
def test_constants_are_in_the_units_of_the_recording(scale: float, dx: float) -> None:
    rule, constants = law(FRAMES * scale, dx=dx)
    wanted = {"u": 0.05, "u**2": -0.05 / scale, "u_lap5": 0.2 * dx**2}
    assert constants == {term: pytest.approx(value, rel=1e-5) for term, value in wanted.items()}
    terms = rule.updates["u"].as_coefficients_dict()
    assert float(terms[symbol("u_lap5")]) == pytest.approx(wanted["u_lap5"], rel=1e-4)
    ran = simulate(rule, state=(FRAMES[0] * scale).astype(np.float32), steps=len(FRAMES) - 1, every=1)
    np.testing.assert_allclose(ran / scale, FRAMES, atol=2e-4)


@slow
def test_times_are_in_the_units_of_the_recording() -> None:
    _, constants = law(FRAMES, dt=1e-6)
    assert constants["u"] == pytest.approx(0.05e6, rel=1e-5)


@pytest.mark.parametrize(
    ("frames", "zero", "square", "tolerance"),
    [
        (FRAMES + 1000, 1000.0, -0.05, 1e-5),
        # rounded to 6e-5: noise, which is said
        pytest.param((FRAMES + 1000).astype(np.float32), 1000.0, -0.05, 1e-3, marks=slow),
        pytest.param(FRAMES * 0.2 + 293, 293.0, -0.25, 1e-5, marks=slow),
        pytest.param(FRAMES * 3e4 + 1e8, 1e8, -0.05 / 3e4, 1e-5, marks=slow),
        pytest.param(FRAMES - 1000, -1000.0, -0.05, 1e-5, marks=slow),
    ],
)
def test_what_lies_far_from_zero_is_counted_from_a_round_number(
    frames: np.ndarray, zero: float, square: float, tolerance: float
) -> None:
    rule, constants = law(frames)
    away = symbol("u") - sympy.Float(zero)
    wanted = {str(away): 0.05, f"({away})**2": square, "u_lap5": 0.2}
    assert constants == {term: pytest.approx(value, rel=tolerance) for term, value in wanted.items()}
    value = zero + 0.5 * 0.05 / -square
    change = rule.updates["u"].subs({symbol("u"): value, symbol("u_lap5"): 0})
    assert float(change) == pytest.approx(0.0125 * 0.05 / -square, rel=0.1)


def test_ordinary_recordings_are_taken_as_they_are() -> None:
    units = units_of([FRAMES], ["u"], 1.0)
    assert units.unchanged
    np.testing.assert_array_equal(units.inside(FRAMES), FRAMES)


@pytest.mark.parametrize("stencil", ["lap5", "lap9", "lap", "free"])
def test_a_term_told_and_taken_back_is_the_same_term(stencil: str) -> None:
    """Whatever is told of a term inside has its value, in the recording's units."""
    rng = np.random.default_rng(0)
    frames = rng.uniform(1, 2, (3, 2, 5, 6)) * np.array([3e6, 1e-4])[:, None, None]
    frames[:, 0] += 1e10
    units = units_of([frames], ["a", "b"], 0.02)
    assert units.offset[0] == 1e10
    assert units.offset[1] == 0
    np.testing.assert_allclose(units.outside(units.inside(frames)), frames, rtol=1e-12)
    a, b, lap = symbol("a"), symbol("b"), symbol("b_edges" if stencil == "free" else f"b_{stencil}")
    for basis in (
        a,
        a * b,
        a**2 * lap,
        sympy.Abs(a) * b,
        lap,
        b / (1 + a**2),
        sympy.tanh(a) * lap,
        symbol("a_dx") ** 2,
    ):
        factor, term = units.term_outside(basis, "b", stencil)
        back = units.law_inside(factor * term, "b", stencil)
        seen = {s: float(v) for s, v in zip(sorted(basis.free_symbols, key=str), rng.uniform(0.5, 2, 9), strict=False)}
        assert float(back.subs(seen)) == pytest.approx(float(basis.subs(seen)), rel=1e-6), basis


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"dx": 0.0}, "expected dx above 0"),
        ({"dx": 1e-20}, "expected dx, the width of a cell, from 1e-12 to 1e"),
        ({"dt": 1e20}, "expected dt, the time between two frames, from 1e-12"),
        ({"scale": 1e20}, r"expected values of at most 1e\+12 in size, got 9e\+19 in channel u; divide"),
    ],
)
def test_units_that_no_rule_can_have_are_refused_at_once(how: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        law(FRAMES * how.pop("scale", 1.0), **how)


def test_names_that_no_rule_can_have_are_refused_at_once() -> None:
    with pytest.raises(InputError, match="a channel cannot be called 'sin'"):
        identify([FRAMES], 1.0, ["sin"])


@pytest.mark.parametrize("name", ["S", *(pytest.param(name, marks=slow) for name in ("I", "N", "E", "pi"))])
def test_names_of_species_are_kept(name: str) -> None:
    found = identify([FRAMES], 1.0, [name], engine="sparse", rows=2000)
    assert found.result.rule.channels == (name,)
    assert float(found.result.rule.updates[name].coeff(symbol(f"{name}_lap5"))) == pytest.approx(0.2)
