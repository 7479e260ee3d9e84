"""What every entry of the catalogue promises: complete, documented, repeatable, stable."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest

from equations import models
from equations.backends.reference import step
from equations.errors import InputError
from equations.models import Model
from equations.models.model import Preset, shown, with_laplacian
from equations.rule.init import Init
from equations.rule.rulefile import rule_from_dict, rule_to_text
from equations.rule.stencils import LAP5
from equations.simulation import Simulator, simulate

ALL = {name: models.load(name) for name in models.names()}
PRESETS = [f"{name}:{preset}" for name, model in ALL.items() for preset in model.presets]
WORDS = re.compile(r"[A-Za-z]\w*")
EXPECTED = (
    "gray-scott fitzhugh-nagumo brusselator schnakenberg gierer-meinhardt lambda-omega barkley oregonator "
    "lengyel-epstein allen-cahn fisher-kpp swift-hohenberg turing may-leonard"
)
PEARSON = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi"


def test_the_catalogue() -> None:
    assert " ".join(models.names()) == EXPECTED
    assert set(ALL["gray-scott"].presets) >= {*PEARSON.split(), "mitosis", "coral", "u-skate"}
    for model in ALL.values():
        assert len(model.presets) >= 2


@pytest.mark.parametrize("model", ALL.values(), ids=ALL)
def test_an_entry_is_complete(model: Model) -> None:
    assert models.load(model.name) is model
    assert model.title
    assert model.about.endswith(".")
    assert re.search(r"\((19|20)\d\d\)", model.citation), "a citation has a year"
    assert model.latex.count("{") == model.latex.count("}")
    one_line = model.name in ("lambda-omega", "swift-hohenberg")  # one equation for two channels
    assert model.latex.count(r"\partial_t") == (1 if one_line else len(model.channels))
    assert set(model.meaning) == set(model.parameters)
    assert all(len(text) > 5 for text in model.meaning.values())
    used = set(WORDS.findall(" ".join(model.equations.values())))
    assert set(model.parameters) <= used, "a parameter that no equation uses"
    for preset in model.presets.values():
        assert set(preset.values) <= set(model.parameters)
        assert 5 < len(preset.about) <= 80
        assert 0 < preset.steps <= 20_000


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_runs_and_repeats(name: str) -> None:
    rule = models.get(name)
    assert rule_from_dict(json.loads(rule_to_text(rule))) == rule
    assert rule.init is not None
    assert rule.display is not None
    assert rule.provenance["preset"] == name.partition(":")[2]
    frames = simulate(rule, size=(24, 28), steps=200, every=100, seed=1, backend="reference")
    assert np.abs(frames).max() < 100
    assert not np.array_equal(frames[0], frames[1])
    again = simulate(rule, size=(24, 28), steps=100, every=100, seed=1, backend="reference")
    np.testing.assert_array_equal(frames[1], again[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_stable_for_20000_steps(name: str) -> None:
    model = ALL[name.partition(":")[0]]
    preset = model.preset(name.partition(":")[2])
    simulator = Simulator(models.get(name), size=128, seed=preset.seed)
    for _ in range(20):
        simulator.step(1000)  # raises DivergenceError
        assert np.abs(simulator.state).max() < 20


@pytest.mark.parametrize("model", ALL.values(), ids=ALL)
def test_a_step_too_long_would_be_seen(model: Model) -> None:
    """The guard above can fail: every model blows up, or leaves its usual range, with a step far too long."""
    rule = model.rule().replace(dt=30 * model.dt if model.name != "fisher-kpp" else 4.0, clamp=None)
    state = np.random.default_rng(0).uniform(0.1, 0.9, (len(rule.channels), 8, 8))
    for index in range(200):
        state = step(rule, state, step=index, seed=0)
        if not np.abs(state).max() < 20:
            return
    pytest.fail("the model stays bounded")


TINY = Model(
    name="tiny",
    title="Tiny",
    about="Diffusion and decay.",
    channels=("u",),
    equations={"u": "D*u_lap - (k - k*dt)*u"},
    parameters={"D": 0.1, "k": 2.0},
    meaning={"D": "diffusion", "k": "decay"},
    presets={
        "slow": Preset("slow decay", {"k": 1.0}),
        "fast": Preset("fast decay", steps=5, seed=3, init=Init("noise", (7.0,), (0.0,)), display=shown("u", 1.0, 3.0)),
    },
    init=Init("noise", (1.0,), (0.0,)),
    display=shown("u", 0.0, 1.0),
    citation="Nobody (2000)",
    latex="u",
    dt=0.5,
    dx=2.0,
    stencils=with_laplacian(2.0),
)


def test_presets_and_parameters() -> None:
    assert str(TINY.rule("fast").updates["u"]) == "-u + 0.1*u_lap"  # k - k dt = 2 - 2/2
    assert TINY.rule() == TINY.rule("slow")
    assert TINY.values() == {"D": 0.1, "k": 1.0}
    assert TINY.values("fast", D=3) == {"D": 3, "k": 2.0}
    assert TINY.rule("slow").init == TINY.init
    assert TINY.rule("fast").init == Init("noise", (7.0,), (0.0,))
    assert TINY.rule("fast").provenance == {
        "model": "tiny", "preset": "fast", "parameters": {"D": 0.1, "k": 2.0}, "dx": 2.0, "steps": 5, "seed": 3,
        "size": 192, "citation": "Nobody (2000)",
    }  # fmt: skip
    for call in (TINY.rule, TINY.values, TINY.preset):
        with pytest.raises(InputError, match='did you mean "slow"'):
            call("sloww")
    with pytest.raises(InputError, match=r"no parameter 'q'; expected D, k"):
        TINY.rule(q=1)
    with pytest.raises(InputError, match='did you mean "D"'):
        TINY.check_parameters(["k", "d"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        TINY.dt = 1.0  # type: ignore[misc]


def test_shown_and_with_laplacian() -> None:
    display = shown("u", 1.0, 3.0, "grey")
    assert (display.offset, display.scale, display.colormap) == (-0.5, 0.5, "grey")
    assert str(shown("u", 0.0, 2.0).offset) == "0.0"
    identity, lap = with_laplacian(0.5)
    assert (identity.name, lap.name) == ("id", "lap")
    assert lap.kernel[1] == (4.0, -16.0, 4.0)
    assert with_laplacian()[1].kernel == LAP5.kernel
