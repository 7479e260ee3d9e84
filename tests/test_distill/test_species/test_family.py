"""The family of laws: its terms, its stencils, and how many species there may be."""

from __future__ import annotations

import numpy as np
import pytest

from distill.refine.table import TermTable
from distill.species.family import CANDIDATE, check_species, make_law, monomials
from distill.species.starts import GREY
from equations.errors import InputError
from equations.expressions.terms import count_terms, split_terms
from equations.perception import perceive
from equations.rule.symbols import symbol


def test_there_are_as_many_products_as_there_should_be() -> None:
    assert [len(monomials(("u", "v", "w")[:n], 3)) for n in (1, 2, 3)] == [4, 10, 20]
    assert [str(basis) for basis in monomials(("u", "v"), 2)] == ["1", "u", "v", "u**2", "u*v", "v**2"]


def test_a_law_has_all_terms_and_those_that_were_not_given_are_almost_nothing() -> None:
    u = symbol("u")
    law = make_law({"u": {u: 0.5}, "v": {}}, GREY, directed=False, start="here")
    assert [count_terms(expr) for expr in law.expressions] == [11, 11]
    by_basis = {basis: constant for constant, basis in split_terms(law.updates["u"])}
    assert by_basis.pop(u) == 0.5
    assert set(by_basis.values()) == {CANDIDATE}
    assert law.dt == 1
    assert law.clamp is None
    assert law.provenance["start"] == "here"
    assert TermTable(law, colours=True).terms == 22 + 18


def test_directed_laws_measure_second_derivatives_along_x_and_across() -> None:
    law = make_law({"u": {}}, GREY, directed=True, start="x")
    y, x = np.mgrid[:9, :9].astype(np.float32) - 4
    seen = dict(zip(law.feature_names, perceive((x**2 + 3 * x * y)[None], law.stencils), strict=True))
    assert seen["u_dxx"][4, 4] == pytest.approx(2)
    assert seen["u_dxy"][4, 4] == pytest.approx(3)
    assert seen["u_lap"][4, 4] == pytest.approx(2 / 4)


def test_there_are_one_to_six_species() -> None:
    assert check_species(6) == 6
    for wrong in (0, 7, -1):
        with pytest.raises(InputError, match="expected 1 to 6"):
            check_species(wrong)
