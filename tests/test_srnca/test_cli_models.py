"""`srnca models`: the catalogue as text and as JSON."""

from __future__ import annotations

import json

import pytest

from equations import models
from srnca.cli.app import main


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for name in models.names():
        assert f"\n{name} " in f"\n{out}"
    assert "coral, alpha, beta" in out
    assert max(len(line) for line in out.splitlines()) <= 120


@pytest.mark.parametrize("name", models.names())
def test_one_model(capsys: pytest.CaptureFixture[str], name: str) -> None:
    model = models.load(name)
    assert main(["models", name]) == 0
    out = capsys.readouterr().out
    words = " ".join(out.split())
    for text in (model.title, model.about, *model.equations.values(), *model.meaning.values(), model.citation):
        assert " ".join(text.split()) in words
    for preset, entry in model.presets.items():
        line = next(line for line in out.splitlines() if line.split()[:1] == [preset] and line.endswith(entry.about))
        assert str(entry.steps) in line
    assert max(len(line) for line in out.splitlines()) <= 130


def test_one_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "turing:spots"]) == 0
    out = capsys.readouterr().out
    assert "parameters of turing:spots; another value: srnca simulate turing:spots --set Dx=5\n" in out
    assert "held in [0, 2]" in out
    assert any(line.split()[:2] == ["p", "0.1"] for line in out.splitlines())


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["models"]
    assert list(found) == list(models.names())
    assert main(["models", "gray-scott", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["name"] == "gray-scott"
    assert {key: value for key, value in data.items() if key != "name"} == found["gray-scott"]
    assert data["presets"]["mitosis"] == {"Du": 0.16, "Dv": 0.08, "F": 0.0367, "k": 0.0649}
    pattern = data["patterns"]["u-skate"]
    assert (pattern["steps"], pattern["seed"], pattern["size"]) == (12_000, 267, 192)
    assert data["meaning"].keys() == data["parameters"].keys()


@pytest.mark.parametrize("name", ["gray-scot", "gray-scott:corall"])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_unknown_name_exits_2_with_a_suggestion(
    capsys: pytest.CaptureFixture[str], name: str, more: list[str]
) -> None:
    assert main(["models", name, *more]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "did you mean" in shown.err
