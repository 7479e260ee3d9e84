"""The learned rules that come with the package: complete, small, named on the command line, and as good as they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equations import InputError, load_rule, simulate
from srnca import learned
from srnca.cli.app import main
from srnca.media.images import load_target
from srnca.texture.evaluate import rule_pictures
from srnca.texture.judge import Judge

SMALL = 20_000  # bytes of a rule file; a dozen of them are well under a megabyte
DRAWN = [name for name in learned.names() if "sample:" in learned.load(name).picture]


@pytest.mark.parametrize("name", learned.names())
def test_a_learned_rule_says_where_it_is_from_and_runs(name: str) -> None:
    entry = learned.load(name)
    assert entry.title
    assert "sample:" in entry.picture or "CC0" in entry.picture
    steps = ["train", "distill"] if "teacher" in entry.judge else ["distill"]  # a law needs no automaton
    assert [command.split()[:2] for command in entry.commands] == [["srnca", step] for step in steps]
    assert 0 < entry.judge["rule"] < 1
    assert entry.numbers >= len(entry.rule.channels)
    assert (Path(learned.__file__).parent / f"{name}.json").stat().st_size < SMALL
    states = simulate(entry.rule, size=32, steps=200, seed=1, every=200)
    assert states[-1].std() > 0.01  # neither flat nor, since simulate raises then, diverged


def test_an_unknown_name_is_answered_with_a_near_one() -> None:
    with pytest.raises(InputError, match=r"'snak' \(did you mean .snake.\?\); expected .*roundleaf"):
        learned.load("snak")


def test_models_lists_the_learned_rules_after_the_textbook_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert out.index("gray-scott") < out.index("learned:snake")
    assert max(len(line) for line in out.splitlines()) <= 120
    assert main(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["learned"]
    assert list(found) == list(learned.names())
    assert found["snake"]["judge"] == dict(learned.load("snake").judge)


def test_models_shows_one_with_its_equations_and_its_origin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "learned:snake"]) == 0
    out = capsys.readouterr().out
    entry = learned.load("snake")
    assert "du = " in out
    for words in (entry.title, entry.picture, *entry.commands, f"{entry.numbers} constants"):
        assert words in out
    assert main(["models", "learned:snake", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["commands"] == list(entry.commands)


def test_a_learned_rule_is_named_wherever_a_rule_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    assert main(["simulate", "learned:snake", "--size", "32", "--steps", "50", "--out", str(picture)]) == 0
    assert np.asarray(Image.open(picture)).shape == (32, 32, 3)
    capsys.readouterr()
    assert main(["show", "learned:snake"]) == 0
    assert "du = " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["show", "learned:snak"], "did you mean"),
        (["show", "snake"], "learned:snake"),
        (["models", "orchid"], "the learned rule of that name is learned:orchid"),
        (["show", "learned:snake", "--set", "F=1"], "for --set"),
    ],
)
def test_what_cannot_be_meant_exits_2(command: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    assert said in capsys.readouterr().err


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from equations import models, save_rule
    from srnca.cli.inputs import read_rule

    monkeypatch.chdir(tmp_path)
    save_rule(models.get("gray-scott"), "learned:snake")
    assert read_rule("learned:snake") == load_rule("learned:snake")


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_its_pictures_are_as_near_to_what_it_learned_as_it_says(name: str) -> None:
    entry = learned.load(name)
    target = load_target(entry.picture.split(",")[0], 64).pixels
    pictures = rule_pictures(entry.rule, (64, 64), seeds=(41, 42, 43, 44))
    assert Judge(target).mean(pictures) == pytest.approx(entry.judge["rule"], rel=0.5, abs=0.03)
