"""Correlations, lines and their intervals: planted ones are found, and intervals hold the truth as often as said."""

from __future__ import annotations

import numpy as np
import pytest

from srnca.studies.estimates import correlate, fit_line, mean_rank_agreement


def planted(n: int, correlation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x, noise = random.standard_normal((2, n))
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


def test_a_planted_correlation_is_found() -> None:
    x, y = planted(400, -0.7, 0)
    found = correlate(x, y)
    assert found is not None
    assert found.n == 400
    assert found.pearson.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found.pearson.low < -0.7 < found.pearson.high
    from scipy.stats import spearmanr

    assert found.spearman.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.spearman.high < -0.5


def test_intervals_of_independent_numbers_hold_nought_nineteen_times_in_twenty() -> None:
    held = 0
    for seed in range(60):
        found = correlate(*planted(25, 0.0, seed), seed=seed, resamples=399)
        assert found is not None
        held += found.spearman.low <= 0 <= found.spearman.high
    assert 51 <= held <= 60  # of 57 expected


def test_pairs_of_one_group_do_not_count_as_independent() -> None:
    x, y = (np.repeat(side, 8) for side in planted(12, 0.3, 1))
    alone, grouped = correlate(x, y), correlate(x, y, groups=np.repeat(np.arange(12), 8))
    assert alone is not None
    assert grouped is not None
    assert alone.pearson.value == pytest.approx(grouped.pearson.value)
    assert grouped.pearson.high - grouped.pearson.low > 2 * (alone.pearson.high - alone.pearson.low)


def test_a_planted_line_is_found() -> None:
    x = np.linspace(-1, 1, 60)
    y = 0.4 + 1.5 * x + 0.1 * np.random.default_rng(0).standard_normal(60)
    line = fit_line(x, y)
    assert line is not None
    assert line.slope.low < 1.5 < line.slope.high < 1.7
    assert line.intercept.low < 0.4 < line.intercept.high < 0.5
    assert line.spread == pytest.approx(0.1, rel=0.3)


def test_missing_values_are_left_out_and_too_few_say_nothing() -> None:
    x, y = np.arange(7.0), np.arange(7.0) ** 2
    x[1] = y[5] = np.nan
    found = correlate(x, y)
    assert found is not None
    assert found.n == 5
    assert (found.spearman.value, found.spearman.low, found.spearman.high) == (1, 1, 1)
    assert correlate(x[:4], y[:4]) is None
    assert correlate(np.ones(9), np.arange(9.0)) is None
    assert fit_line(np.ones(9), np.arange(9.0)) is None


def test_agreement_over_columns() -> None:
    x, y = planted(80, 0.6, 3)
    table = np.stack([x, y, np.exp(x)], axis=1)
    table[0, 1] = np.nan
    found = mean_rank_agreement(table)
    between = correlate(x[1:], y[1:])
    assert found is not None
    assert between is not None
    assert found.value == pytest.approx((1 + 2 * between.spearman.value) / 3)
    assert found.low < found.value < found.high
    assert mean_rank_agreement(table[:, :1]) is None
    assert mean_rank_agreement(table[:5]) is None
