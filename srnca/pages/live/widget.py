"""A rule's live page in a frame, for notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from equations.errors import InputError
from equations.files import write_text
from equations.rule.mask import check_seed
from equations.rule.rule import Rule
from srnca.pages.live.builder import build_page
from srnca.pages.live.parameters import model_of
from srnca.pages.live.payload import Start

SMALLEST, LARGEST, USUAL = 16, 1024, 128  # cells of a side
LOWEST = 200  # pixels of a frame


@dataclass(frozen=True)
class Widget:
    """A live page that a notebook shows in a frame, where its cell ends with this object. `widget` makes one.

    html: the whole page, which needs no network.
    height: of the frame, in pixels; it is as wide as the notebook.
    """

    html: str
    height: int

    def _repr_html_(self) -> str:
        """The frame. Its page can run scripts and save files, and reach nothing of the notebook around it."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts allow-downloads" loading="lazy" '
            f'title="a rule that runs" style="width: 100%; height: {self.height}px; border: 1px solid #8886"></iframe>'
        )

    def save(self, path: str | Path) -> None:
        """Write the page to a file, such as rule.html, for any browser."""
        write_text(Path(path), self.html)


def widget(
    rule: Rule, *, title: str = "rule", size: int | None = None, seed: int | None = None, height: int = 640
) -> Widget:
    """The live page of a rule as an object that a notebook shows in a frame: run it, damage it, drag its constants.

    title: stands above it; shown as text.
    size: cells of a side at the start, 16 to 1024; by default those of a known model's preset, otherwise 128.
    seed: of the first state and the mask; by default that of a known model's preset, otherwise 0.
    height: of the frame, at least 200 pixels.

    Raises InputError for numbers out of range and for a rule of more than 16 channels. Needs a browser with WebGL2.
    """
    usual = _usual_start(rule)
    start = Start(usual.size if size is None else size, usual.seed if seed is None else check_seed(seed))
    for name, value, least, most in (("size", start.size, SMALLEST, LARGEST), ("height", height, LOWEST, 10_000)):
        if not least <= value <= most:
            raise InputError(f"widget: expected a {name} of {least} to {most}, got {value}")
    return Widget(build_page(rule, title=title, start=start), height)


def _usual_start(rule: Rule) -> Start:
    """Where a known model's preset starts; other rules have USUAL cells and seed 0."""
    model = model_of(rule)
    if model is None:
        return Start(USUAL)
    preset = model.preset(str(rule.provenance["preset"]))
    return Start(preset.size, preset.seed)
