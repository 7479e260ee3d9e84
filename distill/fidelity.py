"""How well equations predict one step of the teacher, on states that they were not fitted to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from distill.sampling import Samples
from equations.expressions.numeric import compile_numpy
from equations.rule.reduce import places_in
from equations.rule.rule import Rule

Array = npt.NDArray[np.float64]


def predict(rule: Rule, X: Array) -> Array:
    """The rule's updates (n, channels) on perceptions (n, features), in float64."""
    return compile_numpy(rule.expressions, rule.feature_names)(np.asarray(X, np.float64).T).T


def held_out(samples: Samples, rule: Rule) -> tuple[Array, Array]:
    """The held-out perceptions and updates of the rule's own channels, which may be fewer than the teacher's."""
    features = [samples.names.index(name) for name in rule.feature_names]
    return samples.X_held[:, features], samples.Y_held[:, places_in(rule, samples.channels)]


def r2(rule: Rule, X: Array, Y: Array) -> dict[str, float]:
    """One-step R² per channel: 1 − Σ(y − f(x))² / Σ(y − ȳ)².

    X: perceptions (n, features), channel-major; Y: updates (n, channels).

    1 is perfect, 0 is no better than the mean, negative is worse. A channel whose y never changes has 1 where
    the rule agrees to 1e-12 and 0 elsewhere. −1e300 stands for a prediction that is not finite.
    """
    Y = np.asarray(Y, np.float64)
    with np.errstate(all="ignore"):
        error = np.square(Y - predict(rule, X)).sum(axis=0)
    spread = np.square(Y - Y.mean(axis=0)).sum(axis=0)
    result = {}
    for index, channel in enumerate(rule.channels):
        if spread[index] > 0:
            value = 1 - error[index] / spread[index]
        else:
            value = float(error[index] <= 1e-24 * len(Y))
        result[channel] = float(value) if np.isfinite(value) else -1e300
    return result
