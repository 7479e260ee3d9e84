"""What runs or stands beside a rule on its page: the network, the photo, and the other rules of a distillation."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.engines.exact import form_of
from distill.teacher import compose
from equations.errors import InputError
from equations.printers.glsl import MAX_CHANNELS, print_colours, print_rule
from equations.reading import check_regular_file
from equations.rule.rule import Rule
from equations.rule.rulefile import load_rule
from srnca.automata.stepping import Network
from srnca.pages.live.panels import colour_programs
from srnca.pages.live.payload import CHECK_SEED, CHECK_SIZE, CHECK_STEPS, check_of, display_payload, init_payload
from srnca.pages.live.terms import named_terms

MOST_NUMBERS = 12_000  # weights of a network that becomes a shader, of about 12 characters each
MOST_SHADER = 150_000  # characters of the network's shader
MOST_FRONT = 60_000  # characters of the front, which are its shaders for the most part
MOST_REPORT = 2**24  # bytes of a report.json
SAME = 1e-9  # relative difference of a coefficient and the constant that it became


def network_payload(network: Network) -> tuple[dict[str, Any] | None, str | None]:
    """The network as a shader, and a sentence saying why not where there is None.

    It is the network's exact algebra, so it equals the network to rounding, with the same first state and mask.
    """
    numbers = sum(weight.numel() for weight in network.nca.parameters())
    if numbers > MOST_NUMBERS:
        return None, (
            f"The network has {numbers:,} numbers; a page holds networks of at most {MOST_NUMBERS:,}, so this shows "
            "the rule alone."
        )
    if len(network.channels) > MAX_CHANNELS:
        return None, f"The network has {len(network.channels)} channels, more than the {MAX_CHANNELS} of a page."
    try:
        exact = compose(network, form_of(network))
    except InputError as error:
        return None, f"The network is not shown: {error}."
    shader = print_rule(exact).replace("    ", "")
    if len(shader) > MOST_SHADER:
        return None, f"The network's shader has {len(shader):,} characters; a page holds at most {MOST_SHADER:,}."
    return {
        "channels": list(exact.channels),
        "shader": shader,
        "colours": print_colours(exact),
        "display": display_payload(exact),
        "init": init_payload(exact),
        "check": _check(network, exact),
    }, None


def _check(network: Network, exact: Rule) -> dict[str, Any] | None:
    """What the badge compares: the network's own steps; None where these diverge."""
    size = (CHECK_SIZE, CHECK_SIZE)
    state = network.rollout(size=size, steps=CHECK_STEPS, seed=CHECK_SEED, every=CHECK_STEPS)[-1]
    return check_of(exact, state) if np.isfinite(state).all() else None


def photo_url(picture: NDArray[Any]) -> str:
    """A picture (h, w, 3) in [0, 1] as a data URL; as JPEG, which is a fifth of a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = np.floor(np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "jpeg", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def front_payload(rule: Rule, others: Mapping[int, Rule]) -> list[dict[str, Any]]:
    """Other rules for the same state, from the most terms to the fewest, as many as fit; others: terms → rule.

    Rules with other channels, and the rule itself, are left out. A rule with other colours brings them along.
    """
    found, left = [], MOST_FRONT
    for terms, other in sorted(others.items(), reverse=True):
        if other.channels != rule.channels or dict(other.updates) == dict(rule.updates):
            continue
        entry: dict[str, Any] = {"title": f"{terms} terms", "shader": print_rule(other).replace("    ", "")}
        if other.display != rule.display:
            entry |= {"colours": print_colours(other), "programs": colour_programs(other)}
        if (length := len(json.dumps(entry))) > left:
            continue
        left -= length
        found.append(entry)
    return found


def load_front(folder: Path) -> dict[int, Rule]:
    """The rules in the folder `front` of a result, by their number of terms; none where there is no such folder."""
    files = sorted((folder / "front").glob("[0-9]*.json"))
    return {int(path.stem): load_rule(path) for path in files if path.stem.isdecimal()}


def load_errors(folder: Path, rule: Rule) -> dict[str, float]:
    """Standard errors of constants, from the report.json of a result whose law was found in a recording.

    {} where there is no such file, and for other results. Raises InputError for a file that is no report.
    """
    path = folder / "report.json"
    if not path.exists():
        return {}
    file = check_regular_file(path, "a report")
    try:
        with open(file, "rb") as stream:
            return errors_of(rule, json.loads(stream.read(MOST_REPORT)))
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise InputError(f"{path}: expected what `srnca distill` writes: {problem!r}") from problem


def errors_of(rule: Rule, report: Mapping[str, Any]) -> dict[str, float]:
    """Standard errors of the rule's constants, by their names, from the report of a law that was found in a recording.

    A constant has the error of the coefficient with the same value in the same channel.
    """
    known = [
        (channel, float(entry["value"]), float(entry["error"]))
        for channel, law in report.get("constants", {}).items()
        for entry in law.values()
        if entry["error"] is not None and math.isfinite(entry["error"])
    ]
    found: dict[str, float] = {}
    for term in named_terms(rule):
        for constant in term.constants:
            for channel, value, error in known:
                if channel == term.channel and abs(abs(value) - abs(constant.value)) <= SAME * abs(value):
                    found[constant.name] = error
    return found
