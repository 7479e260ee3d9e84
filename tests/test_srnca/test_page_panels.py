"""The panels of a live page in a browser: equations, scales, probe, recovery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations import models
from equations.analysis.spectrum import windowed_spectrum
from equations.rule.display import colours_of
from equations.rule.rule import Rule
from srnca.pages.live.builder import build_page
from srnca.pages.live.payload import Start
from srnca.pages.parts import data_url
from tests.test_equations.awkward import AWKWARD, reference
from tests.test_srnca.browser import Live, browser

SIZE, SEED = 24, 7


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


def opened(chromium: Any, folder: Path, rule: Rule, *, link: str = "", window: Any = None, **parts: Any) -> Live:
    path = folder / "page.html"
    path.write_text(build_page(rule, title="a rule", start=Start(SIZE, SEED), **parts), encoding="utf-8")
    return Live(chromium, path, link, viewport={"width": 1200, "height": 800}, **(window or {}))


@pytest.fixture(scope="module")
def coral(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    photo = (np.random.default_rng(0).random((32, 32, 3)) * 255).astype(np.uint8)
    folder = tmp_path_factory.mktemp("panels")
    live = opened(chromium, folder, models.get("gray-scott:coral"), photo=data_url(photo), errors={"u.0": 0.002})
    yield live
    live.close()


@pytest.fixture
def fresh(coral: Live) -> Iterator[Live]:
    """The page of Gray-Scott without edits, on its equations."""
    coral.change("page.resetEdits(); page.reset()")
    coral.tab.click("#tab-equations")
    yield coral
    assert coral.errors == []


def text(live: Live, selector: str) -> str:
    return str(live.tab.locator(selector).first.text_content())


def constants(live: Live) -> dict[str, float]:
    return dict(live.ask("() => ({...page.constants})"))


def test_a_click_on_a_term_leaves_it_out_and_a_second_one_puts_it_back(fresh: Live) -> None:
    term = fresh.tab.locator(".term", has=fresh.tab.locator('[aria-label="term −u·v²"]'))
    term.locator("msup").click()
    fresh.wait("building", "no")
    assert fresh.ask("() => page.gates['u.3']") is False
    assert term.locator(".sign").get_attribute("aria-checked") == "false"
    assert "left out: −u·v²" in text(fresh, ".changes")
    rule = models.get("gray-scott:coral")
    alone = rule.replace(updates={**rule.updates, "u": rule.updates["u"] + sympy_product()})
    wanted = reference(alone, (SIZE, SIZE), 8, SEED)
    np.testing.assert_allclose(fresh.run(8), wanted, rtol=1e-5, atol=1e-5)
    term.locator(".sign").focus()
    fresh.tab.keyboard.press("Enter")
    assert fresh.ask("() => page.gates['u.3']") is True
    assert text(fresh, ".changes") == ""


def sympy_product() -> Any:
    from equations.rule.symbols import symbol

    return symbol("u") * symbol("v") ** 2


def test_a_number_is_dragged_typed_and_stepped_and_undone(fresh: Live) -> None:
    number = fresh.tab.locator('.constant[data-name="u.2"]')  # −0.055 u: shown without its sign
    box = number.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fresh.tab.mouse.move(x, y)
    fresh.tab.mouse.down()
    fresh.tab.mouse.move(x + 10, y)
    fresh.tab.mouse.move(x + 40, y)
    fresh.tab.mouse.up()
    dragged = constants(fresh)["u.2"]
    assert dragged == pytest.approx(-0.055 * (1 + 40 * 0.005), rel=1e-5)  # to the right: larger as it is shown
    assert text(fresh, '.constant[data-name="u.2"]') == "0.066"
    assert fresh.ask("() => page.found['u.2']") == -0.055
    number.focus()
    fresh.tab.keyboard.press("ArrowUp")
    assert constants(fresh)["u.2"] == pytest.approx(dragged - 0.00055, rel=1e-5)
    assert number.get_attribute("aria-valuetext") == "0.06655"
    fresh.tab.keyboard.press("Enter")
    fresh.tab.keyboard.type("0.07")
    fresh.ask("() => new Promise((done) => setTimeout(done, 1000))")  # quick changes of a number are one step of undo
    fresh.tab.keyboard.press("Enter")
    assert constants(fresh)["u.2"] == -0.07
    assert "0.055 → 0.07 in −0.055·u" in text(fresh, ".changes")
    assert "u.2:-0.07" in fresh.ask("() => location.hash")
    fresh.tab.click("text=Undo")
    assert constants(fresh)["u.2"] == pytest.approx(dragged - 0.00055, rel=1e-5)
    fresh.tab.click("text=As found")
    assert constants(fresh)["u.2"] == -0.055
    assert text(fresh, ".changes") == ""
    fresh.wait("building", "no")


def test_the_chosen_number_has_a_tick_where_it_was_found_and_its_error(fresh: Live) -> None:
    fresh.tab.locator('.constant[data-name="u.0"]').click()
    assert "found 0.055 ± 0.002" in text(fresh, ".editor")
    field = fresh.tab.locator(".editor .number")
    field.fill("0.08")
    field.press("Enter")
    assert constants(fresh)["u.0"] == 0.08
    tick, band, track = (fresh.tab.locator(f".editor .{name}").bounding_box() for name in ("tick", "band", "track"))
    middle = tick["x"] + tick["width"] / 2
    assert middle == pytest.approx(track["x"] + track["width"] / 2, abs=2)  # 0 … 0.055 … 0.11
    assert band["width"] == pytest.approx((track["width"] - 16) * 0.004 / 0.11, abs=1)
    field.fill("")
    field.press("Enter")
    assert constants(fresh)["u.0"] == 0.08  # nothing typed: nothing changed
    fresh.wait("building", "no")


def test_parameters_of_a_known_model_set_its_numbers(fresh: Live) -> None:
    model = models.load("gray-scott")
    menu = fresh.tab.locator(".parameters select")
    assert menu.input_value() == "coral"
    for name, value in (("F", 0.0367), ("k", 0.06)):
        field = fresh.tab.locator(f'.parameters [aria-label="{name}, number"]')
        field.fill(str(value))
        field.press("Enter")
    fresh.wait("building", "no")
    assert menu.input_value() == ""  # own numbers
    assert constants(fresh)["v.1"] == pytest.approx(-(0.0367 + 0.06), rel=1e-12)
    np.testing.assert_allclose(
        fresh.run(20), reference(model.rule(F=0.0367, k=0.06), (SIZE, SIZE), 20, SEED), rtol=1e-5, atol=1e-5
    )
    fresh.change("page.setConstants({'u.0': 0.03})")  # F stands in three numbers: now they contradict each other
    assert fresh.tab.is_visible("text=no longer follow from the parameters")


def test_the_spectrum_is_that_of_the_picture_and_the_photo_stands_beside_it(fresh: Live) -> None:
    state = fresh.run(20)
    fresh.tab.click("#tab-scales")
    fresh.tab.wait_for_selector(".scales .chart path.line.photo", state="attached")
    rule = models.get("gray-scott:coral")
    shown = np.clip(state[1] * rule.display.scale + rule.display.offset, 0, 1)  # type: ignore[union-attr]
    frequency, power = windowed_spectrum([shown])
    peak = 1 / frequency[np.argmax(power * frequency**2)]
    assert f"Most structure at {peak:.3g} cells" in text(fresh, ".scales section:first-of-type .summary")


def test_the_dispersion_relation_follows_the_numbers_and_says_where_there_is_none(fresh: Live) -> None:
    fresh.tab.click("#tab-scales")
    summary = ".scales section:nth-of-type(2) [role=status]"
    fresh.tab.wait_for_selector(f"{summary}:has-text('Turing')")
    assert "Waves of 11.8 cells grow fastest" in text(fresh, summary)
    fresh.ask(WORDS)
    fresh.tab.uncheck(".scales input[type=checkbox]")
    assert not any("predicted" in word for word in words_of_the_last_drawing(fresh))
    fresh.tab.check(".scales input[type=checkbox]")
    assert "predicted 11.8 cells" in words_of_the_last_drawing(fresh)  # beside a bar of that length
    fresh.change("page.setConstants({'v.1': -0.2})")  # v decays too fast: only u = 1, v = 0 is left
    fresh.tab.select_option(".scales select", "2")
    fresh.tab.wait_for_selector(f"{summary}:has-text('vanished')")
    fresh.tab.select_option(".scales select", "0")
    fresh.tab.wait_for_selector(f"{summary}:has-text('All small waves decay')")


# Chromium 156 forgets to clear a canvas once its pixels were read, so what is drawn is recorded and not read.
WORDS = """() => {
    const c = page.overlay.getContext("2d"), write = c.fillText, clear = c.clearRect;
    window.written = [];
    c.clearRect = (...place) => { window.written = []; clear.apply(c, place); };
    c.fillText = (word, ...place) => { window.written.push(word); write.call(c, word, ...place); };
}"""


def words_of_the_last_drawing(live: Live) -> list[str]:
    """The words on the overlay since it was last cleared. Starts with `WORDS`."""
    live.ask("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return list(live.ask("() => window.written"))


def test_the_probe_follows_a_picked_cell_and_a_lesion_has_a_recovery_curve(fresh: Live) -> None:
    fresh.tab.click("#tab-probe")
    fresh.run(5)
    fresh.ask("() => new Promise((done) => setTimeout(done, 900))")  # statistics are taken from time to time
    fresh.ask("() => page.advance(5)")
    fresh.wait("step", 10)
    fresh.tab.wait_for_selector(".probe .chart path.species-0", state="attached")
    state = fresh.state()
    wanted = f"Cell (12, 12): u = {state[0, 12, 12]:.4g}, v = {state[1, 12, 12]:.4g}"
    fresh.tab.wait_for_selector(f".probe .summary:has-text('{wanted}')")
    fresh.tab.wait_for_selector(".probe .chart path.null.species-1", state="attached")  # nullclines
    fresh.tab.focus("#overlay")
    told = fresh.tab.locator(".probe section:nth-of-type(3) .summary:has-text('at most')")
    for _ in range(60):  # a busy machine takes its statistics late, and a lesion before the first ones has no curve
        fresh.tab.keyboard.press("Enter")  # a lesion in the middle
        fresh.ask("() => page.advance(5)")
        fresh.ask("() => new Promise((done) => setTimeout(done, 700))")
        if told.count():
            break
    assert told.count() == 1


CONTROLS = {
    "button", "checkbox", "slider", "spinbutton", "combobox", "textbox", "switch", "tab", "image", "application",
    "toolbar", "tabpanel", "group", "DisclosureTriangle",
}  # fmt: skip
LIVE = """() => [...document.querySelectorAll("[role=status], [role=alert], [aria-live], output")]
    .filter((e) => e.closest("[aria-live]")?.getAttribute("aria-live") !== "off").map((e) => e.textContent)"""


def test_a_screen_reader_has_a_name_for_every_control_and_is_not_told_every_step(fresh: Live) -> None:
    session = fresh.context.new_cdp_session(fresh.tab)
    for tab in ("equations", "scales", "probe", "about"):
        fresh.tab.click(f"#tab-{tab}")
        fresh.run(2)
        nodes = [node for node in session.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        names = [(n["role"]["value"], n.get("name", {}).get("value", "").strip()) for n in nodes]
        found = [(role, name) for role, name in names if role in CONTROLS]
        assert len(found) > 30
        assert [role for role, name in found if not name] == []
        before = fresh.ask(LIVE)
        assert len(before) >= 3
        fresh.ask("() => page.advance(5)")
        fresh.wait("step", 7)
        fresh.ask("() => new Promise((done) => setTimeout(done, 900))")
        assert fresh.ask(LIVE) == before


@pytest.mark.slow
@pytest.mark.parametrize("label", ["awkward names", "signs"])
def test_names_of_any_kind_are_shown_as_text(label: str, chromium: Any, tmp_path: Path) -> None:
    live = opened(chromium, tmp_path, AWKWARD[label])
    try:
        for tab in ("equations", "scales", "probe"):
            live.tab.click(f"#tab-{tab}")
        live.run(3)
        assert live.tab.locator(".equation").count() == len(AWKWARD[label].channels)
        assert live.errors == []
    finally:
        live.close()


@pytest.mark.slow
def test_colours_by_formulas_are_grey_as_python_has_them(chromium: Any, tmp_path: Path) -> None:
    from tests.test_equations.awkward import COLOURED

    label, rule = next(iter(COLOURED.items()))
    live = opened(chromium, tmp_path, rule)
    try:
        state = live.run(5)
        live.tab.click("#tab-scales")
        grey = np.clip(np.nan_to_num(colours_of(rule, state)), 0, 1).mean(axis=0)
        frequency, power = windowed_spectrum([grey])
        peak = 1 / frequency[np.argmax(power * frequency**2)]
        live.tab.wait_for_selector(f".scales .summary:has-text('{peak:.3g} cells')")
    finally:
        live.close()
    assert label
