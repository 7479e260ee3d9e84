"""The presets of a known model on one page: of each, what its own page would have in place of this page's data."""

from __future__ import annotations

import base64
import functools
import json
import zlib
from collections.abc import Mapping
from typing import Any

from equations.models import load
from equations.models.model import Model
from equations.rule.rule import Rule
from srnca.pages.live.panels import panel_payload
from srnca.pages.live.parameters import model_of
from srnca.pages.live.payload import Start, about_payload, plain_rule, rule_payload


def preset_payload(rule: Rule, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The menu of presets for the page of a known model with this payload; None for any other rule.

    own: the preset that the page itself shows; null where its numbers are others.
    names: of all presets, with what is seen.
    packed: preset → the parts of its payload that differ, as JSON, deflated, in base64.
    """
    model = model_of(rule)
    if model is None:
        return None
    own = str(rule.provenance["preset"])
    others = {name: _whole(model.name, name) for name in model.presets}
    if any(payload.get(part) != others[own][part] for part in ("rule", "constants")):
        own = ""
    else:
        others.pop(own)
    different = {name: {k: v for k, v in one.items() if payload.get(k) != v} for name, one in others.items()}
    packed = zlib.compress(json.dumps(different, allow_nan=False).encode(), 9)
    return {
        "own": own or None,
        "names": [[name, preset.about] for name, preset in model.presets.items()],
        "packed": base64.b64encode(packed).decode("ascii"),
    }


def preset_words(model: Model, preset: str) -> tuple[str, str]:
    """The title of a preset's page, and what it says about it."""
    return f"{model.title}: {preset}", f"{model.about} Here: {model.preset(preset).about}."


@functools.lru_cache(maxsize=128)
def _whole(name: str, preset: str) -> dict[str, Any]:
    """The payload of a preset's own page, cached: a gallery has a page for each."""
    model = load(name)
    rule, (title, about) = model.rule(preset), preset_words(model, preset)
    start = Start(model.preset(preset).size, model.preset(preset).seed)
    payload = rule_payload(rule, start) | panel_payload(rule) | about_payload(rule, title, about)
    payload.pop("maps")
    return payload | {"rule": plain_rule(rule)}
