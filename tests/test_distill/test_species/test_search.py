"""The whole search on a small picture: what comes out, that it repeats, and that it can be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distill.refine.descent import Descent
from distill.result import Distillation
from distill.species import choosing, search, starts
from distill.species.search import check_numbers, levels_of_law, most_numbers
from distill.unfinished import UNFINISHED
from equations.errors import InputError
from equations.rule.rulefile import load_rule
from tests.test_distill.test_species.made import short_search, waves

PICTURE = waves(24, 6.0, 0.0)


@pytest.fixture(scope="module", autouse=True)
def _few_recipes() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starts, "SPREADS_U", (0.15,))
        patch.setattr(starts, "STRETCHES", (1.0,))
        patch.setattr(starts, "BALANCES", {"stripes": ((0.0, 0.0),), "spots": ((0.08, 0.0),)})
        patch.setattr(starts, "STEPS", 200)
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
    assert {row["numbers"] for row in found.report["refine"]} <= {44, 26, 16, 12}


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
        patch.setattr(choosing, "_tune_all", None)
        again = short_search(PICTURE, terms=24, folder=tmp_path, resume=True)
    assert again.rule == found.rule
    with pytest.raises(InputError, match="other settings"):
        short_search(1 - PICTURE, terms=24, folder=tmp_path, resume=True)


def test_the_result_is_saved_with_its_front_and_without_halls_of_fame(found: Distillation, tmp_path: Path) -> None:
    (tmp_path / "hall_of_fame_output1.csv").write_text("of an earlier result")
    found.save(tmp_path)
    assert load_rule(tmp_path / "rule.json") == found.rule
    assert not list(tmp_path.glob("hall_of_fame*"))
    sizes = {int(path.stem) for path in (tmp_path / "front").glob("*.json")}
    assert sizes == {row["numbers"] for row in found.report["refine"]}


def test_levels_go_down_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SLOW", 0.82)  # its own value, which the search of these tests does not have
    assert levels_of_law(40, 2, 30) == [40, 33, 27, 22, 18, 15, 12]
    assert levels_of_law(40, 2, 9)[-1] == 9
    plan = levels_of_law(588, 6, most_numbers(6))
    assert plan[-1] == 28
    assert len(plan) < 14


def test_a_law_has_at_least_a_number_for_each_species_and_colour() -> None:
    assert check_numbers(2, None) == 30
    assert check_numbers(2, 6) == 6
    with pytest.raises(InputError, match="expected at least 6 numbers"):
        check_numbers(2, 5)
