"""What the panels of a live page are given: typeset terms, parameters of known models, states at rest, spectra."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from equations import models
from equations.analysis.spectrum import windowed_spectrum
from equations.expressions.infix import parse_infix
from equations.expressions.tree import canonical
from equations.models.model import Model
from equations.rule.rule import Rule
from equations.rule.stencils import nca_stencils
from srnca.pages.live import panels
from srnca.pages.live.builder import LARGEST, build_page
from srnca.pages.live.panels import panel_payload
from srnca.pages.live.parameters import parameter_panel
from srnca.pages.live.payload import Start
from srnca.pages.live.presets import preset_words
from srnca.pages.live.programs import Program
from srnca.pages.live.terms import named_terms


def value(program: Program, names: dict[str, float]) -> float:
    """The value of a program of sums, products, negatives and whole powers."""
    stack: list[float] = []
    for item in program:
        if not isinstance(item, str):
            stack.append(item)
        elif item[0] in "+*":
            count = int(item[1:])
            stack[-count:] = [sum(stack[-count:]) if item[0] == "+" else math.prod(stack[-count:])]
        elif item[0] == "~":
            stack[-1] = -stack[-1]
        elif item[0] == "^":
            stack[-1] **= int(item[1:])
        else:
            stack.append(names[item])
    return stack[0]


FIXED = {("lambda-omega", "spirals"), ("lambda-omega", "glass"), ("allen-cahn", "domains"), ("allen-cahn", "drops")}
"""Presets all of whose parameters are 0 or 1, and so are no numbers of the equations."""
PRESETS = [(name, preset) for name in models.names() for preset in models.load(name).presets]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_numbers_of_every_preset_follow_from_its_parameters(name: str, preset: str) -> None:
    model = models.load(name)
    rule = model.rule(preset)
    panel = parameter_panel(rule)
    assert panel is not None
    own = {constant.name: constant.value for term in named_terms(rule) for constant in term.constants}
    assert set(panel["constants"]) <= set(own)
    moved = {p["name"] for p in panel["parameters"] if not p["fixed"]}
    assert bool(moved) is bool(panel["constants"]) is ((name, preset) not in FIXED)
    for constant, program in panel["constants"].items():
        assert value(program, model.values(preset)) == pytest.approx(own[constant], rel=1e-12)
    for parameter in panel["parameters"]:
        assert parameter["value"] == model.values(preset)[parameter["name"]]
        assert parameter["range"][0] < parameter["range"][1]
        assert parameter["range"][0] <= parameter["value"] <= parameter["range"][1]


@pytest.mark.parametrize("name", models.names())
def test_the_page_of_a_model_holds_what_the_page_of_each_preset_has(name: str) -> None:
    first, *others = models.load(name).presets
    pages = {preset: _payload_of_page(models.load(name), preset) for preset in (first, *others)}
    menu = pages[first]["presets"]
    packed = json.loads(zlib.decompress(base64.b64decode(menu["packed"])))
    assert menu["own"] == first
    assert [preset for preset, _ in menu["names"]] == [first, *others]
    assert sorted(packed) == sorted(others)
    for preset in others:
        opened, wanted = {**pages[first], **packed[preset]}, dict(pages[preset])
        assert opened["rule"]["provenance"]["preset"] == preset
        for payload in (opened, wanted):
            del payload["presets"]
        assert opened == wanted


def _payload_of_page(model: Model, preset: str) -> Any:
    title, about = preset_words(model, preset)
    start = Start(model.preset(preset).size, model.preset(preset).seed)
    text = build_page(model.rule(preset), title=title, about=about, start=start)
    assert len(text.encode()) < LARGEST
    return json.loads(re.findall(r'id="payload">(.*?)</script>', text, re.S)[0])


def test_a_model_with_other_numbers_can_go_back_to_every_preset() -> None:
    model = models.load("barkley")
    payload = json.loads(re.findall(r'id="payload">(.*?)</script>', build_page(model.rule(a=0.7), title="t"), re.S)[0])
    packed = json.loads(zlib.decompress(base64.b64decode(payload["presets"]["packed"])))
    assert payload["presets"]["own"] is None
    assert sorted(packed) == sorted(model.presets)


def test_most_parameters_of_the_catalogue_can_be_moved() -> None:
    panels = {
        name: parameter_panel(models.get(name)) for name in ("gray-scott", "oregonator", "may-leonard", "barkley")
    }
    fixed = {name: [p["name"] for p in panel["parameters"] if p["fixed"]] for name, panel in panels.items() if panel}
    assert fixed == {"gray-scott": [], "oregonator": ["Du"], "may-leonard": [], "barkley": []}


def test_a_model_that_was_changed_has_no_parameters() -> None:
    rule = models.get("schnakenberg")
    changed = rule.replace(updates={**rule.updates, "u": rule.updates["u"] ** 2})
    assert parameter_panel(changed) is None
    assert parameter_panel(rule.replace(provenance={"model": "none of ours"})) is None


def test_terms_are_typeset_with_the_names_of_their_numbers_and_grouped() -> None:
    names = ("u", "u_lap", "u_dx", "v")
    text = "-0.25*u + 2.5e-7*u_lap - 3*u_dx + u*v/(v + 0.5)"
    rule = Rule(
        channels=("u", "v"),
        stencils=nca_stencils(4),
        updates={"u": canonical(parse_infix(text, names)), "v": canonical(parse_infix("v*0", names))},
    )
    payload = panel_payload(rule, errors={"u.0": 0.125})["equations"]
    groups = {group["name"]: group["terms"] for group in payload["channels"][0]["groups"]}
    assert {name: len(terms) for name, terms in groups.items()} == {"reaction": 2, "diffusion": 1, "drift": 1}
    signs = {term["text"]: term["sign"] for terms in groups.values() for term in terms}
    assert signs == {"−0.25·u": "−", "u·v/(v + 0.5)": "+", "2.5e−07·u_lap": "+", "−3·u_dx": "−"}
    found = {}
    for terms in groups.values():
        for term in terms:
            for number in ElementTree.fromstring(term["math"]).iter("mrow"):
                if number.get("class") == "constant":
                    found[number.get("data-name")] = (number.get("data-sign"), "".join(number.itertext()))
    values = {constant.name: constant.value for term in named_terms(rule) for constant in term.constants}
    assert set(found) == {name for name in values if name.startswith("u.")}
    for name, (sign, shown) in found.items():
        assert values[name] * int(sign or 0) >= 0
        assert shown.startswith(f"{abs(values[name]):g}"[:3])
    assert payload["errors"] == {"u.0": 0.125}


def test_equations_that_are_too_long_have_a_sentence_in_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = models.get("schnakenberg")
    items = sum(len(program) for _, _, program in panel_payload(rule)["law"]["terms"])
    monkeypatch.setattr(panels, "MOST_ITEMS", items - 1)
    payload = panel_payload(rule)
    assert payload["law"] is None
    assert f"7 terms with {items} numbers and names" in payload["equations"]["reason"]
    assert payload["scales"]["reason"] == payload["equations"]["reason"]


@pytest.mark.parametrize(
    ("text", "reason"), [("u*u + 1", "There is no uniform state at rest"), ("u - u", None), ("1 - u", None)]
)
def test_a_rule_without_a_state_at_rest_says_so(text: str, reason: str | None) -> None:
    rule = Rule(channels=("u",), stencils=nca_stencils(2), updates={"u": canonical(parse_infix(text, ("u",)))})
    scales = panel_payload(rule)["scales"]
    assert bool(scales["points"]) is (reason is None)
    assert (scales["reason"] or "").startswith(reason or "")


def test_the_photo_has_the_spectrum_of_its_grey_picture() -> None:
    photo = np.random.default_rng(0).random((24, 24, 3))
    found = panel_payload(models.get("fisher-kpp"), photo=photo)["scales"]["photo"]
    frequency, power = windowed_spectrum([photo.mean(axis=-1)])
    np.testing.assert_allclose(found["frequency"], frequency, rtol=1e-5)
    np.testing.assert_allclose(found["power"], power, rtol=1e-3)
