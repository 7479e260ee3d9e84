"""Forms that no library has: found where they are, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy

from benchmarks.pde_data import Recording, add_noise, record
from distill import discretise, find_equation
from distill.engines import unavailable
from distill.weak.equation import ChannelLaw, FoundTerm
from distill.weak.form_seeds import seeds
from distill.weak.forms import bases_of, numbers_in, replace_numbers, unbiased
from distill.weak.typeset import to_latex, to_mathml
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from tests.test_distill.test_weak.laws import written

NAMES = ("u", "v")
needs_operon = pytest.mark.skipif(unavailable("operon") is not None, reason="pyoperon is not installed")


@cache
def recorded(name: str) -> Recording:
    return record(name, size=32, frames=32)


@needs_operon
def test_a_sine_comes_back_and_its_rule_follows_it():
    recording = recorded("sine-gordon")
    equation = find_equation(recording.frames, NAMES, recording.dt, recording.dx, engine="operon")
    assert equation.verdict == "found"
    assert equation.coefficients("u") == pytest.approx({"v": 1.0}, rel=1e-4)
    assert equation.coefficients("v") == pytest.approx({"lap(u)": 1.0, "sin(u)": -1.0}, rel=1e-4)
    assert any("sin(u)" in note for note in equation.notes)
    assert equation.to_json()["free_forms"] == {"v": {"sin(u)": {"form": ["Sin", "u"], "numbers": []}}}
    ruled = discretise(equation, recording.frames)
    assert ruled is not None
    assert "sin(u)" in str(ruled.rule.updates["v"])
    assert ruled.error is not None
    assert ruled.error < 0.1


@needs_operon
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_what_is_polynomial_stays_polynomial(noise):
    recording = add_noise(recorded("allen-cahn"), noise)
    equation = find_equation(recording.frames, ("u",), recording.dt, recording.dx, engine="operon")
    assert set(equation.coefficients("u")) == {"lap(u)", "u", "u**3"}
    assert equation.verdict == "found"
    assert len(equation.notes) == 1


@needs_operon
@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        (0.01, r"u: the recording cannot tell terms of the library from .*exp\(.*: it covers u from 0\.\d+ to 1\.\d+"),
        (0.03, r"u: a law with u\*tanh\(u\) explains more"),
    ],
    ids=["as much", "more"],
)
def test_a_law_of_the_library_that_has_a_form_for_a_rival_is_not_found(noise, reason):
    """The true law has a square root, which little noise hides here."""
    recording = add_noise(recorded("outflow"), noise)
    equation = find_equation(recording.frames, ("u",), recording.dt, recording.dx, engine="operon")
    assert "free_forms" not in equation.to_json()
    assert equation.verdict == "partly"
    assert any(re.fullmatch(reason, one) for one in equation.reasons)


@needs_operon
def test_forms_that_a_law_does_not_need_are_no_rivals():
    recording = add_noise(recorded("sine-gordon"), 0.05)
    equation = find_equation(recording.frames, NAMES, recording.dt, recording.dx, engine="operon")
    assert equation.law("u").verdict == "found"
    assert equation.reasons == ("v: a law with sin(u) explains more",)
    first, _ = equation.notes
    assert first == "u: no law with forms from a list of functions is better than the library's law"


@needs_operon
def test_where_no_function_of_the_fields_explains_the_change_nothing_is_searched():
    """One species of two: what it does depends on the hidden one."""
    recording = recorded("lambda-omega")
    equation = find_equation(recording.frames[:, :1], ("u",), recording.dt, recording.dx, engine="operon")
    assert equation.verdict != "found"
    (note,) = equation.notes
    assert note.startswith("u: operon was not used, for no function of the fields' values explains the change")


def test_an_engine_that_has_no_meaning_for_continuous_time_is_an_error():
    recording = recorded("allen-cahn")
    with pytest.raises(InputError, match="expected one of auto, sparse, operon, pysr, got 'exact'"):
        find_equation(recording.frames, ("u",), recording.dt, recording.dx, engine="exact")


def test_listed_forms_come_back_with_their_numbers():
    x = np.random.default_rng(0).uniform(0.3, 1.5, (300, 2))
    y = 0.5 * x[:, 0] - 8 * x[:, 1] * np.exp(-2 / x[:, 0])
    _, law = next(pair for pair in seeds(x, y, NAMES) if pair[0] < 1e-6)
    bases = bases_of(law)
    assert len(bases) == 2
    assert numbers_in(bases) == pytest.approx([-2.0], rel=1e-2)


def test_numbers_before_sums_in_denominators_are_left_out_and_others_replaced():
    (basis,) = bases_of(parse_infix("3*u*v/(2*u + 5*v)", NAMES))
    assert basis == parse_infix("u*v/(u + 2.5*v)", NAMES)
    assert replace_numbers(basis, {2.5: 1}) == parse_infix("u*v/(u + v)", NAMES)


def test_a_form_without_noise_on_average():
    rng = np.random.default_rng(0)
    noisy = 0.7 + 0.2 * rng.standard_normal(200_000)
    form = sympy.sin(parse_infix("2*u", NAMES))
    fields = [noisy, np.ones_like(noisy)]
    wanted = np.sin(1.4)
    plain, freed = (float(unbiased(form, NAMES, fields, [level, 0.0]).mean()) for level in (0.0, 0.2))
    assert abs(freed - wanted) < 0.2 * abs(plain - wanted)


def test_forms_are_typeset_and_their_numbers_said():
    form = parse_infix("v*exp(-2.0/u)", NAMES)
    law = ChannelLaw("u", (FoundTerm("v*exp(-2.0/u)", 8.0, 0.1, free=form, number_errors=(0.02,)),), 0, 0, 0, "found")
    equation = written({"u": {}, "v": {}})
    equation = replace(equation, laws=(law, equation.laws[1]))
    assert "e^{" in to_latex(equation)
    assert "<msup>" in to_mathml(equation)[0][1][0]
    assert "u: numbers in v*exp(-2.0/u): -2 ± 0.02" in equation.text()
