"""What the stages of a distillation share: settings, time measurement, and the step from fronts to a rule."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from distill.deadline import Deadline
from distill.engines import Progress
from distill.engines.session import Happenings
from distill.fronts.select import knee
from distill.sampling import Samples
from distill.teacher import HasSamples, Teacher, compose
from equations.rule.rule import Candidate, Rule

Fronts = Mapping[str, tuple[Candidate, ...]]
MATCHED = 0.1


@dataclass
class Run:
    """The settings of one distillation, and what its stages record.

    times: seconds of each stage.
    matched: distance of the rule's states from the teacher's, in standard deviations, that ends the on-policy rounds.
    distances: of the rule's states from the teacher's, before each on-policy round and after the last one.
    happenings: notes for the user, and what went wrong with engines.
    """

    teacher: Teacher
    seed: int
    size: tuple[int, int]
    steps: int
    max_terms: int
    progress: Progress
    times: dict[str, float] = field(default_factory=dict)
    distances: list[float] = field(default_factory=list)
    deadline: Deadline = field(default_factory=Deadline)
    matched: float = MATCHED
    happenings: Happenings = field(default_factory=Happenings)

    @contextmanager
    def stage(self, name: str, *, tell_end: bool = True) -> Iterator[None]:
        """Time a stage and report its progress. tell_end: False where the stage itself reports its end."""
        self.progress(name, 0.0, "")
        started = time.perf_counter()
        yield
        self.times[name] = self.times.get(name, 0.0) + round(time.perf_counter() - started, 3)
        if tell_end:
            self.progress(name, 1.0, "")

    @property
    def answers(self) -> bool:
        """Whether the teacher can label new states; a recording cannot."""
        return not isinstance(self.teacher, HasSamples)


def choose_equations(run: Run, fronts: Fronts, samples: Samples) -> dict[str, Candidate]:
    """One equation per channel, from its front. `max_terms` does not apply to equations of the engine exact."""
    chosen = {}
    for index, (channel, front) in enumerate(fronts.items()):
        limit = None if any(c.engine == "exact" for c in front) else run.max_terms
        chosen[channel] = knee(front, floor=float(samples.floor[index]), max_terms=limit)
    return chosen


def compose_rule(run: Run, chosen: Mapping[str, Candidate]) -> Rule:
    return compose(run.teacher, {channel: candidate.expr for channel, candidate in chosen.items()})
