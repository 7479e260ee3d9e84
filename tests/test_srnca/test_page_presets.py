"""The presets of a known model on its page, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations import load_rule, models
from equations.rule.rule import Rule
from tests.test_equations.awkward import reference
from tests.test_srnca.browser import SEED, SIZE, Live, browser, write


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


def test_a_preset_opens_with_its_own_equations_first_state_and_size(chromium: Any, tmp_path: Path) -> None:
    """From crossed halves to noise, and to equations with other terms; and back, and from a link."""
    model = models.load("fitzhugh-nagumo")
    path = write(tmp_path, model.rule("spirals"))
    live = Live(chromium, path, viewport={"width": 1200, "height": 800})

    def choose(name: str) -> None:
        with live.tab.expect_event("load"):
            live.tab.select_option(".parameters select", name)
        live.wait("state", "ready")
        live.wait("building", "no")

    def like(name: str, size: int, seed: int, *, rule: Rule | None = None) -> None:
        live.ask("() => page.play(false)")
        wanted = reference(rule or model.rule(name), (size, size), 20, seed)
        np.testing.assert_allclose(live.run(20), wanted, rtol=1e-5, atol=1e-5)

    try:
        like("spirals", SIZE, SEED)
        choose("stripes")
        preset = model.preset("stripes")
        assert live.tab.inner_text("h1") == "FitzHugh-Nagumo: stripes"
        assert preset.about in str(live.tab.text_content("#about"))
        assert preset.about in str(live.tab.locator(".parameters .hint").first.text_content())
        like("stripes", preset.size, preset.seed)
        live.wait("check", "checked")
        live.change("page.setConstants({'u.0': 0.5})")
        assert "preset=stripes" in live.tab.url
        with live.tab.expect_event("load"):
            live.tab.reload()
        live.wait("state", "ready")
        assert live.ask("() => page.constants['u.0']") == 0.5
        assert live.tab.inner_text("h1") == "FitzHugh-Nagumo: stripes"
        with live.tab.expect_download() as saved:
            live.tab.click("#keep summary")
            live.tab.click("#keep-rule")
        kept = load_rule(saved.value.path())
        assert kept.init == model.rule("stripes").init
        like("stripes", preset.size, preset.seed, rule=kept)
        choose("spirals")
        assert "preset" not in live.tab.url.partition("#")[2]
        like("spirals", SIZE, SEED)
        live.tab.goto(f"{live.tab.url.partition('#')[0]}#preset=none-of-ours&paused=1")
        live.wait("state", "ready")
        assert live.errors == []
    finally:
        live.close()
