"""`srnca rate` as a person or a pipe runs it."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from srnca.cli.app import main
from srnca.studies.storage.results import list_results, open_study
from tests.test_srnca.test_studies.planted import planted_study


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    planted_study(tmp_path, 4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lines: str, *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    code = main(["rate", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def scores(rater: str) -> list[int]:
    return [
        r["score"]
        for result in list_results(open_study("planted"))
        for ratings in result.ratings.values()
        for r in ratings
        if r["rater"] == rater
    ]


def test_a_session_from_a_pipe(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run(capsys, monkeypatch, "3\n5\ns\n\n1\nb\n2\nq\n", "planted", "--rater", "ada", "--again", "0")
    assert code == 0
    assert sorted(scores("ada")) == [2, 3, 5]
    assert "3 ratings by ada, all in the study" in out
    assert "no picture has been rated twice yet" in out
    assert "7 pictures; open planted.study/rate.png" in err
    assert (home / "planted.study" / "rate.png").read_bytes()[:4] == b"\x89PNG"


def test_repeats_measure_the_rater(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "4\n" * 14, "planted", "--rater", "ada", "--again", "1", "--json")
    assert code == 0
    data = json.loads(out)
    assert (data["rated"], data["left"]) == (14, 0)
    assert data["consistency"]["ada"] == {"pairs": 7, "exact": 1.0, "difference": 0.0, "apart": 0.0, "kappa": None}
    code, out, _ = run(capsys, monkeypatch, "5\n" * 7, "planted", "--rater", "ada", "--again", "1")
    assert code == 0
    assert " ".join(out.split()).endswith("ada 14 50 % +0.50 0.50 0")


def test_a_bad_rating_stops_with_2_and_loses_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run(capsys, monkeypatch, "3\n2\n6\n1\n", "planted", "--rater", "ada")
    assert code == 2
    assert "expected a whole number from 0 (bad) to 5 (good), got '6'" in err
    assert "The 2 before it are in the study" in err
    assert sorted(scores("ada")) == [2, 3]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("plante",), 2, "plante"),
        (("planted", "--again", "2"), 2, "--again: expected a share from 0 to 1"),
        (("planted", "--rater", " "), 2, "--rater: expected a name"),
        (("planted", "--sheet", "x.jpg"), 2, ".png"),
    ],
)
def test_bad_words(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...], code: int, message: str,
) -> None:  # fmt: skip
    got, _, err = run(capsys, monkeypatch, "q\n", *words)
    assert got == code
    assert message in err


def test_the_browser_that_is_missing_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna_dashboard", None)
    code, _, err = run(capsys, monkeypatch, "", "planted", "--browser")
    assert code == 4
    assert "pip install 'srnca[dashboard]'" in err


def test_answers_in_the_browser_go_into_the_study(home: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    from equations.errors import InputError
    from srnca.studies.ratings.browser import BrowserRating
    from srnca.studies.ratings.ratings import plan_pages

    study = open_study("planted")
    shown = plan_pages(list_results(study), "ada", again=0, seed=0)[0]
    rating = BrowserRating(study, shown, "ada", {})
    with rating.serving(0) as address:
        root = address.split("/dashboard")[0]
        taken = int(root.rpartition(":")[2])
        assert _tell(root, 2, {"state": "complete", "values": [4]}) == 204
        assert _tell(root, 3, {"state": "fail"}) == 204
        with pytest.raises(urllib.error.HTTPError):
            _tell(root, 1, {"state": "complete", "values": [9]})
        with pytest.raises(InputError, match="--port: expected a free port"), rating.serving(taken):
            pass
        page = json.loads(urllib.request.urlopen(f"{root}/api/studies/0").read())
        assert page["trials"][0]["params"] == []  # blind
    assert scores("ada") == [4]
    assert list_results(study)[shown[2].trial].ratings[shown[2].target][0]["score"] == 4
    assert (rating.given, len(rating.waiting)) == (1, len(shown) - 2)
    rating.collect_until(lambda: True)


def _tell(root: str, trial: int, answer: dict[str, object]) -> int:
    request = urllib.request.Request(
        f"{root}/api/trials/{trial}/tell", json.dumps(answer).encode(), {"Content-Type": "application/json"}
    )
    return int(urllib.request.urlopen(request).status)


def test_keys_of_a_terminal_need_no_enter(home: Path) -> None:
    """A pseudo terminal: each key counts as it is pressed, a wrong one is said and asked again."""
    import os
    import pty
    import subprocess
    import sys

    master, slave = pty.openpty()
    words = [sys.executable, "-m", "srnca", "rate", "planted", "--rater", "ada", "--again", "0"]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        words,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    ) as process:
        os.close(slave)
        assert process.stderr is not None
        said = process.stderr.readline()  # the session has begun
        os.write(master, b"47s2q")
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    os.close(master)
    assert process.returncode == 0, said + err
    assert sorted(scores("ada")) == [2, 4]
    assert "got '7'" in err
    assert "2 ratings by ada" in out
