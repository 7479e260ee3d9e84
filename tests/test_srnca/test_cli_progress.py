"""Progress: a bar on a terminal, lines in a log, nothing when quiet; notes are always said."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from srnca.cli import progress as module
from srnca.cli.preview import CURVE, GAP, SIDE, draw_preview
from srnca.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Progress() as progress:
        for i in range(1, 41):
            progress.update("train", i, 40, f"loss {1 / i:.2f}")
            now[0] += 1.0
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert [line.split()[1] for line in lines] == ["1/40", "11/40", "21/40", "31/40", "40/40"]
    assert "loss 0.05" in lines[2]
    assert "19 s left" in lines[2]  # 20 of 40 took 20 s


def test_a_resumed_run_reckons_from_where_it_went_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Progress() as progress:
        progress.update("train", 900, 1000)
        now[0] = 50.0
        progress.update("train", 950, 1000)
    assert "50 s left" in capsys.readouterr().err  # not 50 s / 950 * 50


def test_a_slow_beginning_does_not_make_the_rest_seem_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Progress(every_s=0) as progress:
        progress.update("fit", 0, 100)
        now[0] = 60.0  # the engine loads
        for done in range(1, 25):
            progress.update("fit", done, 100)
            now[0] += 1.0
    assert "fit  24/100  1 min 16 s left" in capsys.readouterr().err.splitlines()


def test_work_that_went_back_is_reckoned_from_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Progress(every_s=0) as progress:
        for done in (0, 10, 20, 30, 0, 10, 20):
            progress.update("train", done, 40)
            now[0] += 10.0
    assert capsys.readouterr().err.splitlines()[-1] == "train  20/40  20 s left"


def test_stages_show_as_percentages(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.update("sample", 0.0, 1.0, "4 rollouts")
        progress.update("sample", 0.5, 1.0)
        progress.update("fit", 0.25, 1.0, "channel r")
        progress.update("fit", 1.0, 1.0)
    assert capsys.readouterr().err.splitlines() == [
        "sample  0 %  4 rollouts",
        "fit  25 %  channel r",
        "fit  100 %",
    ]


def test_quiet_keeps_the_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet=True) as progress:
        progress.update("train", 1, 2, "loss")
        progress.note("loss 1e9 at iteration 5: back to iteration 0")
    assert capsys.readouterr().err == "loss 1e9 at iteration 5: back to iteration 0\n"


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with Progress() as progress:
        progress.update("train", 3, 6, "loss [0.25]")
        progress.note("a note [bold]")
        progress.update("train", 6, 6, "loss [0.12]")
    shown = screen.getvalue()
    assert "a note [bold]" in shown  # not taken for markup
    assert "loss [0.12]" in shown
    assert "100%" in shown


def test_the_preview_shows_both_pictures_and_the_curve() -> None:
    target, now = np.zeros((64, 64, 3), np.float32), np.ones((64, 64, 3), np.float32) * 2
    now[0, 0] = np.nan
    sheet = np.asarray(draw_preview(target, now, [1.0, 0.5, float("nan"), 0.25, 0.1]))
    assert sheet.shape == (SIDE + GAP + CURVE, 2 * SIDE + GAP, 3)
    assert sheet[:SIDE, :SIDE].max() == 0
    assert sheet[8:SIDE, SIDE + GAP :].min() == 255  # clipped
    assert sheet[0, SIDE + GAP].max() == 0  # a cell that is no number shows black
    assert sheet[SIDE + GAP :].min() < 128  # the curve
    without = np.asarray(draw_preview(target, now, []))
    assert without[SIDE + GAP :].min() == 255
