"""The page of a distillation's result."""

from __future__ import annotations

from pathlib import Path

from distill.result import Distillation
from equations.files import write_text
from equations.printers.glsl import MAX_CHANNELS
from equations.rule.rule import Rule
from srnca.automata.stepping import Network
from srnca.pages.live.beside import errors_of, front_payload, network_payload
from srnca.pages.live.builder import build_page

NAME = "page.html"


def fits_page(rule: Rule) -> bool:
    """Whether a page can run the rule: WebGL2 draws at most 16 channels at once."""
    return len(rule.channels) <= MAX_CHANNELS


def write_result_page(
    folder: Path, result: Distillation, title: str, *, network: Network | None = None, photo: str | None = None
) -> None:
    """Write page.html into the folder of a result, and remove an older one where the rule does not fit a page.

    title: what the rule was found from, such as the name of a picture.
    network: what the rule was distilled from, where there is one.
    photo: a data URL of the picture that the network was trained on.
    """
    path, rule = folder / NAME, result.rule
    if not fits_page(rule):
        path.unlink(missing_ok=True)
        return
    beside, note = (None, None) if network is None else network_payload(network)
    front = front_payload(rule, {round(n * len(other.channels)): other for n, _, other in result.texture_front})
    write_text(
        path,
        build_page(
            rule,
            title=title,
            about="A rule in closed form, found by distillation. report.html in the same folder says how good it is.",
            errors=errors_of(rule, result.report),
            network=beside,
            photo=photo,
            front=front,
            notes=[] if note is None else [note],
        ),
    )
