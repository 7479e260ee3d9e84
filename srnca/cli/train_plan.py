"""What `srnca train` trains on a picture: the flags, and the checkpoint where it goes on, become a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError
from srnca.cli.options import check_output, parse_crop
from srnca.cli.output import warn
from srnca.cli.training import check_same

if TYPE_CHECKING:
    from srnca.media.images import Target
    from srnca.texture.config import TrainConfig


@dataclass(frozen=True)
class Plan:
    """What is trained: the picture, how, where it is saved, and whether and from what it goes on."""

    target: Target
    config: TrainConfig
    out: Path
    resume: bool
    history: list[float]


def settle(
    name: str | None,
    out: Path | None,
    *,
    resume: bool,
    preset: str | None,
    changes: dict[str, Any],
    effort: float | None,
    crop: str | None,
) -> Plan:
    """What the flags ask for; with `resume`, what the checkpoint at `out` says, which flags may only repeat.

    name: an image or sample:NAME. changes: of the preset's settings. effort: factor on its iterations.

    Raises InputError for flags that do not fit together or the checkpoint, and for a picture that cannot be used.
    """
    if name is None and not (resume and out):
        raise InputError(
            "train: expected an image or sample:NAME, or --frames FILE, got neither; e.g. srnca train sample:snake"
        )
    path = check_output(out or Path(f"{_stem(str(name))}.pt"), (".pt",))
    if effort is not None:
        from srnca.texture.config import preset as find_preset

        changes["iterations"] = max(1, round(effort * find_preset(preset or "default").iterations))
    if resume and (path.exists() or name is None):
        return _settle_resume(name, path, preset=preset, changes=changes, crop=crop)
    if resume:
        warn(f"{path}: nothing to go on from yet, starting anew")
    from srnca.media.images import load_target
    from srnca.texture.config import preset as find_preset

    config = replace(find_preset(preset or "default"), **changes)
    target = load_target(str(name), config.size, crop=parse_crop(crop))
    for note in target.notes:
        warn(f"{target.name}: {note}")
    return Plan(target, config, path, resume=False, history=[])


def _settle_resume(
    name: str | None, path: Path, *, preset: str | None, changes: dict[str, Any], crop: str | None
) -> Plan:
    """The checkpoint says how and on what it was trained; flags may repeat that, not change it."""
    from srnca.media.images import Target, load_target
    from srnca.texture.checkpoint import load_checkpoint
    from srnca.texture.config import preset as find_preset

    saved = load_checkpoint(path)
    base = saved.config if preset is None else find_preset(preset)
    config = replace(base, **changes)
    check_same(path, saved.config, config, changes)
    if name is not None:
        target = load_target(name, config.size, crop=parse_crop(crop))
    else:
        target = Target(str(saved.provenance.get("target", path.stem)), saved.target, ())
    return Plan(target, config, path, resume=True, history=list(saved.history))


def _stem(name: str) -> str:
    return name.removeprefix("sample:") if name.startswith("sample:") else Path(name).stem or "automaton"
