"""The command line as a test runs it: in this process, with what it printed."""

from __future__ import annotations

import pytest

from srnca.cli.app import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of `srnca` with these words."""
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err
