"""What the options accept and how they refuse the rest."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equations.errors import InputError, MissingPartError
from srnca.cli import options
from srnca.cli.output import number, plain, say_json, table
from srnca.cli.progress import short_time


@pytest.mark.parametrize(
    ("text", "shape"),
    [("64", (64, 64)), ("512x256", (256, 512)), (" 8×3 ", (3, 8)), ("16384", (16384, 16384))],
)
def test_size_is_width_by_height(text: str, shape: tuple[int, int]) -> None:
    assert options.parse_size(text) == shape


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "2", "2x9", "64x", "x64", "1e3", "64.0", "99999x99999", "64x64x64", "nan"]
)
def test_size_refuses(text: str) -> None:
    with pytest.raises(InputError, match="--size: expected"):
        options.parse_size(text)


def test_changes_are_names_with_values() -> None:
    assert options.parse_changes([]) == {}
    assert options.parse_changes(["F=0.03", " k = -6e-2 "]) == {"F": 0.03, "k": -0.06}


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["F"], "expected NAME=VALUE such as F=0.03, got 'F'"),
        (["=1"], "expected NAME=VALUE"),
        (["F="], "expected NAME=VALUE"),
        (["F=fast"], "--set F: expected a finite number, at most 1e30 in size, got 'fast'"),
        (["F=nan"], "got 'nan'"),
        (["F=-inf"], "got '-inf'"),
        (["F=1e31"], "got '1e31'"),
        (["F=1", "F=1"], "one value for F, got two"),
    ],
)
def test_changes_refuse(texts: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        options.parse_changes(texts)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("2 M", 120)])
def test_duration(text: str, seconds: float) -> None:
    assert options.parse_duration(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5m", "five", "5 days", "inf", "nan", "5m30"])
def test_duration_refuses(text: str) -> None:
    with pytest.raises(InputError, match="--time-limit: expected a time above zero"):
        options.parse_duration(text, "--time-limit")


def test_clamp() -> None:
    assert options.parse_clamp("none") is None
    assert options.parse_clamp("0,1") == (0.0, 1.0)
    assert options.parse_clamp("-0.5, 1.5") == (-0.5, 1.5)


@pytest.mark.parametrize("text", ["", "0", "1,0", "1,1", "0,nan", "0,inf", "0,1,2", "a,b"])
def test_clamp_refuses(text: str) -> None:
    with pytest.raises(InputError, match="--clamp: expected"):
        options.parse_clamp(text)


def test_crop() -> None:
    assert options.parse_crop(None) is None
    assert options.parse_crop("40,0,256") == (40, 0, 256)


@pytest.mark.parametrize("text", ["", "1,2", "-1,0,5", "0,0,0", "1.5,0,8", "0,0,inf", "a,b,c"])
def test_crop_refuses(text: str) -> None:
    with pytest.raises(InputError, match="--crop: expected X,Y,SIDE"):
        options.parse_crop(text)


@given(st.text(max_size=20))
def test_no_text_escapes_the_input_error(text: str) -> None:
    for parse in (options.parse_size, options.parse_clamp, options.parse_crop):
        with contextlib.suppress(InputError):
            parse(text)


def test_device() -> None:
    assert options.resolve_device("cpu") == "cpu"
    for text in ("gpu", "cuda:", "cuda:x", "cpu:0", ""):
        with pytest.raises(InputError, match="--device: expected auto, cpu"):
            options.resolve_device(text)


def test_device_follows_what_torch_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert options.resolve_device("auto") == "cpu"
    with pytest.raises(MissingPartError, match="offers 0 CUDA devices"):
        options.resolve_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert options.resolve_device("auto") == "cuda"
    assert options.resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(MissingPartError, match="cuda:2"):
        options.resolve_device("cuda:2")


def test_output_is_checked_before_the_work(tmp_path: Path) -> None:
    assert options.check_output(tmp_path / "new" / "x.png", (".png",)).parent.is_dir()
    with pytest.raises(InputError, match=r"ending in \.png or \.gif"):
        options.check_output(tmp_path / "x.bmp", (".png", ".gif"))
    with pytest.raises(InputError, match="is a folder"):
        options.check_output(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        options.check_output(tmp_path / "file" / "x.png")
    with pytest.raises(InputError, match="is a file"):
        options.check_folder(tmp_path / "file")


def test_json_has_only_what_json_knows(capsys: pytest.CaptureFixture[str]) -> None:
    say_json(
        {
            "nan": math.nan,
            "inf": np.float32("inf"),
            "array": np.arange(3, dtype=np.int64),
            "flag": np.bool_(True),
            "path": Path("a/b"),
            "nested": ({1: (2.5,)},),
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "nan": None,
        "inf": None,
        "array": [0, 1, 2],
        "flag": True,
        "path": "a/b",
        "nested": [{"1": [2.5]}],
    }
    assert plain(None) is None


def test_tables_and_numbers() -> None:
    assert table([("a", "b"), ("long", "")]) == "a     b\nlong"
    assert [number(v) for v in (0.12345, 1234567.0, None, math.nan)] == ["0.123", "1.23e+06", "–", "–"]
    assert [short_time(s) for s in (-1, 8.4, 200, 7500)] == ["0 s", "8 s", "3 min 20 s", "2 h 5 min"]
    assert [short_time(s) for s in (0.02, 0.24, 0.97)] == ["under 0.1 s", "0.2 s", "1.0 s"]
