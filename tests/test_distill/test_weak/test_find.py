"""Laws read back from recordings of known systems, and what is not a law."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.pde_data import Recording, add_noise, record
from benchmarks.pde_systems import PDES
from distill import Equation, find_equation

SMALL = ("reaction", "diffusion")


@cache
def recorded(name: str) -> Recording:
    return record(name, size=40, frames=40)


def find(recording: Recording, **options: object) -> Equation:
    return find_equation(recording.frames, recording.channels, recording.dt, recording.dx, **options)


def check(equation: Equation, name: str, tolerance: float) -> None:
    law = PDES[name].law
    assert law is not None
    for channel, terms in law.items():
        found = equation.coefficients(channel)
        assert set(found) == set(terms)
        for text, w in terms.items():
            assert found[text] == pytest.approx(w, rel=tolerance)


@pytest.mark.parametrize("name", ["allen-cahn", "anisotropic", "swift-hohenberg", "kuramoto-sivashinsky"])
def test_laws_come_back_from_clean_recordings(name):
    equation = find(recorded(name))
    check(equation, name, 0.005)
    assert equation.verdict == "found"


def test_a_wave_is_two_laws_of_first_order():
    equation = find(recorded("wave"), families=SMALL)
    check(equation, "wave", 1e-5)
    assert equation.verdict == "found"


@pytest.mark.parametrize("name", ["allen-cahn", "anisotropic"])
def test_laws_come_back_from_noisy_recordings_within_their_errors(name):
    equation = find(add_noise(recorded(name), 0.05, seed=3))
    check(equation, name, 0.1)
    assert equation.verdict == "found"
    law = PDES[name].law
    assert law is not None
    for term in equation.law("u").terms:
        assert abs(term.coefficient - law["u"][term.text]) < 6 * term.error


def test_taxis_is_found_and_needs_its_family():
    equation = find(recorded("keller-segel"), families=(*SMALL, "taxis"), degree=2)
    check(equation, "keller-segel", 0.01)
    without = find(recorded("keller-segel"), families=SMALL, degree=2)
    assert without.law("u").verdict != "found"


@pytest.mark.parametrize("name", ["hidden-species", "uneven-medium", "nonlocal"])
def test_a_system_that_the_library_has_not_is_not_found(name):
    equation = find(recorded(name))
    assert equation.verdict != "found"
    assert equation.reasons
    assert "±" not in equation.text()


def test_units_and_offsets_change_nothing_but_the_numbers():
    plain = recorded("allen-cahn")
    u = 3e7 * plain.frames
    scaled = find_equation(u, ("u",), 60 * plain.dt, 1e-6 * plain.dx, families=SMALL).coefficients("u")
    for text, w in {"u": 1 / 60, "u**3": -1 / 60 / 9e14, "lap(u)": 0.5e-12 / 60}.items():
        assert scaled[text] == pytest.approx(w, rel=0.001)
    moved = find_equation(plain.frames + 1000, ("u",), plain.dt, plain.dx, families=SMALL)
    assert moved.offsets == (1000.0,)
    check(moved, "allen-cahn", 0.001)


def test_a_piece_between_walls_and_several_recordings_will_do():
    plain = recorded("allen-cahn")
    pieces = [plain.frames[:24, :, :30], plain.frames[10:, :, :, 8:]]
    equation = find_equation(pieces, ("u",), plain.dt, plain.dx)
    assert equation.boundary == "walls"
    check(equation, "allen-cahn", 0.01)


def test_the_same_seed_gives_the_same_equation():
    noisy = add_noise(recorded("allen-cahn"), 0.1)
    assert find(noisy, seed=1, families=SMALL) == find(noisy, seed=1, families=SMALL)


def test_a_channel_that_never_changes_has_the_law_zero():
    plain = recorded("allen-cahn")
    still = np.broadcast_to(plain.frames[:1] + 2, plain.frames.shape)
    equation = find_equation(
        np.concatenate([plain.frames, still], axis=1),
        ("u", "k"),
        plain.dt,
        plain.dx,
        families=SMALL,
        degree=1,
    )
    assert equation.law("k").terms == ()
    assert equation.law("k").verdict == "found"
