"""What RULE means on the command line: a rule file, a result folder, or a model of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from equations.errors import InputError

if TYPE_CHECKING:
    from equations import Rule


def read_rule(text: str, *, or_model: bool = True) -> Rule:
    """`rule.json`, a folder that holds one, or (`or_model`) `gray-scott` or `gray-scott:coral`.

    Raises InputError when it is none of them.
    """
    from equations.rulefile import load_rule

    path = Path(text)
    if path.is_dir():
        path = path / "rule.json"
    if path.suffix == ".pt":
        raise InputError(f"{text}: expected a rule, got a checkpoint; first: srnca distill --checkpoint {text}")
    if path.is_file() or path.suffix == ".json" or not or_model:
        return load_rule(path)
    from equations import models

    name, _, preset = text.partition(":")
    if name not in models.names() and any(mark in text for mark in "/\\."):
        raise InputError(f"{text}: no such rule file; known models: {', '.join(models.names())}")
    return models.get(name, preset or None)
