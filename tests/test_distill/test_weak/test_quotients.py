"""Rational kinetics: found where they are, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.pde_data import Recording, add_noise, record
from benchmarks.pde_systems import PDES, QUOTIENTS
from benchmarks.quotients import error_of
from distill import Equation, discretise, find_equation
from distill.weak.equation import ChannelLaw
from distill.weak.forecast import Spectral
from distill.weak.quotient_columns import saturated
from distill.weak.stencilled import on_stencils
from distill.weak.terms import Saturation, make_quotient, term_of
from distill.weak.typeset import to_latex, to_mathml
from equations.rule.symbols import symbol
from tests.test_distill.test_weak.laws import quotient, written


@cache
def recorded(name: str) -> Recording:
    return record(name, size=40, frames=40)


def find(recording: Recording) -> Equation:
    return find_equation(recording.frames, recording.channels, recording.dt, recording.dx)


def check(equation: Equation, name: str, tolerance: float) -> None:
    """The terms of the law and no others, coefficients and K within the tolerance."""
    error = error_of(equation, name)
    assert error is not None
    assert error < tolerance


@pytest.mark.parametrize("name", list(QUOTIENTS))
def test_quotients_come_back_from_clean_recordings(name):
    equation = find(recorded(name))
    check(equation, name, 1e-4)
    assert equation.verdict == "found"


def test_predator_and_prey_come_back_from_noise_within_their_errors():
    equation = find(add_noise(recorded("rosenzweig-macarthur"), 0.03, seed=2))
    check(equation, "rosenzweig-macarthur", 0.05)
    assert equation.verdict == "found"
    (eaten,) = (term for term in equation.law("u").terms if term.saturation)
    assert eaten.saturation is not None
    assert 0 < abs(eaten.saturation.half - 0.4) < 6 * eaten.half_error
    kept = equation.to_json()
    assert kept["half_saturations"]["u"] == {eaten.text: [eaten.saturation.half, eaten.half_error]}
    assert f"u: {eaten.text} is half of its largest at" in equation.text()


@pytest.mark.parametrize("name", ["allen-cahn", "swift-hohenberg"])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_what_is_polynomial_stays_polynomial(name, noise):
    equation = find(add_noise(recorded(name), noise) if noise else recorded(name))
    assert not any(term.saturation for law in equation.laws for term in law.terms)
    assert "half_saturations" not in equation.to_json()
    law = PDES[name].law
    assert law is not None
    assert set(equation.coefficients("u")) == set(law["u"])


def test_a_law_that_does_not_explain_the_change_has_no_quotient():
    equation = find(recorded("hidden-species"))
    assert equation.verdict != "found"
    assert not any(term.saturation for term in equation.law("u").terms)


def test_units_change_nothing_but_the_numbers():
    plain = recorded("michaelis-menten")
    scaled = find_equation(3e7 * plain.frames, ("u",), 60 * plain.dt, 1e-6 * plain.dx)
    (term,) = (term for term in scaled.law("u").terms if term.saturation)
    assert term.saturation is not None
    assert term.saturation.half == pytest.approx(1.5e7, rel=1e-3)
    assert term.coefficient == pytest.approx(-3e7 / 60, rel=1e-3)
    assert term.text == f"u/(u + {term.saturation.half:.5g})"


def test_a_quotient_without_noise_on_average():
    names, rng = ("u", "v"), np.random.default_rng(0)
    for power in (1, 2):
        term = make_quotient(names, Saturation(0, power, 0.5), (1,))
        frames = np.broadcast_to(np.array([0.7, 0.9])[None, :, None, None], (40, 2, 60, 60))
        noisy = frames + 0.1 * rng.standard_normal(frames.shape)
        wanted = 0.9 * 0.7**power / (0.5**power + 0.7**power)
        plain, freed = (float(saturated(noisy, term, np.full(2, level)).mean()) for level in (0.0, 0.1))
        assert abs(freed - wanted) < 0.2 * abs(plain - wanted)


def test_the_rule_of_a_quotient_is_the_quotient():
    equation = written({"u": {"lap(u)": 0.1}, "v": {"v": -0.3}}, offsets=(2.0, 0.0))
    eaten = quotient(("u", "v"), Saturation(0, 2, 0.5), (1,), -1.5)
    laws = (ChannelLaw("u", (*equation.laws[0].terms, eaten), 0, 0, 0, "found"), equation.laws[1])
    parts = on_stencils(replace(equation, laws=laws), (1.0, 1.0))
    u, v = 2.6, 0.7
    side = parts.sides["u"].subs({symbol("u"): u, symbol("v"): v, symbol("u_lap"): 0.0})
    assert float(side) == pytest.approx(-1.5 * v * 0.6**2 / (0.6**2 + 0.25))


def test_the_forecast_of_a_quotient_is_that_of_its_rule():
    recording = recorded("rosenzweig-macarthur")
    equation = find(recording)
    ruled = discretise(equation, recording.frames)
    assert ruled is not None
    assert ruled.error is not None
    assert ruled.error < 0.05
    assert equation.forecast is not None
    assert equation.forecast < 0.01
    assert "/" in str(ruled.rule.updates["u"])


def test_a_quotient_by_itself_is_no_linear_term():
    term = make_quotient(("u", "v"), Saturation(0, 1, 0.5), (1,))
    law = Spectral((term,), np.array([[0.0, 1.0]]), (8, 8))
    assert not law.linear.any()
    state = np.stack([np.full((8, 8), 0.5), np.full((8, 8), 3.0)])
    assert np.fft.irfft2(law.rest(np.fft.rfft2(state))[1], s=(8, 8)) == pytest.approx(1.5)


def test_texts_are_read_back_and_typeset():
    names = ("u", "v", "uv")
    for power, others in ((1, ()), (2, (1,)), (1, (2,)), (2, (1, 2))):
        term = make_quotient(names, Saturation(0, power, 0.5), others)
        assert term_of(term.text, term.saturation, names) == term
    law = ChannelLaw("u", (quotient(("u", "v"), Saturation(0, 2, 0.5), (1,)),), 0, 0, 0, "partly")
    equation = replace(written({"u": {}, "v": {}}), laws=(law, written({"v": {}}).laws[0]))
    assert r"1 \frac{u^{2} v}{u^{2} + 0.25}" in to_latex(equation)
    assert "<mfrac>" in to_mathml(equation)[0][1][0]
