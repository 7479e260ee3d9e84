"""Laws read back from recordings of known systems, and what is not a law."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.pde_data import Recording, add_noise, record
from benchmarks.pde_systems import PDES
from distill import Equation, find_equation
from distill.weak.verdict import is_left

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


def test_a_forecast_between_walls_that_nothing_passes_is_right_and_others_count_for_nothing():
    y, x = (np.arange(24) + 0.5)[:, None] * np.pi / 24, (np.arange(32) + 0.5)[None, :] * np.pi / 32
    waves = [(1, 2, 1.0), (3, 1, 0.8), (2, 4, 0.6), (4, 3, 0.5), (0, 5, 0.4), (5, 0, 0.4)]
    rates = [0.8 * ((a * np.pi / 24) ** 2 + (b * np.pi / 32) ** 2) for a, b, _ in waves]
    times = 0.4 * np.arange(40)[:, None, None]
    parts = [c * np.exp(-d * times) * np.cos(a * y) * np.cos(b * x) for d, (a, b, c) in zip(rates, waves, strict=True)]
    frames = np.sum(parts, axis=0)[:, None]
    equation = find_equation(frames, ("u",), 0.4, boundary="walls")
    assert equation.coefficients("u")["lap(u)"] == pytest.approx(0.8, rel=1e-3)
    assert equation.forecast is not None
    assert equation.forecast < 0.01
    assert "between walls that nothing passes" in equation.text()
    piece = find_equation(frames[:, :, 2:20, 3:27], ("u",), 0.4, boundary="walls")  # heat flows across these edges
    assert piece.forecast is not None
    assert piece.forecast > 10 * equation.forecast
    assert piece.verdict == "found"


def test_residuals_say_where_and_when_the_law_fails():
    recording = recorded("uneven-medium")
    evidence = find(recording).evidence
    assert evidence is not None
    left = evidence.residuals["u"]
    assert left.in_space.shape == (len(left.rows), len(left.columns))
    assert left.over_time.shape == left.noise.shape == left.times.shape
    assert left.over_time.max() > 100 * left.noise.max()
    good = find(add_noise(recorded("allen-cahn"), 0.05)).evidence
    assert good is not None
    fine = good.residuals["u"]
    assert 0.5 < fine.over_time.mean() / fine.noise.mean() < 2  # noise explains it all


def test_a_little_that_is_certainly_left_speaks_against_a_law():
    """A camera's power of the light bends the law: terms of the library explain all but a two-thousandth of it."""
    recording = record("fitzhugh-nagumo", size=32, frames=40)
    low, high = (f(axis=(0, 2, 3), keepdims=True) for f in (recording.frames.min, recording.frames.max))
    bent = replace(recording, frames=((recording.frames - low) / (high - low)) ** 0.8)
    found = find(bent)
    assert (found.verdict, found.law("u").verdict) == ("partly", "partly")
    assert 0 < found.law("u").misfit < 0.001
    assert found.reasons[0].endswith("of the squared change is explained neither by the law nor by noise")


@pytest.mark.parametrize(
    ("misfit", "error", "left"),
    [(0.003, 0.001, True), (0.003, 0.002, False), (1e-4, 1e-5, True), (1e-4, 3e-5, False), (1e-5, 1e-7, False)],
)
def test_what_is_left_counts_where_it_is_certain(misfit, error, left):
    assert is_left(misfit, error) is left
