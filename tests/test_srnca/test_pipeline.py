"""From a checkpoint, or a recording, to a result folder, end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distill.fronts.halloffame import read_hall_of_fame
from distill.result import Distillation
from equations.errors import InputError
from equations.rule.rulefile import load_rule
from equations.simulation import simulate
from srnca.recordings import distill_frames
from srnca.texture import subject
from srnca.texture.distill import distill_checkpoint
from srnca.texture.network import NCA
from srnca.texture.teacher import NCATeacher
from tests.test_srnca.tiny import SHORT_PAGE, SHORT_REFINEMENT, checkpoint, simulate_on_torch

CLOSED: dict[str, Any] = {"activation": "abs", "channels": 3, "filters": 2}
MADE = checkpoint(**CLOSED)
YOUNG: dict[str, Any] = {"picture_steps": 40, "page": SHORT_PAGE}
SETTINGS: dict[str, Any] = {"terms": 1, "seed": 3, "refinement": SHORT_REFINEMENT, **YOUNG}
FILES = {"rule.json", "report.json", "report.html", "page.html", "figure.png"} | {
    f"hall_of_fame_output{i}.csv" for i in (1, 2, 3)
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Distillation, Path]:
    """The closed form, refined for a moment."""
    out = tmp_path_factory.mktemp("result")
    with pytest.MonkeyPatch.context() as patch:
        simulate_on_torch(patch)
        return distill_checkpoint(MADE, out=out, **SETTINGS), out


def test_the_folder_holds_everything(made: tuple[Distillation, Path]) -> None:
    result, out = made
    assert {path.name for path in out.iterdir()} == FILES | {"front"}
    assert load_rule(out / "rule.json") == result.rule
    fronts = read_hall_of_fame(out / "hall_of_fame_output1.csv", result.rule.feature_names)
    assert fronts[-1].expr == result.fronts["r"][-1].expr
    with Image.open(out / "figure.png") as figure:
        assert figure.format == "PNG"
        assert figure.width > 1000
        assert np.asarray(figure.convert("L")).std() > 5


def test_the_report_says_both_truths(made: tuple[Distillation, Path]) -> None:
    report = json.loads((made[1] / "report.json").read_text())
    assert set(report["texture_loss"]) == {"flat", "teacher", "rule"}
    assert report["texture_loss"]["flat"] == pytest.approx(1, abs=1e-3)
    assert all(value >= 0 for value in report["texture_loss"].values())
    assert set(report["judge"]) == {"flat", "teacher", "rule"}
    assert report["judge"]["flat"] == pytest.approx(1)
    assert all(value >= 0 for value in report["judge"].values())
    assert set(report["r2"]) == {"r", "g", "b"}
    assert set(report["terms"]) == {"total", "per_channel", "by_channel", "distinct"}
    assert report["engine"] == "auto"
    assert report["regression"]["engine"] == dict.fromkeys("rgb", "exact")
    assert report["seed"] == 3
    assert {"sample", "fit", "refine", "evaluate"} <= set(report["time_s"])
    assert {"stable", "diverged_at_step"} <= set(report["stability"])
    assert report["provenance"]["distilled_from"] == "NCATeacher"
    assert report["provenance"]["trained"] == {"target": "stripes"}
    assert set(report["provenance"]["versions"]) >= {"srnca", "torch", "numpy"}


def test_the_front_of_terms_against_loss_is_in_the_report(made: tuple[Distillation, Path]) -> None:
    result, report = made[0], made[0].report
    assert [row["terms_per_channel"] for row in report["refine"]] == [terms for terms, _, _ in result.texture_front]
    assert [row["loss"] for row in report["refine"]] == [loss for _, loss, _ in result.texture_front]
    assert all(row["start"] == "closed form" and row["score"] > 0 for row in report["refine"])
    assert report["left_out"] == []
    assert {"srnca", "torch", "numpy", "sympy", "pyoperon", "pysr"} <= set(report["provenance"]["versions"])
    assert result.rule.provenance["start"] == "closed form"
    assert result.rule.provenance["refined"] is True


def test_what_is_unfinished_is_in_the_folder_until_the_end(
    made: tuple[Distillation, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in the refinement, and resumed: the rule of the run that was never stopped, in a new folder."""
    out, whole = tmp_path / "new" / "out", made[0]

    def stop(stage: str, fraction: float, detail: str) -> None:
        if stage == "refine" and fraction > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distill_checkpoint(MADE, out=out, progress=stop, **SETTINGS)
    assert [path.name for path in out.iterdir()] == ["unfinished.npz"]
    with pytest.raises(InputError, match="other settings or another teacher"):
        distill_checkpoint(checkpoint(1, **CLOSED), out=out, resume=True, **SETTINGS)
    for drawn in ("draw_distillation", "report_checkpoint"):
        monkeypatch.setattr(subject, drawn, lambda *_, **__: None)
    again = distill_checkpoint(MADE, out=out, resume=True, **SETTINGS)
    assert {path.name for path in out.iterdir()} == FILES - {"figure.png", "report.html"} | {"front"}
    assert again.rule == whole.rule
    assert again.texture_front == whole.texture_front
    assert (out / "rule.json").read_bytes() == (made[1] / "rule.json").read_bytes()


def test_the_file_and_the_result_say_the_same(made: tuple[Distillation, Path]) -> None:
    result, out = made
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(result.report))


def test_without_refinement_the_rule_is_the_network() -> None:
    result = distill_checkpoint(MADE, refine=False, **YOUNG)
    assert result.rule.terms() == dict.fromkeys("rgb", 13)
    assert all(value > 1 - 1e-9 for value in result.report["r2"].values())
    for scores in (result.report["texture_loss"], result.report["judge"]):
        assert scores["rule"] == pytest.approx(scores["teacher"], rel=1e-3)
    assert result.texture_front == ()


def test_a_rule_that_diverges_is_reported_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = np.full((4, 16, 16, 3), np.nan, np.float32)
    monkeypatch.setattr(subject, "rule_pictures", lambda *_, **__: broken)
    distill_checkpoint(MADE, refine=False, out=tmp_path, **YOUNG)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["stability"]["stable"] in (True, False)
    for scores in (report["texture_loss"], report["judge"]):
        assert scores["rule"] is None
        assert scores["teacher"] > 0


def test_an_untrained_automaton_is_refused() -> None:
    with pytest.raises(InputError, match="never changes any cell: expected a trained network"):
        distill_checkpoint(replace(MADE, nca=NCA(MADE.config.nca)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"terms": 0}, "max_terms"),
        ({"budget_s": -1.0}, "budget_s"),
        ({"effort": 0.0}, "effort"),
        ({"max_loss": -1.0}, "max_loss"),
        ({"resume": True}, "got none"),
        ({"engine": "gp"}, "engine"),
        ({"seed": -1}, "seed"),
    ],
)
def test_arguments_that_make_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        distill_checkpoint(MADE, **options)


def test_a_relu_network_is_written_out_by_exact(tmp_path: Path) -> None:
    made = checkpoint(activation="relu", channels=3, filters=2, update_rate=0.5)
    result = distill_checkpoint(
        made, engine="exact", out=tmp_path, picture_steps=40, page=replace(SHORT_PAGE, longest=10)
    )
    assert result.report["terms"]["by_channel"] == dict.fromkeys("rgb", made.config.hidden)
    assert min(result.report["r2"].values()) > 1 - 1e-9
    theirs = NCATeacher(made).rollout(size=(24, 24), steps=200, seed=5, every=200)[-1]
    ours = simulate(load_rule(tmp_path / "rule.json"), size=24, steps=200, every=200, seed=5)[-1]
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())
    assert "too long to read here" in (tmp_path / "report.html").read_text()


def test_a_recording_of_an_automaton_gives_its_law_back(tmp_path: Path) -> None:
    linear = checkpoint(activation="linear", channels=3, filters=4)
    teacher = NCATeacher(linear)
    frames = teacher.rollout(size=(24, 24), steps=12, seed=0, every=1)
    np.savez(tmp_path / "frames.npz", frames=frames, dt=1.0, channels=["r", "g", "b"])
    result = distill_frames(tmp_path / "frames.npz", engine="sparse", terms=12, out=tmp_path / "out")
    assert all(value > 0.999 for value in result.report["r2"].values())
    assert not {"texture_loss", "judge"} & set(json.loads((tmp_path / "out" / "report.json").read_text()))
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES - {"figure.png"}


def test_a_recording_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such recording"):
        distill_frames(tmp_path / "none.npz")
