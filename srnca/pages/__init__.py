"""Everything that is looked at: pages (HTML) and figures (PNG) of distillations, studies, analyses and comparisons.

This module writes `report.html` of a distillation, which needs no network and no other file. It is made in steps:
evidence (numbers) → curves, panels (drawings) → rule_page (plain data) → rendering and templates/ (HTML).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill.result import Distillation
from distill.teacher import HasSamples
from equations.files import write_text
from srnca.pages.evidence import gather_checkpoint, gather_law, gather_recording
from srnca.pages.rule_page import make_page
from srnca.pages.settings import PageSettings
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher


def report_checkpoint(
    path: Path,
    result: Distillation,
    checkpoint: Checkpoint,
    settings: PageSettings | None = None,
    *,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
) -> None:
    """Write the page of an automaton's rule. Without a picture in the checkpoint it has no target and no texture
    losses.

    settings: the defaults of PageSettings unless given.
    teacher, loss: those of the checkpoint, where they are built already.
    """
    settings = settings or PageSettings()
    law = result.others["law"].rule if "law" in result.others else None
    evidence = gather_checkpoint(result.rule, checkpoint, settings, teacher=teacher, loss=loss, law=law)
    write_text(path, make_page(result, evidence, settings))


def report_law(
    path: Path,
    result: Distillation,
    picture: np.ndarray,
    name: str,
    loss: TextureLoss,
    settings: PageSettings | None = None,
) -> None:
    """Write the page of a law of few species that was found for a picture (h, w, 3), without an automaton.

    name: of the picture. loss: its texture loss. settings: the defaults of PageSettings unless given.
    """
    settings = settings or PageSettings()
    write_text(path, make_page(result, gather_law(result.rule, picture, name, loss, settings), settings))


def report_recording(
    path: Path, result: Distillation, teacher: HasSamples, name: str, settings: PageSettings | None = None
) -> None:
    """Write the page of a recording's rule: equations, fronts and one-step fidelity. There is no picture to compare.

    settings: the defaults of PageSettings unless given.
    """
    settings = settings or PageSettings()
    write_text(path, make_page(result, gather_recording(result.rule, teacher, name, settings), settings))
