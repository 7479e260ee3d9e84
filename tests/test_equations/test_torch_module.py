"""A rule as a torch module: the backends' steps, exact round trips, gradients, constants recovered from frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from equations import models
from equations.backends import get_backend
from equations.errors import InputError
from equations.rule.rule import Rule
from equations.rule.stencils import nca_stencils
from equations.simulation import simulate
from tests.test_equations.helpers import make_rule

torch = pytest.importorskip("torch")

from equations.backends.torch.module import TorchRule  # noqa: E402

RULES: dict[str, Rule] = {
    "gray-scott": models.get("gray-scott:coral").replace(update_rate=0.5),
    "guards": make_rule(
        {"u": "sqrt(u) + 0.1*exp(3*u) - 0.03/v", "v": "u/3 - exp(-v) + v^-2*1e-3"}, dt=0.1, clamp=(-2.0, 2.0)
    ),
    "extrema": make_rule({"u": "max(u, 0.5*v, -0.3) - 2*relu(u_f7)", "v": "min(u, 3, v_dx) - 1"}, dt=0.1),
    "numbers alone": make_rule({"u": "0.25", "v": "0"}),
    "channel mask": make_rule(
        {c: f"0.1*{c}_lap - 0.3*abs({c}_dx)*r + 0.05*{c}_f5" for c in ("r", "g", "b")},
        nca_stencils(6),
        update_rate=0.3,
        mask="channel",
        clamp=(-1.0, 1.0),
    ),
}


def state_of(
    rule: Rule, shape: tuple[int, int] = (7, 9), seed: int = 0, dtype: npt.DTypeLike = np.float32
) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.2, 0.8, (len(rule.channels), *shape)).astype(dtype)


@pytest.mark.parametrize("label", RULES)
def test_steps_are_those_of_the_backends(label: str) -> None:
    rule = RULES[label]
    state = state_of(rule)
    got = TorchRule(rule)(torch.tensor(state), steps=4, seed=5, step0=11).detach().numpy()
    assert got.dtype == np.float32
    wanted = get_backend("reference").make_stepper(rule)(state, 11, 4, 5)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    assert not np.array_equal(wanted, state)


@pytest.mark.parametrize("label", RULES)
def test_untouched_constants_come_back_exactly(label: str) -> None:
    module, again = TorchRule(RULES[label]), TorchRule(RULES[label])
    assert module.to_rule() == RULES[label]
    again.load_state_dict(module.state_dict())
    assert again.to_rule() == RULES[label]
    module.float()
    assert module.to_rule() == RULES[label], "float32 cannot hold 0.055, and still nothing has changed"


def test_channels_may_be_called_as_methods_of_a_module_are() -> None:
    rule = make_rule({"half": "0.5*half_lap", "forward": "3*half"})
    module = TorchRule(rule)
    assert {name: value.item() for name, value in module.named_parameters()} == {"half.0": 0.5, "forward.0": 3.0}
    assert module.half().to_rule() == rule


@pytest.mark.parametrize("name", models.names())
def test_every_model_has_its_parameters(name: str) -> None:
    model = models.load(name)
    module = TorchRule(model)
    assert {key: value.item() for key, value in module.named_parameters()} == model.values()
    assert module.constants() == model.values()
    assert module.to_rule() == model.rule()
    state = simulate(model.rule(), size=12, steps=0, backend="reference")[0]
    got = module(torch.tensor(state), steps=3).detach().numpy()
    wanted = simulate(model.rule(), state=state, steps=3, backend="reference")[-1]
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_numbers_are_named_in_the_order_of_the_tree() -> None:
    rule = make_rule({"u": "2*u + 0.5*u_lap^2 - v/3 + 0.5", "v": "-u"})
    module = TorchRule(rule)
    assert set(module.constants()) == {"u.0", "u.1", "u.2", "u.3"}
    assert sorted(module.constants().values()) == [-1 / 3, 0.5, 0.5, 2.0]
    assert [name for name, _ in module.named_parameters()] == list(module.constants())
    with torch.no_grad():
        dict(module.named_parameters())[_name_of(module, 2.0)].fill_(7.0)
    assert module.to_rule() == make_rule({"u": "7.0*u + 0.5*u_lap^2 - v/3 + 0.5", "v": "-u"})


def _name_of(module: TorchRule, value: float) -> str:
    return next(name for name, number in module.constants().items() if number == value)


def test_presets_and_keywords() -> None:
    model = models.load("gray-scott")
    preset = list(model.presets)[1]
    module = TorchRule(model, preset, k=0.0625)
    assert module.constants()["k"] == 0.0625
    assert module.to_rule() == model.rule(preset, k=0.0625)
    with torch.no_grad():
        module.F.fill_(0.04)
    assert module.to_rule() == model.rule(preset, k=0.0625, F=0.04)
    with pytest.raises(InputError, match="no parameter"):
        TorchRule(model, kk=1.0)
    with pytest.raises(InputError, match="without preset and parameters"):
        TorchRule(RULES["guards"], k=1.0)


def test_batches_have_one_seed_or_one_each() -> None:
    rule = RULES["channel mask"]
    module, batch = TorchRule(rule), torch.tensor(np.stack([state_of(rule, seed=seed) for seed in range(2)]))
    for given, seeds in ((4, (4, 4)), ((4, 9), (4, 9))):
        got = module(batch, 3, seed=given)
        for sample, state, seed in zip(got, batch, seeds, strict=True):
            assert torch.equal(sample, module(state, 3, seed=seed))
    for bad in (batch[0, 0], batch[:, :2], batch.int()):
        with pytest.raises(InputError, match="expected a state"):
            module(bad)
    with pytest.raises(InputError, match="3 seeds"):
        module(batch, seed=[1, 2, 3])
    with pytest.raises(InputError, match="seed from 0"):
        module(batch, seed=-1)


@pytest.mark.parametrize("label", RULES)
def test_gradients_are_right_also_through_guards(label: str) -> None:
    """Against differences in float64; states keep away from the kinks themselves."""
    rule = RULES[label]
    module = TorchRule(rule)
    state = torch.tensor(state_of(rule, (3, 4), seed=2, dtype=np.float64), requires_grad=True)
    names = list(module.constants())

    def run(state: torch.Tensor, *constants: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, dict(zip(names, constants, strict=True)), (state, 2, 3))

    constants = [value.detach().clone().requires_grad_() for value in module.parameters()]
    assert torch.autograd.gradcheck(run, (state, *constants), eps=1e-7, atol=1e-5, rtol=1e-4)


def test_gradients_where_a_guard_holds() -> None:
    module = TorchRule(make_rule({"u": "2.0/v + sqrt(u - 5.0) + exp(1000.0*u)*1e-35", "v": "-0.5*v"}))
    state = torch.stack([torch.full((3, 3), 0.1), torch.full((3, 3), 1e-10)]).double().requires_grad_()
    module(state)[0].sum().backward()
    assert torch.equal(state.grad[0], torch.ones(3, 3)), "only the state itself passes a gradient on"
    assert torch.equal(state.grad[1], torch.zeros(3, 3))
    found = {module.constants()[name]: value.grad.item() for name, value in module.named_parameters()}
    assert found == pytest.approx({2.0: 9e9, -5.0: 0, 1000.0: 0, 1e-35: 9 * np.exp(80.0), -0.5: 0})


def test_two_frames_tell_feed_and_kill_rate() -> None:
    model = models.load("gray-scott")
    frames = simulate(model.rule(F=0.037, k=0.06), size=48, steps=410, every=10, seed=1)
    before, after = (torch.tensor(frame) for frame in frames[-2:])
    module = TorchRule(model, F=0.055, k=0.062)
    optimiser = torch.optim.Adam([module.F, module.k], lr=1e-3)
    for _ in range(200):
        optimiser.zero_grad()
        loss = (module(before, steps=10) - after).square().mean()
        loss.backward()
        optimiser.step()
    found = module.constants()
    assert abs(found["F"] - 0.037) < 1e-4
    assert abs(found["k"] - 0.060) < 1e-4
    assert (found["Du"], found["Dv"]) == (0.16, 0.08)
