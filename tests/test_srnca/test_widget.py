"""A rule's live page in the frame of a notebook."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from equations import InputError, models
from equations.expressions.infix import parse_infix
from srnca import Widget, widget
from srnca.pages.live.builder import build_page
from srnca.pages.live.payload import Start
from tests.test_srnca.browser import PATIENCE, browser

CORAL = models.get("gray-scott:coral")


class Frames(HTMLParser):
    """The attributes of all frames of a text; nothing else may be in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "iframe"
        self.found.append(dict(attrs))


def test_a_notebook_shows_the_page_in_a_frame_that_reaches_nothing_around_it() -> None:
    shown = widget(CORAL, title='"><b>coral', size=32, seed=3, height=500)
    (frame,) = Frames(shown._repr_html_()).found
    assert frame["srcdoc"] == build_page(CORAL, title='"><b>coral', start=Start(32, 3)) == shown.html
    assert "allow-same-origin" not in str(frame["sandbox"])
    assert "height: 500px" in str(frame["style"])


def test_a_known_model_starts_as_its_preset_and_another_rule_on_128_cells() -> None:
    preset = models.load("gray-scott").preset("coral")
    assert widget(CORAL).html == build_page(CORAL, title="rule", start=Start(preset.size, preset.seed))
    other = CORAL.replace(provenance={})
    assert widget(other).html == build_page(other, title="rule", start=Start(128, 0))


@pytest.mark.parametrize("origin", [{"model": "gray-scott"}, {"model": "gray-scott", "preset": "nope"}])
def test_a_rule_that_only_says_it_is_a_known_model_is_like_any_other(origin: dict[str, str]) -> None:
    rule = models.get("gray-scott:coral").replace(provenance=origin)
    assert widget(rule).html == widget(rule, size=128, seed=0).html


def test_the_page_can_be_saved(tmp_path: Path) -> None:
    shown = Widget("<!doctype html>é", 300)
    shown.save(tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == shown.html


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": 8}, "expected a size of 16 to 1024, got 8"),
        ({"height": 20}, "expected a height of 200 to 10000, got 20"),
        ({"seed": -1}, "seed"),
    ],
)
def test_numbers_out_of_range_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        widget(CORAL, **given)


def test_a_rule_of_too_many_channels_is_refused() -> None:
    names = [f"c{index}" for index in range(17)]
    many = CORAL.replace(
        channels=tuple(names), updates={name: parse_infix(f"-0.1*{name}", names) for name in names}, init=None,
        display=None, provenance={},
    )  # fmt: skip
    with pytest.raises(InputError, match="16 channels"):
        widget(many)


def test_the_frame_runs_the_rule_in_a_browser(tmp_path: Path) -> None:
    outer = tmp_path / "notebook.html"
    outer.write_text(f"<!doctype html><p>cell</p>{widget(CORAL, size=32)._repr_html_()}", encoding="utf-8")
    with browser() as chromium:
        tab = chromium.new_page(viewport={"width": 900, "height": 800})
        tab.set_default_timeout(PATIENCE)
        errors: list[str] = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(outer.as_uri())
        frame = tab.frame_locator("iframe")
        frame.locator('html[data-state="ready"][data-check="checked"]').wait_for(state="attached")
        frame.locator("#dice").click()  # a page with an address would write the seed into it
        assert tab.frames[1].evaluate("page.seed") != 0
        frame.locator('html:not([data-step="0"])').wait_for(state="attached")
        assert frame.locator("#keep-link").is_hidden()
    assert errors == []
