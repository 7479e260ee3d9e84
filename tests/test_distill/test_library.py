from __future__ import annotations

import numpy as np
import sympy

from distill.regression.library import accumulate, full_library, linear_library, screen
from equations.expressions.numeric import compile_numpy
from equations.rule.symbols import symbol

NAMES = ("u", "u_lap", "v", "v_lap")
X = np.random.default_rng(0).normal(size=(5000, 4))


def test_values_are_those_of_the_expressions() -> None:
    library = full_library(NAMES, (0, 2), X)
    exprs = [library.expr(i) for i in range(len(library.terms))]
    assert len(set(exprs)) == len(exprs), "two terms are the same function"
    np.testing.assert_allclose(library.evaluate(X[:50]), compile_numpy(exprs, NAMES)(X[:50].T).T, rtol=1e-12)


def test_few_channels_have_what_classical_models_need() -> None:
    u, u_lap, v = symbol("u"), symbol("u_lap"), symbol("v")
    library = full_library(NAMES, (0, 2), X)
    exprs = {library.expr(i) for i in range(len(library.terms))}
    assert {sympy.Integer(1), u, abs(u_lap), u * v**2, u**3, u_lap**2, u**2 * u_lap, abs(u) * v} <= exprs


def test_absolute_values_of_one_sign_are_not_offered() -> None:
    library = linear_library(NAMES, np.abs(X))
    assert len(library.terms) == 5
    assert len(linear_library(NAMES, X).terms) == 9


def test_gram_in_chunks_is_the_gram() -> None:
    library = full_library(NAMES, (0, 2), X)
    Y = X[:, :2] ** 2
    gram = accumulate(library, X, Y)
    values = library.evaluate(X)
    np.testing.assert_allclose(gram.terms, values.T @ values, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(gram.moments, values.T @ Y, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(gram.power, (Y**2).sum(axis=0))


def test_screening_keeps_the_linear_terms_and_the_right_products() -> None:
    library = full_library(NAMES, (0, 2), X)
    target = symbol("u") * symbol("v_lap")
    y = (X[:, 0] * X[:, 3] + X[:, 1])[:, None]
    small = screen(library, X, y, limit=12, protected=9)
    assert len(small.terms) == 12
    assert small.terms[:9] == library.terms[:9]
    assert target in {small.expr(i) for i in range(9, 12)}
    assert screen(library, X, y, limit=10**6, protected=9) is library
