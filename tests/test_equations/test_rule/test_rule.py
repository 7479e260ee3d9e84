"""The rule: what it accepts, what it refuses and how it says so, equality, pickling."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import sympy

from equations import models
from equations.errors import InputError
from equations.rule.init import Init
from equations.rule.rule import Candidate, Display, Rule
from equations.rule.stencils import ID, LAP, STENCILS, Stencil
from equations.rule.symbols import symbol

U, V = symbol("u"), symbol("v")


def rule(**changes: Any) -> Rule:
    given = {"channels": ("u", "v"), "stencils": (ID, LAP), "updates": {"u": U - V, "v": symbol("v_lap")}}
    return Rule(**{**given, **changes})


def test_features_are_channel_major() -> None:
    assert rule().feature_names == ("u", "u_lap", "v", "v_lap")
    assert rule().used_features == ("u", "v", "v_lap")
    assert rule().terms() == {"u": 2, "v": 1}


def test_equality_and_hash() -> None:
    a, b = rule(), rule(updates={"v": sympy.Symbol("v_lap"), "u": sympy.Symbol("u") - sympy.Symbol("v")})
    assert a == b
    assert hash(a) == hash(b)
    assert a == a.replace(provenance={"by": "me"}, metrics={"loss": 1.0})
    for change in (
        {"dt": 0.5}, {"clamp": (-1, 1)}, {"update_rate": 0.5}, {"mask": "channel"}, {"channels": ("v", "u")},
        {"updates": {"u": U, "v": V}}, {"stencils": (ID, LAP, STENCILS["dx"])},
        {"display": Display(("u",))}, {"init": Init("noise", (0, 0), (1, 1))},
    ):  # fmt: skip
        assert a != a.replace(**change), change
    assert a != "a rule"


def test_is_frozen_and_copies() -> None:
    a = rule(provenance={"list": [1, 2]}, fronts={"u": [Candidate(1, 0.5, U, "sparse", 1)]})
    with pytest.raises(AttributeError):
        a.dt = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        a.updates["u"] = U  # type: ignore[index]
    for twin in (pickle.loads(pickle.dumps(a)), copy.deepcopy(a)):
        assert twin == a
        assert twin.provenance == a.provenance
        assert twin.fronts == a.fronts


def test_private_copies_of_mutable_arguments() -> None:
    notes = {"runs": [1]}
    a = rule(provenance=notes)
    notes["runs"].append(2)
    assert a.provenance["runs"] == [1]


def test_numpy_metrics_are_plain() -> None:
    a = rule(metrics={"r2": np.float32(0.5), "all": np.arange(3)})
    assert a.metrics == {"r2": 0.5, "all": [0, 1, 2]}


def test_the_message_for_a_wrong_name() -> None:
    with pytest.raises(InputError) as caught:
        rule(updates={"u": U, "v": symbol("u7_lap")})
    assert str(caught.value) == (
        'update of "v" uses u7_lap, but the rule\'s features are u, u_lap, v, v_lap (did you mean "u_lap"?)'
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": ()}, "1 to 256 channel names"),
        ({"channels": "uv"}, "1 to 256 channel names"),
        ({"channels": ("u", "u")}, "different channel names"),
        ({"channels": ("u", "sin")}, "reserved"),
        ({"channels": ("u", "lambda")}, "reserved"),
        ({"channels": ("u", "relu")}, "reserved"),
        ({"channels": ("u", "v'); import os")}, "letters, digits"),
        ({"channels": ("u", "_v")}, "starts with a letter"),
        ({"channels": ("u", "u_lap"), "updates": {"u": U, "u_lap": U}}, "two features would be called 'u_lap'"),
        ({"stencils": ()}, "1 to 64 stencils"),
        ({"stencils": (ID, "lap")}, "type Stencil"),
        ({"stencils": (ID, Stencil("id", LAP.kernel))}, "must be the identity"),
        ({"updates": {"u": U}}, "one update for each channel"),
        ({"updates": {"u": U, "v": V, "w": V}}, "one update for each channel"),
        ({"updates": {"u": U, "v": "v_lap"}}, 'update of "v".*parse_infix'),
        ({"updates": {"u": U, "v": sympy.log(V)}}, 'update of "v": unknown operator log'),
        ({"updates": {"u": U, "v": sympy.nan * V}}, "finite"),
        ({"dt": 0}, "dt above 0"),
        ({"dt": float("nan")}, "dt to be a finite number"),
        ({"dt": "1"}, "dt to be a finite number"),
        ({"clamp": (1, 1)}, "low < high"),
        ({"clamp": (0, float("inf"))}, "clamp to be a finite"),
        ({"clamp": 1}, "null or"),
        ({"update_rate": 0}, "update_rate above 0"),
        ({"update_rate": 1.5}, "update rate from 0 to 1"),
        ({"mask": "row"}, 'mask "cell" or "channel"'),
        ({"boundary": "zero"}, "periodic"),
        ({"init": Init("noise", (0,), (1,))}, "describes 1 channels, but the rule has 2"),
        ({"display": Display(("w",))}, "display shows 'w'"),
        ({"provenance": {"f": object()}}, "JSON data"),
        ({"metrics": {"loss": float("nan")}}, "JSON data"),
        ({"metrics": [1]}, "string keys"),
        ({"fronts": {"w": ()}}, "channels of the rule"),
        ({"fronts": {"u": (Candidate(1, 0.1, symbol("w"), "x", 1),)}}, "not a feature"),
    ],
)  # fmt: skip
def test_what_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        rule(**changes)


def test_bad_parts() -> None:
    for arguments in ((("u", "v"),), (("u",), float("nan")), (("u",), 0.0, 1.0, "jet")):
        with pytest.raises(InputError, match="display"):
            Display(*arguments)
    for arguments in ((-1, 0.5, U, "x", 1), (1, float("inf"), U, "x", 1), (1, 0.5, U, 3, 1), (1, 0.5, U, "x", 1.5)):
        with pytest.raises(InputError, match="candidate"):
            Candidate(*arguments)


def test_models() -> None:
    assert "gray-scott" in models.names()
    assert models.get("gray-scott:coral") == models.get("gray-scott", "coral")
    assert models.get("gray-scott", preset="spots") != models.get("gray-scott", preset="coral")
    changed = models.load("gray-scott").rule("coral", F=0.03)
    assert changed.provenance["parameters"]["F"] == 0.03
    with pytest.raises(InputError, match='did you mean "gray-scott"'):
        models.get("grey-scott")
    with pytest.raises(InputError, match=r'no preset .*did you mean "coral"'):
        models.get("gray-scott:corals")
    with pytest.raises(InputError, match="no parameter 'f'"):
        models.load("gray-scott").rule(f=1)
