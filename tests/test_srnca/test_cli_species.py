"""`srnca distill --species`: the whole command on a small picture, and the options that do not fit it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.species import choosing, meaning, search, starts, systems
from distill.species.search import SETTINGS
from equations.rule.rulefile import load_rule
from srnca.automata import load
from srnca.cli.app import main
from srnca.pages import law_figure
from srnca.texture import species, subject
from srnca.texture.checkpoint import Checkpoint, save_checkpoint
from tests.test_distill.test_species.made import SHORT, waves
from tests.test_srnca.command import run
from tests.test_srnca.tiny import SHORT_PAGE, checkpoint, shorten_distillation


def shorten(patch: pytest.MonkeyPatch) -> None:
    shorten_distillation(patch, refinement=replace(SETTINGS, **SHORT))
    patch.setattr(systems, "BALANCES", {"stripes": ((0.0, 0.0),)})
    patch.setattr(systems, "RATIOS", (0.1,))
    patch.setattr(systems, "CATALOGUE", ())
    patch.setattr(starts, "STRETCHES", (1.0,))
    patch.setattr(starts, "OLD", 500)
    patch.setattr(meaning, "LEAST_SIDE", 32)
    patch.setattr(meaning, "STEPS", 100)
    patch.setattr(meaning, "_nearest", lambda rule: {"model": "gray-scott", "distance": 0.4})
    patch.setattr(species, "NO_LAW", float("inf"))  # so short a search need not find one
    patch.setattr(choosing, "GROWN_RUNS", 2)
    patch.setattr(search, "SLOW", 0.6)


def striped() -> Checkpoint:
    made = checkpoint(activation="abs", channels=3, filters=2)
    return replace(made, picture=waves(16, 5.0, 0.0))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "x.pt"
    save_checkpoint(striped(), path)
    return path


@pytest.fixture(scope="module")
def folder(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("law")
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        arguments = ["distill", "--checkpoint", str(trained), "--species", "2", "--terms", "20", "--out", str(out)]
        assert main([*arguments, "--quiet"]) == 0
    return out


def test_the_folder_holds_a_law_and_its_report(folder: Path) -> None:
    law, report = load_rule(folder / "rule.json"), json.loads((folder / "report.json").read_text())
    assert law.channels == ("u", "v")
    assert {stencil.name for stencil in law.stencils} == {"id", "lap", "dxx", "dxy"}
    assert law.display is not None
    assert law.display.in_colour
    assert (law.dt, law.clamp, law.masked) == (1, None, False)
    assert report["species"]["numbers"]["all"] <= 20
    assert report["texture_loss"]["flat"] == pytest.approx(1, rel=0.2)
    assert set(report["judge"]) == {"flat", "teacher", "rule"}
    assert not list(folder.glob("hall_of_fame*"))


def test_the_page_says_what_the_law_was_tuned_from(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert "of few species" in page
    assert "stripes: diffusion" in page
    assert 'id="fidelity"' not in page  # there is no update of an automaton to compare with
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_verify_compares_the_pictures_of_a_law_and_not_its_steps(folder: Path, trained: Path) -> None:
    found = load(trained).verify(load_rule(folder / "rule.json"), steps=50)
    names = {check.name for check in found.checks}
    assert {"texture", "judge"} <= names
    assert not any(name.startswith(("fidelity", "rollout")) for name in names)


def test_the_command_prints_how_many_numbers_there_are(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(monkeypatch)
    for name in ("draw_distillation", "report_checkpoint", "add_meaning"):
        monkeypatch.setattr(subject, name, lambda *_, **__: None)
    code, out, _ = run(
        capsys, "distill", "--checkpoint", trained, "--species", 1, "--terms", 9, "--out", tmp_path / "one", "--quiet"
    )
    assert code == 0
    assert "numbers in all" in out
    assert "tuned from: two phases" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--species", "7"], "--species: expected 1 to 6, auto or none, got 7"),
        (["--species", "0"], "--species: expected 1 to 6, auto or none, got 0"),
        (["--species", "many"], "--species: expected 1 to 6, auto or none, got many"),
        (["--species", "2", "--size", "32"], "--size: expected it with --image"),
        (["--species", "2", "--engine", "sparse"], "--species: expected it without --engine"),
        (["--species", "2", "--refine", "none"], "--species: expected it without --refine none"),
        (["--species", "2", "--states", "1"], "--species: expected it without --states"),
        (["--species", "2", "--terms", "5"], "expected at least 8 numbers for 2 species"),
    ],
)
def test_options_that_do_not_fit_are_errors(
    options: list[str], message: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "distill", "--checkpoint", trained, *options, "--out", tmp_path / "x", "--quiet")
    assert code == 2
    assert message in err
    assert not (tmp_path / "x").exists()


def test_a_recording_has_the_species_that_were_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "distill", "--frames", tmp_path / "x.npz", "--species", 2)
    assert code == 2
    assert "--frames finds their equations" in err


def test_a_picture_of_less_than_two_waves_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_checkpoint(replace(striped(), picture=waves(16, 12.0, 90.0)), tmp_path / "one.pt")
    code, _, err = run(capsys, "distill", "--checkpoint", tmp_path / "one.pt", "--species", 2, "--out", tmp_path / "x")
    assert code == 2
    assert "fewer than two waves" in err


def write_picture(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("kind", ["gradient", "noise"])
def test_a_picture_without_a_pattern_gets_no_law_and_exit_code_1(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(0).random((32, 32, 3))
    if kind == "gradient":
        pixels = np.tile(np.linspace(0, 1, 32)[:, None, None], (1, 32, 3))
    path = write_picture(tmp_path / f"{kind}.png", pixels)
    code, _, err = run(capsys, "distill", "--image", path, "--species", 2, "--size", 32, "--out", tmp_path / "x")
    assert code == 1
    assert "no law of few species makes this picture" in err
    assert not (tmp_path / "x").exists()


def test_a_law_is_found_for_a_picture_without_an_automaton(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(monkeypatch)
    quick = {"refinement": replace(SETTINGS, **SHORT), "page": SHORT_PAGE, "picture_steps": 100}
    monkeypatch.setattr(species, "distill_picture", partial(species.distill_picture, **quick))
    monkeypatch.setattr(species, "NO_LAW", 0.9)
    monkeypatch.setattr(law_figure, "LARGE", 1)
    path, out = write_picture(tmp_path / "leaf.png", waves(32, 8.0, 0.0)), tmp_path / "law"
    arguments = ["distill", "--image", path, "--species", 2, "--size", 16, "--out", out, "--quiet"]
    code, printed, err = run(capsys, *arguments)
    report = json.loads((out / "report.json").read_text())
    judged = report["judge"]["rule"]
    assert "page.html" in (out / "report.html").read_text()
    assert "<canvas" in (out / "page.html").read_text()
    loss = report["texture_loss"]["rule"]
    assert code == (0 if judged is not None and (judged < species.NO_LAW or loss < 0.5) else 1), err
    assert ("no law of few species makes this" in err) == (code == 1)
    assert set(report["judge"]) == {"flat", "rule"}
    for words in (
        "verdict: ",
        "wavelength in cells",
        "in pixels of the photo",
        "half the time step",
        "nearest textbook",
    ):
        assert words in printed
    cells, pixels = (report["meaning"]["wavelength"][unit]["predicted"] for unit in ("cells", "photo_pixels"))
    assert pixels is cells is None or pixels == pytest.approx(2 * cells)  # 32 pixels became 16
    page = (out / "report.html").read_text()
    assert "What it means" in page
    assert "NCA's" not in page
    assert {"rule.json", "figure.png", "analysis.png"} <= {path.name for path in out.iterdir()}


def test_a_picture_needs_species_and_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["--image", "sample:snake"], "--image: expected it with --species"),
        (["--image", "x.png", "--checkpoint", "x.pt", "--species", "2"], "expected one of"),
        (["--image", "x.png", "--species", "2", "--dt", "1"], "expected it with --frames, got it with --image"),
        (["--image", tmp_path / "none.png", "--species", "2"], "no such file"),
    ):
        code, _, err = run(capsys, "distill", *arguments, "--out", tmp_path / "x")
        assert code == 2
        assert message in err


@pytest.mark.parametrize(
    ("loss", "number", "said"), [(0.6, 0.3, None), (0.6, 0.95, "0.95"), (0.05, 1.08, None), (None, None, "run away")]
)
def test_a_law_that_is_hardly_better_than_a_flat_colour_by_loss_and_judge_is_none(
    loss: float | None, number: float | None, said: str | None
) -> None:
    found = species.no_law({"flat": 1.0, "rule": loss}, {"flat": 1.0, "rule": number})
    assert found is None if said is None else said in str(found)
