"""The texture loss and the judge in words, as `srnca train` and `srnca distill` print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srnca.cli.output import number, table
from srnca.help import POOR, help_at

if TYPE_CHECKING:
    from srnca.texture.quality import Quality

KINDS = (("flat", "flat colour"), ("teacher", "automaton"), ("rule", "rule"))


def describe_quality(found: Quality) -> str:
    """Both numbers of an automaton, one word, and what to do where the word is poor, with the address of more help."""
    both = (("texture loss", found.scores["texture_loss"]), ("judge", found.scores["judge"]))
    numbers = ", ".join(f"{name} {number(of['teacher'])} (flat colour {number(of['flat'])})" for name, of in both)
    return f"from fresh noise: {numbers}: {found.word}" + (
        f"; {found.advice} ({help_at(POOR)})" if found.advice else ""
    )


def describe_scores(report: dict[str, Any]) -> str:
    """The texture losses of a distillation and, beside them, the judge; older reports have no judge."""
    measures = [(key.replace("_", " "), report[key]) for key in ("texture_loss", "judge") if key in report]
    rows = [("", *(name for name, _ in measures))]
    rows += [(label, *(number(of.get(who)) for _, of in measures)) for who, label in KINDS if who in measures[0][1]]
    if "judge" not in report:
        return table(rows)
    from srnca.texture.quality import disagreement, quality_of

    losses, judged = report["texture_loss"], report["judge"]
    lines = [table(rows), f"0 is the picture; the rule is {quality_of('rule', losses, judged)}"]
    said = disagreement(losses, judged) if "teacher" in losses else None
    lines += [f"the two disagree: {said}"] if said else []
    return "\n".join(lines)
