"""`srnca distill --species`: the whole command on a small picture, and the options that do not fit it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.species import choosing, search, starts
from distill.species.search import SETTINGS
from equations.rule.rulefile import load_rule
from srnca.automata import load
from srnca.cli.app import main
from srnca.texture import distill as texture_distill
from srnca.texture.checkpoint import Checkpoint, save_checkpoint
from tests.test_distill.test_species.made import SHORT, waves
from tests.test_srnca.command import run
from tests.test_srnca.tiny import checkpoint, shorten_distillation, simulate_on_torch


def shorten(patch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(patch)
    shorten_distillation(patch, refinement=replace(SETTINGS, **SHORT))
    patch.setattr(starts, "BALANCES", {"stripes": ((0.0, 0.0),)})
    patch.setattr(starts, "SPREADS_U", (0.15,))
    patch.setattr(starts, "STRETCHES", (1.2,))
    patch.setattr(starts, "STEPS", 200)
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
    for name in ("draw_distillation", "report_checkpoint"):
        monkeypatch.setattr(texture_distill, name, lambda *_, **__: None)
    code, out, _ = run(
        capsys, "distill", "--checkpoint", trained, "--species", 1, "--terms", 9, "--out", tmp_path / "one", "--quiet"
    )
    assert code == 0
    assert "numbers in all" in out
    assert "tuned from: two phases" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--species", "7"], "--species: expected 1 to 6, got 7"),
        (["--species", "0"], "--species: expected 1 to 6, got 0"),
        (["--species", "2", "--engine", "sparse"], "--species: expected it without --engine"),
        (["--species", "2", "--refine", "none"], "--species: expected it without --refine none"),
        (["--species", "2", "--states", "1"], "--species: expected it without --states"),
        (["--species", "2", "--terms", "5"], "expected at least 6 numbers for 2 species"),
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
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32)[:, None, None], (1, 16, 3))
    save_checkpoint(replace(striped(), picture=ramp), tmp_path / "ramp.pt")
    code, _, err = run(capsys, "distill", "--checkpoint", tmp_path / "ramp.pt", "--species", 2, "--out", tmp_path / "x")
    assert code == 2
    assert "fewer than two waves" in err
