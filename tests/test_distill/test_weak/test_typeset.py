"""Equations as LaTeX and MathML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from distill.weak.terms import Saturation, make_quotient, terms_by_text
from distill.weak.typeset import LATEX, MATHML, measured, to_latex, to_mathml, write_term
from tests.test_distill.test_weak.laws import written

LAW = {"u": {"u": 1.00553, "u**2*c": -0.5, "lap(u**3)": 2.0}, "c": {"div(u*grad(c))": 3e-13, "1": 1.5}}


def test_latex_has_coefficients_with_errors():
    assert to_latex(written({"u": LAW["u"], "c": {"1": -1.5}}, error=0.0041)) == (
        "\\begin{aligned}\n"
        r"  \partial_t u &= (1.0055 \pm 0.0041) u - (0.5000 \pm 0.0041) u^{2} c"
        r" + (2.0000 \pm 0.0041) \nabla^2 \left(u^{3}\right) \\"
        "\n"
        r"  \partial_t c &= - (1.5000 \pm 0.0041)"
        "\n\\end{aligned}\n"
    )
    assert r"3 \cdot 10^{-13} \nabla \cdot \left(u\nabla c\right)" in to_latex(written(LAW, verdict="partly"))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.00553, 0.0041, ("1.0055", "0.0041", 0)),
        (-0.1, 0.012, ("0.100", "0.012", 0)),
        (5.1e-13, 2e-15, ("5.100", "0.020", -13)),
        (0.7, 6e-11, ("0.7", "6e-11", 0)),
        (1234.5, 56.0, ("1234", "56", 0)),
        (2.0, None, ("2", None, 0)),
        (2.0, float("nan"), ("2", None, 0)),
    ],
)
def test_a_coefficient_has_as_many_digits_as_its_error_supports(value, error, text):
    assert measured(value, error) == text


def test_there_is_no_error_beside_a_law_that_is_not_found():
    assert "\\pm" in to_latex(written(LAW, error=0.1))
    assert "\\pm" not in to_latex(written(LAW, error=0.1, verdict="partly"))
    assert "±" not in str(to_mathml(written(LAW, error=0.1, verdict="partly")))


def test_offsets_are_lines_of_their_own():
    assert r"u &\to u - 1000" in to_latex(written({"u": {"u": 1.0}}, offsets=(1000.0,)))


@pytest.mark.parametrize("text", sorted(terms_by_text(("u", "h3"))))
def test_every_term_is_well_formed_mathml(text):
    term = terms_by_text(("u", "h3"))[text]
    root = ElementTree.fromstring(f"<math>{write_term(term, ('u', 'h3'), MATHML)}</math>")
    seen = "".join(root.itertext())
    assert ("∇" in seen or "∂" in seen) == (term.order > 0)
    assert "%" not in seen


def test_mathml_of_a_law_that_is_zero():
    assert to_mathml(written({"u": {}}))[0][1] == ["<mn>0</mn>"]


@pytest.mark.parametrize(("half", "latex"), [(0.5, "0.25"), (0.02, r"4 \cdot 10^{-4}"), (1.5e7, r"2.25 \cdot 10^{14}")])
def test_a_half_saturation_keeps_its_power_of_ten(half, latex):
    term = make_quotient(("u", "v"), Saturation(0, 2, half), (1,))
    assert write_term(term, ("u", "v"), LATEX) == rf"\frac{{u^{{2}} v}}{{u^{{2}} + {latex}}}"
    text = "".join(ElementTree.fromstring(f"<math>{write_term(term, ('u', 'v'), MATHML)}</math>").itertext())
    wanted = latex.replace(r" \cdot 10^{-4}", "·10−4").replace(r" \cdot 10^{14}", "·1014")
    assert text.split("+")[1].replace(" ", "") == wanted
