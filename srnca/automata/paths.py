"""Whether a checkpoint is there, asked before torch is loaded to read it."""

from __future__ import annotations

import os
from pathlib import Path

from equations.errors import InputError


def check_checkpoint(path: Path | str) -> Path:
    """`path` as a Path. Raises InputError where there is no such file."""
    path = Path(path)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such checkpoint; make one with `srnca train IMAGE --out {path.name}`")
    return path
