"""Samples of the planted teacher, and one refinement that several tests look at."""

from __future__ import annotations

import pytest

from distill.refine import RefineResult
from distill.sampling import Samples, sample
from tests.test_distill.test_refine.refining import SIZE, TEACHER, refined


@pytest.fixture(scope="module")
def samples() -> Samples:
    return sample(TEACHER, rows=200, size=SIZE, steps=20, seed=0)


@pytest.fixture(scope="module")
def result(samples: Samples) -> RefineResult:
    return refined(samples)
