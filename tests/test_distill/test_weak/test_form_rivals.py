"""Laws with other functions that explain as much, on systems with known answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from distill.weak.form_rivals import LIBRARY, count_numbers, doubt_about, shape
from distill.weak.forms import evaluate
from distill.weak.grams import make_grams
from distill.weak.quotients import Augmented
from distill.weak.selection import make_candidate
from distill.weak.system import System
from distill.weak.terms import Term, make_free, terms_by_text
from equations.expressions.infix import parse_infix

NAMES = ("u", "v")
ROWS, BLOCKS = 3600, 36
POLYNOMIALS = terms_by_text(NAMES)


class Recorded:
    """Values of u and v at many points, and a change that follows from them."""

    def __init__(self, low: float, high: float, change: str, noise: float = 0.0) -> None:
        rng = np.random.default_rng(0)
        self.points = rng.uniform(low, high, (ROWS, 2))
        value = self.value(change)
        self.change = (value + noise * value.std() * rng.standard_normal(ROWS))[:, None]

    def value(self, text: str) -> npt.NDArray[np.float64]:
        return evaluate(parse_infix(text.replace("**", "^"), NAMES), NAMES, list(self.points.T))

    def law(self, *texts: str) -> Augmented:
        """The law of these terms, fitted."""
        terms = tuple(self._term(text) for text in texts)
        features = np.stack([self.value(text) for text in texts], axis=1)
        system = System(features, self.change, np.arange(ROWS) * BLOCKS // ROWS, np.zeros((ROWS, 3), dtype=np.intp))
        grams = make_grams(system, [], 0)
        return Augmented(terms, system, [], grams, None, make_candidate(range(len(terms)), grams, terms))

    @staticmethod
    def _term(text: str) -> Term:
        return POLYNOMIALS.get(text) or make_free(NAMES, parse_infix(text.replace("**", "^"), NAMES), (1.0, 1.0))

    def doubt(self, law: Augmented, *others: Augmented, library: tuple[Augmented, ...] = ()) -> str | None:
        rivals = [(one.chosen, count_numbers(one)) for one in library]
        return doubt_about(law, others, rivals, NAMES, self.points)


@pytest.mark.parametrize(("high", "told"), [(1.2, False), (6.0, True)])
def test_a_narrow_range_of_values_does_not_tell_an_exponential_from_another(high, told):
    recorded = Recorded(1.0, high, "exp(-2.0/u)", noise=0.1)
    doubt = recorded.doubt(recorded.law("exp(-2.0/u)"), recorded.law("exp(1.66*u)"))
    covered = "it covers u from 1 to 1.2, v from 1 to 1.2"
    assert doubt == (None if told else f"the recording cannot tell exp(-2.0/u) from exp(1.66*u): {covered}")


def test_a_polynomial_of_similar_length_is_a_rival_and_a_long_one_is_none():
    recorded = Recorded(1.0, 1.2, "exp(-2.0/u)", noise=0.1)
    law = recorded.law("exp(-2.0/u)")
    assert f"from {LIBRARY}:" in (recorded.doubt(law, library=(recorded.law("1", "u", "u**2"),)) or "")
    assert recorded.doubt(law, library=(recorded.law("1", "u", "u**2", "u**3", "v"),)) is None


def test_a_longer_rival_has_to_be_no_worse():
    recorded = Recorded(0.0, 2.0, "sin(2.0*u)", noise=0.1)
    law = recorded.law("sin(2.0*u)")
    assert recorded.doubt(law, library=(recorded.law("sin(1.99*u)"),)) is not None
    assert recorded.doubt(law, library=(recorded.law("sin(1.99*u)", "v"),)) is None
    assert recorded.doubt(law, library=(recorded.law("sin(2.0*u)", "v"),)) is not None


def test_a_form_that_explains_more_is_named():
    recorded = Recorded(0.0, 2.0, "sin(2.0*u)", noise=0.01)
    doubt = recorded.doubt(recorded.law("u", "u**2"), recorded.law("sin(2.0*u)", "u", "v", "v**2", "u*v"))
    assert doubt == "a law with sin(2.0*u) explains more"


def test_a_law_written_in_another_way_is_no_rival():
    recorded = Recorded(0.5, 1.0, "u*v/(u + v)", noise=0.1)
    law, same = recorded.law("u", "u*v/(u + v)"), recorded.law("u", "u**2/(u + v)")
    assert recorded.doubt(law, same) is None


def test_numbers_of_a_law_are_coefficients_those_inside_and_functions():
    recorded = Recorded(0.5, 1.0, "u")
    lengths = {"u": 1, "u*v/(u + v)": 1, "u*v/(u + 2.5*v)": 2, "sqrt(u)": 2, "sin(u)": 3, "v*exp(-2.0/u)": 3}
    assert {text: count_numbers(recorded.law(text)) for text in lengths} == lengths
    assert count_numbers(recorded.law("u", "sin(2.0*u)", "tanh(3.0*v)")) == 7
    assert shape(recorded.law("u", "v*exp(-2.0/u)")) == {"v*exp(-…/u)"}
