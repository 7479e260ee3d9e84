"""Reads what RULE names on the command line: a rule file, a result folder, a known model or a learned rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
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
    """Read `rule.json`, a folder that holds one, a model such as `gray-scott:coral`, or a rule such as `learned:snake`.

    changes: NAME=VALUE of a model's parameters.
    or_model: whether a model is accepted; a learned rule always is.

    Raises InputError when `text` is none of these.
    """
    from equations.rule.rulefile import load_rule
    from srnca import learned

    path = Path(text) / "rule.json" if Path(text).is_dir() else Path(text)
    if is_checkpoint(text):
        raise InputError(
            f"{text}: expected a rule, got a checkpoint; distill it first: srnca distill --checkpoint {text}"
        )
    is_learned = text.startswith(learned.PREFIX) and not path.exists()
    if not path.exists() and or_model and not is_learned:
        return _read_model(text, path, parse_changes(changes or ()))
    if changes:
        raise InputError(
            f"{text}: expected a known model for --set, got a rule file, whose numbers have no names; "
            "change them in the file, or leave --set out"
        )
    return Source(learned.load(text.removeprefix(learned.PREFIX)).rule if is_learned else load_rule(path))


def _rules_beside(path: Path) -> list[str]:
    """The rules, folders of rules and checkpoints in the folder of a path that is not there."""
    try:
        found = list(islice(path.parent.iterdir(), 500))
    except OSError:
        return []
    return sorted(str(p) for p in found if p.suffix in (".json", ".pt") or (p / "rule.json").is_file())


def is_checkpoint(text: str) -> bool:
    """Whether RULE names a checkpoint: a file that ends in .pt, whether it is there or not."""
    return Path(text).suffix == ".pt" and not Path(text).is_dir()


def file_name(text: str) -> str:
    """A name for output files: `run/rule.json`, `run` -> run; `gray-scott:coral` -> gray-scott-coral; `a.json` -> a."""
    path = Path(text)
    if path.name == "rule.json" and path.parent.name:
        return path.parent.name
    return (path.name.removesuffix(".json") or "rule").replace(":", "-")


def with_step(source: Source, dt: float) -> Rule:
    """The rule with another time step. A known model's equations may contain dt, so its rule is made anew."""
    from equations import models

    rule = source.rule
    if not 0 < dt <= 1e6:
        raise InputError(f"--dt: expected a time step above 0 and at most 1e6, got {dt:g}")
    noted = rule.provenance
    if source.size is None or noted.get("model") not in models.names():
        return rule.replace(dt=dt)
    model = dataclasses.replace(models.load(str(noted["model"])), dt=dt)
    return model.rule(str(noted["preset"]), **dict(noted["parameters"]))


def _read_model(text: str, path: Path, changes: dict[str, float]) -> Source:
    from equations import models
    from srnca import learned

    name, _, named = text.partition(":")
    if name not in models.names():
        rules = [learned.PREFIX + rule for rule in learned.names()]
        named = learned.PREFIX + text  # a learned rule without its prefix is meant
        near = did_you_mean(named if named in rules else text, (*_rules_beside(Path(text)), *models.names(), *rules))
        raise InputError(
            f"{path}: no such file or folder, and no known model{near}; expected a rule.json, its folder, or a name "
            "that `srnca models` lists"
        )
    model, chosen = models.load(name), named or None
    preset = model.preset(chosen)
    model.check_parameters(changes)
    return Source(model.rule(chosen, **changes), preset.steps, preset.seed, (preset.size, preset.size))
