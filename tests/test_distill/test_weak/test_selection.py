"""The choice of terms, on linear systems with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from distill.weak.grams import make_grams
from distill.weak.paths import backward, forward
from distill.weak.selection import Candidate, as_good, candidates, choose, clearly_worse
from distill.weak.system import System
from distill.weak.terms import make_library

ROWS, BLOCKS = 3600, 36
TERMS = make_library(("u",))
TRUE = {1: 2.0, 4: -1.0, 6: 0.5}


def planted(noise: float, inside: float = 0.0, seed: int = 0) -> tuple[System, list[System]]:
    """A system whose change has three terms, and samples of its noise.

    noise: of the change. inside: of the terms themselves.
    """
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((ROWS, len(TERMS)))
    features[:, 7] = 0.9 * features[:, 4] + 0.4 * features[:, 7]
    change = sum(w * features[:, k] for k, w in TRUE.items())[:, None]
    block = np.arange(ROWS) * BLOCKS // ROWS
    place = np.zeros((ROWS, 3), dtype=np.intp)

    def errors() -> System:
        return System(
            inside * rng.standard_normal(features.shape), noise * rng.standard_normal(change.shape), block, place
        )

    own = errors()
    return System(features + own.features, change + own.change, block, place), [errors() for _ in range(3)]


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0])
def test_planted_terms_are_chosen_and_no_others(noise):
    grams = make_grams(*planted(noise), 0)
    assert choose(candidates(grams, TERMS), grams, TERMS).support == tuple(TRUE)


def test_noise_inside_the_terms_does_not_shrink_coefficients():
    system, errors = planted(0.1, inside=0.5)
    corrected, plain = make_grams(system, errors, 0), make_grams(system, [], 0)
    fits = [(g.fit(list(TRUE)) / g.sizes)[list(TRUE)] for g in (corrected, plain)]
    np.testing.assert_allclose(fits[0], list(TRUE.values()), rtol=0.1)
    assert (np.abs(fits[1]) < 0.9 * np.abs(list(TRUE.values()))).all()


def test_paths_pass_through_the_planted_support():
    grams = make_grams(*planted(0.1), 0)
    gram = grams.data.sum(axis=0)
    for path in (backward(gram, list(range(len(TERMS)))), forward(gram, list(range(len(TERMS))), 5)):
        assert tuple(TRUE) in [tuple(sorted(support)) for support in path]


def test_a_difference_within_the_scatter_of_blocks_is_none():
    rng = np.random.default_rng(0)
    losses = 0.01 + 0.001 * rng.standard_normal(BLOCKS)
    noise = np.full(BLOCKS, 0.01)
    one, same = (Candidate((), losses + x, noise, 1.0) for x in (0.0002 * rng.standard_normal(BLOCKS), 0.0))
    worse = Candidate((), losses + 0.002, noise, 1.0)
    assert not clearly_worse(one, same)
    assert clearly_worse(worse, same)


def test_a_loss_of_half_the_change_in_one_block_is_clear():
    quiet = np.full(BLOCKS, 1e-4)
    burst = np.where(np.arange(BLOCKS) == 7, 0.5, quiet * (1 + 0.3 * (-1.0) ** np.arange(BLOCKS)))
    noise = np.full(BLOCKS, 1e-4)
    worse, better = Candidate((), burst, noise, 1.0), Candidate((), quiet, noise, 2.0)
    assert clearly_worse(worse, better)
    assert not clearly_worse(better, worse)


def test_a_small_loss_in_every_block_is_clear_where_a_burst_scatters_more():
    burst = np.where(np.arange(BLOCKS) == 7, 0.01, 0.0)
    better = Candidate((), 1.0 + np.zeros(BLOCKS), np.ones(BLOCKS), 2.0)
    worse = Candidate((), better.losses + 1e-4 + burst, np.ones(BLOCKS), 1.0)
    assert clearly_worse(worse, better)
    assert not clearly_worse(better, worse)


def test_beside_an_exact_law_only_exact_ones_are_as_good():
    noise = np.zeros(BLOCKS)
    exact, rounded, small, large = (Candidate((), left + noise, noise, 1.0) for left in (1e-16, 1e-13, 1e-9, 1e-4))
    assert as_good(rounded, exact)
    assert not clearly_worse(small, exact)
    assert not as_good(small, exact)
    assert as_good(small, small)
    assert not as_good(large, small)


def test_a_support_from_which_too_much_noise_was_subtracted_is_not_the_best():
    losses = np.full(BLOCKS, 0.001)
    honest = Candidate((1,), losses, losses, 4.0)
    wrong = Candidate((2,), losses, 3 * losses, 9.0)
    assert wrong.clean.sum() < honest.clean.sum()
    assert wrong.left > honest.left
