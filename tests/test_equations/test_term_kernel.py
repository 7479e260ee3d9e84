"""Rules with adjustable constants: steps as the reference takes them, gradients as torch's autograd finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.backends.llvm.adjustable import TermKernel
from equations.backends.reference import step
from equations.errors import InputError
from equations.expressions.terms import split_terms
from equations.rule.mask import update_mask
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, nca_stencils
from tests.test_equations.helpers import make_rule

torch = pytest.importorskip("torch")
pytest.importorskip("llvmlite")

from equations.backends.torch.perceive import perceive_fast  # noqa: E402
from equations.backends.torch.trees import compile_torch  # noqa: E402

torch.set_num_threads(1)

# Every operator, the guards' insides and outsides, constants, and terms that both channels share.
POOL = (
    "1", "u", "v", "u_lap", "v_dx", "u_f7", "abs(u)", "abs(v_lap)", "u*v", "u^2*v", "u^3", "tanh(3*u_dx)",
    "exp(-u^2)", "exp(100*v)*1e-38", "sin(u_lap)", "cos(4*v)", "sqrt(u)", "sqrt(v_dx)", "1/(2 + u^2)",
    "u/(v_lap^2 + 0.5)", "max(u, v)", "min(u_dx, v, 0.2)", "relu(v_f7)", "abs(u)*v_dx", "inv(max(u, 0))*1e-10",
    "u^-2*1e-19*max(u, 0)^4", "(u^2 + v^2 + 1)^-3", "max(0, abs(u - v))^0.5",
)  # fmt: skip
SHAPES = ((8, 11), (3, 3), (5, 17))
Terms = list[tuple[int, int]]


def take_apart(rule: Rule) -> tuple[list[Any], Terms, np.ndarray]:
    """The rule's distinct bases, and (channel, basis) and the constant of every term."""
    found = [(c, basis, k) for c, expr in enumerate(rule.expressions) for k, basis in split_terms(expr)]
    bases = list(dict.fromkeys(basis for _, basis, _ in found))
    return bases, [(c, bases.index(b)) for c, b, _ in found], np.array([k for _, _, k in found], np.float32)


def kernel_of(rule: Rule) -> tuple[TermKernel, np.ndarray]:
    bases, terms, constants = take_apart(rule)
    return TermKernel(rule, bases, terms), constants


def random_rule(seed: int, **settings: Any) -> Rule:
    """Nine terms a channel with random constants, four of them shared; six seeds in a row see the whole pool."""
    rng = np.random.default_rng(seed)
    made = {}
    for channel, first in (("u", 5 * seed), ("v", 5 * seed + 5)):
        pairs = zip(rng.normal(0, 0.3, 9).tolist(), np.roll(POOL, -first)[:9], strict=True)
        made[channel] = " + ".join(f"({constant!r})*({basis})" for constant, basis in pairs)
    return make_rule(made, **{"dt": (1.0, 0.5, 0.3)[seed % 3], **settings})


def draw(rule: Rule, shape: tuple[int, int] = (8, 11), batch: int = 1, seed: int = 0, size: float = 1.0) -> np.ndarray:
    """Normal states (batch, channel, h, w)."""
    drawn = np.random.default_rng(seed).normal(0, size, (batch, len(rule.channels), *shape))
    return drawn.astype(np.float32)


def draw_masks(states: np.ndarray, steps: int, planes: int, seed: int = 5) -> np.ndarray:
    """Zeros and ones (steps, batch, planes, h, w)."""
    shape = (steps, len(states), planes, *states.shape[2:])
    return (np.random.default_rng(seed).random(shape) < 0.6).astype(np.float32)


class Referee:
    """The same rollout on torch, float64, with torch's own gradient."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.bases, self.terms, self.constants = take_apart(rule)
        self.run = compile_torch(self.bases, rule.feature_names)

    def step(self, state: Any, constants: Any, mask: Any) -> Any:
        values = self.run(perceive_fast(state, self.rule.stencils).unbind(1))
        change = [torch.zeros_like(state[:, 0]) for _ in self.rule.channels]
        for number, (channel, basis) in enumerate(self.terms):
            change[channel] = change[channel] + constants[number] * values[basis]
        state = state + self.rule.dt * mask * torch.stack(change, dim=1)
        return state if self.rule.clamp is None else state.clamp(*self.rule.clamp)

    def rollout(
        self, constants: Any, states: np.ndarray, steps: int, masks: np.ndarray | None, bound: float, limit: float
    ) -> tuple[Any, Any]:
        """The last state, and the sum over all steps of what lies beyond ±limit."""
        state, beyond = torch.tensor(states, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for number in range(steps):
            mask = 1.0 if masks is None else torch.tensor(masks[number], dtype=torch.float64)
            state = self.step(state, constants, mask)
            beyond = beyond + (state - state.clamp(-limit, limit)).abs().sum()
            state = state.clamp(-bound, bound)
        return state, beyond

    def gradient(
        self,
        states: np.ndarray,
        steps: int,
        adjoint: np.ndarray,
        *,
        masks: np.ndarray | None = None,
        bound: float = 1e30,
        limit: float = 1e30,
        excess: float = 0.0,
    ) -> np.ndarray:
        constants = torch.tensor(self.constants, dtype=torch.float64).requires_grad_()
        state, beyond = self.rollout(constants, states, steps, masks, bound, limit)
        ((state * torch.tensor(adjoint, dtype=torch.float64)).sum() + excess * beyond).backward()
        assert constants.grad is not None
        return np.asarray(constants.grad.numpy())


def same_gradient(got: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-4) -> None:
    """Equal relative to the whole gradient: terms that matter little may differ by as much as rounding leaves."""
    assert got.shape == wanted.shape
    assert np.linalg.norm(wanted) > 0.01
    assert np.linalg.norm(got - wanted) <= tolerance * np.linalg.norm(wanted)
    np.testing.assert_allclose(got, wanted, rtol=20 * tolerance, atol=tolerance * np.abs(wanted).max())


# forward


@pytest.mark.parametrize("seed", range(8))
def test_a_step_is_the_references_step(seed: int) -> None:
    rule = random_rule(seed, clamp=(-1.5, 1.2) if seed % 2 else None)
    kernel, constants = kernel_of(rule)
    for shape in SHAPES:
        start = draw(rule, shape, batch=2, seed=seed)
        got = kernel.last(constants, start, 1)
        wanted = np.stack([step(rule, state, step=0, seed=0) for state in start])
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)
        assert np.abs(wanted - start).max() > 0.1
        assert (start < 0).any()


def test_masked_steps_are_the_references_steps() -> None:
    for planes, rate in ((1, 0.5), (2, 0.3)):
        settings: dict[str, Any] = {"update_rate": rate, "mask": "cell" if planes == 1 else "channel"}
        rule = random_rule(1, **settings)
        kernel, constants = kernel_of(rule)
        wanted = start = draw(rule, (5, 17), size=0.3)
        drawn = [
            update_mask(rate, seed=9, step=i, shape=(5, 17), channels=planes if planes > 1 else None) for i in (0, 1, 2)
        ]
        masks = np.stack(drawn).reshape(3, 1, planes, 5, 17).astype(np.float32)
        for i in range(3):
            wanted = step(rule, wanted[0], step=i, seed=9)[None]
        np.testing.assert_allclose(kernel.last(constants, start, 3, masks=masks), wanted, rtol=1e-4, atol=1e-4)
        for wrong in (masks[::-1], np.roll(masks, 1, axis=4), 1 - masks, None):  # the comparison notices
            assert np.abs(kernel.last(constants, start, 3, masks=wrong) - wanted).max() > 0.01


def test_every_picture_of_a_batch_has_its_own_mask() -> None:
    rule = random_rule(2)
    kernel, constants = kernel_of(rule)
    start = draw(rule, batch=2, size=0.3)
    masks = draw_masks(start, 4, 2)
    both = kernel.last(constants, start, 4, masks=masks)
    for i in (0, 1):
        alone = kernel.last(constants, start[i : i + 1], 4, masks=masks[:, i : i + 1])
        np.testing.assert_array_equal(both[i : i + 1], alone)
    assert not np.array_equal(both, kernel.last(constants, start, 4, masks=masks[:, ::-1]))


def test_one_channel_and_grids_smaller_than_a_vector() -> None:
    rule = make_rule({"u": "0.2*u_lap - 0.1*u + 0.05*abs(u_dx) + 0.01"}, dt=0.7)
    kernel, constants = kernel_of(rule)
    for shape in ((1, 1), (1, 4), (5, 1), (2, 2), (3, 3), (16, 16), (33, 14)):
        wanted = start = draw(rule, shape)
        for i in range(6):
            wanted = step(rule, wanted[0], step=i, seed=0)[None]
        np.testing.assert_allclose(kernel.last(constants, start, 6), wanted, atol=1e-5, err_msg=str(shape))


def test_all_stencils_at_once() -> None:
    stencils = nca_stencils(20)
    rule = make_rule({c: " + ".join(f"0.03*{c}_{s.name}" for s in stencils[1:]) + " - 0.1*r" for c in "rgb"}, stencils)
    kernel, constants = kernel_of(rule)
    start = draw(rule, (7, 9))
    np.testing.assert_allclose(kernel.last(constants, start, 1)[0], step(rule, start[0], step=0, seed=0), atol=1e-5)


def test_the_net_cuts_every_state() -> None:
    rule = make_rule({"u": "u + 0.1*v", "v": "-0.1*v"})
    kernel, constants = kernel_of(rule)
    wanted = start = draw(rule)
    for i in range(4):
        wanted = np.clip(step(rule, wanted[0], step=i, seed=0)[None], -2.5, 2.5)
    got = kernel.last(constants, start, 4, bound=2.5)
    np.testing.assert_allclose(got, wanted, atol=1e-5)
    assert got.max() == 2.5
    assert got.min() == -2.5
    assert np.abs(kernel.last(constants, start, 4)).max() > 10


def test_last_is_the_state_of_the_whole_rollout() -> None:
    rule = random_rule(3, clamp=(-1.0, 1.0))
    kernel, constants = kernel_of(rule)
    start = draw(rule, batch=2)
    for steps in (0, 1, 2, 7):
        masks = draw_masks(start, steps, 2)
        whole = kernel.rollout(constants, start, steps, masks=masks, bound=0.9).state()
        np.testing.assert_array_equal(kernel.last(constants, start, steps, masks=masks, bound=0.9), whole)
        assert not np.shares_memory(whole, start)
    np.testing.assert_array_equal(kernel.last(constants, start, 0), start)


def test_constants_are_given_anew_at_each_call() -> None:
    rule = random_rule(0)
    kernel, constants = kernel_of(rule)
    bases, terms, _ = take_apart(rule)
    start = draw(rule, size=0.3)
    doubled = rule.replace(updates={c: 2 * rule.updates[c] for c in rule.channels})
    np.testing.assert_allclose(
        kernel.last(2 * constants, start, 1)[0], step(doubled, start[0], step=0, seed=0), rtol=1e-4, atol=1e-4
    )
    none = np.zeros(len(terms), np.float32)
    np.testing.assert_array_equal(kernel.last(none, start, 3), start)
    assert len(bases) < len(terms)  # some are shared


def test_a_channel_without_terms_stands_still() -> None:
    rule = make_rule({"u": "0.1*v_lap - 0.2*u", "v": "0"})
    kernel, constants = kernel_of(rule)
    start = draw(rule)
    tape = kernel.rollout(constants, start, 3)
    np.testing.assert_array_equal(tape.state()[:, 1], start[:, 1])
    adjoint = draw(rule, seed=1)
    same_gradient(tape.gradient(adjoint), Referee(rule).gradient(start, 3, adjoint))


# gradients

SETTINGS: dict[str, dict[str, Any]] = {
    "free": {},
    "clamped": {"clamp": (-0.6, 0.5)},
    "half clamped": {"clamp": (-1e30, 0.4)},
}


@pytest.mark.parametrize("label", SETTINGS)
@pytest.mark.parametrize("seed", range(6))
def test_the_gradient_is_autograds(seed: int, label: str) -> None:
    """Through five steps, with a batch, masks, the bound and the penalty on what is beyond the limit."""
    rule = random_rule(seed, **SETTINGS[label])
    kernel, constants = kernel_of(rule)
    referee, shape = Referee(rule), SHAPES[seed % 3]
    start, adjoint = draw(rule, shape, 2, seed, 0.4), draw(rule, shape, 2, seed + 100)
    for planes, bound, limit, excess in ((0, 1e30, 1e30, 0.0), (1, 0.8, 0.45, 0.3), (2, 0.7, 0.3, -1.0)):
        masks = draw_masks(start, 5, planes) if planes else None
        got = kernel.rollout(constants, start, 5, masks=masks, bound=bound).gradient(
            adjoint, limit=limit, excess=excess
        )
        wanted = referee.gradient(start, 5, adjoint, masks=masks, bound=bound, limit=limit, excess=excess)
        assert got.dtype == np.float64
        same_gradient(got, wanted)


def test_the_gradient_notices_what_it_is_told() -> None:
    """Another mask, bound, limit, excess or adjoint is another gradient: the test above compares something."""
    rule = random_rule(0, clamp=(-0.6, 0.5))
    kernel, constants = kernel_of(rule)
    start, adjoint = draw(rule, size=0.4), draw(rule, seed=1)
    masks = draw_masks(start, 5, 2)
    asked: dict[str, Any] = {
        "masks": masks, "bound": 0.8, "limit": 0.4, "excess": 0.3, "adjoint": adjoint, "dt": rule.dt
    }  # fmt: skip
    changes: dict[str, Any] = {
        "masks": np.roll(masks, 1, axis=3), "bound": 0.4, "limit": 0.3, "excess": 0.5, "adjoint": np.roll(adjoint, 1, 2)
    }  # fmt: skip

    def gradient(
        masks: np.ndarray, bound: float, limit: float, excess: float, adjoint: np.ndarray, dt: float
    ) -> np.ndarray:
        tape = kernel.rollout(constants, start, 5, masks=masks, bound=bound)
        return tape.gradient(adjoint, limit=limit, excess=excess)

    first = gradient(**asked)
    for name, value in changes.items():
        other = gradient(**{**asked, name: value})
        assert np.linalg.norm(other - first) > 1e-3 * np.linalg.norm(first), name


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 2), (3, 3), (9, 13)])
def test_the_gradient_of_one_channel_on_small_grids(shape: tuple[int, int]) -> None:
    rule = make_rule({"u": "0.2*u_lap - 0.1*u + 0.1*abs(u_f7) + 0.05*u^3 + 0.01"}, dt=0.7)
    kernel, constants = kernel_of(rule)
    start, adjoint = draw(rule, shape), draw(rule, shape, seed=1)
    same_gradient(kernel.rollout(constants, start, 5).gradient(adjoint), Referee(rule).gradient(start, 5, adjoint))


def test_the_gradient_through_all_stencils() -> None:
    stencils = nca_stencils(20)
    rule = make_rule({c: " + ".join(f"0.05*{c}_{s.name}*r" for s in stencils[1:]) for c in "rg"}, stencils)
    kernel, constants = kernel_of(rule)
    start, adjoint = draw(rule, (5, 17), size=0.5), draw(rule, (5, 17), seed=1)
    same_gradient(kernel.rollout(constants, start, 4).gradient(adjoint), Referee(rule).gradient(start, 4, adjoint))


def test_a_stencil_that_is_not_symmetric_goes_back_the_right_way() -> None:
    """What a cell sees to its right and below must be paid back to its left and above."""
    rule = make_rule({"u": "0.3*u_dx + 0.2*u_dy"}, tuple(STENCILS[name] for name in ("id", "dx", "dy")))
    kernel, constants = kernel_of(rule)
    start, adjoint = draw(rule, (6, 7)), np.zeros((1, 1, 6, 7), np.float32)
    adjoint[0, 0, 2, 3] = 1
    got = kernel.rollout(constants, start, 2).gradient(adjoint)
    np.testing.assert_allclose(got, Referee(rule).gradient(start, 2, adjoint), rtol=1e-4)


def test_no_gradient_beyond_the_net_or_the_clamp_or_inside_a_guard() -> None:
    wild = make_rule({"u": "10*u"})
    start = np.abs(draw(wild)) + 1
    kernel, constants = kernel_of(wild)
    np.testing.assert_array_equal(kernel.rollout(constants, start, 3, bound=2.0).gradient(start), 0)
    clamped = make_rule({"u": "10*u"}, clamp=(-1.5, 1.5))
    kernel, constants = kernel_of(clamped)
    np.testing.assert_array_equal(kernel.rollout(constants, start, 3).gradient(start), 0)
    guarded = make_rule({"u": "0.1*u - 0.1*sqrt(v) + 1e-10*inv(w)", "v": "0.01*v", "w": "1e-11*v"})
    kernel, constants = kernel_of(guarded)
    start = np.zeros((1, 3, 5, 4), np.float32)
    start[:, 0], start[:, 1] = 1, -1
    got = kernel.rollout(constants, start, 3).gradient(np.ones_like(start))
    np.testing.assert_allclose(got, Referee(guarded).gradient(start, 3, np.ones_like(start)), rtol=1e-4)


def test_no_steps_no_gradient() -> None:
    kernel, constants = kernel_of(random_rule(0))
    start = draw(random_rule(0))
    tape = kernel.rollout(constants, start, 0)
    np.testing.assert_array_equal(tape.state(), start)
    np.testing.assert_array_equal(tape.gradient(start), np.zeros(len(constants)))


def test_same_bytes_twice() -> None:
    rule = random_rule(4, clamp=(-1.0, 1.0))
    start, adjoint = draw(rule, (5, 17), 2, size=0.4), draw(rule, (5, 17), 2, 1)
    masks = draw_masks(start, 6, 1)
    seen = set()
    for _ in range(2):
        kernel, constants = kernel_of(rule)
        for _ in range(2):
            tape = kernel.rollout(constants, start, 6, masks=masks)
            again = tape.gradient(adjoint, limit=0.5, excess=0.1), tape.gradient(adjoint, limit=0.5, excess=0.1)
            assert again[0].tobytes() == again[1].tobytes()
            seen.add((tape.state().tobytes(), again[0].tobytes()))
    assert len(seen) == 1


def test_what_is_given_is_left_alone() -> None:
    rule = random_rule(5)
    kernel, constants = kernel_of(rule)
    start, adjoint = draw(rule, batch=2, size=0.4), draw(rule, batch=2, seed=1)
    masks = draw_masks(start, 5, 2)
    given = (constants, start, adjoint, masks)
    before = [array.copy() for array in given]
    kernel.rollout(constants, start, 5, masks=masks).gradient(adjoint)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_shapes_that_do_not_fit_are_refused() -> None:
    rule = random_rule(0)
    kernel, constants = kernel_of(rule)
    start, masks = draw(rule, batch=2), draw_masks(draw(rule, batch=2), 3, 2)
    for states in (start[:, :1], start[0], start[..., None]):
        with pytest.raises(InputError, match=r"expected states \(batch, 2, h, w\) and 18 constants"):
            kernel.rollout(constants, states, 3)
    for given in (constants[:-1], np.stack([constants, constants])):
        with pytest.raises(InputError, match="18 constants, got"):
            kernel.last(given, start, 3)
    for wrong in (masks[:2], masks[:, :1], masks[..., :-1], masks[0], np.concatenate([masks, masks], axis=2)):
        with pytest.raises(InputError, match=r"expected masks \(3, 2, 1 or 2, 8, 11\)"):
            kernel.rollout(constants, start, 3, masks=wrong)
    tape = kernel.rollout(constants, start, 3, masks=masks)
    for adjoint in (start[:1], start[:, :1], start[..., :-1], start[0], np.float32(1)):
        with pytest.raises(InputError, match=r"expected adjoint \(2, 2, 8, 11\), got"):
            tape.gradient(adjoint)
    with pytest.raises(InputError, match="at least 0 steps, got -1"):
        kernel.last(constants, start, -1)


def test_bases_of_other_features_are_refused() -> None:
    rule = make_rule({"u": "u_lap"}, tuple(STENCILS[name] for name in ("id", "lap")))
    bases, terms, _ = take_apart(make_rule({"u": "u_dx"}))
    with pytest.raises(InputError, match="u_dx"):
        TermKernel(rule, bases, terms)


def test_kernels_of_a_moment_are_not_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refinement compiles one after every pruning; they would push out those that simulations come back to."""
    monkeypatch.setenv("SRNCA_CACHE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernel_of(make_rule({"u": "0.123*u_lap - 0.321*u^7"}))
    assert list(tmp_path.iterdir()) == []
