"""The live page in a browser: it computes what the reference computes, and does what a person asks of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from equations import models
from equations.expressions.constants import fill_names, name_numbers, summands
from equations.expressions.tree import from_tree, to_tree
from equations.rule.display import render
from equations.rule.init import make_state
from equations.rule.rule import Rule
from equations.rule.rulefile import rule_from_dict
from equations.simulation import first_init
from tests.test_equations.awkward import AWKWARD, COLOURED, ROUNDED, reference
from tests.test_srnca.browser import SEED, SIZE, STEPS, Live, browser, close, write

NASTY = '"><script>document.title="hit"</script> & \u202ereversed ünï😀'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def coral(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = Live(chromium, write(tmp_path_factory.mktemp("coral"), models.get("gray-scott:coral")))
    yield live
    live.close()


@pytest.fixture
def fresh(coral: Live) -> Live:
    """The page of Gray-Scott without edits."""
    coral.change("page.resetEdits()")
    return coral


def changed(rule: Rule, constants: dict[str, float]) -> Rule:
    """The rule with other numbers, made without the page's code."""
    updates = {}
    for channel in rule.channels:
        named, numbers = name_numbers(to_tree(rule.updates[channel]), channel)
        updates[channel] = from_tree(fill_names(named, numbers | constants))
    return rule.replace(updates=updates)


def without(rule: Rule, channel: str, index: int) -> Rule:
    """The rule without one term."""
    left = [part for k, part in enumerate(summands(to_tree(rule.updates[channel]))) if k != index]
    return rule.replace(updates={**rule.updates, channel: from_tree(["Add", *left] if len(left) > 1 else left[0])})


def test_the_first_state_is_that_of_the_reference_and_so_are_20_steps(fresh: Live) -> None:
    rule = models.get("gray-scott:coral")
    first = make_state(first_init(rule), 2, (SIZE, SIZE), SEED)
    np.testing.assert_array_equal(fresh.run(0), first)
    got = fresh.run(STEPS)
    close(got, rule)
    assert np.abs(got - first).max() > 0.1
    fresh.wait("check", "checked")
    np.testing.assert_allclose(fresh.ask("() => page.cell(5, 9)"), got[:, 9, 5])


def test_a_dragged_constant_is_the_rule_with_that_constant(fresh: Live) -> None:
    rule = models.get("gray-scott:coral")
    numbers = name_numbers(to_tree(rule.updates["u"]), "u")[1]
    assert numbers["u.0"] == 0.055
    fresh.change("page.setConstants({'u.0': 0.03, 'v.1': -0.1})")
    other = changed(rule, {"u.0": 0.03, "v.1": -0.1})
    dragged = fresh.run(STEPS)
    close(dragged, other)
    fresh.change("page.setConstants({'u.0': 0.04})")  # a uniform by now: no new shader
    close(fresh.run(STEPS), changed(rule, {"u.0": 0.04, "v.1": -0.1}))
    kept = fresh.ask("() => page.constants['u.0']")
    fresh.change("page.undo()")
    assert (kept, fresh.ask("() => page.constants['u.0']")) == (0.04, 0.03)
    fresh.change("page.undo()")
    close(fresh.run(STEPS), rule)
    with pytest.raises(Exception, match="no constant"):
        fresh.ask("() => page.setConstants({'u.99': 1})")


def test_a_term_that_is_knocked_out_is_gone(fresh: Live) -> None:
    rule = models.get("gray-scott:coral")
    for term, (channel, index) in {"u.1": ("u", 1), "v.2": ("v", 2)}.items():
        fresh.change(f"page.resetEdits(); page.setGates({{'{term}': false}})")
        close(fresh.run(STEPS), without(rule, channel, index))


def test_edits_come_back_from_the_link_and_the_rule_file(fresh: Live, chromium: Any, tmp_path: Path) -> None:
    fresh.change("page.setConstants({'u.0': 0.031}); page.setGates({'v.1': false})")
    link = fresh.tab.url.partition("#")[2]
    assert "set=u.0:0.031" in link
    assert "off=v.1" in link
    rule = models.get("gray-scott:coral")
    wanted = without(changed(rule, {"u.0": 0.031}), "v", 1)
    again = Live(chromium, write(tmp_path, rule), f"&{link}")
    try:
        close(again.run(STEPS), wanted)
        with again.tab.expect_download() as saved:
            again.tab.click("#keep summary")
            again.tab.click("#keep-rule")
        kept = rule_from_dict(json.loads(Path(saved.value.path()).read_text("utf-8")))
        assert dict(kept.updates) == dict(wanted.updates)
        assert again.errors == []
    finally:
        again.close()


def test_nothing_is_requested_and_names_are_text(chromium: Any, tmp_path: Path) -> None:
    rule = AWKWARD["cell mask"].replace(provenance={"citation": NASTY})
    live = Live(chromium, write(tmp_path, rule, title=NASTY, about=NASTY, notes=[NASTY]))
    try:
        close(live.run(STEPS), rule)
        assert live.requests == [live.requests[0]]
        assert live.requests[0].startswith("file:")
        assert "<script>" in live.tab.title()
        assert live.tab.title() != "hit"
        assert '<script>document.title="hit"</script>' in live.tab.inner_text("h1")
        assert live.tab.locator("h1 script, aside script").count() == 0
        failed = live.ask("() => fetch('https://example.com/').then(() => 'sent', () => 'refused')")
        assert failed == "refused"
        assert live.errors == []
    finally:
        live.close()


def test_a_telephone_with_16_bit_floats_can_touch_it(chromium: Any, tmp_path: Path) -> None:
    rule = models.get("gray-scott:coral")
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    live = Live(chromium, write(tmp_path, rule), "&half=1", **phone)
    try:
        live.wait("precision", "half")
        got = live.run(STEPS)
        np.testing.assert_allclose(got, reference(rule, (SIZE, SIZE), STEPS, SEED), atol=0.02)
        assert live.ask("() => document.documentElement.scrollWidth") <= 390
        box = live.tab.locator("#overlay").bounding_box()
        assert box["width"] > 300
        live.tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        middle = live.state()[:, SIZE // 2, SIZE // 2]
        np.testing.assert_allclose(middle, [1, 0], atol=1e-3)  # the lesion: back to the background
        assert np.abs(got[:, SIZE // 2, SIZE // 2] - middle).max() > 0.1
        live.tab.tap("#tab-about")
        assert live.tab.is_visible("#check-text")
        live.ask("() => new Promise((done) => setTimeout(done, 300))")
        picture, drawer = (live.tab.locator(name).bounding_box() for name in ("#overlay", "#panels"))
        assert picture["y"] + picture["height"] <= drawer["y"]  # the open drawer leaves the picture in sight
        assert picture["height"] > 200
        for name in ("#play", "[data-tool=probe]", "#tab-equations"):
            assert min(live.tab.locator(name).bounding_box()[side] for side in ("width", "height")) >= 36
        live.tab.set_viewport_size({"width": 844, "height": 390})
        live.ask("() => new Promise((done) => setTimeout(done, 300))")
        picture, drawer = (live.tab.locator(name).bounding_box() for name in ("#overlay", "#panels"))
        assert picture["x"] + picture["width"] <= drawer["x"]
        assert picture["height"] > 300
        assert live.errors == []
    finally:
        live.close()


def test_a_lost_context_comes_back(fresh: Live) -> None:
    before = fresh.run(STEPS)
    fresh.ask(
        """() => new Promise((done) => {
        const canvas = document.getElementById("picture");
        const lost = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
        canvas.addEventListener("webglcontextlost", () => setTimeout(() => lost.restoreContext(), 50));
        canvas.addEventListener("webglcontextrestored", () => done());
        lost.loseContext();
        })"""
    )
    fresh.wait("building", "no")
    fresh.wait("step", 0)
    np.testing.assert_array_equal(fresh.run(STEPS), before)


def test_a_rule_that_diverges_is_stopped_and_says_so(fresh: Live) -> None:
    fresh.change("page.setConstants({'u.0': 1e5})")
    fresh.ask("() => { page.reset(); page.advance(60); }")
    fresh.wait("state", "diverged")
    assert "Diverged by step" in fresh.tab.inner_text("#trouble")
    fresh.ask("() => page.reset()")
    fresh.wait("state", "ready")


def test_keys_run_it_and_labels_name_every_control(fresh: Live) -> None:
    fresh.run(0)
    fresh.tab.keyboard.press(".")
    fresh.wait("step", 1)
    fresh.tab.focus("#overlay")
    fresh.tab.keyboard.press("Enter")  # a lesion in the middle
    np.testing.assert_allclose(fresh.state()[:, SIZE // 2, SIZE // 2], [1, 0], atol=1e-6)
    fresh.tab.keyboard.press("Shift+Enter")  # what the square of the first state has
    np.testing.assert_allclose(fresh.state()[:, SIZE // 2, SIZE // 2], [0.5, 0.25], atol=1e-6)
    unnamed = fresh.ask(
        """() => [...document.querySelectorAll("button, select, input, canvas")].filter((e) => !(
        e.getAttribute("aria-label") || e.textContent.trim() || e.closest("label")?.textContent.trim()
        )).map((e) => e.outerHTML)"""
    )
    assert unnamed == []


def test_brushes_change_what_they_should(fresh: Live) -> None:
    """Noise in all channels, damage to half of the cells, paint in one species and its negative."""

    def use(letter: str, key: str = "Enter") -> tuple[np.ndarray, np.ndarray]:
        before = fresh.run(0)
        fresh.tab.focus("#overlay")
        fresh.tab.keyboard.press(letter)
        fresh.tab.keyboard.press(key)
        return before, fresh.state()

    y, x = np.indices((SIZE, SIZE)) - SIZE / 2 + 0.5
    inside = np.hypot(x, y) < 1.4  # the radius is 2, from the middle
    outside = np.hypot(x, y) > 3
    before, noisy = use("n")
    assert (noisy != before)[:, inside].all()
    assert (noisy == before)[:, outside].all()
    assert np.abs(noisy - before).max() <= 0.25  # half of the square's height over the background
    before, damaged = use("d")
    back = (damaged == np.array([1, 0], np.float32)[:, None, None]).all(0)
    assert 0 < (back & (np.hypot(x, y) < 3)).sum() < (np.hypot(x, y) < 2).sum()
    for key, value in (("Enter", 0.25), ("Shift+Enter", -0.25)):
        before, painted = use("p", key)
        assert (painted[1][inside] == value).all()
        assert (painted[0] == before[0]).all()
    fresh.tab.keyboard.press("l")


def test_pictures_and_shaders_are_saved(fresh: Live, tmp_path: Path) -> None:
    def save(button: str) -> Path:
        with fresh.tab.expect_download() as saved:
            fresh.tab.click("#keep summary")
            fresh.tab.click(button)
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
        return tmp_path / saved.value.suggested_filename

    state = fresh.run(STEPS)
    with Image.open(save("#keep-picture")) as picture:
        assert picture.size == (4 * SIZE, 4 * SIZE)
        pixels = np.asarray(picture.convert("RGB"))[::4, ::4].astype(int)
    assert np.abs(pixels - render(models.get("gray-scott:coral"), state)).max() <= 3  # of 255
    fresh.change("page.setConstants({'u.0': 0.0625})")
    shader = save("#keep-shader").read_text("utf-8")
    assert "(0.0625f)" in shader
    assert "⟦" not in shader


@pytest.mark.slow
def test_a_film_is_saved(fresh: Live) -> None:
    with fresh.tab.expect_download() as saved:
        fresh.tab.click("#keep summary")
        fresh.tab.click("#keep-film")
        fresh.ask("() => page.play(true)")
        fresh.tab.wait_for_timeout(3000)
        fresh.tab.click("#keep summary")
        fresh.tab.click("#keep-film")
    fresh.ask("() => page.play(false)")
    assert saved.value.suggested_filename.endswith((".webm", ".mp4"))
    assert Path(saved.value.path()).stat().st_size > 1000


SENSITIVE = "division by nothing"  # u_lap^-8 makes thousandths of what devices round in a quotient
SLOW = {**AWKWARD, **{f"{label}, coloured": rule for label, rule in COLOURED.items()}}
SLOW |= {name: models.get(name) for name in models.names()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("label", [label for label in SLOW if label != "rare mask"])
def test_every_rule_is_that_of_the_reference(label: str, chromium: Any, tmp_path: Path) -> None:
    """With the looser bound where devices round functions such as sin to 1e-4 or so."""
    rule = SLOW[label]
    live = Live(chromium, write(tmp_path, rule))
    try:
        first = make_state(first_init(rule), len(rule.channels), (SIZE, SIZE), SEED)
        np.testing.assert_array_equal(live.run(0), first)
        rounded = any(label.startswith(name) for name in ROUNDED)
        wanted = reference(rule, (SIZE, SIZE), STEPS, SEED)
        bound = 1e-2 if label == SENSITIVE else 2e-3 if rounded else 2e-5
        np.testing.assert_allclose(live.run(STEPS), wanted, rtol=bound, atol=bound * max(1, np.abs(wanted).max()))
        if label != SENSITIVE:
            live.wait("check", "checked")
        assert live.errors == []
    finally:
        live.close()
