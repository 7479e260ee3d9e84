"""Rollouts beside a recording: states are cleaned of noise where that foretells the next frame better."""

from __future__ import annotations

import numpy as np
import torch

from distill.identify.footage import Footage
from distill.identify.windows import clean, cleanest
from tests.test_distill.recorded import gray_scott_rates, record_gray_scott


def test_states_are_cleaned_of_noise_only_where_there_is_some() -> None:
    """With the true law as forecaster, cleaned states are nearer to the truth than the noisy frames."""
    true = record_gray_scott(30)[1]
    noisy = true + np.random.default_rng(0).normal(size=true.shape).astype(np.float32) * 0.01

    def step(state: torch.Tensor) -> torch.Tensor:
        return state + gray_scott_rates(state)

    def same(shown: torch.Tensor) -> torch.Tensor:
        return shown

    states, gain = cleanest(Footage([noisy], ("u", "v"), 1.0), step, same)
    assert gain < 1
    late = slice(10, None)
    assert np.std(states[0].numpy()[late] - true[late]) < 0.5 * np.std(noisy[late] - true[late])

    def standing(state: torch.Tensor) -> torch.Tensor:
        return state

    plain, gain = cleanest(Footage([true], ("u", "v"), 1.0), standing, same)  # a poor forecaster cleans nothing
    assert gain == 1
    np.testing.assert_array_equal(plain[0].numpy(), true.astype(np.float64))
    assert clean(Footage([true], ("u", "v"), 1.0), step, same, 1.0)[1] < 1e-9
