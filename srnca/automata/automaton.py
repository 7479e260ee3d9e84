"""The automaton of a checkpoint, whatever it was trained on: one object to distill, verify and report from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Unpack

from distill.work import SearchOptions
from srnca.automata.paths import check_checkpoint

if TYPE_CHECKING:
    from distill.refine import Settings
    from distill.result import Distillation
    from equations.rule.rule import Rule
    from equations.simulation import Simulator
    from srnca.automata.stepping import Network
    from srnca.automata.verification import Verification
    from srnca.pages.settings import PageSettings

# Kind of checkpoint -> the module whose `make_automaton(path, data, update_rate)` builds its automaton.
_MODULES = {"picture": "srnca.texture.automaton", "recording": "srnca.dynamics.automaton"}


class SharedOptions(SearchOptions, total=False):
    """Options of `Automaton.distill` that every automaton has; see `srnca.texture.distill.distill_checkpoint`."""

    terms: int
    refine: bool
    out: Path | None
    page: PageSettings | None


class DistillOptions(SharedOptions, total=False):
    """All options of `Automaton.distill`. Those that an automaton does not have are in its `missing_options`."""

    species: int | Literal["auto", "beside"] | None
    states: float | None
    max_loss: float | None
    refinement: Settings | None


class Automaton(Protocol):
    """A trained automaton.

    missing_options: options that automata of other kinds have and this one has not, each with the reason.
    notes: what its user should know before distilling or running it, one sentence each.
    """

    missing_options: Mapping[str, str]

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def teacher(self) -> Network:
        """The automaton as `distill` sees it, built once."""
        ...

    @property
    def loss(self) -> Callable[..., Any] | None:
        """The texture loss, rgb (batch, 3, h, w) -> (batch,), built once; None without a picture to compare with."""
        ...

    @property
    def judge(self) -> Callable[..., float] | None:
        """A measure on which nothing is trained, picture (h, w, 3) -> distance, built once; None without a picture."""
        ...

    def distill(self, **options: Unpack[DistillOptions]) -> Distillation:
        """The closed-form rule of the automaton. Raises InputError for options that do not fit."""
        ...

    def verify(self, rule: Rule, *, steps: int = 5000, seed: int = 0) -> Verification:
        """Whether `rule` is what the automaton is; steps: how long the rule must stay bounded."""
        ...

    def simulator(
        self,
        size: int | tuple[int, int] | None = None,
        seed: int = 0,
        *,
        state: Any = None,
        threads: int | None = None,
    ) -> Simulator:
        """A simulator that runs the network; its states are those of `teacher.rollout` for the same size and seed.

        size: None for that of the recording which an automaton of recordings starts from, else 256.
        state: a first state (channel, h, w) in place of the automaton's own, whose size is then taken.
        threads: None for all cores; the states do not depend on it.
        """
        from srnca.automata.stepping import make_simulator

        return make_simulator(self.teacher, size, seed, state=state, threads=threads)

    def report(self, path: Path, result: Distillation, page: PageSettings | None = None) -> None:
        """Write the page of a distillation of this automaton."""
        ...


def load(path: Path | str, *, update_rate: float | None = None) -> Automaton:
    """The automaton of a checkpoint file of either kind. The file is read once.

    update_rate: only for a legacy file (`srnca.texture.legacy`), which does not hold it; 0.5 by default.
    Raises InputError for a file that is missing, damaged or of another format.
    """
    check_checkpoint(path)  # before the slow import
    from srnca.automata.files import read_kind

    kind, data = read_kind(path)
    automaton: Automaton = import_module(_MODULES[kind]).make_automaton(Path(path), data, update_rate)
    return automaton
