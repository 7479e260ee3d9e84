"""A rule as a matrix of constants: the same step, and pruning that keeps what matters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.termwise import TermMatrix
from equations.backends.reference import step
from equations.mask import update_mask
from equations.rule import Rule
from tests.test_distill.teachers import gray_scott, planted

UPDATES = {
    "u": "0.25 - 0.5*u + 0.3*u_lap + 0.2*abs(v_dx) - 0.1*u*v^2 + 0.05*tanh(u_dy)",
    "v": "0.1*v - 0.7*abs(u) + 0.4*u*v + 0.02*v_lap",
}


def state(channels: int = 2, batch: int = 1) -> Tensor:
    return torch.randn(batch, channels, 8, 11, generator=torch.Generator().manual_seed(0))


def random_rule(seed: int) -> Rule:
    """Linear, absolute, product and constant terms with random constants, some shared by both channels."""
    rng = np.random.default_rng(seed)
    bases = ["u", "v", "u_lap", "v_dx", "abs(u)", "abs(v_lap)", "u*v", "u^2*v", "1", "sin(u_dy)", "max(u, v)"]
    made = {}
    for channel in ("u", "v"):
        chosen = rng.choice(bases, size=6, replace=False)
        made[channel] = " + ".join(
            f"({constant!r})*{base}" for constant, base in zip(rng.normal(size=6).tolist(), chosen, strict=True)
        )
    return planted(made, dt=0.5, clamp=(-2.0, 2.0) if seed % 2 else None)


@pytest.mark.parametrize("seed", range(8))
def test_a_step_is_the_references_step(seed: int) -> None:
    rule, start = random_rule(seed), state()
    with torch.no_grad():
        got = TermMatrix(rule)(start)[0].numpy()
    wanted = step(rule, start[0].numpy(), step=0, seed=0)
    np.testing.assert_allclose(got, wanted, atol=2e-5)
    assert np.abs(wanted - start[0].numpy()).max() > 0.1


def test_a_masked_step_is_the_references_step() -> None:
    rule, start = planted(UPDATES, update_rate=0.4, mask="channel"), state()
    on = update_mask(0.4, seed=5, step=3, shape=(8, 11), channels=2)
    with torch.no_grad():
        got = TermMatrix(rule)(start, torch.from_numpy(on)[None].float())[0].numpy()
    np.testing.assert_allclose(got, step(rule, start[0].numpy(), step=3, seed=5), atol=1e-5)


def test_calibration_changes_the_scale_and_not_the_rule() -> None:
    matrix, start = TermMatrix(planted(UPDATES)), state(batch=3)
    with torch.no_grad():
        before, constants = matrix(start), matrix.constants()
        matrix.calibrate(10 * start)
        matrix.calibrate(start)
        torch.testing.assert_close(matrix(start), before)
        torch.testing.assert_close(matrix.constants(), constants)
    place = [str(basis) for basis in matrix.bases.order].index("u*v")
    size = float((start[:, 0] * start[:, 1]).square().mean().sqrt())
    assert float(matrix.scaled.detach()[1, place]) == pytest.approx(0.4 * size, rel=1e-5)


def test_the_rule_comes_back() -> None:
    for rule in (planted(UPDATES), random_rule(1), gray_scott()):
        again = TermMatrix(rule).to_rule()
        assert again.terms() == rule.terms()
        assert (again.dt, again.clamp, again.init, again.display) == (rule.dt, rule.clamp, rule.init, rule.display)
        assert TermMatrix(again).to_rule() == again  # float32 constants come back exactly
        np.testing.assert_allclose(
            step(again, state()[0].numpy(), step=0, seed=0), step(rule, state()[0].numpy(), step=0, seed=0), atol=1e-5
        )


def test_digits_are_significant_ones() -> None:
    rule = TermMatrix(planted({"u": "0.123456*u - 0.000123456*u_lap"})).to_rule(3)
    assert rule == planted({"u": "0.123*u - 0.000123*u_lap"})


def test_pruning_keeps_the_largest_effects() -> None:
    """0.01 u³ matters more than 0.5 u_dx where u is large and flat."""
    rule = planted({"u": "0.01*u^3 + 0.5*u_dx - 0.2*u + 0.001*u_lap", "v": "-0.1*v + 0.2*u"})
    flat = 10 + 0.001 * state()
    matrix = TermMatrix(rule)
    matrix.calibrate(flat)
    matrix.prune(4)
    assert matrix.terms == 4
    assert matrix.to_rule() == TermMatrix(planted({"u": "0.01*u^3 - 0.2*u", "v": "-0.1*v + 0.2*u"})).to_rule()
    bare = TermMatrix(rule)
    bare.prune(4)  # without a look at states, constants decide
    assert "u_dx" in bare.to_rule().used_features


def test_every_channel_keeps_a_term() -> None:
    rule = planted({"u": "5*u - 4*u_lap + 3*u_dx", "v": "0.001*v + 0.0001*u"})
    matrix = TermMatrix(rule)
    matrix.prune(2)
    assert matrix.to_rule() == TermMatrix(planted({"u": "5*u", "v": "0.001*v"})).to_rule()


def test_pruning_to_as_many_or_more_changes_nothing() -> None:
    matrix = TermMatrix(planted(UPDATES))
    before = matrix.to_rule()
    for keep in (matrix.terms, 100):
        matrix.prune(keep)
        assert matrix.to_rule() == before


def test_pruning_never_brings_a_term_back() -> None:
    """A term that is at zero for the moment is still no reason to revive another one."""
    rule = planted({"u": "5*u - 4*u_lap", "v": "3*v + 2*v_lap"})
    matrix = TermMatrix(rule)
    with torch.no_grad():
        matrix.scaled[matrix.scaled == -4] = 0
    matrix.prune(6)
    matrix.prune(4)
    bases = [str(basis) for basis in matrix.bases.order]
    alive = {(c, bases[b]) for c, b in matrix.alive.nonzero().tolist()}
    assert alive == {(0, "u"), (0, "u_lap"), (1, "v"), (1, "v_lap")}


def test_bases_without_use_are_dropped() -> None:
    matrix = TermMatrix(planted({"u": "5*u + 0.01*tanh(u_lap)", "v": "3*v"}))
    assert len(matrix.bases.order) == 3
    matrix.prune(2)
    assert len(matrix.bases.order) == matrix.scaled.shape[1] == matrix.size.shape[0] == 2


def test_gradients_reach_only_the_terms_alive() -> None:
    matrix = TermMatrix(planted({"u": "0.5*u + 0.3*u_lap", "v": "0.2*v"}))
    matrix(state()).square().sum().backward()
    assert matrix.scaled.grad is not None
    assert bool((matrix.scaled.grad[matrix.alive] != 0).all())
    assert bool((matrix.scaled.grad[~matrix.alive] == 0).all())
