"""`report.html`: what a distillation found, on one page that needs no network and no other file.

gather (numbers) → figures, panels (drawings) → page (HTML).
"""

from __future__ import annotations

from pathlib import Path

from distill.identify.teacher import RecordingTeacher
from distill.result import Distillation
from equations.files import write_text
from srnca.pages.evidence import gather_checkpoint, gather_recording
from srnca.pages.rule_page import make_page
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher


def report_checkpoint(
    path: Path,
    result: Distillation,
    checkpoint: Checkpoint,
    *,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
) -> None:
    """Write the page of an automaton's rule. A checkpoint without a picture gets no target and no texture losses.

    teacher, loss: the checkpoint's, where they are built already.
    """
    write_text(path, make_page(result, gather_checkpoint(result.rule, checkpoint, teacher=teacher, loss=loss)))


def report_recording(path: Path, result: Distillation, teacher: RecordingTeacher, name: str) -> None:
    """Write the page of a recording's rule: equations, fronts and one-step fidelity; there is no picture to compare."""
    write_text(path, make_page(result, gather_recording(result.rule, teacher, name)))
