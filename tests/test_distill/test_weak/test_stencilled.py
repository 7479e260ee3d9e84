"""Terms on a grid: each is what the same term is by exact derivatives, up to the width of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.forecast import Spectral
from distill.weak.stencilled import on_stencils
from distill.weak.terms import terms_by_text
from equations.backends.reference import step
from equations.rule.auxiliary import settle
from equations.rule.rule import Rule
from tests.test_distill.test_weak.laws import written

SIDE, DX = 48, 0.5
NAMES = ("u", "v")
TEXTS = sorted(terms_by_text(NAMES))


def fields() -> np.ndarray:
    """Two smooth fields (2, h, w) without a symmetry that would hide a wrong sign."""
    y, x = 2 * np.pi * np.arange(SIDE)[:, None] / SIDE, 2 * np.pi * np.arange(SIDE)[None, :] / SIDE
    u = 0.6 + 0.5 * np.sin(2 * x + y) + 0.3 * np.cos(x - 2 * y)
    v = -0.4 + 0.4 * np.cos(2 * x - y + 0.3) + 0.2 * np.sin(3 * y)
    return np.array([u, v])


def on_grid(text: str, *, sharp: bool, offsets: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The term by a rule's update of u."""
    equation = written({"u": {text: 1.0}, "v": {"v": 1.0}}, dx=DX, offsets=offsets)
    parts = on_stencils(equation, (1.0, 1.0), sharp=sharp)
    rule = Rule(parts.channels, parts.stencils, parts.sides, provenance={"auxiliary": list(parts.auxiliary)})
    steps = rule.replace(updates=parts.updates(1.0))
    full = settle(steps, fields() + np.array(offsets)[:, None, None])
    return np.asarray(step(rule, full, step=0, seed=0)[0] - full[0])


def by_derivatives(text: str) -> np.ndarray:
    """The term pseudo-spectrally."""
    term, weights = terms_by_text(NAMES)[text], np.array([[1.0, 0.0]])
    law = Spectral((term,), weights, (SIDE, SIDE))
    v = np.fft.rfft2(fields())
    return np.asarray(np.fft.irfft2(law.linear * v + law.rest(v), s=(SIDE, SIDE))[0] / DX**term.order)


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("text", TEXTS)
def test_a_term_is_second_order_and_fourth_when_sharpened(text):
    wanted = by_derivatives(text)
    plain, sharp = (error(on_grid(text, sharp=s), wanted) for s in (False, True))
    if terms_by_text(NAMES)[text].order == 0:
        assert max(plain, sharp) < 1e-12
    else:
        assert 1e-4 < plain < 0.12
        assert sharp < 0.2 * plain


@pytest.mark.parametrize("text", ["lap(u**3)", "u**2*v", "div(v*grad(u))", "dx(u**2)"])
def test_offsets_are_subtracted(text):
    assert error(on_grid(text, sharp=False, offsets=(1000.0, -50.0)), on_grid(text, sharp=False)) < 1e-6


def test_what_stands_under_a_laplacian_has_a_channel_of_its_own():
    equation = written({"u": {"lap(u)": -1.0, "lap(u**3)": 1.0, "bilap(u)": -0.5}})
    parts = on_stencils(equation, (1.0,))
    assert (parts.channels, parts.auxiliary) == (("u", "w_u"), ("w_u",))
    assert str(parts.sides["u"]) == "-u_lap + w_u_lap"
    assert str(parts.sides["w_u"]) == "u**3 - 0.5*u_lap"


def test_an_auxiliary_channel_has_a_usual_size_in_any_units():
    parts = on_stencils(written({"u": {"bilap(u)": -1e-24}}, dx=1e-6), (3e7,))
    (coefficient, _) = parts.sides["w_u"].as_coeff_Mul()
    assert 0.5 < float(coefficient) * 3e7 / 1e-12 < 2
    (outside, _) = parts.sides["u"].as_coeff_Mul()
    assert float(outside) * float(coefficient) == pytest.approx(-1e-24)


def test_a_channel_that_follows_others_sees_their_new_values():
    parts = on_stencils(written({"u": {"v": 1.0}, "v": {"lap(u)": 1.0}}), (1.0, 1.0))
    assert str(parts.updates(0.25)["u"]) == "0.25*u_lap + v"
    damped = on_stencils(written({"u": {"v": 1.0, "u": -1.0}, "v": {"lap(u)": 1.0}}), (1.0, 1.0))
    assert str(damped.updates(0.25)["u"]) == "-u + v"


@pytest.mark.parametrize("sharp", [False, True])
@pytest.mark.parametrize(
    "laws",
    [
        {"u": {"lap(u)": 1.0}, "u_lap": {"u": 1.0}},
        {"u": {"dxx(u)": 1.0}, "u_dxx": {"u": 1.0}},
        {"u": {"lap(u)": 1.0}, "u_sharp": {"u": 1.0}, "s_u_lap": {"u": 1.0}, "s_u": {"u": 1.0}},
        {"w": {"lap(w)": 1.0}, "lap": {"bilap(lap)": -1.0}},
        {"u": {"bilap(u)": -1.0}, "u_": {"bilap(u_)": -2.0}, "w_u": {"u": 1.0}},
    ],
)
def test_channels_may_be_called_like_what_stencils_see(laws: dict[str, dict[str, float]], sharp: bool) -> None:
    """The same law with plain names does the same."""
    plain = {old: f"c{index}" for index, old in enumerate(laws)}
    first = list(laws)

    def in_plain(text: str) -> str:
        for old in sorted(plain, key=len, reverse=True):
            text = text.replace(f"({old})", f"({plain[old]})") if "(" in text else plain.get(text, text)
        return text

    other = {plain[c]: {in_plain(text): w for text, w in law.items()} for c, law in laws.items()}
    state = np.random.default_rng(0).normal(size=(len(first), 8, 8))
    after = []
    for one in (laws, other):
        parts = on_stencils(written(one), (1.0,) * len(one), sharp=sharp)
        held = {"auxiliary": list(parts.auxiliary)}
        rule = Rule(parts.channels, parts.stencils, parts.updates(0.01), dt=0.01, provenance=held)
        after.append(step(rule, settle(rule, state), step=0, seed=0)[: len(first)])
    np.testing.assert_allclose(after[0], after[1], rtol=1e-12, atol=1e-12)
    assert np.abs(after[0] - state).max() > 1e-4
