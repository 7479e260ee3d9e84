"""From a checkpoint to a result folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Unpack

from distill.refine import Settings
from distill.result import Distillation
from distill.work import SearchOptions
from equations.backends.torch.threads import one_thread
from equations.errors import InputError
from srnca.pages.settings import PageSettings
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.evaluate import STEPS, make_judge, make_loss
from srnca.texture.judge import Judge
from srnca.texture.law_and_rule import clear_others, distill_both
from srnca.texture.loss import TextureLoss
from srnca.texture.species import Species
from srnca.texture.subject import Subject
from srnca.texture.teacher import NCATeacher


@one_thread()
def distill_checkpoint(
    checkpoint: Checkpoint,
    *,
    species: Species | Literal["beside"] | None = None,
    terms: int | None = None,
    refine: bool = True,
    states: float | None = None,
    max_loss: float | None = None,
    refinement: Settings | None = None,
    out: Path | None = None,
    teacher: NCATeacher | None = None,
    loss: TextureLoss | None = None,
    judge: Judge | None = None,
    picture_steps: int = STEPS,
    page: PageSettings | None = None,
    **search: Unpack[SearchOptions],
) -> Distillation:
    """The closed-form rule of a trained automaton, with its texture loss and judge beside the automaton's own.

    species: find a law of so many species for the picture ("auto": 2, 3 and 4 compete), and compare the automaton with
        its pictures only; see `srnca.texture.species`. "beside": find a law of two species and the rule, and take the
        law where it is nearly as good; see `srnca.texture.law_and_rule`. None: the rule alone.
    terms: the most terms of a channel, on average over channels; 24 unless given. With a number of species, of numbers
        in all, the constants of the colours included.
    states: weight in refinement of the automaton's own states beside its texture; 0 or None leaves them out.
    max_loss: take the shortest rule of at most this texture loss.
    refinement: how refinement works; the defaults of Settings unless given.
    out: a folder for rule.json, report.json, report.html, page.html, figure.png and the halls of fame.
    teacher, loss, judge: the checkpoint's, where they are built already (`srnca.automata.load`).
    picture_steps: age of the pictures whose texture losses and judge are reported, in steps.
    page: how report.html is made; the defaults of PageSettings unless given.
    search: engine, seed, effort, budget_s, progress and resume; see `distill`. `resume` goes on in `out`.

    A legacy checkpoint has no picture: nothing is refined, and there are no texture losses, no judge and no figure.
    Raises InputError for arguments that do not fit.
    """
    if loss is None and checkpoint.picture is not None:
        loss = make_loss(checkpoint)
    if judge is None and checkpoint.picture is not None:
        judge = make_judge(checkpoint)
    teacher = NCATeacher(checkpoint) if teacher is None else teacher
    subject = Subject(checkpoint, teacher, loss, judge, picture_steps, page)
    options: dict[str, Any] = {"terms": terms, "max_loss": max_loss, **search}
    if species == "beside":
        if not refine:
            raise InputError('refine: expected refinement with species "beside"; for the rule alone give species None')
        return distill_both(subject, out=out, states=states, refinement=refinement, **options)
    if species is None:
        result = subject.search_rule(states=states, refine=refine, settings=refinement, folder=out, **options)
    else:
        _check_for_law(search, refine=refine, states=states)
        options.pop("engine", None)
        result = subject.search_law(species, refinement=refinement, out=out, **options)
    if out is not None:
        clear_others(out)
        subject.write(result, out)
    return result


def _check_for_law(search: SearchOptions, *, refine: bool, states: float | None) -> None:
    """Raises InputError for options that do not fit a law of few species."""
    for name, given in (("engine", search.get("engine", "auto") != "auto"), ("refine", not refine), ("states", states)):
        if given:
            raise InputError(f"{name}: expected its default with species, which are found by their pictures alone")
