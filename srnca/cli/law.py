"""`srnca distill --species`: what the command line does for laws of few species only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from equations.errors import InputError
from srnca.cli.options import check_folder
from srnca.cli.output import warn

if TYPE_CHECKING:
    from distill.result import Distillation

MOST_SPECIES = 6  # as distill.species.family has it
SIZE = 64  # as srnca train has it


def check_species(
    species: str | None, *, checkpoint: bool, image: bool, engine: str, refine: str, states: float | None
) -> int | Literal["auto", "beside"] | None:
    """The number of species; "beside" for a law beside an automaton's rule, None for the rule alone.

    Raises InputError where the number is out of range, and beside options that do not fit it.
    """
    if species in (None, "none"):
        usual = engine == "auto" and refine == "auto" and states is None  # others ask for the automaton's own rule
        return "beside" if species is None and checkpoint and usual else None
    if species != "auto" and species not in map(str, range(1, MOST_SPECIES + 1)):
        raise InputError(f"--species: expected 1 to {MOST_SPECIES}, auto or none, got {species}")
    if not checkpoint and not image:
        raise InputError(
            "--species: expected it with --checkpoint or --image, got --frames: the law of a recording has the species "
            "that were recorded; leave it out, and --frames finds their equations"
        )
    for flag, given in (("--engine", engine != "auto"), ("--refine none", refine == "none"), ("--states", states)):
        if given:
            raise InputError(f"--species: expected it without {flag}; a law of few species is found by its pictures")
    return "auto" if species == "auto" else int(species)


def distill_image(
    image: str, size: int | None, folder: Path, update_rate: float | None, **options: Any
) -> Distillation:
    """A law of few species for a picture, without an automaton."""
    from srnca.media.images import load_target

    if update_rate is not None:
        raise InputError("--update-rate: expected it with a legacy checkpoint only, got it with --image; leave it out")
    target = load_target(image, size or SIZE)
    for note in target.notes:
        warn(f"{image}: {note}")

    from srnca.texture.species import distill_picture

    for name in ("engine", "refine"):
        del options[name]
    return distill_picture(target.pixels, name=target.name, cell=target.cell, out=check_folder(folder), **options)


def exit_without_law(result: Distillation) -> None:
    """Exit with code 1 and the numbers where loss and judge find the best law hardly better than a flat colour."""
    from srnca.texture.species import no_law

    missing = no_law(result.report["texture_loss"], result.report["judge"])
    if missing is not None:
        warn(missing)
        raise typer.Exit(1)
