"""`srnca doctor` and `srnca models`: what is here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from srnca.cli import doctor
from srnca.cli.app import main


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["doctor", "--json"]) == 0
    parts: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)["parts"]
    return parts


def test_doctor_names_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    parts = findings(capsys)
    assert {*doctor.PACKAGES, *doctor.EXTRAS} <= set(parts)
    assert {"GPU", "torchvision loads", "Julia for PySR", "VGG weights", "ffmpeg", "zarr", "kernel cache"} <= set(parts)
    assert all(part["ok"] or part["found"] for part in parts.values())
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for name, part in parts.items():
        assert (f"  {name}: {part['hint']}" in out.partition("Not here:")[2]) == (not part["ok"])


def test_doctor_finds_the_weights(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert findings(capsys)["VGG weights"]["ok"] is False
    path = tmp_path / "hub" / "checkpoints" / doctor.VGG_FILE
    path.parent.mkdir(parents=True)
    path.touch()
    assert findings(capsys)["VGG weights"] == {"ok": True, "found": str(path), "hint": ""}


def test_a_probe_that_breaks_is_a_finding(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def _ffmpeg() -> NoReturn:
        raise RuntimeError("no\nluck")

    monkeypatch.setattr(doctor, "_ffmpeg", _ffmpeg)
    assert findings(capsys)["ffmpeg"] == {"ok": False, "found": "RuntimeError: no luck", "hint": ""}


def test_what_julia_lacks_is_said_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill.engines.unavailable", lambda name: f"engine {name}: Julia is not ready; do this")
    assert findings(capsys)["Julia for PySR"]["hint"] == "only for --engine pysr: Julia is not ready; do this"
