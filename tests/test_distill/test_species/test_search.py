"""The whole search on a small picture: what comes out, that it repeats, and that it can be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distill.refine.descent import Descent
from distill.result import Distillation
from distill.species import choosing, search, starts, systems
from distill.species.search import check_numbers, levels_of_law, most_numbers
from distill.unfinished import UNFINISHED
from equations.errors import InputError
from equations.rule.rulefile import load_rule
from tests.test_distill.test_species.made import short_search, waves

PICTURE = waves(24, 6.0, 0.0)


@pytest.fixture(scope="module", autouse=True)
def _few_recipes() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "RATIOS", (0.1,))
        patch.setattr(systems, "BALANCES", {"stripes": ((0.0, 0.0),), "spots": ((0.03, -0.007),)})
        patch.setattr(systems, "CATALOGUE", ())
        patch.setattr(starts, "STRETCHES", (1.0,))
        patch.setattr(starts, "OLD", 500)
        patch.setattr(choosing, "GROWN_RUNS", 2)
        patch.setattr(search, "SLOW", 0.6)
        yield


@pytest.fixture(scope="module")
def found() -> Distillation:
    return short_search(PICTURE, terms=24)


def test_a_law_of_two_species_has_no_more_numbers_than_asked_for(found: Distillation) -> None:
    numbers = found.report["species"]["numbers"]
    assert numbers["all"] == numbers["laws"] + numbers["colours"] <= 24
    assert found.report["species"]["asked"] == 2
    assert len(found.report["species"]["starts"]) == 2
    assert found.report["species"]["wavelength"] == pytest.approx(6, rel=0.1)
    assert found.rule.provenance["engine"] == "species"
    assert found.rule.dt == 1
    assert found.report["stability"]["stable"]
    rows = found.report["refine"]
    assert max(row["numbers"] for row in rows) == 24  # a law grows beyond its start, and no further than asked
    assert all(row["score"] > 0 for row in rows)


def test_the_same_seed_gives_the_same_law(found: Distillation) -> None:
    again = short_search(PICTURE, terms=24)
    assert again.rule == found.rule
    assert {**again.report, "time_s": 0} == {**found.report, "time_s": 0}


def test_a_search_that_was_killed_goes_on_to_the_same_law(
    found: Distillation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proper = Descent._level

    def killed(self: Descent, *arguments: Any) -> None:
        if self.index == 2:
            raise KeyboardInterrupt
        proper(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Descent, "_level", killed)
        with pytest.raises(KeyboardInterrupt):
            short_search(PICTURE, terms=24, folder=tmp_path)
    assert (tmp_path / UNFINISHED).exists()
    with monkeypatch.context() as patch:
        patch.setattr(choosing, "make_starts", None)  # neither the sweep nor the tuning of the starts is done again
        patch.setattr(choosing, "_tune", None)
        again = short_search(PICTURE, terms=24, folder=tmp_path, resume=True)
    assert again.rule == found.rule
    with pytest.raises(InputError, match="other settings"):
        short_search(1 - PICTURE, terms=24, folder=tmp_path, resume=True)


def test_starts_that_a_budget_cut_short_are_tuned_when_the_search_goes_on(
    found: Distillation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Descent, *arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Descent, "_level", killed)
        with pytest.raises(KeyboardInterrupt):
            short_search(PICTURE, terms=24, folder=tmp_path, budget_s=1e-6)
    again = short_search(PICTURE, terms=24, folder=tmp_path, resume=True)
    assert again.report["left_out"] == []
    assert again.rule == found.rule


def test_laws_of_two_three_and_four_species_compete_and_the_search_goes_on_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "AUTO", (1, 2))
    monkeypatch.setattr(systems, "BALANCES", {"stripes": ((0.0, 0.0),)})
    found = short_search(PICTURE, species="auto")
    competed = found.report["species"]["competed"]
    assert [row["species"] for row in competed] == [1, 2]
    chosen = next(row for row in competed if row["species"] == len(found.rule.channels))
    best = min(row["score"] for row in competed)
    assert chosen["score"] <= search.CLEARLY * best
    shorter = [row for row in competed if row["numbers"] < chosen["numbers"]]
    assert all(row["score"] > search.CLEARLY * best for row in shorter)
    begun: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(search, "choose_starts", lambda part, laws: _count(part, laws, begun))
        with pytest.raises(KeyboardInterrupt):
            short_search(PICTURE, species="auto", folder=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Descent, "_level", _refuse_one_species)
        assert short_search(PICTURE, species="auto", folder=tmp_path, resume=True).rule == found.rule


def _count(part: choosing.Searching, laws: Any, begun: list[int]) -> Any:
    begun.append(len(laws))
    if len(begun) == 2:  # the first search is done
        raise KeyboardInterrupt
    return choosing.choose_starts(part, laws)


_LEVEL = Descent._level


def _refuse_one_species(self: Descent, *arguments: Any) -> None:
    assert self.chains[0].table.channels == 2, "the finished search was done again"
    _LEVEL(self, *arguments)


def test_the_result_is_saved_with_its_front_and_without_halls_of_fame(found: Distillation, tmp_path: Path) -> None:
    (tmp_path / "hall_of_fame_output1.csv").write_text("of an earlier result")
    found.save(tmp_path)
    assert load_rule(tmp_path / "rule.json") == found.rule
    assert not list(tmp_path.glob("hall_of_fame*"))
    sizes = {int(path.stem) for path in (tmp_path / "front").glob("*.json")}
    assert sizes == {row["numbers"] for row in found.report["refine"]}


def test_a_law_grows_by_some_numbers_and_is_pruned_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SLOW", 0.82)  # its own value, which the search of these tests does not have
    assert levels_of_law(18, 2, 30) == [18, 26, 21, 17, 14, 12]
    assert levels_of_law(18, 2, 20)[:2] == [18, 20]
    assert levels_of_law(18, 2, 9)[-1] == 9
    plan = levels_of_law(45, 6, most_numbers(6))
    assert max(plan) == 60
    assert plan[-1] == 28


def test_a_law_has_at_least_a_number_for_each_species_and_colour() -> None:
    assert check_numbers(2, None) == 30
    assert check_numbers(2, 8) == 8
    with pytest.raises(InputError, match="expected at least 8 numbers"):
        check_numbers(2, 7)
