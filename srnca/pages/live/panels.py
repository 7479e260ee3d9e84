"""What the panels of a live page need: typeset terms, a calculator's programs, fixed points, the photo's spectrum."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from equations.analysis.fixed_points import FixedPoints, find_fixed_points
from equations.analysis.positive import positive_channels
from equations.analysis.spectrum import windowed_spectrum
from equations.analysis.split import split_rule
from equations.expressions.tree import Tree
from equations.printers.mathml import Named, Names, channel_name, print_named_term, symbol_names
from equations.printers.text import print_expression
from equations.rule.colours import Display
from equations.rule.display import display_of
from equations.rule.rule import Rule
from srnca.pages.live.parameters import parameter_panel
from srnca.pages.live.programs import program_of
from srnca.pages.live.terms import NamedTerm, named_terms

MOST_ITEMS = 3000  # items of all programs; beyond this the typeset equations alone would be larger than the page
GROUPS = {"reaction": "reaction", "diffusion": "diffusion", "advection": "drift", "rest": "other terms"}
_MANY_CHANNELS = 4  # from here on the search for fixed points is never thorough, so it is kept short
_FEW_STARTS = 60


def panel_payload(
    rule: Rule, *, photo: npt.NDArray[Any] | None = None, errors: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The panels' part of a page's payload, as plain JSON data. A part that cannot be has a `reason` in its place.

    photo: (h, w, 3) in [0, 1], whose spectrum is shown beside the picture's.
    errors: name of a constant → its standard error.

    law: terms as programs (`programs.py`), stencils, clamp; from it the page computes nullclines, slopes and waves.
    equations: typeset terms by channel and group; parameters and presets where the rule is a known model.
    scales: uniform states at rest, the colours as programs, the photo's spectrum.
    """
    terms = named_terms(rule, errors)
    scales: dict[str, Any] = {"colours": colour_programs(rule), "photo": None if photo is None else _spectrum(photo)}
    programs = {term.id: program_of(term.tree) for term in terms}
    items = sum(map(len, programs.values()))
    if items > MOST_ITEMS:
        reason = (
            f"The equations are too long for this page: {len(terms):,} terms with {items:,} numbers and names. "
            "rule.json holds them all."
        )
        return {"law": None, "equations": {"reason": reason}, "scales": {**scales, "points": [], "reason": reason}}
    return {
        "law": _law(rule, terms, programs),
        "equations": _equations(rule, terms),
        "scales": {**scales, **_points(rule)},
    }


def _law(rule: Rule, terms: tuple[NamedTerm, ...], programs: Mapping[str, list[float | str]]) -> dict[str, Any]:
    return {
        "channels": rule.channels,
        "terms": [[term.id, rule.channels.index(term.channel), programs[term.id]] for term in terms],
        "stencils": [[stencil.name, stencil.kernel] for stencil in rule.stencils],
        "features": rule.feature_names,
        "dt": rule.dt,
        "dx": rule.dx,
        "rate": rule.update_rate,
        "clamp": rule.clamp,
    }


def _equations(rule: Rule, terms: tuple[NamedTerm, ...]) -> dict[str, Any]:
    names = symbol_names(rule)
    return {
        "channels": [
            {
                "name": channel,
                "head": f"<math><mo>Δ</mo>{channel_name(channel)}</math>",
                "groups": _groups([term for term in terms if term.channel == channel], names),
            }
            for channel in rule.channels
        ],
        "errors": {c.name: c.error for term in terms for c in term.constants if c.error is not None},
        "parameters": parameter_panel(rule),
    }


def _groups(terms: list[NamedTerm], names: Names) -> list[dict[str, Any]]:
    return [
        {"name": title, "terms": [_term(term, names) for term in terms if term.group == group]}
        for group, title in GROUPS.items()
        if any(term.group == group for term in terms)
    ]


def _term(term: NamedTerm, names: Names) -> dict[str, Any]:
    values = {constant.name: constant.value for constant in term.constants}
    sign, markup = print_named_term(_with_numbers(term.tree, values), names, _constant)
    return {"id": term.id, "sign": sign, "math": f"<math>{markup}</math>", "text": _plain(term.expression)}


def _plain(expression: Expr) -> str:
    """A term as text that can be read aloud: numbers to four digits, 0.16·u_lap, −u·v²."""
    text = re.sub(r"\d+\.\d+(e[-+]?\d+)?", lambda found: f"{float(found[0]):.4g}", print_expression(expression))
    text = re.sub(r"Abs\(([^()]*)\)", r"|\1|", text)
    text = re.sub(r"\*\*(\d)\b", lambda found: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(found[1])], text)
    return text.replace("*", "·").replace("-", "−")


def _with_numbers(tree: Tree, values: Mapping[str, float]) -> Any:
    if isinstance(tree, str):
        return Named(tree, values[tree]) if tree in values else tree
    return [tree[0], *(_with_numbers(argument, values) for argument in tree[1:])] if isinstance(tree, list) else tree


def _constant(name: str, flipped: bool, text: str) -> str:
    return f'<mrow class="constant" data-name="{escape(name)}" data-sign="{-1 if flipped else 1}">{text}</mrow>'


def _points(rule: Rule) -> dict[str, Any]:
    """The uniform states at rest, the nearest to the rule's first state first, or why there are none."""
    many = len(rule.channels) > _MANY_CHANNELS
    found = find_fixed_points(rule, starts=_FEW_STARTS) if many else find_fixed_points(rule)
    floor = np.where(positive_channels(rule, split_rule(rule)), -1e-9, -np.inf)
    points = [{"values": p.values, "held": p.held} for p in found.points if (np.array(p.values) >= floor).all()]
    return {"points": points, "reason": None if points else _why_none(found)}


def _why_none(found: FixedPoints) -> str:
    if found.points:
        return "A uniform state at rest exists only where a concentration would be negative, so no wave grows from one."
    if found.complete:
        return "There is no uniform state at rest, so there is none from which waves could grow."
    return f"No uniform state at rest was found in {found.starts} tries, so growth rates cannot be computed."


def colour_programs(rule: Rule) -> list[list[float | str]]:
    """Red, green and blue, or the one channel that is shown, as programs of the channels; not yet clipped to [0, 1]."""
    display: Display = display_of(rule)
    if display.in_colour:
        return [program_of(tree) for tree in display.trees()]
    return [program_of(["Add", ["Multiply", display.scale, display.channels[0]], display.offset])]


def _spectrum(photo: npt.NDArray[Any]) -> dict[str, Any]:
    """The spectrum of the grey picture: frequencies in cycles per cell, and power to four digits."""
    frequency, power = windowed_spectrum([np.asarray(photo, float).mean(axis=-1)])
    return {"frequency": [float(f"{f:.6g}") for f in frequency], "power": [float(f"{p:.4g}") for p in power]}
