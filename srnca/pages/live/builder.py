"""Joins a rule, the scripts and the style to one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from equations.rule.rule import Rule
from srnca.pages.live.panels import panel_payload
from srnca.pages.live.payload import Start, about_payload, plain_rule, rule_payload
from srnca.pages.live.presets import preset_payload
from srnca.pages.parts import pixels_of
from srnca.pages.rendering import render
from srnca.visible import escape_json, visible

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = (
    "panels.js", "hash.js", "shaders.js", "engine.js", "world.js", "edits.js", "view.js", "tools.js", "toy.js",
    "keep.js", "check.js", "icons.js", "survey.js", "app.js", "page.js", "presets.js", "controls.js",
)  # fmt: skip
SIZES = (64, 96, 128, 192, 256, 384, 512, 768, 1024)
LARGEST = 300_000  # bytes of a page; where it is more, the front and the network are left out
MOST_RULE = 60_000  # characters of a rule file that is embedded, to be downloaded with edits

TOOLS = (
    ("lesion", "Back to the background (L); right button: what the first state has in its square"),
    ("noise", "Add noise (N)"),
    ("damage", "Set half of the cells back (D)"),
    ("paint", "Set one species (P); right button: the negative"),
    ("probe", "Follow a cell (I)"),
    ("move", "Move the picture (M)"),
)
KEYS = (
    ("space", "play, pause"), (".", "one step"), ("R", "reset"), ("S", "save a picture"), ("1 … 9", "steps a frame"),
    ("[ ]", "radius of the brush"), ("+ − 0", "zoom, whole grid"), ("L N D", "lesion, noise, damage"),
    ("P I M", "paint, probe, move"), ("Ctrl Z", "undo an edit"), ("arrows, Enter", "use the tool on the picture"),
)  # fmt: skip


def build_page(
    rule: Rule,
    *,
    title: str,
    about: str = "",
    start: Start | None = None,
    errors: Mapping[str, float] | None = None,
    photo: str | None = None,
    network: Mapping[str, Any] | None = None,
    front: Iterable[Mapping[str, Any]] = (),
    notes: Iterable[str] = (),
    note: Callable[[str], None] | None = None,
) -> str:
    """The page of a rule as HTML text.

    title, about: text of any origin; it is shown as text.
    photo: a data URL of the picture that the rule was learned from.
    network: from `beside.network_payload`; it runs beside the rule.
    front: from `beside.front_payload`: other rules for the same state.
    notes: what its reader should know, one sentence each.
    note: is called with each part that is left out because the page would be too large, as a sentence.

    Raises InputError for a rule of more than 16 channels.
    """
    payload = rule_payload(rule, start or Start(), errors)
    payload |= panel_payload(rule, errors=errors, photo=None if photo is None else pixels_of(photo))
    whole = plain_rule(rule)
    payload |= about_payload(rule, title, about) | {"front": list(front), "photo": photo is not None}
    if len(json.dumps(whole)) <= MOST_RULE:
        payload["rule"] = whole
    if network is not None:
        payload["network"] = dict(network)
    elif presets := preset_payload(rule, payload):
        payload["presets"] = presets
    said = list(notes)
    text = _page(payload, photo, said)
    whole_front = len(payload["front"])
    while len(text.encode()) > LARGEST and payload["front"]:
        payload["front"] = payload["front"][1:]  # the longest rule comes first
        text = _page(payload, photo, said)
    left_out = [f"{n} of the other rules of its front"] if (n := whole_front - len(payload["front"])) else []
    if len(text.encode()) > LARGEST and payload.pop("network", None):
        left_out.append("the network beside it")
    for words in left_out:
        said.append(f"A page has at most {LARGEST // 1000} kB, so this one is without {words}.")
        if note is not None:
            note(said[-1])
    return _page(payload, photo, said)


def _page(payload: Mapping[str, Any], photo: str | None, notes: Iterable[str]) -> str:
    script, title = join_scripts(page_scripts()), visible(payload["title"])
    there = {"photo": photo, "network": payload.get("network"), "rule": True}
    return render(
        "page.html",
        title=title,
        about=visible(payload["about"]),
        notes=[visible(note) for note in notes],
        description=f"The pattern of {title}, as it runs",
        policy=f"default-src 'none'; script-src '{hash_of(script)}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "media-src blob:; base-uri 'none'; form-action 'none'",
        style="".join(path.read_text("utf-8") for path in (ASSETS / "page.css", *sorted(ASSETS.glob("panels/*.css")))),
        script=script,
        payload=escape_json(json.dumps(payload, allow_nan=False)).replace("<", "\\u003c").replace(">", "\\u003e"),
        photo=photo,
        kinds=[kind for kind, part in there.items() if part],
        has_front=bool(payload.get("front")),
        with_rule="rule" in payload,
        sizes=SIZES,
        tools=TOOLS,
        keys=KEYS,
        facts=payload["facts"],
    )


def page_scripts() -> list[Path]:
    return [ASSETS / name for name in SCRIPTS] + sorted(ASSETS.glob("panels/*.js")) + [ASSETS / "main.js"]


def join_scripts(files: Iterable[Path]) -> str:
    """Scripts as one strict function, so that nothing of them can be reached from outside but what they set.

    Lines of comment and the spaces before lines are left out: a seventh of the characters.
    """
    lines = [line.strip() for path in files for line in path.read_text("utf-8").splitlines()]
    body = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f'(() => {{\n"use strict";\n{body}\n}})();\n'


def hash_of(script: str) -> str:
    """How a content security policy names a script that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
