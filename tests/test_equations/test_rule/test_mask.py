"""The counter hash: golden values (computed by a C program too), its statistics, and its bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from equations.rule.mask import MAX_SEED, check_seed, hash_u32, shift_seed, threshold, uniform, update_mask


def test_golden_values() -> None:
    cells = [(0, 0, 0, 0), (1, 2, 3, 4), (1, 2, 3, 4, 0), (1, 2, 3, 4, 5), (MAX_SEED, 7, 255, 1023)]
    assert [hex(hash_u32(*cell)) for cell in cells] == [
        "0x41f39e5e",
        "0xf01e330a",  # mix(mix(mix(mix(1 + golden) ^ 2) ^ 3) ^ 4)
        "0x80edd853",
        "0x23eb2c3b",
        "0xa14b0a4e",
    ]
    rows = ["".join("01"[on] for on in row) for row in update_mask(0.5, seed=3, step=9, shape=(4, 8)).astype(int)]
    assert rows == ["01111011", "10100010", "11111011", "01110001"]


def test_does_not_depend_on_the_tiling() -> None:
    whole = hash_u32(5, 6, np.arange(40)[:, None], np.arange(50)[None])
    tile = hash_u32(5, 6, np.arange(10, 20)[:, None], np.arange(30, 50)[None])
    np.testing.assert_array_equal(whole[10:20, 30:50], tile)
    channels = update_mask(0.3, seed=5, step=6, shape=(8, 9), channels=4)
    np.testing.assert_array_equal(channels[:2], update_mask(0.3, seed=5, step=6, shape=(8, 9), channels=2))


@pytest.mark.parametrize("channels", [None, 3])
def test_statistics(channels: int | None) -> None:
    masks = np.stack([update_mask(0.3, seed=1, step=t, shape=(128, 128), channels=channels) for t in range(16)])
    assert masks.dtype == bool
    centred = masks - 0.3
    noise = 5 * 0.21 / np.sqrt(masks.size)  # five standard deviations of a product's mean
    assert abs(centred.mean()) < 2 * noise
    for axis in range(masks.ndim):
        for shift in (1, 2, 7):
            assert abs((centred * np.roll(centred, shift, axis)).mean()) < noise
    other = update_mask(0.3, seed=2, step=0, shape=(128, 128), channels=channels) - 0.3
    assert abs((centred[0] * other).mean()) < 5 * 0.21 / np.sqrt(other.size)


def test_threshold() -> None:
    assert threshold(0.5) == 2**31
    assert threshold(1.0) == 2**32
    assert threshold(1 - 2**-40) == 2**32 - 1
    assert update_mask(1.0, seed=0, step=0, shape=(3, 4)).all()
    assert not update_mask(0.0, seed=0, step=0, shape=(30, 40)).any()


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), "half", True])
def test_bad_rates(rate: Any) -> None:
    with pytest.raises(InputError, match="update rate from 0 to 1"):
        threshold(rate)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "0", True, None])
def test_bad_seeds(seed: object) -> None:
    with pytest.raises(InputError, match="seed from 0"):
        check_seed(seed)


def test_uniform() -> None:
    drawn = uniform(3, shape=(64, 64), channels=2)
    assert drawn.dtype == np.float32
    assert drawn.shape == (2, 64, 64)
    assert 0 <= drawn.min() < 0.01
    assert 0.99 < drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.02
    assert uniform(3, shape=(1, 3)).tolist() == [[0.1774696707725525, 0.20055735111236572, 0.41932201385498047]]


def test_torch_mask_is_the_same() -> None:
    pytest.importorskip("torch")
    from equations.backends.torch.mask import update_mask_torch

    for rate, channels in ((0.5, None), (0.013, 3), (1.0, None), (1 - 2**-33, 2)):
        for seed, step in ((0, 0), (MAX_SEED, 2**32 - 2), (77, 123456)):
            wanted = update_mask(rate, seed=seed, step=step, shape=(20, 30), channels=channels)
            got = update_mask_torch(rate, seed=seed, step=step, shape=(20, 30), channels=channels)
            np.testing.assert_array_equal(np.broadcast_to(got.numpy(), wanted.shape), wanted)


def test_shift_seed_stays_a_seed() -> None:
    assert shift_seed(5, 2) == 7
    assert shift_seed(2**32 - 1, 3) == 2
