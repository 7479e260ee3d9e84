"""A law of few species beside the rule of an automaton: which is chosen, where both lie, and going on after a kill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from distill.refine import Settings
from distill.result import Distillation
from distill.species.search import SETTINGS
from equations.errors import InputError
from equations.rule.rulefile import load_rule
from srnca.automata import load
from srnca.texture import law_and_rule
from srnca.texture.checkpoint import save_checkpoint
from srnca.texture.species import Species
from srnca.texture.subject import Subject
from tests.test_distill.test_species.made import SHORT
from tests.test_srnca.command import run
from tests.test_srnca.test_cli_species import shorten, striped
from tests.test_srnca.tiny import SHORT_PAGE, checkpoint, shorten_distillation

QUICK: dict[str, Any] = {"refinement": replace(SETTINGS, **SHORT), "page": SHORT_PAGE, "picture_steps": 40}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "x.pt"
    save_checkpoint(striped(), path)
    return path


def judges(patch: pytest.MonkeyPatch, law: float | None, rule: float | None, teacher: float = 0.1) -> list[str]:
    """Both searches give results with these numbers of the judge. Returns a list that names each search that ran."""
    ran: list[str] = []
    search_law, search_rule = Subject.search_law, Subject.search_rule

    def found(name: str, result: Distillation, number: float | None) -> Distillation:
        ran.append(name)
        result.report["judge"] |= {"rule": number, "teacher": teacher}
        return result

    def law_of(self: Subject, species: Species, **search: Any) -> Distillation:
        return found("law", search_law(self, species, **search), law)

    def rule_of(self: Subject, **search: Any) -> Distillation:
        return found("rule", search_rule(self, **search), rule)

    patch.setattr(Subject, "search_law", law_of)
    patch.setattr(Subject, "search_rule", rule_of)
    return ran


def kill_after_the_law(trained: Path, out: Path) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subject, "search_rule", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load(trained).distill(species="beside", out=out, **QUICK)


def test_the_law_is_beside_the_rule_where_it_is_worse(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(monkeypatch)
    judges(monkeypatch, law=0.3, rule=0.2)
    out = tmp_path / "out"
    code, said, _ = run(capsys, "distill", "--checkpoint", trained, "--out", out, "--quiet")
    assert code == 0
    law, rule = load_rule(out / "law" / "rule.json"), load_rule(out / "rule.json")
    assert law.channels == ("u", "v")
    assert rule.channels == load(trained).teacher.channels
    report = json.loads((out / "report.json").read_text())
    competed = report["competed"]
    assert competed["chosen"] == "rule"
    assert competed["others"]["law"]["equations"][0].startswith("du = ")
    assert competed["others"]["law"]["quality"] in ("fair", "poor")
    assert report["time_s"]["law"] > 0
    assert said.index("a law of few species") < said.index("chosen: a rule of the automaton's channels")
    page = (out / "report.html").read_text()
    assert 'href="law/report.html"' in page
    assert page.index("A law of few species") < page.index(">Equations<")
    assert (out / "law" / "analysis.png").exists()
    assert not (out / "rule").exists()
    assert not list(out.glob("unfinished*"))


def test_a_law_that_is_nearly_as_good_is_chosen_and_the_rule_kept(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    judges(monkeypatch, law=0.24, rule=0.2)
    found = load(trained).distill(species="beside", out=tmp_path, **QUICK)
    assert found.rule.channels == ("u", "v")
    assert load_rule(tmp_path / "rule.json") == found.rule
    assert load_rule(tmp_path / "rule" / "rule.json").channels == found.others["rule"].rule.channels
    assert "rule/report.html" in (tmp_path / "report.html").read_text()
    assert found.report["competed"]["others"]["rule"]["judge"] == 0.2


def test_no_rule_is_searched_where_the_law_is_as_good_as_the_automaton(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    ran = judges(monkeypatch, law=0.1, rule=0.05, teacher=0.1)
    (tmp_path / "rule" / "front").mkdir(parents=True)
    for name in ("rule.json", "front/0012.json", "mine.txt"):  # of an earlier result, and of somebody else
        (tmp_path / "rule" / name).write_text("{}")
    (tmp_path / "report.json").write_text('{"competed": {"others": {"rule": {}}}}')
    found = load(trained).distill(species="beside", out=tmp_path, **QUICK)
    assert ran == ["law"]
    assert not found.others
    assert "as good as the automaton" in found.report["competed"]["why"]
    assert [path.name for path in (tmp_path / "rule").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["law", "rule"])
def test_a_result_of_somebody_else_is_not_written_over(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shorten(monkeypatch)
    ran = judges(monkeypatch, law=0.4, rule=0.2)
    own = tmp_path / name / "rule.json"
    own.parent.mkdir()
    own.write_text("{}")
    with pytest.raises(InputError, match=f"result of its own in .*{name}"):
        load(trained).distill(species="beside", out=tmp_path, **QUICK)
    assert (ran, own.read_text()) == ([], "{}")
    load(trained).distill(species=None, out=tmp_path, **QUICK)  # which writes no such folder
    assert own.read_text() == "{}"


def test_a_picture_without_a_pattern_gets_the_rule_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = checkpoint(activation="abs", channels=3, filters=2)
    flat = replace(made, picture=made.target * 0 + 0.5)
    save_checkpoint(flat, tmp_path / "x.pt")
    found = load(tmp_path / "x.pt").distill(species="beside", out=tmp_path / "out", **QUICK)
    assert found.report["competed"]["chosen"] == "rule"
    assert found.report["competed"]["why"]
    assert not found.others
    assert not (tmp_path / "out" / "law").exists()


def test_a_law_whose_pictures_run_away_is_none(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)
    monkeypatch.setattr(
        law_and_rule, "no_law", lambda losses, judged: "it runs away" if judged["rule"] is None else None
    )
    judges(monkeypatch, law=None, rule=None)
    found = load(trained).distill(species="beside", **QUICK)
    assert found.report["competed"] == {"chosen": "rule", "why": "it runs away", "others": {}}


def test_a_killed_search_goes_on_after_the_law(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)
    ran = judges(monkeypatch, law=0.3, rule=0.2)
    whole = load(trained).distill(species="beside", out=tmp_path / "whole", **QUICK)
    kill_after_the_law(trained, tmp_path / "killed")
    assert not (tmp_path / "killed" / "rule.json").exists()
    ran.clear()
    found = load(trained).distill(species="beside", out=tmp_path / "killed", resume=True, **QUICK)
    assert ran == ["rule"]
    assert found.rule == whole.rule
    for name in ("law/rule.json", "rule.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kill_after_the_law(trained, tmp_path / "other")
    with pytest.raises(InputError, match="begun with other settings"):
        load(trained).distill(species="beside", out=tmp_path / "other", resume=True, seed=1, **QUICK)


def test_both_share_a_budget(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)
    given: dict[str, float] = {}
    search_law, search_rule = Subject.search_law, Subject.search_rule

    def law_of(self: Subject, species: Species, **search: Any) -> Distillation:
        given["law"] = search["budget_s"]
        return search_law(self, species, **search)

    def rule_of(self: Subject, **search: Any) -> Distillation:
        given["rule"] = search["budget_s"]
        return search_rule(self, **search)

    monkeypatch.setattr(Subject, "search_law", law_of)
    monkeypatch.setattr(Subject, "search_rule", rule_of)
    load(trained).distill(species="beside", budget_s=1000.0, **QUICK)
    assert given["law"] == 400.0
    assert 400.0 < given["rule"] < 1000.0


@pytest.mark.parametrize("options", [["--species", "none"], ["--engine", "sparse"], ["--refine", "none"]])
def test_the_rule_alone_where_it_is_asked_for(
    options: list[str], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shorten_distillation(monkeypatch)
    code, said, _ = run(capsys, "distill", "--checkpoint", trained, *options, "--out", tmp_path / "x", "--quiet")
    assert code == 0
    assert "law of few species" not in said
    assert "competed" not in json.loads((tmp_path / "x" / "report.json").read_text())


def test_options_that_do_not_fit_both_are_errors(trained: Path) -> None:
    with pytest.raises(InputError, match="expected refinement"):
        load(trained).distill(species="beside", refine=False)
    with pytest.raises(InputError, match="expected effort above 0"):
        load(trained).distill(species="beside", effort=-1.0, refinement=Settings())
