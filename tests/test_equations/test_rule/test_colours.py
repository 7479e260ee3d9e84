"""Displays: three forms, one picture each in one form, and colours that a rule can compute from its channels."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from equations import models
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import Tree, to_tree
from equations.rule.colours import Display
from equations.rule.display import DUO, check_colormap, colours_of, formulas_of, render
from equations.rule.reduce import drop_unseen
from equations.rule.symbols import symbol
from tests.test_equations.helpers import CHANNELS, colour_trees, in_colours, make_rule
from tests.test_equations.test_expressions.test_tree import settled

NAMES = ("u", "v", "w", "u_lap", "u7")
RULE = make_rule({"w": "0*w", "v": "0*v", "u": "0*u"})
QUADRATIC = ("0.2 + u - 0.4*u*v", "max(v, -0.5)", "0.9 - 2*v^2")


def colours(*texts: str) -> dict[str, Any]:
    return {name: parse_infix(text, NAMES) for name, text in zip("rgb", texts, strict=True)}


def test_channels_are_those_that_a_colour_uses() -> None:
    display = Display(colours=colours("v*u", "0.5", "2*v"))
    assert display.channels == ("u", "v")
    assert display.in_colour
    ruled = RULE.replace(display=display)
    assert ruled.display is not None
    assert ruled.display.channels == ("v", "u")  # in the rule's order
    assert ruled.display == display
    assert hash(ruled.display) == hash(display)
    assert formulas_of(ruled) == {"red": symbol("u") * symbol("v"), "green": 0.5, "blue": 2 * symbol("v")}
    assert formulas_of(RULE) == {}


def test_displays_are_frozen_equal_by_what_they_show_and_copied() -> None:
    display = Display(colours=colours(*QUADRATIC))
    assert display.colours is not None
    with pytest.raises(AttributeError):
        display.colours = None  # type: ignore[misc]
    with pytest.raises(TypeError):
        display.colours["r"] = symbol("u")  # type: ignore[index]
    for twin in (pickle.loads(pickle.dumps(display)), copy.deepcopy(display), dataclasses.replace(display)):
        assert twin == display
    assert display == Display(colours=dict(reversed(colours(*QUADRATIC).items())))
    assert display != Display(colours=colours(*QUADRATIC[::-1]))
    assert display != Display(("u",))
    assert Display(("u",)) == Display(("u",), 0.0, 1.0, "grey") != Display(("u",), 0.5)
    assert dataclasses.replace(display, colours=colours("u^2", "u", "u")).channels == ("u",)


@pytest.mark.parametrize(
    ("texts", "same"),
    [
        (("u", "v", "w"), Display(("u", "v", "w"))),
        (("0.5 + 0.25*w", "0.5 + 0.25*u", "0.25*v + 1/2.0"), Display(("w", "u", "v"), 0.5, 0.25)),
        (("0.5 - w", "0.5 - u", "0.5 - v"), Display(("w", "u", "v"), 0.5, -1)),
    ],
)
def test_channels_with_one_scale_and_offset_are_the_old_form(texts: tuple[str, str, str], same: Display) -> None:
    display = Display(colours=colours(*texts))
    assert display == same
    assert (display.colours, display.channels) == (None, same.channels)
    assert hash(display) == hash(same)


@pytest.mark.parametrize(
    "texts", [("u", "v", "2*w"), ("u", "v", "w + 0.1"), ("u", "u", "v"), ("u", "v", "1"), ("u", "v", "w^2")]
)
def test_other_colours_stay_formulas(texts: tuple[str, str, str]) -> None:
    assert Display(colours=colours(*texts)).colours == colours(*texts)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"colours": {"r": symbol("u"), "g": 1}}, "one expression for each of r, g and b, got 'r', 'g'"),
        ({"colours": {**colours(*QUADRATIC), "a": 1}}, "for each of r, g and b"),
        ({"colours": {}}, "got none"),
        ({"colours": [1, 2, 3]}, "for each of r, g and b"),
        ({"colours": {"r": "u", "g": 1, "b": 1}}, 'display colour "r": expected a SymPy expression'),
        ({"colours": {"r": symbol("u"), "g": float("nan"), "b": 1}}, 'display colour "g": expected a finite number'),
        ({"colours": {"r": 1, "g": 0.5, "b": 0}}, "at least one that depends on a channel"),
        ({"colours": colours(*QUADRATIC), "scale": 2.0}, "no offset, scale or colormap beside colours"),
        ({"colours": colours(*QUADRATIC), "offset": 0.5}, "no offset, scale or colormap"),
        ({"colours": colours(*QUADRATIC), "colormap": "viridis"}, "no offset, scale or colormap"),
        ({"colours": colours(*QUADRATIC), "channels": ("v",)}, "the colours use u, v, but channels are"),
        ({}, "expected 1 or 3 channel names"),
    ],
)  # fmt: skip
def test_what_is_no_display(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Display(**arguments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("u_lap*v", 'display colour "g" uses u_lap, but colours see the channels without stencils; expected w, v, u'),
        ("u7 + u", 'display colour "g" uses u7, but there is no such channel; expected w, v, u.*did you mean "u"'),
    ],
)
def test_colours_of_what_a_rule_does_not_have(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        RULE.replace(display=Display(colours=colours("u", text, "1")))


@given(colour_trees)
@settings(max_examples=60, deadline=None)
def test_colours_are_what_the_interpreter_computes(tree: Tree) -> None:
    shown = {"r": settled(tree), "g": symbol("u") - symbol("v") ** 2, "b": settled(["Negate", tree])}
    rule = make_rule({"u": "0*u", "v": "0*v"}, display=Display(colours=shown))
    state = np.random.default_rng(0).normal(0, 2, (2, 5, 7)).astype(np.float32)
    got = colours_of(rule, state)
    assert (got.shape, got.dtype) == ((3, 5, 7), np.float32)
    for values, expr in zip(got, shown.values(), strict=True):
        with np.errstate(all="ignore"):
            wanted = evaluate_tree(to_tree(expr), dict(zip(CHANNELS, state, strict=True)))
        np.testing.assert_array_equal(values, np.broadcast_to(wanted, (5, 7)).astype(np.float32))


def test_three_channels_have_colours_too() -> None:
    state = np.random.default_rng(1).normal(size=(3, 4, 6)).astype(np.float32)
    rule = RULE.replace(display=Display(("v", "w", "u"), 0.5, 0.25))
    np.testing.assert_array_equal(colours_of(rule, state), state[[1, 0, 2]] * 0.25 + 0.5)
    np.testing.assert_array_equal(colours_of(RULE.replace(display=None), state), state)
    with pytest.raises(InputError, match="got one that shows u through a colour map; give its display three channels"):
        colours_of(RULE.replace(display=Display(("u",))), state)
    with pytest.raises(InputError, match="expected a state of 3 channels"):
        colours_of(rule, state[:2])


def test_pictures_are_clipped_rounded_and_black_where_there_is_no_number() -> None:
    rule = in_colours(make_rule({"u": "0*u", "v": "0*v"}), "u", "0.5 + v", "2*u*v")
    state = np.array([[[-1, 0.2, 1, 2, np.nan, np.inf]], [[0.25, -3, 0.1, 0.5, 0, -np.inf]]])
    assert render(rule, state)[0].tolist() == [
        [0, 191, 0], [51, 0, 0], [255, 153, 51], [255, 255, 255], [0, 128, 0], [255, 0, 0],
    ]  # fmt: skip
    with pytest.raises(InputError, match="expected a state of 2 channels"):
        render(rule, state[:1])


def test_a_colour_map_does_not_replace_colours() -> None:
    rule = in_colours(make_rule({"u": "0*u"}), "u", "u^2", "0.5")
    with pytest.raises(InputError, match="this rule shows its own formulas of red, green and blue"):
        check_colormap(rule, "magma")
    assert check_colormap(in_colours(models.get("gray-scott"), *QUADRATIC), DUO) == DUO


def test_channels_that_no_colour_depends_on_are_dropped() -> None:
    rule = in_colours(make_rule({"a": "0.1*b_lap", "b": "-b", "c": "a"}), "a^2", "0.5*a", "0.1")
    bare = drop_unseen(rule)
    assert bare.channels == ("a", "b")
    assert bare.display == rule.display
