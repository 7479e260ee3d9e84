"""What one trial does: trains on each target, goes on where it was, records what diverges, gives up the hopeless."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from equations.errors import SrncaError
from srnca.media.images import Target
from srnca.studies.storage import schema
from srnca.studies.workers.objective import Job, geometric_mean, train_targets
from srnca.texture import evaluate, training
from srnca.texture.checkpoint import load_checkpoint, save_checkpoint
from srnca.texture.config import TrainSettings
from tests.test_srnca.tiny import config, stripes, target

JOB = {"a": target(), "b": Target("b", stripes().transpose(1, 0, 2).copy())}


class Onlooker:
    """Keeps what it is told; gives up at `hopeless`; interrupts at `stop` = (target, iteration)."""

    def __init__(self, hopeless: int | None = None, stop: tuple[str, int] | None = None) -> None:
        self.hopeless, self.stop = hopeless, stop
        self.seen: list[tuple[str, int]] = []
        self.marks: list[tuple[int, float]] = []

    def on_iteration(self, target: str, iteration: int, iterations: int, loss: float) -> None:
        self.seen.append((target, iteration))
        if self.stop == (target, iteration):
            raise KeyboardInterrupt

    def should_prune(self, step: int, value: float) -> bool:
        self.marks.append((step, value))
        return step == self.hopeless


@pytest.fixture(autouse=True)
def _short_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    known = evaluate.nca_pictures
    monkeypatch.setattr(evaluate, "nca_pictures", lambda checkpoint, seeds: known(checkpoint, steps=5, seeds=seeds))


def job(folder: Path, **changes: Any) -> Job:
    return Job(config(**changes), JOB, folder / "trial-0000")


def test_each_target_gets_a_loss_a_picture_and_a_checkpoint(tmp_path: Path) -> None:
    look = Onlooker()
    out = train_targets(job(tmp_path), look)
    assert (out.status, out.pruned_at) == (schema.DONE, None)
    assert out.pictures == {"a": "a.png", "b": "b.png"}
    for name in JOB:
        done = load_checkpoint(tmp_path / "trial-0000" / out.checkpoints[name])
        assert out.losses[name] == done.history[-1]  # a tenth of 8 iterations is one
        assert (done.target == JOB[name].pixels).all()
        with Image.open(tmp_path / "trial-0000" / out.pictures[name]) as picture:
            assert picture.size == (16, 16)
    assert look.seen == [(name, i) for name in JOB for i in range(1, 9)]
    assert [step for step, _ in look.marks] == [75, 100, 175, 200]
    a, b = out.losses["a"], out.losses["b"]
    assert a is not None
    assert b is not None
    assert look.marks[1][1] == pytest.approx(a)
    assert look.marks[-1][1] == pytest.approx(math.sqrt(a * b))


def test_an_interrupted_trial_goes_on_to_the_same_end(tmp_path: Path) -> None:
    straight = train_targets(job(tmp_path / "straight"), Onlooker())
    for stop in (("a", 3), ("b", 5)):
        with pytest.raises(KeyboardInterrupt):
            train_targets(job(tmp_path / "broken"), Onlooker(stop=stop))
    look = Onlooker()
    assert train_targets(job(tmp_path / "broken"), look) == straight
    assert look.seen[0] == ("b", 6)  # no iteration is done twice
    assert [step for step, _ in look.marks] == [100, 175, 200]  # the answer about "a" may not have come through


def test_what_another_configuration_left_is_not_gone_on_from(tmp_path: Path) -> None:
    train_targets(job(tmp_path, seed=1, iterations=2), Onlooker())
    (tmp_path / "trial-0000" / "b.pt").write_bytes(b"damaged")
    look = Onlooker()
    again = train_targets(job(tmp_path, seed=2, iterations=2), look)
    assert again == train_targets(job(tmp_path / "fresh", seed=2, iterations=2), Onlooker())
    assert len(look.seen) == 4


def test_another_picture_of_the_same_name_is_learnt_anew(tmp_path: Path) -> None:
    train_targets(job(tmp_path, iterations=2), Onlooker())
    swapped = replace(job(tmp_path, iterations=2), targets={"a": JOB["b"]})
    look = Onlooker()
    train_targets(swapped, look)
    assert len(look.seen) == 2
    assert (load_checkpoint(tmp_path / "trial-0000" / "a.pt").target == JOB["b"].pixels).all()


def test_the_hopeless_are_given_up_at_their_mark(tmp_path: Path) -> None:
    look = Onlooker(hopeless=175)
    out = train_targets(job(tmp_path), look)
    assert (out.status, out.pruned_at) == (schema.PRUNED, "b at 75 %")
    assert look.seen[-1] == ("b", 6)
    assert out.losses["a"] is not None
    assert out.losses["b"] is None
    assert out.pictures == {"a": "a.png"}
    whole = train_targets(job(tmp_path / "whole"), Onlooker(hopeless=100))
    assert (whole.status, whole.pruned_at) == (schema.PRUNED, "a at 100 %")
    assert whole.losses["a"] == out.losses["a"]  # what was trained to its end is kept
    assert whole.pictures == {"a": "a.png"}
    assert train_targets(job(tmp_path / "last"), Onlooker(hopeless=200)).status == schema.DONE  # nothing to save


@pytest.mark.parametrize("finished", [False, True])
def test_a_mark_that_a_kill_left_unsaid_is_said(tmp_path: Path, finished: bool) -> None:
    """Killed when the last iteration, or the whole automaton, was saved and nobody had been asked yet."""
    straight, begun = Onlooker(), job(tmp_path)
    train_targets(job(tmp_path / "straight"), straight)
    begun.folder.mkdir()
    run = training.train(JOB["a"], begun.config)
    save_checkpoint(run if finished else replace(run, training=_unfinished(begun)), begun.folder / "a.pt")
    look = Onlooker()
    train_targets(begun, look)
    assert look.marks == straight.marks[1:]
    out = train_targets(begun, Onlooker(hopeless=100))
    assert (out.status, out.pruned_at) == (schema.PRUNED, "a at 100 %")


def _unfinished(begun: Job) -> dict[str, Any]:
    """The training state after the last iteration, which a checkpoint of a finished training does not hold."""
    kept: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        proper = training._Run.finish
        patch.setattr(training._Run, "finish", lambda run: kept.append(run.state()) or proper(run))
        training.train(JOB["a"], begun.config)
    return kept[0]


def test_a_target_that_diverges_is_recorded_and_the_others_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = training.train

    def train(target: Target, *words: Any, **more: Any) -> Any:
        if target.name == "stripes":
            raise SrncaError("training diverged 13 times, last at iteration 4")
        return known(target, *words, **more)

    monkeypatch.setattr(training, "train", train)
    out = train_targets(job(tmp_path), Onlooker())
    assert out.status == schema.DIVERGED
    assert out.losses["a"] is None
    assert out.losses["b"] is not None
    assert out.pictures == {"b": "b.png"}


def test_real_divergence_is_known_by_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TrainSettings", partial(TrainSettings, exploded=0.0, patience=1))
    out = train_targets(replace(job(tmp_path), targets={"a": JOB["a"]}), Onlooker())
    assert (out.status, out.losses) == (schema.DIVERGED, {"a": None})


def test_other_failures_go_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: Any, **__: Any) -> Any:
        raise SrncaError("the disk is full")

    monkeypatch.setattr(training, "train", train)
    with pytest.raises(SrncaError, match="the disk is full"):
        train_targets(job(tmp_path), Onlooker())


def test_geometric_means() -> None:
    assert geometric_mean([0.1, 0.4]) == pytest.approx(0.2)
    assert geometric_mean([None]) == geometric_mean([math.inf]) == pytest.approx(schema.DIVERGED_LOSS)
    assert geometric_mean([0.0]) == pytest.approx(schema.LOWEST_LOSS)
    assert geometric_mean([None, 0.3]) == pytest.approx(3.0)
