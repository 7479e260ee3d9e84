"""A damaged study is refused with a sentence when it is opened, whatever the damage."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from equations.errors import InputError, SrncaError
from srnca.cli.app import main
from srnca.cli.explore import describe
from srnca.cli.output import say
from srnca.pages.parts import escape
from srnca.pages.study_answers import set_text
from srnca.pages.study_folder import explore
from srnca.studies.ratings.score import load_score
from srnca.studies.storage import schema
from srnca.studies.storage.results import list_results, open_study
from srnca.studies.workers.founding import StudyRequest, join_study
from tests.test_srnca.test_studies.planted import FEW_RESAMPLES, planted_study
from tests.test_srnca.test_studies.quick import found

JOURNAL = Path("planted.study/journal.log")
RATING = schema.rating_key(0, "snake", "ada")
GOOD = {"score": 3, "rater": "ada", "time": "2026-01-01T00:00:00+00:00"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (schema.SPACE, 3),
        (schema.SPACE, {"channels": "all"}),
        (schema.TARGETS, ["snake"]),
        (schema.TARGETS, {"snake": 3}),
        (schema.TARGETS, {"snake": {"spec": 3}}),
        (schema.TARGETS, {"snake": {"spec": "sample:snake", "crop": "all"}}),
        (schema.SETTINGS, [1]),
        (schema.SETTINGS, {"size": "large"}),
        (schema.SETTINGS, {"size": 32.5}),
        (schema.QUEUE, {"a": 1}),
        (schema.QUEUE, [3]),
        (RATING, 3),
        (RATING, [3]),
        (RATING, [{**GOOD, "score": 9}]),
        (RATING, [{**GOOD, "score": "3"}]),
        (RATING, [{**GOOD, "score": float("nan")}]),
        (RATING, [{**GOOD, "rater": None}]),
        (RATING, [{"score": 3}]),
    ],
)
def test_attributes_of_the_study(key: str, value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    planted_study(Path(), 2).set_user_attr(key, value)
    commands = [["explore", "planted", "--quiet"], ["sweep", "--study", "planted", "--quiet"]]
    if key == RATING:
        commands.append(["rate", "planted"])
    for words in commands:
        assert main(words) == 2, words
        said = capsys.readouterr().err
        assert said.startswith("error: "), said
        assert said.count("\n") == 1
        assert len(said) < 400


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (schema.LOSSES, 3),
        (schema.LOSSES, {"snake": "low"}),
        (schema.LOSSES, {"snake": [1]}),
        (schema.PICTURES, ["a.png"]),
        (schema.PICTURES, {"snake": 3}),
        (schema.PICTURES, {"snake": "/etc/passwd"}),
        (schema.PICTURES, {"snake": "../../x.png"}),
        (schema.STATUS, ["done"]),
        (schema.SEED, "x"),
        (schema.TIME, "long"),
        (schema.COST, "x"),
        (schema.PRUNED_AT, 3),
        ("root", "first"),
        ("tries", "many"),
        ("alive", 3),
        ("alive", {"at": 3}),
    ],
)
def test_attributes_of_a_trial(key: str, value: Any) -> None:
    study = planted_study(Path(), 2)
    attributes = {**study.trials[0].user_attrs, key: value}
    study.add_trial(
        optuna.trial.create_trial(
            params=study.trials[0].params,
            distributions=study.trials[0].distributions,
            values=[1.0],
            user_attrs=attributes,
        )
    )
    with pytest.raises(InputError, match=r"study planted: its storage is damaged \(trial 2: .*\); go back to a copy"):
        open_study("planted")


def test_a_study_that_lacks_a_part() -> None:
    planted_study(Path(), 2)
    lines = JOURNAL.read_text().splitlines(keepends=True)
    JOURNAL.write_text("".join(line for line in lines if schema.SETTINGS not in line))
    with pytest.raises(InputError, match=r"its storage is damaged \(it lacks srnca.settings\)"):
        open_study("planted")
    with pytest.raises(InputError, match=r"it lacks srnca\.settings"):
        join_study("planted", None, StudyRequest())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[]", " in line 5"),
        ("[" * 10**5, " in line 5"),
        ("{", " in line 5"),
        (f'{{"op_code": {"9" * 5000}}}', " in line 5"),
        ('{"op_code": 99, "worker_id": "x"}', ""),
        ('{"op_code": 4, "worker_id": "x"}', ""),
        ('{"op_code": 0, "worker_id": "x"}', ""),
    ],
)
def test_a_damaged_line(line: str, said: str) -> None:
    found("planted")
    lines = JOURNAL.read_text().splitlines(keepends=True)
    JOURNAL.write_text("".join([*lines[:4], f"{line}\n", *lines[4:]]))
    with pytest.raises(InputError, match=rf"journal\.log: expected a study's journal, .* damaged{said}; go back"):
        open_study("planted")


def test_a_pipe_is_not_waited_for() -> None:
    os.mkfifo("pipe")
    with pytest.raises(SrncaError):
        open_study("planted", "journal:pipe")
    with pytest.raises(InputError, match="got a named pipe"):
        join_study("planted", "journal:pipe", StudyRequest(("sample:snake",)))


def test_rating_keys_of_any_length_are_no_traceback() -> None:
    study = planted_study(Path(), 2)
    study.set_user_attr(f"rating:{'9' * 5000}:ada:snake", [GOOD])
    assert len(list_results(open_study("planted"))) == 2


def other_study(losses: Callable[[int], dict[str, float | None]]) -> Any:
    """The planted study with other targets: those that `losses` of a trial's number has. No pictures."""
    study = planted_study(Path(), 6)
    journal = optuna.storages.journal.JournalFileBackend("other.log")
    other = optuna.create_study(study_name="other", storage=optuna.storages.JournalStorage(journal))
    for key, value in study.user_attrs.items():
        other.set_user_attr(key, value)
    other.set_user_attr(schema.TARGETS, {name: {"spec": "none.png", "crop": None} for name in losses(0)})
    for trial in study.trials:
        attributes = {**trial.user_attrs, schema.LOSSES: losses(trial.number), schema.PICTURES: {}}
        other.add_trial(
            optuna.trial.create_trial(
                params=trial.params, distributions=trial.distributions, values=[1.0], user_attrs=attributes
            )
        )
    return open_study("other", "journal:other.log")


def test_odd_names_and_losses_in_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    """Names with markup, mathematics, marks that turn the direction of what follows, and commands to a terminal; losses
    of zero and of no number, and a texture on which no trial came to an end: no warning of plots without a logarithm.
    """
    name = "a\u202eb\u2066$x^$y<script>"
    study = other_study(lambda number: {name: 0.0 if number else float("nan"), "orchid\x1b[2J": None})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Glyph")  # the font of the figures has none for the marks
        found = explore(study, Path("other.study"), Path("report"), wanted=(), resamples=FEW_RESAMPLES)
    page = Path("report/report.html").read_text(encoding="utf-8")
    assert r"a\u202eb\u2066$x^$y&lt;script&gt;" in page
    assert r"orchid\x1b[2J" in page
    assert not {"\u202e", "\u2066", "\x1b"} & set(page)
    assert "<script" not in page
    assert "&lt;script&gt;" in escape(set_text({"channels": 6, "activation": "<script>"}))
    say(describe(found))
    said = capsys.readouterr().out
    assert r"a\u202eb\u2066$x^$y<script>" in said
    assert "\x1b" not in said


def test_names_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"targets: expected a name in UTF-8, got '\\udcff'; rename the file"):
        join_study("new", None, StudyRequest((os.fsdecode(b"\xff.png"),)))
    with pytest.raises(InputError, match="its storage is damaged"):
        other_study(lambda number: {"\udcff": 0.1})


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**5, "9" * 5000, '{"format": "srnca.score/1", "names": 3}', "[]", "3", "\xff",
        json.dumps({"format": "srnca.score/1", "names": ["a"]}),
    ],
    ids=range(7),
)  # fmt: skip
def test_damaged_scores(text: str) -> None:
    Path("score.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"score\.json"):
        load_score(Path("score.json"))
