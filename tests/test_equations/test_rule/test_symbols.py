"""Names of channels: which a rule may have, and what becomes of a file's own."""

from __future__ import annotations

import pytest

from equations.errors import InputError
from equations.rule.symbols import check_name, mend_names


@pytest.mark.parametrize("name", ["S", "I", "N", "E", "pi", "O", "Q", "beta", "gamma", "u", "h12"])
def test_names_of_sympy_s_own_objects_are_names_like_others(name: str) -> None:
    assert check_name(name, "channel") == name
    assert mend_names([name]) == (name,)


@pytest.mark.parametrize("name", ["lambda", "sin", "sqrt", "pow", "1u", "a-b", "α", "", "u" * 65, 3])
def test_words_that_could_not_be_read_back_are_refused(name: object) -> None:
    with pytest.raises(InputError, match="channel"):
        check_name(name, "channel")


@pytest.mark.parametrize(
    ("names", "mended"),
    [
        (["α", "β", "Ω", "π"], ("alpha", "beta", "Omega", "pi")),
        (["CO₂", "u¹", "é"], ("CO2", "u1", "e")),
        (["Ca 2+", "2nd", "  ", "日"], ("Ca_2", "c2nd", "c2", "c3")),
        (["lambda", "λ", "sin"], ("lambda_c", "lambda_c_2", "sin_c")),
        (["u", "u_lap", "u_lap5", "v_dx"], ("u", "u_lap_c", "u_lap5_c", "v_dx")),
        (["u", "u", "u_2"], ("u", "u_3", "u_2")),
        (["alpha", "α"], ("alpha", "alpha_2")),
        (["a\udcff"], ("a",)),
    ],
)
def test_a_file_s_names_become_allowed_and_different_ones(names: list[str], mended: tuple[str, ...]) -> None:
    assert mend_names(names) == mended
    assert mend_names(mended) == mended
    for name in mended:
        assert check_name(name, "channel") == name
