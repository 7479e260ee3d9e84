"""An automaton that learned a picture, behind the protocol of `srnca.automata.Automaton`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from equations.backends.torch.threads import one_thread
from srnca.automata.automaton import Automaton
from srnca.texture.checkpoint import Checkpoint, make_checkpoint
from srnca.texture.evaluate import make_judge, make_loss
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher

if TYPE_CHECKING:
    from distill.result import Distillation
    from equations.rule.rule import Rule
    from srnca.automata.automaton import DistillOptions
    from srnca.automata.verification import Verification
    from srnca.pages.settings import PageSettings


class TextureAutomaton(Automaton):
    """The automaton of a checkpoint. Its teacher, texture loss and judge are built on first use and then kept."""

    missing_options: Mapping[str, str] = {}

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @property
    def notes(self) -> tuple[str, ...]:
        found = []
        if self.checkpoint.picture is None:
            found.append(
                "a legacy checkpoint, which holds weights only; update rate "
                f"{self.checkpoint.config.update_rate:g} (--update-rate), no picture and so no texture loss"
            )
        if self.checkpoint.training:
            found.append(f"training stopped at iteration {self.checkpoint.iteration}, unfinished; taking it as it is")
        return tuple(found)

    @cached_property
    def teacher(self) -> NCATeacher:
        return NCATeacher(self.checkpoint)

    @cached_property
    def loss(self) -> TextureLoss | None:
        """None for a legacy checkpoint, which holds no picture."""
        if self.checkpoint.picture is None:
            return None
        with one_thread():  # its numbers depend on the number of threads
            return make_loss(self.checkpoint)

    @cached_property
    def judge(self) -> Judge | None:
        """None for a legacy checkpoint, which holds no picture."""
        return None if self.checkpoint.picture is None else make_judge(self.checkpoint)

    def distill(self, **options: Unpack[DistillOptions]) -> Distillation:
        """See `srnca.texture.distill.distill_checkpoint`."""
        from srnca.texture.distill import distill_checkpoint

        return distill_checkpoint(self.checkpoint, teacher=self.teacher, loss=self.loss, judge=self.judge, **options)

    def verify(self, rule: Rule, *, steps: int = 5000, seed: int = 0) -> Verification:
        """See `srnca.texture.verify.verify`."""
        from srnca.texture.verify import verify

        return verify(
            rule, self.checkpoint, steps=steps, seed=seed, teacher=self.teacher, loss=self.loss, judge=self.judge
        )

    def report(self, path: Path, result: Distillation, page: PageSettings | None = None) -> None:
        """Write the page of a distillation; without a picture there is no target and there are no texture losses."""
        from srnca.pages import report_checkpoint

        report_checkpoint(path, result, self.checkpoint, page, teacher=self.teacher, loss=self.loss)


def make_automaton(path: Path, data: dict[str, Any], update_rate: float | None) -> Automaton:
    """The automaton in a file's data; see `srnca.automata.load`."""
    return TextureAutomaton(make_checkpoint(path, data, update_rate))
