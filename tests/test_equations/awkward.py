"""Rules that printers stumble over, and the tests that every printer of runnable code gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations import models
from equations.rule.display import render
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.rule.stencils import STENCILS, Stencil, nca_stencils
from equations.simulation import simulate
from tests.test_equations.helpers import in_colours, make_rule

State = np.ndarray
Run = Callable[[tuple[int, int], int, int], State]  # ((h, w), steps, seed) → the state (channel, h, w)

RGB = ("r", "g", "b")
SIXTEEN = (*RGB, *(f"h{index}" for index in range(3, 16)))
LONG = "a_very_long_name_that_no_short_identifier_could_ever_hold"
WIDE = " + ".join(f"{0.001 * k:.3f}*(u - {k})^2*max(v, {k / 100})*1e-4" for k in range(1, 90))

# arithmetic that has one right answer: the same bits everywhere
EXACT: dict[str, Rule] = {
    "gray-scott": models.get("gray-scott:coral"),
    "division": make_rule(
        {"u": "0.01*u/v - 0.1*u/(u*u + 0.1)", "v": "inv(u)*0.001 - 0.1*v + 1e-9/(v - v^3)"}, dt=0.3, clamp=(-2, 2)
    ),
    "division by nothing": make_rule(
        {"u": "1e-10*u_lap^-8 - 0.1*u", "v": "1e-10*v^-7 + 1e-11/w - 0.1*v", "w": "0.001*v^5"},
        init=Init("noise", (0, 0, 0), (0.2, 0.2, 0)),
    ),
    "powers": make_rule(
        {"u": "0.01*u^3 - u^5*v^-2*1e-3 + v^-3*1e-4", "v": "v^0.5 - u^-0.5*1e-3 + u_lap^8 - (u*v)^7"},
        dt=0.05, clamp=(-1.5, 1.5),
    ),
    "extrema": make_rule(
        {"u": "max(u, v, -0.3) - relu(u_f7)", "v": "min(u, v, max(u_dx, 0.5)) - abs(v)*u - 1"}, dt=0.1, clamp=(-3, 3)
    ),
    "signs": make_rule(
        {"u": "-(-u - 0.25*v) - 1/3*u*u + 1e-42", "v": "-0.1*(-(v - u)) - (2/3)*v^3"}, dt=0.1, clamp=(-2, 2)
    ),
    "constant": make_rule({"u": "0.25", "v": "0"}),
    "shared parts": make_rule({"u": "-u*v^2 + (u+v)^3", "v": "u*v^2 - (u+v)^3*0.5"}, dt=0.02, clamp=(-1, 1)),
    "wide": make_rule({"u": WIDE, "v": f"-({WIDE})*0.5 - 0.1*v"}, clamp=(-2, 2), dt=0.5),
    "cell mask": make_rule({"u": "u_lap + 0.1*v", "v": "-u"}, update_rate=0.5, clamp=(-1, 1)),
    "channel mask": make_rule(
        {"u": "u_lap + 0.1*v", "v": "-u"}, update_rate=0.3, mask="channel", dt=0.7, clamp=(-1, 1)
    ),
    "rare mask": make_rule({"u": "1", "v": "1"}, update_rate=1e-9, mask="channel", init=None, dt=1e-20),
    "endless clamp": make_rule({"u": "-0.1*u", "v": "0.1*u_lap"}, clamp=(-1e300, 1e300)),
    "half a clamp": make_rule({"u": "-0.1*u", "v": "u"}, clamp=(-1e300, 0.125)),
    "sixteen channels": make_rule(
        {c: f"0.1*{c}_lap - 0.3*abs({c}_dx)*r + 0.05*{c}_f5 - 0.2*{d}_moore*{d}"
         for c, d in zip(SIXTEEN, SIXTEEN[1:] + SIXTEEN[:1], strict=True)},
        nca_stencils(6), update_rate=0.5, mask="channel", clamp=(-1, 1), display=Display(RGB, offset=0.5),
    ),
    "random stencils": make_rule(
        {c: " + ".join(f"0.01*{c}_f{n}" for n in range(5, 20)) + " - 0.1*g_dy*b_dx - 0.01*r" for c in RGB},
        nca_stencils(20), clamp=(-1, 1), display=Display(("b", "r", "g"), scale=0.7, offset=0.4),
    ),
    "empty stencils": make_rule(
        {"u": "u_none + u_id2 - 1.1*u + abs(u_none)/(u_none + 2)"},
        (STENCILS["id"], Stencil("none", ((0,) * 3,) * 3), Stencil("id2", STENCILS["id"].kernel)),
    ),
    "awkward names": make_rule(
        {"t0": "-t0*x*0.1", "x": "t0_lap", "row": "int*0.1", "int": "row - plane", "plane": "-column", "column": "t0*x",
         "my__c": f"x - my__c + {LONG}_lap", LONG: "0.1*my__c", "new": "s0 - t0_", "s0": "-new", "t0_": "-t0__lap"},
        dt=0.1,
    ),
    "no init": make_rule({"u": "0.2*u_lap - 0.1*u", "v": "0.5"}, update_rate=0.5, init=None),
    "small square": make_rule(
        {"u": "0.1*u_lap", "v": "0.1*v_lap"}, init=Init("square", (1, -0.5), (0, 0.25), (-2, 3), square_fraction=0.01),
        display=Display(("v",), scale=-0.5, offset=0.5, colormap="viridis"),
    ),
    "spots": make_rule(
        {"u": "0.1*u_lap", "v": "0.1*v_lap"}, init=Init("spots", (1, 0), (0.5, 0), (-2, 3), 0.3, spots=7), display=None
    ),
    "large spots": make_rule({"u": "0.1*u_lap"}, init=Init("spots", (1,), (0,), (-2,), 1.0, spots=1)),
    "cross": make_rule(
        {c: f"0.1*{c}_lap" for c in RGB}, init=Init("cross", (0, 1, 2), (0, 0.1, 0), (-1, -2, -3)), display=None
    ),
}  # fmt: skip

# functions that each mathematics library rounds in its own way
ROUNDED: dict[str, Rule] = {
    "functions": make_rule(
        {"u": "tanh(u_lap) + sin(3*v) - cos(u*v)", "v": "abs(u) - abs(v_dx)*u"}, dt=0.02, clamp=(-2, 2)
    ),
    "guards": make_rule({"u": "sqrt(u) - sqrt(-v)", "v": "exp(100*u)*1e-34 - exp(-v)"}, dt=0.02, clamp=(-1, 1)),
    "saturated": make_rule({"u": "tanh(1000*u) - 0.5*u", "v": "tanh(-200*v)/exp(90*u)"}, dt=0.05, clamp=(-1, 1)),
}  # fmt: skip
AWKWARD = EXACT | ROUNDED

STILL = Init("noise", (0.0, 0.0), (2.0, 2.0))  # of both signs
# closed forms of colours; those of "functions" are rounded differently by each mathematics library
COLOURED: dict[str, Rule] = {
    "quadratic": in_colours(
        EXACT["gray-scott"], "0.2 + 1.1*u - 0.4*u*v + 0.1*u^2", "0.9 - 2.5*v", "u - v^2 + 3*u*v"
    ),
    "one channel": in_colours(make_rule({"u": "0.1*u_lap"}), "0.5 - 0.5*u", "0.3*u^3", "0.25"),
    "guards": in_colours(
        make_rule({"u": "0*u", "v": "0*v"}, init=STILL), "0.1*u/v - 1/(u - u^3)", "sqrt(u) + 0.1*v^-0.5 - u*v^3",
        "max(u, v, -0.25) - relu(-v)*abs(u) + min(u, 0.5)",
    ),
    "not finite": in_colours(
        make_rule({"u": "0*u", "v": "0*v"}, init=STILL), "(u + 1e5)^8*v", "(u + 1e5)^8 - (v + 1e5)^8", "u - v"
    ),
    "awkward names": in_colours(
        EXACT["awkward names"], f"0.5 + t0*x - {LONG}", "row - int*plane + column", "my__c + new*s0 - t0_"
    ),
    "sixteen channels": in_colours(EXACT["sixteen channels"], "0.5 - h3*h15", "r + h7 - h8^2", "b*g - abs(h4)"),
    "three channels": EXACT["random stencils"],
    "functions": in_colours(
        make_rule({"u": "0*u", "v": "0*v"}, init=STILL), "0.5 + 0.5*tanh(3*u*v)", "exp(-u) - exp(90*v)*1e-35",
        "sin(3*u) - cos(u*v)",
    ),
}  # fmt: skip

RUNS = (((11, 23), 20), ((3, 5), 4), ((1, 1), 3), ((1, 4), 3), ((5, 1), 3), ((2, 2), 3))


class PrinterConformance:
    """Inherit, write `build`, and a printer of runnable code is tested against the reference backend."""

    def build(self, rule: Rule, folder: Path) -> Run:
        """Print the rule, make it run, and return a function of size, steps and seed."""
        raise NotImplementedError

    @pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # NumPy, of a clamp beyond float32
    @pytest.mark.parametrize("label", AWKWARD)
    def test_equals_the_reference(self, label: str, tmp_path: Path) -> None:
        rule = AWKWARD[label]
        run = self.build(rule, tmp_path)
        for size, steps in RUNS:
            got, wanted = run(size, steps, 7), reference(rule, size, steps, 7)
            assert got.shape == wanted.shape
            assert np.isfinite(wanted).all()
            if label in EXACT:
                np.testing.assert_array_equal(got, wanted, err_msg=f"size {size}")
            else:
                np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5, err_msg=f"size {size}")

    def test_another_seed_is_another_run(self, tmp_path: Path) -> None:
        rule = EXACT["cell mask"]
        run = self.build(rule, tmp_path)
        for seed in (0, 1, 2**32 - 1):
            np.testing.assert_array_equal(run((6, 7), 5, seed), reference(rule, (6, 7), 5, seed))
        assert not np.array_equal(run((6, 7), 5, 0), run((6, 7), 5, 1))
        assert not np.array_equal(run((6, 7), 5, 0), run((6, 7), 4, 0))

    def test_nothing_is_shifted_or_swapped(self, tmp_path: Path) -> None:
        """The comparison can fail: a wrong channel, row or column shows."""
        state = self.build(EXACT["cross"], tmp_path)((6, 9), 0, 0)
        assert (np.roll(state, 1, 0) != state).any()
        assert (state[0, :, :4] == -1).all()
        assert (state[0, :, 4:] == 0).all()
        assert (state[1, :3] < -1).all()
        assert (state[1, 3:] > 0).all()


def check_picture(label: str, got: Any, state: State) -> None:
    """Compare a printer's picture (h, w, 3) with the library's; by one level where functions are rounded."""
    wanted = render(COLOURED[label], state)
    assert got.shape == wanted.shape
    assert len(np.unique(wanted)) > 2
    assert np.abs(got.astype(int) - wanted).max() <= (label == "functions")


def reference(rule: Rule, size: tuple[int, int], steps: int, seed: int) -> Any:
    """The last state (channel, h, w) of the reference backend."""
    return simulate(rule, size=size, steps=steps, every=max(1, steps), seed=seed, backend="reference")[-1]
