"""`srnca explore`: a table, a folder, one JSON object, and clear words for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from srnca.cli.app import main
from tests.test_srnca.test_studies.planted import planted_study


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    planted_study(tmp_path, 6)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_table_and_the_report(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "planted", "--views", "pca", "--suggestions", "3", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert "snake    6       " in shown.out
    assert "Spearman's coefficient, mean over 1 pair of textures:" in shown.out
    assert "3 new sets in the queue" in shown.out
    assert "importances of the loss: 10 trials with a loss are needed, there are 6" in shown.out
    assert shown.err == "report: planted-report/report.html\n"
    assert (home / "planted-report" / "report.html").exists()
    assert len(json.loads((home / "planted-report" / "queue.json").read_text())) == 3


def test_json_is_one_object(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "planted", "--views", "", "--out", "deep/r", "--json", "--quiet"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["report"] == "deep/r/report.html"
    assert data["suggestions"] == []
    assert data["targets"] == ["snake", "orchid"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("plantet",), "plantet"),
        (("planted", "--views", "tsne"), "--views: expected some of pca, umap, autoencoder, got 'tsne'"),
        (("planted", "--storage", "journal:none.log"), "none.log"),
    ],
)
def test_bad_words(home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str) -> None:
    assert main(["explore", *words]) == 2
    assert message in capsys.readouterr().err
