"""What several modules of this folder share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.test_srnca.killing import serving


@pytest.fixture(scope="session")
def kill_server() -> Iterator[subprocess.Popen[str]]:
    """Where `killing.Commands` run."""
    with serving() as server:
        yield server
