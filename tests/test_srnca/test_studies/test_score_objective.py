"""A study that lowers what is missing of the best rating, as a learned score predicts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from srnca.cli.app import main
from srnca.media.png import save_png
from srnca.studies.ratings.score import (
    NAMES,
    Score,
    fit_score,
    missing_rating,
    predict_score,
    save_score,
    score_to_dict,
)
from srnca.studies.ratings.sheet import read_picture
from srnca.studies.storage import schema
from srnca.studies.storage.results import list_results
from srnca.studies.workers.founding import StudyRequest, join_study
from srnca.studies.workers.objective import Job, Outcome, TrialObserver
from srnca.studies.workers.worker import Plan, work
from tests.test_srnca.test_studies.planted import SIZE, draw_sample

SETTINGS = {"size": SIZE, "iterations": 2, "sampler": "random", "prune": 0.0, "objective": "score"}
TARGETS = ("sample:snake", "sample:orchid")


@pytest.fixture(scope="module")
def score() -> Score:
    """Ratings that fall with the patch distance alone: planted, so no picture is needed."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((40, len(NAMES)))
    place = NAMES.index("patches")
    return fit_score(rows, np.clip(2.5 - rows[:, place], 0, 5), np.repeat(np.arange(20), 2))[0]


def spoil(job: Job, watch: TrialObserver) -> Outcome:
    """A training whose picture is the better the higher the learning rate; trial 0 diverges on the second target."""
    out = Outcome(schema.DONE, dict.fromkeys(job.targets))
    job.folder.mkdir(parents=True, exist_ok=True)
    for place, (name, target) in enumerate(job.targets.items()):
        if job.folder.name == "trial-0000" and place == 1:
            out.status = schema.DIVERGED
            continue
        noise = 0.4 * (1 - (np.log10(job.config.learning_rate) + 5) / 2)
        spoiled = target.pixels + noise * np.random.default_rng(0).standard_normal(target.pixels.shape)
        save_png(job.folder / f"{name}.png", spoiled.clip(0, 1).astype(np.float32))
        out.losses[name], out.pictures[name] = 0.5, f"{name}.png"
    return out


def test_a_trial_counts_what_is_missing_of_the_best_rating(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = StudyRequest(TARGETS, None, SETTINGS, score_to_dict(score))
    study, new = join_study("liked", None, request)
    assert new
    assert work(Plan("liked", None, 4), objective=spoil) == 4
    results = list_results(study)
    targets = {name: draw_sample(name) for name in ("snake", "orchid")}
    for result in results:
        expected = [
            predict_score(score, targets[name], np.asarray(read_picture(path), np.float32) / 255)[0]
            for name, path in result.pictures.items()
        ]
        assert result.value == pytest.approx(5 - sum(expected) / 2)
    assert results[0].status == schema.DIVERGED
    assert results[0].value is not None
    assert results[0].value > 2.4  # half of the mean is a rating of 0
    rates = [float(r.params["learning_rate"]) for r in results[1:]]
    values = [float(r.value or 0) for r in results[1:]]
    assert values[int(np.argmin(rates))] == max(values) > min(values) + 0.5
    assert missing_rating(score, targets, {}) == 5
    with pytest.raises(InputError, match="exists with another score"):
        join_study("liked", None, StudyRequest(score=score_to_dict(replace(score, intercept=1.0))))
    assert join_study("liked", None, request)[1] is False


@pytest.mark.parametrize(
    ("change", "with_score", "message"),
    [
        ({}, False, "--objective score: expected --score FILE with --objective score and nowhere else"),
        ({"objective": "loss"}, True, "--objective loss: expected --score FILE with"),
        ({"objective": "beauty"}, True, "--objective: expected loss or score, got 'beauty'"),
    ],
)
def test_objective_and_score_go_together(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any], with_score: bool, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    said = score_to_dict(score) if with_score else None
    with pytest.raises(InputError, match=message):
        join_study("liked", None, StudyRequest(TARGETS, None, {**SETTINGS, **change}, said))


def test_a_score_that_has_learned_nothing_is_refused(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_score(tmp_path / "score.json", replace(score, r2=replace(score.r2, low=-0.1)))
    words = ["sweep", *TARGETS, "--study", "liked", "--objective", "score", "--score", "score.json"]
    assert main(words) == 2
    assert "got one that cannot; rate more pictures" in capsys.readouterr().err
