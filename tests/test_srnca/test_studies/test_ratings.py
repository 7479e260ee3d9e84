"""Ratings: blind order, repeats, what is written and taken back, and a planted rater's consistency."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from equations.errors import InputError
from srnca.studies.ratings.ratings import (
    PAGE,
    add_rating,
    consistency,
    mean_scores,
    measure_agreement,
    parse_rater,
    parse_score,
    plan_pages,
    take_back,
)
from srnca.studies.ratings.sheet import write_sheet
from srnca.studies.storage.results import list_results
from tests.test_srnca.test_studies.planted import planted_study


def test_scores_and_names() -> None:
    assert [parse_score(text) for text in ("0", " 5\n")] == [0, 5]
    for bad in ("6", "-1", "2.5", "", "five", "55", "٣"):
        with pytest.raises(InputError, match=r"expected a whole number from 0 \(bad\) to 5 \(good\)"):
            parse_score(bad)
    with pytest.raises(InputError, match="--rater: expected a name"):
        parse_rater(" \n")


def test_consistency_of_a_planted_rater_is_exact(tmp_path: Path) -> None:
    study = planted_study(tmp_path, 4)
    given = {(0, "snake"): (3, 3), (0, "orchid"): (1, 2), (2, "snake"): (4, 2), (3, "snake"): (5, 5)}
    for (trial, target), scores in given.items():
        for score in scores:
            add_rating(study, trial, target, score, "ada")
    add_rating(study, 3, "orchid", 0, "bob")
    found = consistency(list_results(study, tmp_path / "planted.study"))
    assert list(found) == ["ada"]
    ada = found["ada"]
    assert (ada.pairs, ada.exact, ada.difference, ada.apart) == (4, 0.5, -0.25, 0.75)
    from sklearn.metrics import cohen_kappa_score

    first, second = zip(*given.values(), strict=True)
    wanted = cohen_kappa_score(first, second, weights="quadratic", labels=range(6))
    assert ada.kappa == pytest.approx(wanted)


def test_agreement_at_its_ends() -> None:
    assert measure_agreement([(0, 0), (5, 5)]).kappa == 1
    assert measure_agreement([(0, 5), (5, 0)]).kappa == -1
    assert measure_agreement([(3, 3), (3, 3)]).kappa is None
    random = np.random.default_rng(0).integers(0, 6, (4000, 2))
    assert measure_agreement([(int(a), int(b)) for a, b in random]).kappa == pytest.approx(0, abs=0.05)


def test_a_session_shows_everything_once_in_a_shuffled_order(tmp_path: Path) -> None:
    study = planted_study(tmp_path, 15)
    results = list_results(study, tmp_path / "planted.study")
    pages = plan_pages(results, "ada", again=0, seed=3)
    shown = [(s.trial, s.target) for page in pages for s in page]
    assert len(shown) == len(set(shown)) == 29  # one picture is missing: its trial diverged
    assert shown != sorted(shown)
    assert shown == [(s.trial, s.target) for page in plan_pages(results, "ada", again=0, seed=3) for s in page]
    assert max(map(len, pages)) == PAGE


@pytest.mark.parametrize("trials", [4, 15])
def test_repeats_come_on_another_sheet(tmp_path: Path, trials: int) -> None:
    study = planted_study(tmp_path, trials)
    pages = plan_pages(list_results(study, tmp_path / "planted.study"), "ada", again=0.5, seed=0)
    seen = Counter((s.trial, s.target) for page in pages for s in page)
    assert sum(count == 2 for count in seen.values()) == round(0.5 * len(seen))
    for page in pages:
        assert len({(s.trial, s.target) for s in page}) == len(page)
    first = set()
    for page in pages:
        for s in page:
            assert s.again == ((s.trial, s.target) in first)
            first.add((s.trial, s.target))


def test_what_a_rater_has_rated_comes_back_only_as_a_repeat(tmp_path: Path) -> None:
    study, folder = planted_study(tmp_path, 5), tmp_path / "planted.study"
    for trial in (0, 2, 3):
        add_rating(study, trial, "snake", 4, "ada")
    pages = plan_pages(list_results(study, folder), "ada", again=0.3, seed=1)
    again = [(s.trial, s.target) for page in pages for s in page if s.again]
    assert len(again) == 2
    assert {target for _, target in again} == {"snake"}
    assert sum(map(len, plan_pages(list_results(study, folder), "bob", again=0, seed=0))) == 9
    with pytest.raises(InputError, match="--again: expected a share"):
        plan_pages(list_results(study, folder), "ada", again=1.5, seed=0)


def test_ratings_are_kept_and_taken_back_one_at_a_time(tmp_path: Path) -> None:
    study, folder = planted_study(tmp_path, 2), tmp_path / "planted.study"
    for score, rater in ((5, "ada"), (1, "bob"), (3, "ada")):
        add_rating(study, 0, "snake", score, rater)
    take_back(study, 0, "snake", "ada")
    take_back(study, 1, "snake", "ada")  # there is none: nothing happens
    kept = list_results(study, folder)[0].ratings["snake"]
    assert [(r["score"], r["rater"]) for r in kept] == [(5, "ada"), (1, "bob")]
    with pytest.raises(InputError, match="rating"):
        add_rating(study, 0, "snake", 7, "ada")
    assert len(list_results(study, folder)[0].ratings["snake"]) == 2
    add_rating(study, 0, "snake", 5, "ada")
    assert mean_scores(list_results(study, folder)[0]) == {"snake": 3.0}  # ada's 5 twice, bob's 1: raters count alike


def test_raters_never_write_the_same_attribute(tmp_path: Path) -> None:
    """So two at the same moment lose nothing; whatever their names are."""
    study, folder = planted_study(tmp_path, 1), tmp_path / "planted.study"
    raters = ["ada", "a:da", "ada:snake", "ä %3A"]
    for score, rater in enumerate(raters):
        add_rating(study, 0, "snake", score, rater)
    assert len([key for key in study.user_attrs if key.startswith("rating:0:")]) == len(raters)
    kept = list_results(study, folder)[0].ratings
    assert {(r["score"], r["rater"]) for r in kept["snake"]} == set(enumerate(raters))
    assert set(kept) == {"snake"}


def test_the_sheet_frames_the_picture_in_question(tmp_path: Path) -> None:
    from PIL import Image

    study = planted_study(tmp_path, 8)
    page = plan_pages(list_results(study, tmp_path / "planted.study"), "ada", again=0, seed=0)[0]
    places = []
    for index in (0, 7):
        write_sheet(tmp_path / "rate.png", page, index, None, done=range(index))
        pixels = np.asarray(Image.open(tmp_path / "rate.png"), int)
        y, x = np.nonzero(np.abs(pixels - (255, 176, 32)).sum(axis=2) == 0)
        places.append((y.min(), x.min()))
    assert places[1][0] > places[0][0] + 100  # the eighth is in the second row
    assert places[1][1] > places[0][1] + 100
    gone = [type(page[0])(0, "snake", tmp_path / "gone.png")]
    with pytest.raises(InputError, match=r"gone\.png: expected a picture of the study"):
        write_sheet(tmp_path / "rate.png", gone, 0, None)
