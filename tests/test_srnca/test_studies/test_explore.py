"""A planted study explored: the planted law is found, the report stands on its own, and too little is said to be so."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import optuna
import pytest

from equations.errors import InputError
from srnca.pages.study_folder import explore, parse_views, queue_of, summarise
from srnca.studies.explore.findings import Findings
from srnca.studies.explore.importance import measure_importances
from srnca.studies.explore.named import compare_named
from srnca.studies.explore.trial_table import read_table
from srnca.studies.ratings.score import load_score
from srnca.studies.search.axis import Axis
from srnca.studies.search.space import Space
from srnca.studies.storage import schema
from srnca.studies.storage.results import list_results
from srnca.studies.workers.founding import study_space
from srnca.texture.config import PRESETS
from tests.test_srnca.test_studies.planted import FEW_RESAMPLES, planted_study

SHAPES = [
    {key: getattr(PRESETS[name], key) for key in ("channels", "hidden", "filters", "update_rate")}
    | {"max_ca_steps": 40, "batch_size": 2, "learning_rate": rate}
    for name, rate in (("blog-set5", 1e-3), ("blog-set8", 1e-3))
]


class Explored:
    """One study, explored once for all tests that only read."""

    def __init__(self, folder: Path) -> None:
        self.study = planted_study(folder, 16, rated=True, more=SHAPES)
        self.home, self.out = folder / "planted.study", folder / "report"
        self.found: Findings = explore(
            self.study, self.home, self.out, wanted=("pca", "autoencoder"), suggestions=5, resamples=FEW_RESAMPLES
        )
        self.page = (self.out / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Explored:
    return Explored(tmp_path_factory.mktemp("explored"))


def test_the_planted_slope_and_correlations_are_recovered(explored: Explored) -> None:
    found = explored.found
    both, line = found.across["snake", "orchid"]
    assert both.n == 17  # trial 1 diverged on the second texture
    assert both.pearson.low > 0.8
    assert line.slope.low < 0.5 < line.slope.high  # −0.75 against −1.5 a learning rate's range
    assert line.intercept.low < 0.2 / np.log(10) < line.intercept.high
    assert found.agreement is not None
    assert found.agreement.low > 0.5
    rate = found.by_hyperparameter["learning_rate", "snake"]
    assert rate.spearman.high < -0.8
    assert all(abs(found.by_hyperparameter[name, "snake"].spearman.value) < 0.7 for name in ("channels", "filters"))
    assert set(found.with_ratings) == {"snake", "orchid", "all"}
    assert found.with_ratings["all"].spearman.high < -0.7


def test_the_planted_hyperparameter_ranks_first(explored: Explored) -> None:
    for what in ("loss", "rating"):
        one = explored.found.importances[what]
        assert one.r2 > 0.4
        assert one.names[int(one.mean.argmax())] == "learning_rate"
        others = [m for name, m in zip(one.names, one.mean, strict=True) if name != "learning_rate"]
        assert max(others) < 0.2 * one.mean.max()


def test_the_page_needs_nothing_else(explored: Explored) -> None:
    parser = _Tags()
    parser.feed(explored.page)
    assert parser.open == []
    assert not re.search(r"(src|href)=\"(?!data:|#)", explored.page)
    assert not re.search(r"https?://|<script|<link|url\((?!#)", explored.page)
    ids = re.findall(r' id="([^"]+)"', explored.page)
    assert len(ids) == len(set(ids))
    for title in ("Does good on one texture mean good on all?", "Set 5 against set 8", "A learned score"):
        assert title in explored.page
    assert "blog-set5" in explored.page
    assert "There is too little" not in explored.page


class _Tags(HTMLParser):
    """Which elements are still open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_figures_and_tables_are_there(explored: Explored) -> None:
    names = {path.name for path in explored.out.iterdir()}
    figures = {"losses", "ratings", "hyperparameters", "importances", "across", "views", "score"}
    assert names == {f"{name}.png" for name in figures} | {"report.html", "trials.csv", "queue.json", "score.json"}
    for name in figures:
        assert (explored.out / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert explored.page.count("<svg") == len(figures)
    rows = list(csv.DictReader((explored.out / "trials.csv").open()))
    assert len(rows) == 18
    assert rows[1]["loss:orchid"] == ""
    assert rows[1]["status"] == "diverged"
    results = list_results(explored.study, explored.home)
    assert float(rows[4]["loss:snake"]) == results[4].losses["snake"]
    assert rows[4]["rating:snake"] == str(float(results[4].ratings["snake"][0]["score"]))


def test_the_queue_is_in_the_study_and_every_set_of_it_can_be_run(explored: Explored) -> None:
    queue = json.loads((explored.out / "queue.json").read_text())
    assert len(queue) == 10
    assert explored.study.user_attrs[schema.QUEUE] == queue == queue_of(explored.found)
    space = study_space(explored.study)
    rates = [space.check(params)["learning_rate"] for params in queue]
    assert np.median(np.array(rates, float)) > 1e-4  # the good region is where the rate is high
    assert sum(drawn.refused for drawn in explored.found.drawn) == 0


def test_the_score_is_saved_when_there_are_ratings(explored: Explored) -> None:
    assert load_score(explored.out / "score.json") == explored.found.score
    assert explored.found.score is not None
    assert explored.found.score.has_learned


def test_named_sets_are_compared(explored: Explored) -> None:
    named = explored.found.named
    assert named is not None
    assert [duel.trials for duel in named.pairs] == [((16,), (17,))] * 2
    losses = [list_results(explored.study, explored.home)[trial].losses for trial in (16, 17)]
    assert named.pairs[0].losses == pytest.approx((losses[0]["snake"], losses[1]["snake"]))
    ratios = [float(losses[0][t] or 0) / float(losses[1][t] or 1) for t in ("snake", "orchid")]
    assert named.ratio is not None
    assert named.ratio.value == pytest.approx(np.sqrt(ratios[0] * ratios[1]))
    assert named.wins == sum(ratio < 1 for ratio in ratios)
    others = [r for r in list_results(explored.study, explored.home) if r.number != 17]
    assert compare_named(others, ("snake", "orchid")) is None


def test_the_summary_is_plain_data(explored: Explored) -> None:
    from srnca.cli.output import plain

    data = json.loads(json.dumps(plain(summarise(explored.found)), allow_nan=False))
    assert data["trials"] == 18
    assert data["verdict"].startswith("Yes")
    assert data["across"]["snake/orchid"]["line"]["slope"]["value"] == pytest.approx(0.5, abs=0.15)
    assert data["importances"]["loss"]["learning_rate"][0] > 0.5
    assert len(data["suggestions"]) == 10


def test_few_trials_and_no_ratings_are_said_in_each_panel(tmp_path: Path) -> None:
    study = planted_study(tmp_path, 3)
    found = explore(
        study, tmp_path / "planted.study", tmp_path / "report", wanted=("pca", "autoencoder"), resamples=FEW_RESAMPLES
    )
    page = (tmp_path / "report" / "report.html").read_text()
    assert set(found.lacks) == {
        *("across", "ratings", "importances of the loss", "importances of the rating", "score", "pca", "autoencoder")
    }
    for text in ("5 trials that ended on two textures are needed", "5 trials with a result are needed, there are 3",
                 "10 trials with a loss are needed, there are 3", "srnca rate planted", "Only 3 trials"):  # fmt: skip
        assert text in page
    assert json.loads((tmp_path / "report" / "queue.json").read_text()) == []
    assert schema.QUEUE not in study.user_attrs
    assert not (tmp_path / "report" / "score.json").exists()
    assert (tmp_path / "report" / "losses.png").exists()


def test_a_study_of_one_hyperparameter_has_no_plane(tmp_path: Path) -> None:
    space = Space((Axis("learning_rate", low=1e-5, high=1e-3, log=True),))
    study = planted_study(tmp_path, 8, space=space)
    found = explore(study, tmp_path / "planted.study", tmp_path / "report", wanted=("pca",), resamples=FEW_RESAMPLES)
    assert found.views == []
    assert found.lacks["pca"] in (tmp_path / "report" / "report.html").read_text()


def test_one_texture_and_lost_pictures_still_make_a_report(tmp_path: Path) -> None:
    study = planted_study(tmp_path, 7, targets=("snake",), rated=True)
    home = tmp_path / "planted.study"
    for path in home.glob("trial-*/snake.png"):
        path.unlink()
    found = explore(study, home, tmp_path / "report", wanted=("pca",), suggestions=2, resamples=FEW_RESAMPLES)
    assert found.agreement is None
    assert "no rated pictures are at hand" in found.lacks["score"]
    assert len(found.drawn[0].suggestions) == 2


def test_a_study_in_which_all_diverged_makes_a_report(tmp_path: Path) -> None:
    study = planted_study(tmp_path, 2)
    results = list_results(study, tmp_path / "planted.study")
    assert results[1].status == "diverged"
    table = read_table(study, tmp_path / "planted.study")
    assert np.isnan(table.losses[1, 1])
    assert table.badness[1] > table.badness[0]


def test_a_study_without_trials_is_refused(tmp_path: Path) -> None:
    study = planted_study(tmp_path, 0)
    with pytest.raises(InputError, match="study planted: expected trials that have ended, got none"):
        explore(study, tmp_path / "planted.study", tmp_path / "report")


def test_views_are_named() -> None:
    assert parse_views("pca, UMAP,pca") == ("pca", "umap")
    assert parse_views("") == ()
    with pytest.raises(InputError, match=r'--views: .* got \'umaps\' \(did you mean "umap"\?\)'):
        parse_views("pca,umaps")


def test_importances_of_noise_explain_nothing() -> None:
    random = np.random.default_rng(0)
    one = measure_importances(random.random((30, 3)), ("a", "b", "c"), random.standard_normal(30))
    assert one is not None
    assert one.r2 < 0.2
    assert measure_importances(np.zeros((9, 1)), ("a",), np.arange(9.0)) is None


def test_two_objectives_do_no_harm(tmp_path: Path) -> None:
    """A study of nsga2 has a cost beside its loss."""
    one = planted_study(tmp_path, 6)
    two = optuna.create_study(study_name="two", directions=["minimize", "minimize"])
    for key, value in one.user_attrs.items():
        two.set_user_attr(key, value)
    for trial in one.trials:
        two.add_trial(
            optuna.trial.create_trial(
                params=trial.params,
                distributions=trial.distributions,
                values=[trial.values[0], 10.0],
                user_attrs=trial.user_attrs,
            )
        )
    assert read_table(two, tmp_path / "planted.study").losses.shape == (6, 2)
