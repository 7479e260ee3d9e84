"""Every backend equals the NumPy reference: one conformance class, inherited by each."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from equations import models
from equations.backends import BACKENDS, get_backend, resolve
from equations.backends.reference import step as reference_step
from equations.errors import DivergenceError, InputError
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, Kernel, Stencil, nca_stencils
from equations.simulation import simulate
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
    """Inherit, set `name`, and the backend gets its tests.

    exact: whether polynomials give the reference's bits. options: further arguments of `make_stepper`.
    """

    name = "reference"
    exact = True
    options: Mapping[str, Any] = {}

    def run(
        self,
        rule: Rule,
        state: np.ndarray,
        step0: int = 0,
        n: int = 1,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> np.ndarray:
        return get_backend(self.name).make_stepper(rule, dtype, **self.options)(state, step0, n, seed)

    @pytest.mark.parametrize(
        ("label", "dtype"),
        [(label, np.float32) for label in RULES]
        + [(label, np.float64) for label in ("division", "powers", "guards", "extrema", "functions")],
    )
    def test_equals_the_reference(self, label: str, dtype: npt.DTypeLike) -> None:
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
    def test_mask_is_bit_for_bit(self, rate: float, mask: str) -> None:
        rule = make_rule({"u": "1", "v": "2"}, update_rate=rate, mask=mask)
        state = np.zeros((2, 33, 20), np.float32)
        for seed, step in ((0, 0), (1, 5), (2**32 - 1, 2**31 + 3), (12345, 2**32 - 5)):
            got = self.run(rule, state, step, 1, seed)
            np.testing.assert_array_equal(got, reference_step(rule, state, step=step, seed=seed))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (2, 3), (3, 3), (7, 64)])
    def test_tiny_grids_wrap(self, shape: tuple[int, int]) -> None:
        rule = RULES["many channels"]
        state = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
        np.testing.assert_allclose(self.run(rule, state), reference_step(rule, state, step=0, seed=0), atol=2e-6)

    def test_many_steps_are_single_steps(self) -> None:
        rule = RULES["cell mask"]
        state = np.random.default_rng(0).normal(size=(2, 9, 9)).astype(np.float32)
        single = state
        for index in range(5):
            single = self.run(rule, single, 40 + index, 1, 3)
        np.testing.assert_array_equal(self.run(rule, state, 40, 5, 3), single)

    def test_the_argument_is_left_alone(self) -> None:
        state = np.ones((2, 8, 8), np.float32)
        for n in (0, 1, 2, 3):
            result = self.run(RULES["clamp"], state, 0, n)
            assert (state == 1).all()
            result[:] = 5
            assert (state == 1).all()

    def test_shift_commutes_with_a_step(self) -> None:
        rule = RULES["many channels"].replace(update_rate=1.0)
        state = np.random.default_rng(5).normal(size=(3, 16, 18)).astype(np.float32)
        moved = np.roll(state, (3, 5), (1, 2))
        got = self.run(rule, moved, n=3)
        np.testing.assert_allclose(got, np.roll(self.run(rule, state, n=3), (3, 5), (1, 2)), atol=1e-6)
        masked = rule.replace(update_rate=0.5)  # the guard can fail: a mask is tied to its cells
        assert not np.allclose(self.run(masked, moved), np.roll(self.run(masked, state), (3, 5), (1, 2)))

    def test_pure_diffusion_conserves_mass(self) -> None:
        rule = make_rule({"u": "0.2*u_lap"})
        state = np.random.default_rng(0).random((1, 20, 20))
        after = self.run(rule, state, n=50, dtype=np.float64)
        assert after.std() < 0.2 * state.std()
        assert abs(after.sum() - state.sum()) < 1e-10
        assert abs(self.run(make_rule({"u": "0.2*u_dx + 0.01"}), state, n=50, dtype=np.float64).sum() - state.sum()) > 1

    def test_scratch_saves_memory_and_changes_nothing(self) -> None:
        rule = RULES["gray-scott"]
        start = simulate(rule, size=(20, 24), steps=0, backend="reference")[0]
        for n in (0, 1, 4):
            state, scratch = start.copy(), np.empty_like(start)
            got = get_backend(self.name).make_stepper(rule)(state, 0, n, 9, scratch)
            np.testing.assert_array_equal(got, self.run(rule, start, 0, n, 9))

    def test_divergence_names_step_channel_and_cell(self) -> None:
        rule = make_rule({"u": "v", "v": "4*v"})  # v grows fivefold, and is first beyond 1e6 where it began largest
        state = np.zeros((2, 40, 30), np.float32)
        state[1, 3, 17], state[1, 20, 5] = 1.0, 0.5
        with pytest.raises(DivergenceError) as caught:
            self.run(rule, state, 100, 50)
        wanted = (100 + 9, "v", 3, 17)
        assert (caught.value.step, caught.value.channel, caught.value.y, caught.value.x) == wanted
        assert 5**8 < 1e6 < 5**9

    @pytest.mark.parametrize("label", ["division", "guards", "extrema", "clamp"])
    def test_nan_is_not_hidden(self, label: str) -> None:
        state = np.zeros((2, 6, 5), np.float32)
        state[:, 2, 3] = np.nan
        with pytest.raises(DivergenceError) as caught:
            self.run(RULES[label], state, 0, 3)
        assert (caught.value.step, caught.value.channel) == (1, "u")

    def test_polynomials_give_the_same_bits(self) -> None:
        if not self.exact:
            pytest.skip("this backend may round differently")
        rule = RULES["gray-scott"].replace(update_rate=0.5)
        state = simulate(rule, size=(20, 24), steps=0, backend="reference")[0]
        np.testing.assert_array_equal(
            self.run(rule, state, 0, 25, 9), get_backend("reference").make_stepper(rule)(state, 0, 25, 9)
        )


class TestReference(BackendConformance):
    name = "reference"


class TestLLVM(BackendConformance):
    name = "llvm"
    exact = False  # products and sums are rounded once where the processor can

    @pytest.mark.parametrize("shape", [(40, 31), (16, 5), (33, 1), (129, 70)])
    def test_threads_and_fused_steps_change_no_byte(self, shape: tuple[int, int]) -> None:
        from equations.backends.llvm import steppers

        rule = RULES["cell mask"]
        state = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
        plain = steppers.KernelSettings(fuse=1)
        wanted = steppers.make_stepper(rule, threads=1, settings=plain)(state, 3, 11, 5)
        for fuse in (1, 2, 3, 8):
            settings = steppers.KernelSettings(fuse=fuse)
            for threads in (1, 2, 5):
                got = steppers.make_stepper(rule, threads=threads, settings=settings)(state, 3, 11, 5)
                np.testing.assert_array_equal(got, wanted)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("label", RULES)
    def test_the_width_of_registers_changes_no_byte(self, label: str, dtype: npt.DTypeLike) -> None:
        """The inner loop, several cells at a time, beside the same loop cell by cell."""
        from equations.backends.llvm import steppers

        rule = RULES[label]
        states = [np.random.default_rng(0).normal(0, 0.6, (len(rule.channels), 5, w)).astype(dtype) for w in (19, 58)]
        got = [self.run(rule, state, 7, 1, 11, dtype) for state in states]
        self.options = {"settings": steppers.KernelSettings(vector_bytes=np.dtype(dtype).itemsize)}
        for state, new in zip(states, got, strict=True):
            np.testing.assert_array_equal(new, self.run(rule, state, 7, 1, 11, dtype))

    def test_a_long_run_is_many_calls(self) -> None:
        from equations.backends.llvm import steppers

        state = np.random.default_rng(0).normal(size=(2, 20, 20)).astype(np.float32)
        wanted = self.run(RULES["cell mask"], state, 0, 23, 1)
        self.options = {"settings": steppers.KernelSettings(chunk_updates=5 * 400)}
        np.testing.assert_array_equal(self.run(RULES["cell mask"], state, 0, 23, 1), wanted)

    @pytest.mark.parametrize(("threads", "w", "x"), [(1, 8, 2), (3, 8, 2), (1, 75, 0), (2, 75, 37), (1, 75, 73)])
    def test_divergence_is_found_inside_fused_steps(self, threads: int, w: int, x: int) -> None:
        rule = make_rule({"u": "4*u", "v": "0"})
        state = np.zeros((2, 200, w), np.float32)
        state[0, 150, x] = 1
        stepper = get_backend("llvm").make_stepper(rule, threads=threads)
        for start in range(9):  # at every place of a pass
            with pytest.raises(DivergenceError) as caught:
                stepper(state * np.float32(5**start), 0, 30, 0)
            assert (caught.value.step, caught.value.y, caught.value.x) == (9 - start, 150, x)

    def test_blocks_are_parts_of_the_whole(self) -> None:
        from equations.backends.llvm import steppers

        rule = RULES["channel mask"]
        state = np.random.default_rng(0).normal(size=(2, 24, 30)).astype(np.float32)
        for n in (0, 1, 5):
            whole = self.run(rule, state, 7, n, 3)
            ys, xs = np.arange(-n, 11 + n) % 24, np.arange(13 - n, 30 + n) % 30  # over an edge on both sides
            block = steppers.make_block_stepper(rule, threads=2)
            got = block(state[:, ys][:, :, xs], ys.astype(np.uint32), xs.astype(np.uint32), 7, n, 3)
            np.testing.assert_array_equal(got, whole[:, :11, 13:])

    def test_a_block_says_where_in_the_grid_it_diverged(self) -> None:
        from equations.backends.llvm import steppers

        state = np.zeros((2, 10, 12), np.float32)
        state[0, 6, 7] = np.inf
        rows, columns = np.arange(100, 110, dtype=np.uint32), np.arange(200, 212, dtype=np.uint32)
        with pytest.raises(DivergenceError) as caught:
            steppers.make_block_stepper(RULES["clamp"].replace(clamp=None))(state, rows, columns, 4, 2, 0)
        assert (caught.value.step, caught.value.y, caught.value.x) == (5, 106, 207)

    def test_processors_without_fused_rounding(self) -> None:
        from equations.backends.llvm import steppers
        from equations.backends.llvm.kernel import kernel_ir

        self.options = {"settings": steppers.KernelSettings(rounds_once=False)}
        for label in ("many channels", "functions"):
            assert "@llvm.fma" not in kernel_ir(RULES[label], "float32", False).split("@interior")[1]
            self.test_equals_the_reference(label, np.float32)

    @pytest.mark.parametrize("shape", [(12, 17), (1, 1), (3, 2)])
    @pytest.mark.parametrize("kernel", [((1, 2, 3), (4, 5, 6), (7, 8, 9)), ((1, 0, -1), (2, 0.5, 0), (-1, 0, 1))])
    def test_stencils_that_share_column_sums(self, kernel: Kernel, shape: tuple[int, int]) -> None:
        rule = make_rule({"u": "0.1*u_lap - u_dx + u_dy + 0.02*u_odd"}, (*nca_stencils(4), Stencil("odd", kernel)))
        state = np.random.default_rng(0).normal(size=(1, *shape))
        wanted = reference_step(rule, state, step=0, seed=0)
        np.testing.assert_allclose(self.run(rule, state, dtype=np.float64), wanted, rtol=1e-13, atol=1e-13)

    def test_only_used_stencils_are_computed_and_equal_parts_once(self) -> None:
        from equations.backends.llvm.kernel import kernel_ir

        rule = make_rule({"u": "-u*v^2 + u_lap", "v": "u*v^2"})
        inner = kernel_ir(rule, "float32").split("@interior")[1].split("define")[0]
        assert inner.count("load float") == 9 + 1  # u around the cell, v in it
        assert inner.count("fmul") == 1 + 2  # the stencil's first weight, and u·v²
        assert inner.count("llvm.fma") == 2 + 2  # its other weights, and old + dt · change

    def test_a_feature_is_used_while_it_is_there(self) -> None:
        """Sums of all channels grow feature by feature."""
        from equations.backends.llvm.kernel import kernel_ir

        names = ("a", "b", "c", "d")
        rule = make_rule(
            {name: " + ".join(f"0.{i + 1}*{other}_lap" for i, other in enumerate(names)) for name in names}
        )
        inner = kernel_ir(rule, "float32").split("@interior")[1].split("define")[0]
        places = [inner.index(f"ptr %below_{index},") for index in range(len(names))]  # the loads of each feature
        sums = [place for place in range(len(inner)) if inner.startswith("call float @llvm.fma", place)]
        assert places == sorted(places)
        assert sum(place < places[3] for place in sums) > len(sums) / 2

    def test_the_processor_is_left_as_it_was(self) -> None:
        """Subnormal numbers are flushed inside the kernel only."""
        self.run(RULES["clamp"], np.ones((2, 8, 8), np.float32), n=3)
        assert (np.full(3, 1e-38, np.float32) * np.float32(0.1) > 0).all()

    def test_decaying_states_do_not_crawl(self) -> None:
        rule = make_rule({"u": "-0.5*u"})
        state = np.full((1, 4, 4), 1e-36, np.float32)
        np.testing.assert_allclose(self.run(rule, state, n=100), 0, atol=2e-38)

    def test_a_system_without_threads_says_so_and_leaves_nothing_running(self, monkeypatch: pytest.MonkeyPatch) -> None:

        from equations.backends.llvm import steppers

        started, start = [], threading.Thread.start

        def refuse_the_third(thread: threading.Thread) -> None:
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
            started.append(thread)
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refuse_the_third)
        stepper = steppers.make_stepper(RULES["clamp"], threads=4)
        with pytest.raises(InputError, match="fewer than 4 threads"):
            stepper(np.zeros((2, 64, 64), np.float32), 0, 1000, 0)
        assert len(started) == 2
        assert not any(thread.is_alive() for thread in started)

    def test_arrays_that_compiled_code_must_not_touch(self) -> None:
        from equations.backends.llvm import steppers

        stepper = steppers.make_stepper(RULES["clamp"])
        state = np.zeros((2, 8, 8), np.float32)
        for bad in (np.zeros((3, 8, 8), np.float32), np.zeros((8, 8), np.float32), np.zeros((2, 0, 8), np.float32)):
            with pytest.raises(InputError, match="2 channels"):
                stepper(bad, 0, 1, 0)
        for scratch in (state.astype(np.float64), state[:, :4], state[:, ::2], state.swapaxes(1, 2)):
            with pytest.raises(InputError, match="contiguous float32"):
                stepper(state, 0, 1, 0, scratch)
        with pytest.raises(InputError, match="of its own"):
            stepper(state, 0, 1, 0, state)
        block, places = steppers.make_block_stepper(RULES["clamp"]), np.arange(8, dtype=np.uint32)
        with pytest.raises(InputError, match="7 columns"):
            block(state, places, places[:7], 0, 1, 0)
        with pytest.raises(InputError, match="more than 8 cells"):
            block(state, places, places, 0, 4, 0)

    @pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
    def test_threads_are_checked(self, threads: object) -> None:
        with pytest.raises(InputError, match="number of threads"):
            get_backend("llvm").make_stepper(RULES["clamp"], threads=threads)


class TestTorch(BackendConformance):
    name = "torch"


def test_registry() -> None:
    assert set(BACKENDS) == {"reference", "llvm", "torch"}
    assert resolve("auto") == resolve("numba") == "llvm"
    for name in ("auto", *BACKENDS):
        assert callable(get_backend(name).make_stepper)
    with pytest.raises(InputError, match='did you mean "llvm"'):
        get_backend("lvm")
