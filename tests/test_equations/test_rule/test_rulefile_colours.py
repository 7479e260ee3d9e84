"""rule.json with colours: the round trip is the identity, one picture has one form, and bad files end in one error."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import given, settings

from equations import models
from equations.errors import InputError
from equations.expressions.tree import Tree
from equations.rule.colours import Display
from equations.rule.rulefile import load_rule, rule_from_dict, rule_to_dict, rule_to_text
from equations.rule.symbols import symbol
from tests.test_equations.helpers import colour_trees, make_rule
from tests.test_equations.test_expressions.test_tree import settled

GOLDEN = Path(__file__).parent / "golden" / "rule_v1_colours.json"
TREES: dict[str, Any] = {"r": "u", "g": ["Power", "v", 2], "b": 0.5}


@given(colour_trees, colour_trees)
@settings(max_examples=60)
def test_the_round_trip_is_the_identity(red: Tree, green: Tree) -> None:
    display = Display(colours={"r": settled(red), "g": settled(green), "b": symbol("v") ** 2 - 1 / 3})
    rule = models.get("gray-scott").replace(display=display)
    text = rule_to_text(rule)
    data = json.loads(text)
    assert data["format"] == "srnca.rule/1"
    assert list(data["display"]) == ["colours"]
    again = rule_from_dict(data)
    assert again == rule
    assert again.display == display
    assert rule_to_text(again) == text


def test_golden_file() -> None:
    rule = load_rule(GOLDEN)
    assert rule_to_text(rule) == GOLDEN.read_text()
    u, v = symbol("u"), symbol("v")
    assert rule.display == Display(
        colours={"r": 0.2 + 1.1 * u - 0.4 * u * v, "g": sympy.Max(v / 3, -0.5), "b": 0.9 - sympy.tanh(2 * v)}
    )


def test_colours_that_are_channels_are_written_in_the_old_form() -> None:
    rule = make_rule({"u": "0", "v": "0", "w": "0"}, display=Display(("w", "u", "v"), 0.5, 2.0))
    data = rule_to_dict(rule)
    assert data["display"] == {"channels": ["w", "u", "v"], "offset": 0.5, "scale": 2.0, "colormap": "grey"}
    trees = {name: ["Add", 0.5, ["Multiply", 2.0, channel]] for name, channel in zip("rgb", "wuv", strict=True)}
    again = rule_from_dict({**data, "display": {"colours": trees}})
    assert again == rule
    assert rule_to_text(again) == rule_to_text(rule)


def with_trees(**changes: Any) -> dict[str, Any]:
    return {"colours": {name: tree for name, tree in {**TREES, **changes}.items() if tree != "DROP"}}


@pytest.mark.parametrize(
    ("display", "words"),
    [
        ({}, "display: expected 1 or 3 channel names"),
        (with_trees(g="w"), 'display colour "g" uses w, but there is no such channel; expected u, v'),
        (with_trees(g="u_lap"), 'display colour "g" uses u_lap, but colours see the channels without stencils'),
        (with_trees(g="DROP"), "one expression for each of r, g and b, got 'r', 'b'"),
        (with_trees(a=1), "display colours to be an object of at most 3 entries"),
        (with_trees(g=["Evaluate", "u"]), 'display colour "g": unknown operator .Evaluate.'),
        (with_trees(g="import os"), 'display colour "g": expected a name'),
        (with_trees(g=["Add", "u", float("inf")]), 'display colour "g": .*finite'),
        (with_trees(g=functools.reduce(lambda tree, _: ["Abs", tree], range(100), "u")), '"g": .*100 levels deep'),
        (with_trees(g=["Add", *["u"] * 20_000]), 'display colour "g": .*at most 20000 nodes'),
        (with_trees(g=None), 'display colour "g": expected a number, a name or'),
        (with_trees(r=1, g=2), "display colours: expected at least one that depends on a channel"),
        ({"colours": None}, "display colours to be an object"),
        ({"colours": ["u", "v", "u"]}, "display colours to be an object"),
        ({**with_trees(), "scale": 1.0}, "a display with colours has an unknown field 'scale'"),
        ({**with_trees(), "channels": ["u"]}, "unknown field 'channels'"),
        ({"colors": {}}, "display has an unknown field 'colors' .did you mean \"colours\""),
    ],
)  # fmt: skip
def test_bad_displays(display: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rule_from_dict({**rule_to_dict(models.get("gray-scott:coral")), "display": display})
