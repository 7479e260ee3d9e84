"""What stands beside a rule on its page, in a browser: the network, the photo, the rules of its front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from PIL import Image

from distill.teacher import compose
from equations.expressions.infix import parse_infix
from equations.rule.display import render
from equations.rule.init import Init
from srnca.pages.live.beside import front_payload, network_payload, photo_url
from srnca.texture.teacher import NCATeacher
from tests.test_equations.helpers import in_colours, make_rule
from tests.test_srnca.browser import SEED, SIZE, STEPS, Live, browser, close, write
from tests.test_srnca.tiny import checkpoint


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


def test_the_network_runs_beside_the_rule_with_the_same_seed_and_mask(chromium: Any, tmp_path: Path) -> None:
    teacher = NCATeacher(checkpoint(update_rate=0.5))
    rule = compose(teacher, {c: parse_infix(f"-0.1*{c}", teacher.channels) for c in teacher.channels})
    less = rule.replace(updates={**rule.updates, teacher.channels[0]: sympy.S.Zero})
    network, _ = network_payload(teacher)
    parts = {"network": network, "photo": photo_url(np.zeros((8, 8, 3))), "front": front_payload(rule, {3: less})}
    live = Live(chromium, write(tmp_path, rule, **parts))
    try:
        close(live.run(STEPS), rule)
        live.wait("check", "checked")
        assert "Network: Same first state bit for bit" in str(live.tab.text_content("#check-text"))
        wanted = teacher.rollout(size=(SIZE, SIZE), steps=STEPS, seed=SEED, every=STEPS)[-1]
        np.testing.assert_allclose(live.state("network"), wanted, atol=2e-5)
        assert np.abs(wanted - live.state()).max() > 0.01
        live.tab.fill("#front", "1")
        live.wait("building", "no")
        assert live.tab.inner_text("#front-text") == "3 terms"
        close(live.run(STEPS), less)
        live.tab.uncheck('[data-pane="photo"]')
        assert not live.tab.is_visible("#photo")
        assert live.errors == []
    finally:
        live.close()


def test_a_rule_of_the_front_has_its_own_colours(chromium: Any, tmp_path: Path) -> None:
    laws = {"u": "0.1*u_lap - 0.2*u", "v": "-0.1*v"}
    init = Init("noise", (0.5, 0.5), (0.5, 0.5))
    rule = in_colours(make_rule(laws, init=init), "0.5 - 0.4*u", "v", "0.2")
    other = in_colours(make_rule({**laws, "v": "0.02*u"}, init=init), "0.1", "u*u", "0.9*v")
    live = Live(chromium, write(tmp_path, rule, front=front_payload(rule, {2: other})))
    try:
        for index, shown in ((1, other), (0, rule)):
            live.tab.fill("#front", str(index))
            live.wait("building", "no")
            assert live.tab.is_visible("text=Another rule of the front is running") is (index == 1)
            state = live.run(STEPS)
            close(state, shown)
            with live.tab.expect_download() as saved:
                live.tab.keyboard.press("s")
            with Image.open(saved.value.path()) as picture:
                pixels = np.asarray(picture.convert("RGB"))[::4, ::4].astype(int)
            assert np.abs(pixels - render(shown, state)).max() <= 1
            colours = live.ask("() => page.colours.map((program) => program.length)")
            assert (colours == [1, 2, 3]) is (index == 1)
    finally:
        live.close()


def test_the_badge_says_when_only_the_network_differs(chromium: Any, tmp_path: Path) -> None:
    teacher = NCATeacher(checkpoint(update_rate=0.5))
    rule = compose(teacher, {c: parse_infix(f"-0.1*{c}", teacher.channels) for c in teacher.channels})
    network, _ = network_payload(teacher)
    assert network is not None
    network["check"]["values"][0][5] += 0.1
    live = Live(chromium, write(tmp_path, rule, network=network))
    try:
        live.wait("check", "failed")
        assert live.tab.get_attribute("#badge", "title") == "Rule: checked. Network: failed."
    finally:
        live.close()
