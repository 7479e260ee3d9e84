"""`report.html`: what a distillation found, on one page that needs no network and no other file.

evidence (numbers) → curves, panels (drawings) → rule_page (plain data) → rendering and templates/ (HTML).
"""

from __future__ import annotations

from pathlib import Path

from distill.identify.teacher import RecordingTeacher
from distill.result import Distillation
from equations.files import write_text
from srnca.pages.evidence import gather_checkpoint, gather_recording
from srnca.pages.rule_page import make_page
from srnca.texture.checkpoint import Checkpoint


def report_checkpoint(path: Path, result: Distillation, checkpoint: Checkpoint) -> None:
    """Write the page of an automaton's rule. A checkpoint without a picture gets no target and no texture losses."""
    write_text(path, make_page(result, gather_checkpoint(result.rule, checkpoint)))


def report_recording(path: Path, result: Distillation, teacher: RecordingTeacher, name: str) -> None:
    """Write the page of a recording's rule: equations, fronts and one-step fidelity; there is no picture to compare."""
    write_text(path, make_page(result, gather_recording(result.rule, teacher, name)))
