"""A checkpoint to distill: the search for a rule or for a law, what is measured of it, and the result folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from distill import distill
from distill.result import Distillation
from equations.errors import InputError
from srnca.pages import report_checkpoint
from srnca.pages.live.beside import photo_url
from srnca.pages.live.result import write_result_page
from srnca.pages.rule_figure import draw_distillation
from srnca.pages.settings import PageSettings
from srnca.provenance import add_provenance
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import SEEDS, make_objective, nca_pictures, rule_pictures, score_pictures, shortfall
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss
from srnca.texture.species import Species, add_meaning, draw_meaning, find_law
from srnca.texture.teacher import NCATeacher

TERMS = 24  # of a channel, where no number is asked for


@dataclass(frozen=True)
class Subject:
    """A checkpoint to distill, what is built of it, and how results are shown.

    loss, judge: None for a legacy checkpoint, which has no picture.
    picture_steps: age of the pictures whose texture losses and judge are reported, in steps.
    page: how report.html is made.
    """

    checkpoint: Checkpoint
    teacher: NCATeacher
    loss: TextureLoss | None
    judge: Judge | None
    picture_steps: int
    page: PageSettings | None

    @cached_property
    def pictures(self) -> np.ndarray:
        """The automaton's pictures (n, h, w, 3), grown once."""
        return nca_pictures(self.checkpoint, steps=self.picture_steps, teacher=self.teacher)

    def search_rule(self, *, terms: int | None, states: float | None, **search: Any) -> Distillation:
        """The automaton's own rule, measured. search: other arguments of `distill`."""
        side = self.checkpoint.config.size
        result = distill(
            self.teacher,
            max_terms=TERMS if terms is None else terms,
            objective=None if self.loss is None else make_objective(self.checkpoint, self.loss),
            states=states or 0.0,
            size=(side, side),
            **search,
        )
        self._measure(result)
        return result

    def search_law(self, species: Species, **search: Any) -> Distillation:
        """A law of few species for the checkpoint's picture, measured. search: other arguments of `find_law`.

        Raises InputError for a legacy checkpoint.
        """
        if self.loss is None:
            raise InputError(
                "species: expected a checkpoint with a picture, this legacy file holds none; train it anew"
            )
        result = find_law(self.checkpoint.target, self.loss, species, **search)
        self._measure(result)
        add_meaning(result, self.checkpoint.target, self.loss)
        return result

    def _measure(self, result: Distillation) -> None:
        """Add origin, texture losses, judge, and a warning where they are poor, to the report."""
        add_provenance(result.report, trained=self.checkpoint.provenance)
        if self.loss is None or self.judge is None:
            return
        started = time.perf_counter()
        target = self.checkpoint.target
        pictures = rule_pictures(result.rule, target.shape[:2], steps=self.picture_steps)
        scores = score_pictures(self.loss, self.judge, target, teacher=self.pictures, rule=pictures)
        refined = bool(result.report["refine"])
        result.report.update(scores, shortfall=shortfall(scores["texture_loss"], refined, scores["judge"]))
        result.report["time_s"]["evaluate"] = round(time.perf_counter() - started, 3)

    def _draw(self, result: Distillation) -> np.ndarray:
        """A picture (h, w, 3) of a rule, from the seed of the automaton's first picture."""
        size = self.checkpoint.target.shape[:2]
        return rule_pictures(result.rule, size, steps=self.picture_steps, seeds=SEEDS[:1])[0]

    def write(self, result: Distillation, out: Path) -> None:
        """Write rule.json, report.json, report.html, page.html, the figures, the front and the halls of fame."""
        checkpoint = self.checkpoint
        out.mkdir(parents=True, exist_ok=True)
        if self.loss is not None:
            law = result.others.get("law")
            pictures = checkpoint.target, self.pictures[0], self._draw(result)
            draw_distillation(out / "figure.png", *pictures, result, None if law is None else self._draw(law))
        if "meaning" in result.report:
            draw_meaning(out, result, checkpoint.target)
        report_checkpoint(out / "report.html", result, checkpoint, self.page, teacher=self.teacher, loss=self.loss)
        photo = None if checkpoint.picture is None else photo_url(checkpoint.picture)
        name = str(checkpoint.provenance.get("target", "an automaton"))
        write_result_page(out, result, name, network=self.teacher, photo=photo)
        result.save(out)  # last, with the rule: this removes the file from which a killed distillation resumes
