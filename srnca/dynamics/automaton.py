"""An automaton that learned a recording, behind the protocol of `srnca.automata.Automaton`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from equations.backends.torch.threads import one_thread
from equations.errors import InputError
from srnca.automata.automaton import Automaton
from srnca.dynamics.checkpoint import RecordingCheckpoint, make_recording_checkpoint
from srnca.dynamics.teacher import RecordingNCATeacher

if TYPE_CHECKING:
    from distill.refine import Settings
    from distill.result import Distillation
    from equations.rule.rule import Rule
    from srnca.automata.automaton import SharedOptions
    from srnca.automata.verification import Verification
    from srnca.pages.settings import PageSettings

_REASON = "was trained on a recording; it has no mask and no texture"


class RecordingAutomaton(Automaton):
    """The automaton of a checkpoint, with its teacher, built on first use and then kept.

    There is no texture loss and no judge: nothing to compare pictures with.
    """

    missing_options: Mapping[str, str] = dict.fromkeys(
        ("update_rate", "max_loss", "species", "states", "refinement"), _REASON
    )
    loss = None
    judge = None

    def __init__(self, checkpoint: RecordingCheckpoint) -> None:
        self.checkpoint = checkpoint

    @property
    def notes(self) -> tuple[str, ...]:
        if self.checkpoint.training:
            return (f"training stopped at iteration {self.checkpoint.iteration}, unfinished; taking it as it is",)
        return ()

    @cached_property
    def teacher(self) -> RecordingNCATeacher:
        with one_thread():  # its numbers depend on the number of threads
            return RecordingNCATeacher(self.checkpoint)

    def distill(
        self,
        *,
        max_loss: float | None = None,
        species: int | Literal["auto", "beside"] | None = None,
        states: float | None = None,
        refinement: Settings | None = None,
        **options: Unpack[SharedOptions],
    ) -> Distillation:
        """See `srnca.dynamics.distill.distill_network`. Raises InputError where one of `missing_options` is given."""
        from srnca.dynamics.distill import distill_network

        for name, given in (
            ("max_loss", max_loss),
            ("species", species),
            ("states", states),
            ("refinement", refinement),
        ):
            if given is not None:
                raise InputError(f"{name}: this automaton {self.missing_options[name]}; leave it out")
        return distill_network(self.checkpoint, teacher=self.teacher, **options)

    def verify(self, rule: Rule, *, steps: int = 5000, seed: int = 0) -> Verification:
        """See `srnca.dynamics.verify.verify_network`."""
        from srnca.dynamics.verify import verify_network

        return verify_network(rule, self.checkpoint, steps=steps, seed=seed, teacher=self.teacher)

    def report(self, path: Path, result: Distillation, page: PageSettings | None = None) -> None:
        """Write the page of a distillation, named after its folder."""
        from srnca.pages import report_recording

        report_recording(path, result, self.teacher, path.parent.name, page)


def make_automaton(path: Path, data: dict[str, Any], update_rate: float | None) -> Automaton:
    """The automaton in a file's data; see `srnca.automata.load`. Raises InputError where `update_rate` is given."""
    if update_rate is not None:
        raise InputError(f"--update-rate: {path} {_REASON}; leave it out")
    return RecordingAutomaton(make_recording_checkpoint(path, data))
