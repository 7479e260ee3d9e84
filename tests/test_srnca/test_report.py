"""The page of a distillation: whole, well-formed, and with nothing in it that a browser would run or fetch."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest

from distill import distill
from distill.identify.teacher import RecordingTeacher
from distill.result import Distillation
from equations.analysis.spectrum import windowed_spectrum
from equations.rule.reduce import drop_unseen
from equations.rule.rule import Rule
from equations.rule.stencils import nca_stencils
from equations.rule.symbols import symbol
from srnca.pages import evidence, report_checkpoint, report_recording
from srnca.pages.panels import draw_histograms
from srnca.pages.parts import escape, flatten, number
from srnca.pages.rendering import environment
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.teacher import NCATeacher
from tests.test_equations.helpers import in_colours
from tests.test_srnca.tiny import SHORT_PAGE, checkpoint, simulate_on_torch

MADE = checkpoint(activation="abs", channels=3, filters=2)
SECTIONS = ("pictures", "equations", "front", "fidelity", "states", "spectra", "provenance")
VOID = {"meta", "img", "mspace", "br"}
EVIL = '<script>alert("1")</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """Every element that opens must close; collects what the tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.sections: list[str] = []
        self.images: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.sections += self.ids[-1:] if tag == "section" else []
        self.images += [value or "" for name, value in attrs if tag == "img" and name == "src"]
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open = self.open if tag in VOID else self.open[:-1]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)


@pytest.fixture(scope="module")
def found() -> Distillation:
    """The closed form, with the numbers that the pipeline adds for a picture."""
    result = distill(NCATeacher(MADE), size=(16, 16), steps=100)
    result.report["texture_loss"] = {"flat": 1.0, "teacher": 0.2, "rule": 0.3}
    result.report["judge"] = {"flat": 1.0, "teacher": 0.16, "rule": 0.2}
    lasts = {13.0: True, 9.0: None, 5.0: False}
    result.report["refine"] = [{"terms_per_channel": k, "loss": 3.0 / k, "lasts": v} for k, v in lasts.items()]
    return result


def written(path: Path, result: Distillation, made: Checkpoint = MADE) -> tuple[str, Page]:
    report_checkpoint(path / "report.html", result, made, SHORT_PAGE)
    assert [p.name for p in path.iterdir()] == ["report.html"]
    text = (path / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_is_whole(found: Distillation, tmp_path: Path) -> None:
    text, page = written(tmp_path, found)
    assert tuple(page.sections) == SECTIONS
    assert len(page.ids) == len(set(page.ids))
    said = page.text.replace(" 's", "'s")
    assert "The rule's texture loss is 0.300, 1.50 times the NCA's 0.200; flat colour scores 1.00." in said
    assert "The judge's number is 0.200, 1.25 times the NCA's 0.160; flat colour scores 1.00." in said
    assert "nothing is trained on it" in said
    assert "disagree" not in said
    assert {"judge, NCA", "judge, rule"} <= set(page.words)
    assert "13.0 terms a channel" in page.text
    assert "stripes: closed-form rule" in page.text
    assert page.tags.count("img") == 2 * 3 + 2  # both at three steps, the target and the rule on a larger grid
    assert page.text.count("R² 1.000 · 13 terms") == 3
    assert page.tags.count("svg") == 4 + 2 * 3  # curves; one step and states of each channel
    assert page.tags.count("math") > 3 * 13
    assert {"sample", "together", "distilled_from", "chosen", "does not last"} <= set(page.words)
    assert text.startswith("<!DOCTYPE html>")


def test_it_fetches_and_runs_nothing(found: Distillation, tmp_path: Path) -> None:
    text, page = written(tmp_path, found)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", text.replace("data:image/png;base64,", ""))
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on")]
    for image in page.images:
        assert base64.b64decode(image.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")


def test_foreign_text_stays_text(found: Distillation, tmp_path: Path) -> None:
    report = {**found.report, "provenance": {**found.report["provenance"], EVIL: EVIL, "inner": {EVIL: [EVIL]}}}
    report["time_s"] = {**report["time_s"], EVIL: 1.0}
    made = replace(MADE, provenance={"target": EVIL})
    text, page = written(tmp_path, replace(found, report=report), made)
    assert "<script" not in text
    assert "onerror=alert(2)>" not in text
    assert "script" not in page.tags
    assert not [name for name in page.attributes if name.startswith("on")]
    assert page.text.count(EVIL) >= 6  # shown as it is
    assert escape("a\u202e<b>\x1b\udcff") == r"a\u202e&lt;b&gt;\x1b\xff"


def test_the_same_result_gives_the_same_page(found: Distillation, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    assert written(tmp_path / "a", found)[0] == written(tmp_path / "b", found)[0]


def test_a_rule_of_fewer_channels_has_its_page_too(tmp_path: Path) -> None:
    """h3 moves, but nothing that is shown depends on it; h4 stands after it."""
    made = checkpoint(activation="abs", channels=5, filters=2)
    result = distill(NCATeacher(made), engine="exact", rows=200, size=(16, 16), steps=20)
    names = ("r", "g", "b", "h4")
    updates = {name: sum(symbol(other) for other in names) * -0.01 for name in names}
    bare = drop_unseen(result.rule.replace(updates={**updates, "h3": symbol("h3") * -0.1}, fronts={}))
    assert bare.channels == names
    report_checkpoint(
        tmp_path / "report.html",
        replace(
            result,
            rule=bare,
            report=result.report
            | {
                "r2": dict.fromkeys(names, 0.5),
                "terms": {**result.report["terms"], "by_channel": dict.fromkeys(names, 4)},
            },
        ),
        made,
        SHORT_PAGE,
    )
    page = Page((tmp_path / "report.html").read_text())
    assert set(SECTIONS) <= set(page.sections)
    film = evidence.make_film(bare, made, SHORT_PAGE)
    np.testing.assert_array_equal(film.nca[-1], film.whole[-1][[0, 1, 2, 4]])


def test_colours_that_are_formulas_are_on_the_page(found: Distillation, tmp_path: Path) -> None:
    text, page = written(tmp_path, replace(found, rule=in_colours(found.rule, "0.5 + r*g", "0.5 - b^2", "0.25")))
    for name, formula in (("red", "<mi>r</mi>"), ("green", "<mi>b</mi>"), ("blue", "<mn>0.25</mn>")):
        equation = text.partition(f"<math><mi>{name}</mi><mo>=</mo></math>")[2]
        assert "colour" in equation[:80]
        assert formula in equation[:400]
    assert set(SECTIONS) <= set(page.sections)


def test_a_rule_that_diverges_has_its_page_too(found: Distillation, tmp_path: Path) -> None:
    wild = found.rule.replace(updates={**found.rule.updates, "g": 40 * symbol("g") ** 3 + 1})
    report = {**found.report, "texture_loss": {"flat": 1.0, "teacher": 1.5, "rule": None}}
    report["judge"] = {"flat": 1.0, "teacher": 0.9, "rule": None}
    _, page = written(tmp_path, replace(found, rule=wild, report=report))
    assert page.words.count("diverged") == 2
    assert "∞" in page.words
    assert re.search(r"It diverged at step \d+\.", page.text)
    assert "states" not in page.sections
    assert "The automaton itself is no better than a flat colour" in page.text


def test_a_rule_that_has_lost_the_texture_is_warned_of(found: Distillation, tmp_path: Path) -> None:
    report = {**found.report, "texture_loss": {"flat": 1.0, "teacher": 0.1, "rule": 0.25}}
    _, page = written(tmp_path, replace(found, report=report))
    assert "The rule has 2.5 times the automaton's texture loss" in page.text
    _, page = written(
        tmp_path, replace(found, report={**report, "texture_loss": {**report["texture_loss"], "rule": 0.1}})
    )
    assert "times the automaton's texture loss" not in page.text


def test_the_page_says_where_the_two_disagree(found: Distillation, tmp_path: Path) -> None:
    report = {**found.report, "judge": {"flat": 1.0, "teacher": 0.15, "rule": 0.45}}
    report["texture_loss"] = {"flat": 1.0, "teacher": 0.2, "rule": 0.21}
    _, page = written(tmp_path, replace(found, report=report))
    assert "The two disagree: by the texture loss the rule is as good as its automaton" in page.text
    assert "the judge is right, look at the pictures." in page.text
    assert "The rule has 3.0 times the automaton's distance from the picture by the judge" in page.text


def test_a_result_from_before_there_was_a_judge_has_its_page(found: Distillation, tmp_path: Path) -> None:
    report = {name: value for name, value in found.report.items() if name != "judge"}
    _, page = written(tmp_path, replace(found, report=report))
    assert "The rule 's texture loss is 0.300" in page.text
    assert "judge" not in page.text


def test_what_a_deadline_left_out_is_on_the_page(found: Distillation, tmp_path: Path) -> None:
    _, page = written(tmp_path, replace(found, report={**found.report, "left_out": ["the search for <u>"]}))
    assert "There was no time for this: the search for <u>." in page.text


def test_a_checkpoint_without_a_picture(found: Distillation, tmp_path: Path) -> None:
    report = {name: value for name, value in found.report.items() if name not in ("texture_loss", "judge")}
    _, page = written(tmp_path, replace(found, report=report), replace(MADE, picture=None))
    assert tuple(page.sections) == SECTIONS
    assert "texture loss" not in page.text
    assert "target" not in page.words


def test_a_recording_gets_the_parts_that_exist(tmp_path: Path) -> None:
    frames = NCATeacher(checkpoint(activation="linear", channels=3)).rollout(size=(24, 24), steps=12, seed=0, every=1)
    teacher = RecordingTeacher(frames, 1.0, ("r", "g", "b"), nca_stencils(4))
    result = distill(teacher, engine="sparse", max_terms=12)
    report_recording(tmp_path / "report.html", result, teacher, EVIL, SHORT_PAGE)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.sections == ["equations", "front", "fidelity", "provenance"]
    assert "img" not in page.tags
    assert "script" not in page.tags
    assert "One-step R² from 1.0000" in page.text


def test_late_marks_are_dropped_where_they_would_take_long() -> None:
    settings = replace(SHORT_PAGE, marks=(0, 20, 40, 100, 200), film_work=3 * 16 * 16 * 150)
    rule: Rule = distill(NCATeacher(MADE), size=(16, 16), steps=20).rule
    film = evidence.make_film(rule, MADE, settings)
    assert film.marks == (0, 20, 40, 100)
    for nca, own in zip(film.nca, film.rule, strict=True):
        np.testing.assert_allclose(nca, own, atol=1e-4)  # the closed form, with the same seed


def test_an_automaton_written_out_gets_a_short_look(found: Distillation, tmp_path: Path) -> None:
    """The page says how short: its captions hold the steps and the cells that were run."""
    long = replace(SHORT_PAGE, long_steps=200, long=32)
    assert not evidence._is_written_out(found.rule, long)
    full = evidence._run_long(found.rule, None, long)
    settings = replace(long, short_look=1)
    assert evidence._is_written_out(found.rule, settings)
    short = evidence._run_long(found.rule, None, settings)
    assert (short.side, short.last, short.steps[-1]) == (full.side // 2, full.last // 10, 20)
    report_checkpoint(tmp_path / "report.html", found, MADE, settings)
    page = (tmp_path / "report.html").read_text()
    assert f"over 20 steps on {short.side} × {short.side} cells" in page


def test_the_threads_of_torch_are_given_back(found: Distillation, tmp_path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        written(tmp_path, found)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_spectrum_of_waves_and_of_noise() -> None:
    x = np.arange(64)
    frequency, power = windowed_spectrum([np.broadcast_to(np.sin(2 * np.pi * x / 8), (64, 64))])
    assert frequency[power.argmax()] == pytest.approx(1 / 8)
    noise = np.random.default_rng(0).normal(0, 0.5, (8, 64, 64))
    assert windowed_spectrum(list(noise))[1][4:].mean() == pytest.approx(0.25, rel=0.05)


def test_histograms_of_awkward_values() -> None:
    assert draw_histograms([], [np.nan, np.inf]) == ""
    flat, single, wide = ([0.0] * 9, [0.0] * 9), ([1.0, np.nan], []), (np.full(100, 1e30), [0.0])
    for a, b in (flat, single, wide, ([0.0] * 99 + [1.0], [0.5] * 9)):
        drawn = draw_histograms(a, b)
        assert Page(drawn).tags.count("path") >= 3
        assert "nan" not in drawn
        assert "inf" not in drawn


def test_numbers_and_tables() -> None:
    values: list[Any] = [None, np.inf, 0.1234, 1.234, 123.4, 1e9]
    assert [number(v) for v in values] == ["∞", "∞", "0.123", "1.23", "123", "1.00e+09"]
    rows = flatten({"a": 1, "b": {"c": [1, 2], "d": {"e": 2}}, "f": {"g": 1, "h": "x"}})
    assert flatten({"a": None, "b": "", "c": 0, "d": 0.123456, "e": []}) == [("c", "0"), ("d", "0.1235")]
    assert rows == [("a", "1"), ("b: c", "1 2"), ("b: d", "e 2"), ("f", "g 1, h x")]
    assert "…" in environment().get_template("macros.html").module.table([("k", "x" * 500)], "t")


def test_a_wavelength_that_is_missing_is_none_and_not_infinite() -> None:
    template = (files("srnca.pages") / "templates/rule.html").read_text("utf-8")
    sentence = template[template.index("Wavelength in cells") : template.index("{{ meaning.wavelength.why")]
    cells = {"predicted": None, "measured": 8.25}
    data = {"meaning": {"wavelength": {"cells": cells}}, "species": {"wavelength": 9.5}}
    words = environment().from_string(sentence).render(data).split()
    assert " ".join(words) == "Wavelength in cells: predicted none, measured 8.25; of the picture's pattern 9.50."


def test_what_a_template_prints_is_escaped_and_made_visible() -> None:
    made = environment().from_string("{{ one }}|{{ two.a | lower }}|{{ three | safe }}")
    assert made.render(one=EVIL, two={"a": "\u202eA<"}, three="<b>") == rf"{escape(EVIL)}|\u202ea&lt;|<b>"
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ missing }}").render()


def test_only_drawings_and_formulas_are_taken_as_they_are() -> None:
    loader = environment().loader
    assert loader is not None
    names = [name for name in loader.list_templates() if name.endswith(".html")]
    pages = {"equation.html", "gallery.html", "page.html", "rule.html", "study.html", "training.html"}
    assert {"base.html", "macros.html", *pages} == set(names)
    text = "".join(loader.get_source(environment(), name)[0] for name in names)
    formulas = {"math", "equation.math", "channel.math", "one.math", "side", "term"}
    ours = {"svg", *formulas, "style", "script", "payload"}  # the last is JSON without < and >
    assert set(re.findall(r"(\S+) \| safe", text)) == ours
    assert text.count("safe") == 15
    assert "autoescape" not in text
