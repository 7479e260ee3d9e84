"""Correlations and straight lines of a study's numbers, with bootstrap intervals: trials are few."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

RESAMPLES = 1999  # bootstrap samples of an interval
LEVEL = 0.95  # coverage of the intervals
FEWEST = 5  # pairs; with fewer, an interval would hold nearly every value


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval from `low` to `high`."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]".replace("-", "−")


@dataclass(frozen=True)
class Correlation:
    """Pearson's and Spearman's coefficients of n pairs."""

    n: int
    pearson: Estimate
    spearman: Estimate


@dataclass(frozen=True)
class Line:
    """y = intercept + slope · x by least squares.

    spread: standard deviation of the residuals, with n − 2 degrees of freedom.
    """

    n: int
    slope: Estimate
    intercept: Estimate
    spread: float


def correlate(
    x: Array, y: Array, *, groups: Array | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Correlation | None:
    """Both coefficients; None below 5 finite pairs or where either side is constant.

    The intervals are bootstrapped (bias-corrected and accelerated, Efron 1987). Pairs are resampled or, with `groups`
    (n,), whole groups: pictures of one trial are not independent.
    """
    x, y, groups = _finite(x, y, groups)
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    pearson, spearman = (_interval(measure, x, y, groups, seed, resamples) for measure in (_pearson, _spearman))
    return Correlation(len(x), pearson, spearman)


def fit_line(x: Array, y: Array, *, seed: int = 0, resamples: int = RESAMPLES) -> Line | None:
    """The straight line of y over x; None below 5 finite pairs or where x is constant."""
    x, y, _ = _finite(x, y, None)
    if len(x) < FEWEST or np.ptp(x) == 0:
        return None
    slope = _interval(_slope, x, y, None, seed, resamples)
    intercept = _interval(_intercept, x, y, None, seed, resamples)
    residuals = y - intercept.value - slope.value * x
    return Line(len(x), slope, intercept, float(np.sqrt(np.square(residuals).sum() / (len(x) - 2))))


def mean_rank_agreement(table: Array, *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate | None:
    """Mean of Spearman's coefficients of all pairs of columns of `table` (trial, texture); trials are resampled.

    Only rows without missing values count; None below 5 rows or 2 columns.
    """
    rows = table[np.isfinite(table).all(axis=1)]
    if len(rows) < FEWEST or table.shape[1] < 2:
        return None
    return _bootstrap(lambda chosen: _agreement(rows[chosen]), len(rows), seed, resamples)


def _agreement(rows: Array) -> float:
    from scipy.stats import rankdata

    with np.errstate(invalid="ignore", divide="ignore"):
        between = np.corrcoef(rankdata(rows, axis=0), rowvar=False)
    return float(np.nan_to_num(between[np.triu_indices(between.shape[0], 1)]).mean())


def _finite(x: Array, y: Array, groups: Array | None) -> tuple[Array, Array, Array | None]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept], None if groups is None else np.asarray(groups)[kept]


def _interval(
    measure: Callable[..., Any], x: Array, y: Array, groups: Array | None, seed: int, resamples: int
) -> Estimate:
    """Of `measure(x, y)`, resampling pairs or groups."""
    if groups is not None:
        parts = [np.flatnonzero(groups == group) for group in np.unique(groups)]

        def of_groups(chosen: Array) -> float:
            pairs = np.concatenate([parts[index] for index in chosen])
            return float(measure(x[pairs], y[pairs]))

        return _bootstrap(of_groups, len(parts), seed, resamples)
    return _scipy_bootstrap((x, y), measure, float(measure(x, y)), seed, resamples, paired=True, vectorized=True)


def _bootstrap(statistic: Callable[[Array], float], count: int, seed: int, resamples: int) -> Estimate:
    """Of a statistic that takes the indices (count,) of a resample."""
    indices = np.arange(count)
    return _scipy_bootstrap((indices,), statistic, float(statistic(indices)), seed, resamples, vectorized=False)


def _scipy_bootstrap(
    data: Sequence[Array], statistic: Any, value: float, seed: int, resamples: int, **how: Any
) -> Estimate:
    """The accelerated interval or, where it is undefined because all leave-one-out values agree, the percentiles."""
    from scipy.stats import bootstrap

    random = functools.partial(np.random.default_rng, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        once = bootstrap(data, statistic, n_resamples=resamples, confidence_level=LEVEL, rng=random(), **how)
        low, high = once.confidence_interval
        if not (math.isfinite(low) and math.isfinite(high)):
            low, high = np.quantile(once.bootstrap_distribution, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def _pearson(x: Array, y: Array, axis: int = -1) -> Any:
    """Along the last axis; 0 where a resample is constant. Far faster here than scipy.stats.pearsonr."""
    x, y = x - x.mean(axis=axis, keepdims=True), y - y.mean(axis=axis, keepdims=True)
    size = np.sqrt(np.square(x).sum(axis=axis) * np.square(y).sum(axis=axis))
    return (x * y).sum(axis=axis) / np.where(size > 0, size, np.inf)


def _spearman(x: Array, y: Array, axis: int = -1) -> Any:
    from scipy.stats import rankdata

    return _pearson(rankdata(x, axis=axis), rankdata(y, axis=axis), axis)


def _slope(x: Array, y: Array, axis: int = -1) -> Any:
    centred = x - x.mean(axis=axis, keepdims=True)
    size = np.square(centred).sum(axis=axis)
    return (centred * y).sum(axis=axis) / np.where(size > 0, size, np.inf)


def _intercept(x: Array, y: Array, axis: int = -1) -> Any:
    return y.mean(axis=axis) - _slope(x, y, axis) * x.mean(axis=axis)
