"""How line-like a picture is: spots and worms of the same width are told apart, which other losses hardly do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from srnca.texture.lines import LineDistance
from tests.test_distill.test_species.made import spots, waves


def tensor(*pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack([p.transpose(2, 0, 1) for p in pictures]))


def test_the_target_has_no_distance_and_its_parts_have_little() -> None:
    target = spots(64, 16, 5.0)
    distance = LineDistance(target, 16.0)
    assert float(distance(tensor(target))) == pytest.approx(0, abs=1e-6)
    assert float(distance(tensor(target[:48, :48]))) < 1


def test_stripes_are_far_from_spots_and_stripes_of_another_direction_from_stripes() -> None:
    distance = LineDistance(spots(64, 16, 5.0), 16.0)
    striped = waves(64, 16.0, 0.0)
    assert float(distance(tensor(striped))) > 10
    along = LineDistance(striped, 16.0)
    assert float(along(tensor(waves(64, 16.0, 90.0)))) > 10 * float(along(tensor(waves(64, 14.0, 0.0))))


def test_coherence_is_one_along_lines_and_the_vector_gives_their_direction() -> None:
    measured = LineDistance(waves(64, 16.0, 45.0), 16.0).target
    np.testing.assert_allclose(measured.numpy(), [0, 1, 1, 1], atol=0.05)
    flat = LineDistance(waves(64, 16.0, 45.0), 16.0).measure(torch.full((1, 3, 32, 32), 0.5))
    assert bool(flat.isfinite().all())


def test_it_has_a_gradient_that_a_step_along_makes_smaller() -> None:
    distance = LineDistance(spots(48, 16, 5.0), 16.0)
    rgb = tensor(waves(48, 12.0, 30.0)).requires_grad_()
    before = distance(rgb).sum()
    (slope,) = torch.autograd.grad(before, rgb)
    assert float(distance(rgb.detach() - 1e-2 * slope / slope.norm()).sum()) < before.item()
