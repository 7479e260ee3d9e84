"""Every backend equals the NumPy reference: one conformance class, inherited by each."""

from __future__ import annotations

import numpy as np
import pytest

from equations import models
from equations.backends import backend_names, get_backend
from equations.backends.reference import step as reference_step
from equations.errors import InputError
from equations.rule import Rule
from equations.simulation import simulate
from equations.stencils import STENCILS, Stencil, nca_stencils
from tests.test_equations.helpers import make_rule

RULES: dict[str, Rule] = {
    "division": make_rule({"u": "u/v - 0.1/(u*u + 0.1)", "v": "inv(u) * 0.001 + 1e-9/(v - v^3)"}, dt=0.01),
    "powers": make_rule({"u": "0.01*u^3 - u^5*v^-2*1e-3", "v": "v^-1*0.01 + u_lap^8 - v^0.5 + u^-0.5*1e-3"}, dt=0.05),
    "guards": make_rule({"u": "sqrt(u) - sqrt(-v)", "v": "exp(100*u)*1e-34 - exp(-v)"}, dt=0.1),
    "functions": make_rule({"u": "tanh(u_lap) + sin(3*v) - cos(u*v)", "v": "abs(u) - abs(v_dx)*u"}, dt=0.2),
    "extrema": make_rule({"u": "max(u, v, -0.3) - relu(u_f7)", "v": "min(u, v, max(u_dx, 0.5)) - 1"}, dt=0.1),
    "constant": make_rule({"u": "0.25", "v": "0"}),
    "shared parts": make_rule({"u": "-u*v^2 + (u+v)^3", "v": "u*v^2 - (u+v)^3*0.5"}, dt=0.02, clamp=(-1.0, 1.0)),
    "clamp": make_rule({"u": "3*u - v", "v": "u + 2*v"}, clamp=(-0.5, 0.75)),
    "cell mask": make_rule({"u": "u_lap + 0.1*v", "v": "-u"}, update_rate=0.5, clamp=(-1.0, 1.0)),
    "channel mask": make_rule({"u": "u_lap + 0.1*v", "v": "-u"}, update_rate=0.3, mask="channel", dt=0.7),
    "rare mask": make_rule({"u": "1", "v": "1"}, update_rate=0.01, mask="channel"),
    "many channels": make_rule(
        {c: f"0.1*{c}_lap - 0.3*abs({c}_dx)*r + 0.05*{c}_f5 + 0.2*b_moore" for c in ("r", "g", "b")},
        nca_stencils(6),
        update_rate=0.5,
        clamp=(-1.0, 1.0),
    ),
    "odd stencils": make_rule(
        {"u": "u_none + u_id2 - 2*u"},
        (STENCILS["id"], Stencil("none", ((0,) * 3,) * 3), Stencil("id2", STENCILS["id"].kernel)),
    ),
    "awkward names": make_rule(
        {"t0": "-t0*x*0.1", "x": "t0_lap", "old": "new_lap*0.1", "new": "old - cell", "cell": "-y", "y": "t0*x"}, dt=0.1
    ),
    "gray-scott": models.get("gray-scott:coral"),
}  # fmt: skip


class BackendConformance:
    """Inherit, set `name`, and the backend gets its tests. `exact`: polynomials give the reference's bits."""

    name = "reference"
    exact = True

    def run(self, rule, state, step0=0, n=1, seed=0, dtype=np.float32):
        return get_backend(self.name).make_stepper(rule, dtype)(state, step0, n, seed)

    @pytest.mark.parametrize(
        ("label", "dtype"),
        [(label, np.float32) for label in RULES]
        + [(label, np.float64) for label in ("division", "powers", "guards", "extrema", "functions")],
    )
    def test_equals_the_reference(self, label, dtype):
        rule = RULES[label]
        rng = np.random.default_rng(3)
        state = rng.normal(0, 0.6, (len(rule.channels), 12, 17)).astype(dtype)  # negative values too
        state[:, 2, 3:5] = 0
        got, wanted = self.run(rule, state, 7, 1, 11, dtype), reference_step(rule, state, step=7, seed=11)
        assert got.dtype == dtype
        assert got.shape == state.shape
        eps = np.finfo(dtype).eps
        assert np.isfinite(wanted).all()
        np.testing.assert_allclose(got, wanted, rtol=16 * eps, atol=16 * eps * max(1, rule.dt * np.abs(wanted).max()))
        assert not np.array_equal(wanted, state), "the test rule does nothing"

    @pytest.mark.parametrize(
        ("rate", "mask"), [(0.5, "cell"), (0.013, "channel"), (1 - 2**-33, "cell"), (1.0, "channel")]
    )
    def test_mask_is_bit_for_bit(self, rate, mask):
        rule = make_rule({"u": "1", "v": "2"}, update_rate=rate, mask=mask)
        state = np.zeros((2, 33, 20), np.float32)
        for seed, step in ((0, 0), (1, 5), (2**32 - 1, 2**31 + 3), (12345, 2**32 - 5)):
            got = self.run(rule, state, step, 1, seed)
            np.testing.assert_array_equal(got, reference_step(rule, state, step=step, seed=seed))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (2, 3), (3, 3), (7, 64)])
    def test_tiny_grids_wrap(self, shape):
        rule = RULES["many channels"]
        state = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
        np.testing.assert_allclose(self.run(rule, state), reference_step(rule, state, step=0, seed=0), atol=2e-6)

    def test_many_steps_are_single_steps(self):
        rule = RULES["cell mask"]
        state = np.random.default_rng(0).normal(size=(2, 9, 9)).astype(np.float32)
        single = state
        for index in range(5):
            single = self.run(rule, single, 40 + index, 1, 3)
        np.testing.assert_array_equal(self.run(rule, state, 40, 5, 3), single)

    def test_the_argument_is_left_alone(self):
        state = np.ones((2, 8, 8), np.float32)
        for n in (0, 1, 2, 3):
            result = self.run(RULES["clamp"], state, 0, n)
            assert (state == 1).all()
            result[:] = 5
            assert (state == 1).all()

    def test_shift_commutes_with_a_step(self):
        rule = RULES["many channels"].replace(update_rate=1.0)
        state = np.random.default_rng(5).normal(size=(3, 16, 18)).astype(np.float32)
        moved = np.roll(state, (3, 5), (1, 2))
        got = self.run(rule, moved, n=3)
        np.testing.assert_allclose(got, np.roll(self.run(rule, state, n=3), (3, 5), (1, 2)), atol=1e-6)
        masked = rule.replace(update_rate=0.5)  # the guard can fail: a mask is tied to its cells
        assert not np.allclose(self.run(masked, moved), np.roll(self.run(masked, state), (3, 5), (1, 2)))

    def test_pure_diffusion_conserves_mass(self):
        rule = make_rule({"u": "0.2*u_lap"})
        state = np.random.default_rng(0).random((1, 20, 20))
        after = self.run(rule, state, n=50, dtype=np.float64)
        assert after.std() < 0.2 * state.std()
        assert abs(after.sum() - state.sum()) < 1e-10
        assert abs(self.run(make_rule({"u": "0.2*u_dx + 0.01"}), state, n=50, dtype=np.float64).sum() - state.sum()) > 1

    def test_nan_is_not_hidden(self):
        state = np.full((2, 4, 4), np.nan, np.float32)
        for label in ("division", "guards", "extrema", "clamp"):
            got = self.run(RULES[label], state)
            wanted = reference_step(RULES[label], state, step=0, seed=0)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
            assert np.isnan(got[0]).all()

    def test_polynomials_give_the_same_bits(self):
        if not self.exact:
            pytest.skip("this backend may round differently")
        rule = RULES["gray-scott"].replace(update_rate=0.5)
        state = simulate(rule, size=(20, 24), steps=0, backend="reference")[0]
        np.testing.assert_array_equal(
            self.run(rule, state, 0, 25, 9), get_backend("reference").make_stepper(rule)(state, 0, 25, 9)
        )


class TestReference(BackendConformance):
    name = "reference"


class TestNumba(BackendConformance):
    name = "numba"

    def test_parallel_kernel_is_the_serial_one(self):
        from equations.backends import fused

        source = fused.kernel_source(RULES["cell mask"])
        state = np.random.default_rng(0).normal(size=(2, 40, 31)).astype(np.float32)
        results = [
            fused._compiled(source, "float32", parallel)(state.copy(), np.empty_like(state), 3, 4, np.uint32(5))
            for parallel in (False, True)
        ]
        np.testing.assert_array_equal(*results)

    def test_only_used_stencils_are_computed(self):
        from equations.backends.fused import kernel_source

        source = kernel_source(make_rule({"u": "-u*v^2 + u_lap", "v": "u*v^2"}))
        assert "f_u_lap" in source
        assert "f_u_dx" not in source
        assert "f_v_lap" not in source
        assert source.count("f_v * f_v") == 2  # once in the edge columns, once inside

    def test_the_processor_is_left_as_it_was(self):
        """Subnormal numbers are flushed inside the kernel only."""
        self.run(RULES["clamp"], np.ones((2, 8, 8), np.float32), n=3)
        assert (np.full(3, 1e-38, np.float32) * np.float32(0.1) > 0).all()

    def test_decaying_states_do_not_crawl(self):
        rule = make_rule({"u": "-0.5*u"})
        state = np.full((1, 4, 4), 1e-36, np.float32)
        np.testing.assert_allclose(self.run(rule, state, n=100), 0, atol=2e-38)


class TestTorch(BackendConformance):
    name = "torch"
    exact = False


def test_registry():
    assert set(backend_names()) == {"reference", "numba", "torch"}
    for name in ("auto", *backend_names()):
        assert callable(get_backend(name).make_stepper)
    with pytest.raises(InputError, match='did you mean "numba"'):
        get_backend("numbra")
