"""Every name on a rule that has earned it; and thresholds where theory puts them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from equations import models
from equations.analysis.analysis import Analysis, analyze
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, Stencil
from tests.test_equations.helpers import make_rule

PLAIN = (STENCILS["id"], Stencil("lap", STENCILS["lap5"].kernel))


def read(rule: Rule, size: int = 32) -> Analysis:
    return analyze(rule, size=size, run=False)


def rule_of(updates: dict[str, str], dt: float = 0.05, **settings: object) -> Rule:
    settings.setdefault("init", Init("noise", (0.5,) * len(updates), (0.1,) * len(updates)))
    return make_rule(updates, PLAIN, dt=dt, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("gray-scott:coral", "Turing"), ("gray-scott:alpha", "excitable"), ("gray-scott:mu", "excitable"),
        ("gray-scott:u-skate", "bistable"), ("fitzhugh-nagumo:spirals", "excitable"),
        ("fitzhugh-nagumo:labyrinth", "bistable"), ("fitzhugh-nagumo:stripes", "Turing"),
        ("brusselator:holes", "Turing"), ("schnakenberg:spots", "Turing"), ("gierer-meinhardt:spots", "Turing"),
        ("lambda-omega:spirals", "Hopf"), ("lambda-omega:frozen", "Hopf"), ("barkley:spirals", "excitable"),
        ("oregonator:broad", "Hopf"), ("lengyel-epstein:stripes", "Turing"), ("allen-cahn:nuclei", "bistable"),
        ("fisher-kpp:front", "monostable"), ("swift-hohenberg:stripes", "Turing"), ("turing:dapple", "Turing"),
        ("may-leonard:spirals", "unstable"),
    ],
)  # fmt: skip
def test_the_catalogue_is_read_as_in_the_literature(preset: str, name: str) -> None:
    found = read(models.get(preset))
    assert found.verdict.name == name
    assert found.verdict.reason


def threshold(name_at: Callable[[float], str], low: float, high: float, wanted: str) -> float:
    """The parameter at which the verdict becomes `wanted`, by bisection."""
    assert name_at(low) != wanted
    assert name_at(high) == wanted
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if name_at(middle) == wanted else (middle, high)
    return high


@pytest.mark.slow
def test_the_turing_threshold_of_the_brusselator() -> None:
    model, wanted = models.load("brusselator"), (1 + 4.5 * math.sqrt(2 / 16)) ** 2
    found = threshold(lambda B: read(model.rule(None, B=B), 128).verdict.name, 5, 9, "Turing")
    assert found == pytest.approx(wanted, rel=2e-3)


def test_the_threshold_is_that_of_the_grid_where_the_equation_wants_waves_below_two_cells() -> None:
    """det(J − q D) = 0 at q = 8, the largest −∇² there is, and not at q = 19 where the equation would have it."""
    model = models.load("brusselator")
    rule = [model.rule(None, A=3, Du=0.05, Dv=0.5, B=B) for B in (4.54, 4.56)]
    assert pytest.approx(4.55) == 1 + 9 * 0.1 + 9 / (0.5 * 8) + 0.05 * 8
    below, above = (read(law, 16) for law in rule)
    assert (below.verdict.name, above.verdict.name) == ("monostable", "Turing")
    assert [r.grid.name for r in above.readings if r.grid] == ["grid-scale growth"]
    assert above.headline == "Turing; grid instability: grid-scale growth"


@pytest.mark.slow
def test_the_hopf_threshold_of_the_brusselator_and_its_frequency() -> None:
    """With equal diffusion: oscillations from B = 1 + A², of frequency A; explicit steps advance it by A² dt."""
    model = models.load("brusselator")
    found = threshold(lambda B: read(model.rule(None, Du=1, Dv=1, A=1, B=B), 16).verdict.name, 1.5, 2.5, "Hopf")
    assert found == pytest.approx(2, rel=0.01)
    near = read(model.rule(None, Du=1, Dv=1, A=1, B=2.02), 16)
    assert near.reading is not None
    assert near.reading.relation.uniform()[0].frequency == pytest.approx(1, rel=0.01)
    assert 2 * math.pi / min(near.reading.cycles) == pytest.approx(1, rel=0.02)


def test_a_cycle_has_the_frequency_of_theory() -> None:
    """λ–ω by explicit steps: |1 + dt (λ + iω)| = 1 on the cycle, ω = −c r², λ = 1 − r²."""
    found = read(models.get("lambda-omega"))
    dt = 0.03
    r2 = min(root.real for root in np.roots([2 * dt, -2 - 2 * dt, 2 + dt]) if abs(root.imag) < 1e-12)
    assert found.reading is not None
    period = 2 * math.pi / (math.atan2(dt * r2, 1 + dt * (1 - r2)) / dt)
    assert min(found.reading.cycles) == pytest.approx(period, rel=2e-3)


def test_turing_hopf() -> None:
    model = models.load("brusselator")
    found = read(model.rule(None, Du=2, Dv=16, A=2, B=5.3))  # beyond both (1 + 2/√8)² = 2.9 and 1 + A² = 5
    assert found.verdict.name == "Turing-Hopf"
    assert found.predicted is not None


def test_an_oscillating_instability_of_waves() -> None:
    """u and v oscillate and grow by themselves; w, fast and far-reaching, damps only what is uniform."""
    updates = {"u": "0.1*u_lap + 1.5*u - 4*v - 1.2*w - u^3", "v": "u - v", "w": "30*w_lap + 10*(u - w)"}
    found = read(rule_of(updates, 0.004))
    assert found.verdict.name == "wave"
    assert "oscillating waves" in found.verdict.reason
    assert found.reading is not None
    assert found.reading.best is not None
    assert found.reading.best.oscillates
    assert found.predicted is not None


def test_neutral_and_diffusing() -> None:
    found = read(rule_of({"u": "0.2*u_lap"}, 1.0))
    assert found.verdict.name == "neutral"
    assert "no wave grows there" in found.verdict.reason
    assert found.predicted is None


def test_a_slow_oscillation_and_a_centre() -> None:
    slow = read(
        rule_of({"u": "0.001*u - 2*v - u^3", "v": "2*u - v^3"}, 0.0002, init=Init("noise", (0.0, 0.0), (0.1, 0.1)))
    )
    assert slow.verdict.name == "Hopf"
    assert "angular frequency 2 grow" in slow.verdict.reason
    rest = read(rule_of({"u": "v", "v": "-v^3", "w": "-w"}))
    assert rest.verdict.name == "neutral"


def test_unstable_and_running_away() -> None:
    found = read(rule_of({"u": "u + 0.1*u_lap", "v": "v + u + 0.1*v_lap"}))
    assert found.verdict.name == "unstable"
    assert "run away" in found.verdict.reason


def test_no_fixed_point() -> None:
    for update, said in (("1 + u^2", "there is no uniform state at rest"), ("exp(u)", "was found in")):
        found = read(rule_of({"u": update}))
        assert found.verdict.name == "undecided"
        assert said in found.verdict.reason
        assert found.reading is None


def test_a_flip_of_the_time_step_is_no_oscillation() -> None:
    """u ← u² − 0.9 by steps of 1 goes back and forth between two values, and the law itself rests."""
    found = read(rule_of({"u": "u^2 - 0.9 - u", "v": "-0.5*v"}, 1.0))
    assert found.verdict.name == "monostable"
    assert found.headline == "monostable; grid instability: overshoot"


def test_a_kink_is_no_place_to_linearise() -> None:
    found = read(rule_of({"u": "-u + abs(u_lap) + 0.1*v", "v": "-v"}))
    assert found.verdict.name == "undecided"
    assert "kink in u_lap" in found.verdict.reason


def test_of_many_channels_no_name_is_given_but_numbers_are() -> None:
    names = ("r", "g", "b", "h3", "h4", "h5")
    rule = rule_of(
        {name: f"-0.1*{name} + 0.2*{name}_lap + 0.05*abs({names[i - 1]}_lap)" for i, name in enumerate(names)}
    )
    found = read(rule)
    assert found.verdict.name == "undecided"
    assert "6 channels" in found.verdict.reason
    notes = " ".join(found.verdict.notes)
    assert "there may be more" in notes
    assert "kink in" in notes
    assert len(found.readings) == 1


def test_notes_say_what_a_mask_and_a_clamp_do() -> None:
    rule = rule_of(
        {"u": "u - 0.5", "v": "-v"}, update_rate=0.5, clamp=(0.0, 1.0), init=Init("noise", (0.6, 0.1), (0.1, 0.1))
    )
    notes = " ".join(read(rule).verdict.notes)
    assert "0.5 of the steps" in notes
    assert "the clamp holds u" in notes
    assert read(rule).verdict.name == "bistable"
