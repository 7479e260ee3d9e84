"""The torch backend beyond conformance: batches, torch.compile, threads, divergence without looking at each step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from equations import models
from equations.backends import get_backend
from equations.errors import DivergenceError, InputError
from equations.rule.mask import threshold, update_mask
from equations.rule.rule import Rule
from tests.test_equations.helpers import make_rule

torch = pytest.importorskip("torch")

from equations.backends.torch import advance  # noqa: E402
from equations.backends.torch.backend import BatchStepper, make_stepper  # noqa: E402
from equations.backends.torch.mask import draw_mask, step_keys  # noqa: E402
from equations.backends.torch.perceive import Neighbours, pad_periodic  # noqa: E402
from equations.backends.torch.stepper import Step  # noqa: E402
from equations.rule.stencils import nca_stencils  # noqa: E402

GRAY_SCOTT = models.get("gray-scott:coral").replace(update_rate=0.5)
LEARNED = make_rule(
    {c: f"0.1*{c}_lap - 0.3*abs({c}_dx)*r + 0.05*{c}_f5 + 0.2*max(b_moore, r)/(1 + g^2)" for c in ("r", "g", "b")},
    nca_stencils(6),
    update_rate=0.5,
    mask="channel",
    clamp=(-1.0, 1.0),
)
RULES = {"gray-scott": GRAY_SCOTT, "learned": LEARNED, "unmasked": LEARNED.replace(update_rate=1.0, clamp=None, dt=0.1)}


def states(rule: Rule, batch: int = 3, shape: tuple[int, int] = (19, 26), seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.1, 0.6, (batch, len(rule.channels), *shape)).astype(np.float32)


@pytest.mark.parametrize("label", RULES)
def test_arithmetic_gives_the_bits_of_the_reference(label: str) -> None:
    state = states(RULES[label])[0]
    wanted = get_backend("reference").make_stepper(RULES[label])(state, 5, 9, 2)
    np.testing.assert_array_equal(make_stepper(RULES[label])(state, 5, 9, 2), wanted)


@pytest.mark.parametrize("label", RULES)
def test_a_batch_is_its_samples_with_their_own_seeds(label: str) -> None:
    start, seeds = states(RULES[label]), [3, 0, 2**32 - 1]
    given = torch.tensor(start)
    got = BatchStepper(RULES[label], device="cpu")(given, 7, 70, seeds)
    assert torch.equal(given, torch.tensor(start))
    single = make_stepper(RULES[label])
    for sample, state, seed in zip(got, start, seeds, strict=True):
        np.testing.assert_array_equal(sample, single(state, 7, 70, seed))


def test_a_batch_of_the_wrong_kind_is_refused() -> None:
    stepper = BatchStepper(GRAY_SCOTT, device="cpu")
    for shape, seeds in (((2, 3, 8, 8), [0, 1]), ((2, 8, 8), [0, 1]), ((2, 2, 8, 8), [0])):
        with pytest.raises(InputError, match="expected states"):
            stepper(torch.zeros(shape), 0, 1, seeds)
    with pytest.raises(InputError, match="seed from 0"):
        stepper(torch.zeros(1, 2, 8, 8), 0, 1, [-1])


def test_the_mask_of_any_part_of_the_grid() -> None:
    for rate, channels in ((0.5, None), (0.3, 3)):
        ys, xs = torch.tensor([30, 31, 0, 1], dtype=torch.int32), torch.tensor([7, 0, 9], dtype=torch.int32)
        keys = step_keys([4, 2**32 - 1], 2**32 - 3, 2)
        for offset, key in enumerate(keys):
            got = draw_mask(threshold(rate), key, ys, xs, channels)
            for index, seed in enumerate((4, 2**32 - 1)):
                whole = update_mask(rate, seed=seed, step=2**32 - 3 + offset, shape=(32, 10), channels=channels)
                whole = whole.reshape(-1, 32, 10)
                np.testing.assert_array_equal(got[index], whole[:, ys.numpy()][:, :, xs.numpy()])


def test_both_kinds_of_neighbours_are_the_same() -> None:
    state = torch.tensor(states(LEARNED))
    padded, rolled = Neighbours(pad_periodic(state)), Neighbours(state, rolled=True)
    assert torch.equal(padded.state, rolled.state)
    for channel in range(3):
        for stencil in LEARNED.stencils:
            assert torch.equal(padded.respond(channel, stencil.groups), rolled.respond(channel, stencil.groups))


@pytest.mark.parametrize("quiet", [0, 62, 63, 64, 65, 130])
def test_divergence_names_its_exact_step(quiet: int) -> None:
    """Also when the values are back within bounds before the host looks."""
    rule = make_rule({"u": "1", "v": f"max(0, 1 - abs(u - {quiet}))*2e6 - v"})  # v is 2e6 for one step
    start = np.full((2, 2, 6, 5), -1000, np.float32)
    start[:, 1] = 0
    start[1, 0, 4, 3] = 0
    with pytest.raises(DivergenceError) as caught:
        BatchStepper(rule, device="cpu")(torch.tensor(start), 100, 200, [0, 0])
    error = caught.value
    assert (error.step, error.channel, error.y, error.x) == (100 + quiet + 1, "v", 4, 3)


def test_threads_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    state, seen = states(GRAY_SCOTT)[0], []
    wanted = make_stepper(GRAY_SCOTT)(state, 0, 3, 0)
    original = advance.Advance.__call__

    def watched(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(torch.get_num_threads())
        return original(*arguments)

    monkeypatch.setattr(advance.Advance, "__call__", watched)
    np.testing.assert_array_equal(make_stepper(GRAY_SCOTT, threads=2)(state, 0, 3, 0), wanted)
    assert seen == [2, 2, 2]
    assert torch.get_num_threads() == before


def test_compiling_waits_until_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(advance, "_compile", lambda step, rolled: compiled.append(rolled) or _stub(step))
    start = torch.tensor(states(GRAY_SCOTT))
    wanted = BatchStepper(GRAY_SCOTT, device="cpu", compiled=False)(start, 0, 130, [0, 1, 2])
    assert torch.equal(BatchStepper(GRAY_SCOTT, device="cpu")(start, 0, 130, [0, 1, 2]), wanted)
    assert compiled == []
    soon = BatchStepper(GRAY_SCOTT, device="cpu", pays_after=1e-6)
    assert torch.equal(soon(start, 0, 130, [0, 1, 2]), wanted)
    assert compiled == [False]
    rounding = make_rule({"u": "-tanh(u)"})
    BatchStepper(rounding, device="cpu", pays_after=1e-6)(start[:, :1], 0, 130, [0, 1, 2])
    assert compiled == [False], "tanh rounds differently when compiled, so only who asks gets it"
    BatchStepper(rounding, device="cpu", compiled=True)(start[:, :1], 0, 1, [0, 1, 2])
    assert compiled == [False, False]


def _stub(step: Step) -> advance.Run:
    return lambda source, ys, xs, keys: advance._measured(step(Neighbours(source), ys, xs, keys))


def test_without_a_compiler_steps_stay_eager(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any, **options: Any) -> Callable[..., Any]:
        def run(*args: Any) -> None:
            raise RuntimeError("no C++ compiler\nlong story")

        return run

    monkeypatch.setattr(torch, "compile", fail)
    start = torch.tensor(states(GRAY_SCOTT))
    wanted = BatchStepper(GRAY_SCOTT, device="cpu", compiled=False)(start, 0, 3, [0, 1, 2])
    with caplog.at_level(logging.WARNING, "equations"):
        got = BatchStepper(GRAY_SCOTT, device="cpu", compiled=True)(start, 0, 3, [0, 1, 2])
    assert torch.equal(got, wanted)
    assert [record.message for record in caplog.records] == ["torch.compile failed, steps stay eager: no C++ compiler"]


@pytest.mark.slow
@pytest.mark.parametrize("label", RULES)
def test_compiled_arithmetic_gives_the_same_bits(label: str) -> None:
    start = torch.tensor(states(RULES[label]))
    stepper = BatchStepper(RULES[label], device="cpu", compiled=True)
    wanted = BatchStepper(RULES[label], device="cpu", compiled=False)(start, 0, 5, [0, 1, 2])
    assert torch.equal(stepper(start, 0, 5, [0, 1, 2]), wanted)
    assert stepper._advance._fast is not None


@pytest.mark.gpu
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("label", RULES)
def test_a_gpu_steps_as_the_reference(label: str, compiled: bool | None) -> None:
    start = states(RULES[label])
    got = BatchStepper(RULES[label], device="cuda", compiled=compiled)(torch.tensor(start), 0, 5, [0, 1, 2])
    for seed, sample in enumerate(got.cpu().numpy()):
        wanted = get_backend("reference").make_stepper(RULES[label])(start[seed], 0, 5, seed)
        np.testing.assert_allclose(sample, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.gpu
def test_a_gpu_draws_the_mask_bit_for_bit() -> None:
    from equations.backends.torch.mask import update_mask_torch

    for rate, channels in ((0.5, None), (0.013, 3)):
        wanted = update_mask(rate, seed=9, step=77, shape=(40, 30), channels=channels)
        got = update_mask_torch(rate, seed=9, step=77, shape=(40, 30), channels=channels, device="cuda")
        np.testing.assert_array_equal(got.cpu().numpy(), wanted)
