"""Reads what RULE names on the command line: a rule file, a result folder, or a model of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from equations.errors import InputError, did_you_mean
from srnca.cli.options import option, parse_changes

if TYPE_CHECKING:
    from equations import Rule
    from srnca.automata.stepping import Network

Changes = Annotated[
    list[str] | None,
    option(
        "A model's parameter, such as F=0.03; repeat it for others. `srnca models NAME` lists them.",
        "--set",
        metavar="NAME=VALUE",
    ),
]


@dataclass(frozen=True)
class Source:
    """What RULE names, and the defaults for running it: those of a model's preset, or the usual ones.

    steps: of a run.
    seed: of the first state and the mask.
    size: (h, w) in cells; None for rules that are no model.
    network: of a checkpoint, which `srnca simulate` runs in place of the rule's updates.
    """

    rule: Rule
    steps: int = 2000
    seed: int = 0
    size: tuple[int, int] | None = None
    network: Network | None = None


def read_rule(text: str, changes: Sequence[str] | None = None, *, or_model: bool = True) -> Rule:
    """The rule alone; see `read_source`."""
    return read_source(text, changes, or_model=or_model).rule


def read_source(text: str, changes: Sequence[str] | None = None, *, or_model: bool = True) -> Source:
    """Read `rule.json`, a folder that holds one, or a model such as `gray-scott` or `gray-scott:coral`.

    changes: NAME=VALUE of a model's parameters.
    or_model: whether a model is accepted.

    Raises InputError when `text` is none of these.
    """
    from equations.rule.rulefile import load_rule

    path = Path(text) / "rule.json" if Path(text).is_dir() else Path(text)
    if is_checkpoint(text):
        raise InputError(
            f"{text}: expected a rule, got a checkpoint; distill it first: srnca distill --checkpoint {text}"
        )
    if not path.exists() and or_model:
        return _read_model(text, path, parse_changes(changes or ()))
    if changes:
        raise InputError(
            f"{text}: expected a known model for --set, got a rule file, whose numbers have no names; "
            "change them in the file, or leave --set out"
        )
    return Source(load_rule(path))


def is_checkpoint(text: str) -> bool:
    """Whether RULE names a checkpoint: a file that ends in .pt, whether it is there or not."""
    return Path(text).suffix == ".pt" and not Path(text).is_dir()


def file_name(text: str) -> str:
    """A name for output files: `run/rule.json`, `run` -> run; `gray-scott:coral` -> gray-scott-coral; `a.json` -> a."""
    path = Path(text)
    if path.name == "rule.json" and path.parent.name:
        return path.parent.name
    return (path.name.removesuffix(".json") or "rule").replace(":", "-")


def _read_model(text: str, path: Path, changes: dict[str, float]) -> Source:
    from equations import models

    name, _, named = text.partition(":")
    if name not in models.names():
        raise InputError(
            f"{path}: no such file or folder, and no known model{did_you_mean(name, models.names())}; expected a "
            f"rule.json, its folder, or one of {', '.join(models.names())}"
        )
    model, chosen = models.load(name), named or None
    preset = model.preset(chosen)
    model.check_parameters(changes)
    return Source(model.rule(chosen, **changes), preset.steps, preset.seed, (preset.size, preset.size))
