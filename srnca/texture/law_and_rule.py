"""A law of few species beside an automaton's rule: both are searched, and the law is chosen where it is as good."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from distill.engines import Progress, silent
from distill.refine import Settings
from distill.result import Distillation
from distill.species.report import count_numbers
from distill.unfinished import UNFINISHED, PartOf, Unfinished, digest_picture, fingerprint
from distill.work import check_positive
from equations.errors import InputError, SrncaError
from equations.printers import print_rule
from equations.rule.rulefile import rule_from_dict, rule_to_text
from srnca.texture.quality import quality_of
from srnca.texture.species import no_law
from srnca.texture.subject import Subject

LAW, RULE = "law", "rule"  # names of both, and of the folder of the one that is not chosen
SPECIES = 2  # of the law
NEAR = 1.25  # the law is chosen where its judge is at most this times the rule's
SHARE = 0.4  # of a budget that the law may take
FILES = ("rule.json", "report.json", "report.html", "page.html", "figure.png", "analysis.png")


def distill_both(
    subject: Subject,
    *,
    out: Path | None,
    terms: int | None,
    states: float | None,
    max_loss: float | None,
    refinement: Settings | None,
    seed: int = 0,
    effort: float = 1.0,
    budget_s: float | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
    resume: bool = False,
) -> Distillation:
    """The law of two species where its judge is as good as the automaton's or nearly as good as the rule's.

    Else the rule. The other one is in `others`, and in the folder `law` or `rule` of `out`. The law is searched first;
    where it is as good as the automaton, no rule is. Arguments as in `distill_checkpoint`.
    """
    check_positive("distill", max_terms=terms, effort=effort, budget_s=budget_s, max_loss=max_loss)
    if subject.loss is None:
        raise InputError("species: expected a checkpoint with a picture, this legacy file holds none; train it anew")
    if out is not None:
        check_others(out)
    key: dict[str, Any] = {"teacher": fingerprint(subject.teacher), "seed": seed, "effort": effort, "engine": engine}
    key |= {"terms": terms, "states": states, "max_loss": max_loss, "refinement": refinement and asdict(refinement)}
    key["picture"] = digest_picture(subject.checkpoint.target)
    unfinished = Unfinished(None if out is None else out / UNFINISHED, key, resume=resume)
    progress, began = progress or silent, time.monotonic()
    shared: dict[str, Any] = {"max_loss": max_loss, "seed": seed, "effort": effort}
    law, missing = _search_law(
        subject, unfinished, progress, refinement=refinement, budget_s=budget_s and SHARE * budget_s, **shared
    )
    rule = None
    if law is None or _judged(law) > _judged(law, "teacher"):
        rule = subject.search_rule(
            terms=terms, states=states, engine=engine, settings=refinement, progress=progress,
            budget_s=budget_s and max(budget_s - (time.monotonic() - began), 1.0),
            unfinished=PartOf(unfinished, f"{RULE}-"), **shared,
        )  # fmt: skip
    chosen = _choose(law, missing, rule)
    if out is not None:
        clear_others(out)
        for name, other in chosen.others.items():
            subject.write(other, out / name)
        subject.write(chosen, out)
    return chosen


def check_others(out: Path) -> None:
    """Raises InputError where the result that is not chosen would be written over somebody's own `law` or `rule`."""
    if (out / UNFINISHED).exists():  # its run has checked that, and may have been stopped while it wrote
        return
    for name in (LAW, RULE):
        if (out / name / "rule.json").exists() and name not in _others_of(out):
            raise InputError(
                f"out: expected a folder without a result of its own in {out / name}, where the one that is not chosen "
                "is put; give another folder, or search no law (--species none)"
            )


def clear_others(out: Path) -> None:
    """Remove what the report of an earlier result in `out` says was not chosen then. Other folders are left alone."""
    for name in _others_of(out):
        _clear(out / name)


def _others_of(out: Path) -> set[str]:
    """The folders of results that were not chosen, by the report of an earlier result in `out`."""
    try:
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        return set(report["competed"]["others"]) & {LAW, RULE}
    except (OSError, ValueError, KeyError, TypeError):  # no report, or one without such results
        return set()


def _clear(folder: Path) -> None:
    """Remove the files of a result, and the folder where nothing else is in it."""
    for path in [*(folder / name for name in FILES), *folder.glob("front/[0-9]*.json"), *folder.glob("hall_of_fame*")]:
        path.unlink(missing_ok=True)
    for path in (folder / "front", folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _search_law(
    subject: Subject, unfinished: Unfinished, progress: Progress, **search: Any
) -> tuple[Distillation | None, str | None]:
    """The law, or a sentence why there is none. A finished one is kept in `unfinished`."""
    before = unfinished.get(LAW)
    if before is not None:
        return _unpack(before)

    def report(stage: str, fraction: float, detail: str) -> None:
        progress(f"{LAW}: {stage}", fraction, detail)

    law: Distillation | None = None
    try:
        law = subject.search_law(SPECIES, progress=report, unfinished=PartOf(unfinished, f"{LAW}-"), **search)
        missing = no_law(law.report["texture_loss"], law.report["judge"])
    except SrncaError as error:  # a picture without a pattern, or of less than two waves: there may be a rule
        missing = str(error)
    found = (None if missing else law), missing
    unfinished.put(LAW, _pack(*found))
    return found


def _choose(law: Distillation | None, missing: str | None, rule: Distillation | None) -> Distillation:
    """The better of both, with a comparison in its report."""
    if rule is None:
        chosen, why = LAW, "its judge is as good as the automaton's, so no other rule was searched"
    elif law is None:
        chosen, why = RULE, str(missing)
    elif _judged(law) <= NEAR * _judged(rule):
        chosen, why = LAW, f"its judge is at most {NEAR:g} times the rule's"
    else:
        chosen, why = RULE, f"the judge of the law is more than {NEAR:g} times the rule's"
    results = {name: result for name, result in ((LAW, law), (RULE, rule)) if result is not None}
    best = results[chosen]
    others = {name: result for name, result in results.items() if name != chosen}
    best.report["competed"] = {"chosen": chosen, "why": why, "others": {n: _row(n, r) for n, r in others.items()}}
    for name, other in others.items():
        cut = [f"{what} (of the {name})" for what in other.report["left_out"]]
        best.report["left_out"] = [*best.report["left_out"], *cut]
        best.report["time_s"][name] = round(sum(other.report["time_s"].values()), 3)
    return replace(best, others=others)


def _judged(result: Distillation, who: str = "rule") -> float:
    """The judge's number; infinite where the pictures ran away."""
    found = result.report["judge"][who]
    return math.inf if found is None else float(found)


def _row(name: str, result: Distillation) -> dict[str, Any]:
    """What a report says of the result that was not chosen."""
    return {
        "folder": name,
        "channels": len(result.rule.channels),
        "numbers": count_numbers(result.rule)["all"],
        "texture_loss": result.report["texture_loss"]["rule"],
        "judge": result.report["judge"]["rule"],
        "quality": quality_of("rule", result.report["texture_loss"], result.report["judge"]),
        "equations": print_rule(result.rule, "text").splitlines(),
    }


def _pack(law: Distillation | None, missing: str | None) -> dict[str, np.ndarray]:
    data: dict[str, Any] = {"missing": missing}
    if law is not None:
        front = [[terms, loss, rule_to_text(rule)] for terms, loss, rule in law.texture_front]
        data |= {"rule": rule_to_text(law.rule), "report": law.report, "front": front}
    return {"found": np.array(json.dumps(data))}


def _unpack(arrays: dict[str, np.ndarray]) -> tuple[Distillation | None, str | None]:
    data = json.loads(str(arrays["found"]))
    if "rule" not in data:
        return None, data["missing"]
    rule = rule_from_dict(json.loads(data["rule"]))
    front = tuple((terms, loss, rule_from_dict(json.loads(text))) for terms, loss, text in data["front"])
    return Distillation(rule, dict.fromkeys(rule.channels, ()), data["report"], front), data["missing"]
