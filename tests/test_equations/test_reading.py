"""The size budget and the look at what a path leads to, before any reader opens it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from equations.errors import InputError
from equations.reading import GIB, LIMIT, check_regular_file, check_size, read_limit


def test_the_budget_is_two_gib_and_a_message_tells_how_to_raise_it() -> None:
    check_size(LIMIT, "frames", "x.npz")
    with pytest.raises(InputError, match=r"x\.npz: expected at most 2 GiB to read, got frames of .*3 GiB.*READ_LIMIT"):
        check_size(3 * GIB, "frames of shape (3, 1, 16384, 16384)", "x.npz")
    with pytest.raises(InputError, match="more than a billion GiB"):
        check_size(10**5000, "an array", "x.npz")


def test_the_environment_sets_another_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNCA_READ_LIMIT", "0.5")
    assert read_limit() == GIB // 2
    with pytest.raises(InputError, match=r"at most 0\.5 GiB"):
        check_size(GIB, "a picture", "x.png")


@pytest.mark.parametrize("told", ["much", "-1", "0", "nan", "inf", "1e9"])
def test_a_budget_that_is_no_number_is_said(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRNCA_READ_LIMIT", told)
    with pytest.raises(InputError, match="SRNCA_READ_LIMIT to be a number of GiB"):
        check_size(1, "a picture", "x.png")


def test_only_a_regular_file_is_let_through(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe")
    assert check_regular_file(file) == file
    assert check_regular_file(str(tmp_path / "link")) == tmp_path / "link"
    for path, got in (
        (tmp_path / "none", "no such file; expected a checkpoint"),
        (tmp_path, "got a folder"),
        (tmp_path / "pipe", "got a named pipe"),
        (Path(os.devnull), "got a device"),
        (tmp_path / ("n" * 300), "cannot be opened"),
        (Path("a\0b"), "cannot be opened"),
    ):
        with pytest.raises(InputError, match=got):
            check_regular_file(path, "a checkpoint")
