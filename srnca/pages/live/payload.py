"""What a live page knows of its rule, as one JSON object."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equations.colormaps import COLORMAPS, table
from equations.divergence import limit_of
from equations.errors import DivergenceError
from equations.printers.glsl import print_colours, print_editable, print_rule
from equations.rule.display import display_of
from equations.rule.init import make_state
from equations.rule.mask import hash_u32
from equations.rule.rule import Rule
from equations.rule.rulefile import rule_to_dict
from equations.simulation import Simulator, first_init
from srnca.pages.live.terms import NamedTerm, named_terms

FORMAT = "srnca.page/1"
MOST_CONSTANTS = 1500  # that can be edited: beyond it, terms no longer share their common parts
CHECK_SIZE, CHECK_STEPS, CHECK_SEED, CHECK_CELLS = 64, 20, 0, 64
FNV_START, FNV_PRIME = 0x811C9DC5, 0x01000193


@dataclass(frozen=True)
class Start:
    """How a page starts, which its controls and its link can change.

    size: cells of a side. seed: of the first state and the mask. steps: a frame.
    """

    size: int = 192
    seed: int = 0
    steps: int = 8


def rule_payload(rule: Rule, start: Start, errors: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The rule's part of the payload. Raises InputError for more than 16 channels.

    errors: name of a constant → its standard error. A rule of more than `MOST_CONSTANTS` has no terms to edit.
    """
    terms = named_terms(rule, errors)
    editable = sum(len(term.constants) for term in terms) <= MOST_CONSTANTS
    terms = terms if editable else ()
    constants = {constant.name: constant for term in terms for constant in term.constants}
    return {
        "format": FORMAT,
        "channels": list(rule.channels),
        "size": start.size,
        "seed": start.seed,
        "speed": start.steps,
        "limit": limit_of(rule),
        "shader": print_editable(rule) if editable else print_rule(rule),
        "colours": print_colours(rule),
        "display": display_payload(rule),
        "init": init_payload(rule),
        "constants": {name: constant.value for name, constant in constants.items()},
        "errors": {name: constant.error for name, constant in constants.items() if constant.error is not None},
        "terms": [_term(term) for term in terms],
        "maps": {name: base64.b64encode(table(name).tobytes()).decode() for name in COLORMAPS},
        "check": check_payload(rule),
        "front": [],
    }


def plain_rule(rule: Rule) -> dict[str, Any]:
    """The rule as the data of its file, without what only tells how it was found."""
    return rule_to_dict(rule.replace(fronts={}, metrics={}))


def about_payload(rule: Rule, title: str, about: str) -> dict[str, Any]:
    """What the page says of itself: texts of any origin, which are shown as text."""
    terms = sum(rule.terms().values())
    return {
        "title": title,
        "about": about,
        "file": file_stem(title),
        "facts": _facts(rule),
        "front_own": f"this rule, {terms} terms",
    }


def file_stem(title: str) -> str:
    """The beginning of the names of files that the page saves."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in title).strip("-")
    return "-".join(filter(None, plain.split("-")))[:60] or "rule"


def _facts(rule: Rule) -> list[list[str]]:
    """For the tab About."""
    facts = [["channels", ", ".join(rule.channels)], ["terms", str(sum(rule.terms().values()))]]
    facts += [["stencils", ", ".join(stencil.name for stencil in rule.stencils)], ["dt", f"{rule.dt:g}"]]
    if rule.clamp is not None:
        facts.append(["clamp", f"{rule.clamp[0]:g} to {rule.clamp[1]:g}"])
    if rule.masked:
        facts.append(["mask", f"{100 * rule.update_rate:g} % of the {rule.mask}s take a step"])
    return facts + [[name, str(rule.provenance[name])] for name in ("citation",) if name in rule.provenance]


def init_payload(rule: Rule) -> dict[str, Any]:
    """The fields of the first state."""
    init = first_init(rule)
    return {
        "kind": init.kind,
        "background": list(init.background),
        "amplitude": list(init.amplitude),
        "square": list(init.square),
        "square_fraction": init.square_fraction,
        "spots": init.spots,
    }


def _term(term: NamedTerm) -> dict[str, Any]:
    constants = [constant.name for constant in term.constants]
    return {"id": term.id, "channel": term.channel, "group": term.group, "constants": constants}


def display_payload(rule: Rule) -> dict[str, Any]:
    """For a rule without colours: (value of channel − low) · gain, through a colour map.

    auto: the page chooses low and gain by what there is, because the rule does not say how it is shown.
    """
    display = display_of(rule)
    found: dict[str, Any] = {"channel": (*display.channels, *rule.channels)[0], "auto": False, "colormap": "viridis"}
    if not print_colours(rule):
        scale = display.scale or 1e-30
        found |= {"low": -display.offset / scale, "gain": scale, "auto": rule.display is None}
        found["colormap"] = display.colormap if rule.display is not None else "viridis"
    return found


def check_payload(rule: Rule) -> dict[str, Any] | None:
    """What the badge compares of a rule: `check_of` with the reference's steps; None where these diverge."""
    simulator = Simulator(rule, CHECK_SIZE, CHECK_SEED, backend="reference")
    try:
        return check_of(rule, simulator.step(CHECK_STEPS))
    except DivergenceError:
        return None


def check_of(rule: Rule, state: NDArray[Any]) -> dict[str, Any]:
    """The checksum of the rule's first state, and some cells of the state that should come of it.

    state: (channels, CHECK_SIZE, CHECK_SIZE) after CHECK_STEPS steps from the seed CHECK_SEED.
    """
    first = make_state(first_init(rule), len(rule.channels), (CHECK_SIZE, CHECK_SIZE), CHECK_SEED)
    cells = sorted({int(hash_u32(1, 0, 0, index)) % CHECK_SIZE**2 for index in range(CHECK_CELLS)})
    return {
        "size": CHECK_SIZE,
        "steps": CHECK_STEPS,
        "seed": CHECK_SEED,
        "first": fnv1a(first.astype("<f4").tobytes()),
        "cells": cells,
        "values": [[float(f"{value:.8g}") for value in channel.ravel()[cells]] for channel in state],
        "largest": [float(f"{np.abs(channel).max():.6g}") for channel in state],
    }


def fnv1a(data: bytes) -> int:
    """The 32-bit FNV-1a hash."""
    found = FNV_START
    for byte in data:
        found = (found ^ byte) * FNV_PRIME & 0xFFFFFFFF
    return found
