"""The library of candidate terms."""

from __future__ import annotations

import pytest

from distill.weak.terms import FAMILIES, make_library
from equations.errors import InputError


def test_every_family_has_terms_and_no_term_comes_twice():
    texts = [term.text for term in make_library(("u", "v"))]
    assert len(texts) == len(set(texts))
    assert {term.family for term in make_library(("u", "v"))} == set(FAMILIES)


@pytest.mark.parametrize(("names", "count"), [("u", 15), ("uv", 40), ("uvw", 74)])
def test_the_default_library_stays_small(names, count):
    assert len(make_library(tuple(names))) <= count


def test_terms_know_their_order_and_what_they_multiply():
    terms = {term.text: term for term in make_library(("u", "c"))}
    assert (terms["bilap(u)"].order, terms["bilap(u)"].channels) == (4, (0,))
    assert (terms["div(u*grad(c))"].order, sorted(terms["div(u*grad(c))"].channels)) == (2, [0, 1])
    assert (terms["c*dx(u)"].order, terms["u**2*c"].channels) == (1, (0, 0, 1))


def test_families_and_degree_narrow_the_library():
    texts = [term.text for term in make_library(("u",), ("reaction", "diffusion"), degree=2)]
    assert texts == ["1", "u", "u**2", "lap(u)"]


@pytest.mark.parametrize(
    ("families", "degree", "message"),
    [
        (("diffusoin",), 3, "families: expected some of reaction.*got \\['diffusoin'\\]"),
        ((), 3, "families: expected"),
        (("reaction",), 4, "degree: expected 1, 2 or 3"),
    ],
)
def test_what_cannot_be_a_library_is_refused(families, degree, message):
    with pytest.raises(InputError, match=message):
        make_library(("u",), families, degree)
