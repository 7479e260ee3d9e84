"""The page of a distillation: the data that `templates/rule.html` lays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from distill.result import Distillation
from equations.expressions.terms import count_constants, count_terms
from equations.printers.mathml import channel_name, print_terms, symbol_names
from equations.rule.display import formulas_of
from equations.rule.display import render as draw_state
from equations.rule.grouping import group_update
from equations.rule.rule import Rule
from srnca.help import PAGE, POOR
from srnca.pages.curves import draw_fronts, draw_long_run, draw_spectra, draw_texture_front
from srnca.pages.evidence import Evidence
from srnca.pages.live.result import fits_page
from srnca.pages.panels import draw_histograms
from srnca.pages.parts import data_url, flatten
from srnca.pages.rendering import render
from srnca.pages.runs import Film, LongRun, State
from srnca.pages.settings import PageSettings
from srnca.texture.evaluate import Scores, shortfall
from srnca.texture.quality import disagreement


def make_page(result: Distillation, evidence: Evidence, settings: PageSettings) -> str:
    """The whole page; sections without data are left out."""
    report, rule, film = result.report, result.rule, evidence.film
    losses, judged = report.get("texture_loss"), report.get("judge")  # reports of before 2026-12 have no judge
    return render(
        "rule.html",
        name=evidence.name,
        runs=fits_page(rule),
        size=_size(result),
        species=report.get("species"),
        losses=losses,
        ratio=losses and _ratio(losses),
        judged=judged,
        judged_ratio=judged and _ratio(judged),
        disagreement=disagreement(losses, judged) if losses and judged and "teacher" in losses else None,
        beside="teacher" in (losses or {}),
        meaning=report.get("meaning"),
        worst=None if losses else _worst(report["r2"]),
        warning=losses and _warning(report),
        help=f"{PAGE}#{POOR}",
        film=film and _film(rule, film),
        target=None if evidence.target is None else _picture(evidence.target),
        large=None if evidence.large is None else {**_picture(evidence.large), "steps": evidence.large_steps},
        step=_step(rule),
        equations=_equations(rule, settings.longest),
        competed=report.get("competed"),
        law=_law(result, evidence, settings.longest),
        front=_front(result),
        fidelity=_fidelity(result, evidence),
        refined=bool(rule.provenance.get("refined")),
        states=film and _states(rule, film),
        spectra=evidence.spectra and draw_spectra(evidence.spectra),
        long_run=evidence.long_run and _long_run(evidence.long_run, (losses or {}).get("teacher")),
        notes=report.get("notes", []),
        left_out=report.get("left_out", []),
        times=_times(report["time_s"]),
        provenance=_provenance(report),
    )


def _size(result: Distillation) -> dict[str, Any]:
    constants = sum(count_constants(expr) for expr in result.rule.expressions)
    if "species" in result.report:
        constants = result.report["species"]["numbers"]["all"]
    return {"terms": f"{result.report['terms']['per_channel']:.1f}", "constants": constants}


def _ratio(losses: Scores) -> str | None:
    """The rule's number over the automaton's; None where either is none."""
    rule, teacher = losses["rule"], losses.get("teacher")
    return f"{rule / teacher:.2f}" if rule is not None and teacher else None


def _worst(r2: dict[str, float]) -> dict[str, str]:
    """The channel with the lowest one-step R²."""
    channel = min(r2, key=lambda name: r2[name])
    return {"channel": channel, "r2": f"{r2[channel]:.4f}"}


def _warning(report: dict[str, Any]) -> str | None:
    losses, judged = report["texture_loss"], report.get("judge")
    text = report.get("shortfall")
    if "teacher" in losses:
        text = shortfall(losses, bool(report.get("refine")), judged)
    return text and f"{text[0].upper()}{text[1:]}"


def _picture(pixels: npt.NDArray[Any]) -> dict[str, Any]:
    return {"source": data_url(pixels), "side": len(pixels)}


def _film(rule: Rule, film: Film) -> dict[str, Any]:
    """Rows of pictures; None in place of a picture where a run has diverged."""

    def frames(states: Sequence[State | None]) -> list[str | None]:
        return [None if state is None else data_url(draw_state(rule, state)) for state in states]

    drawn = [None if picture is None else data_url(picture) for picture in film.drawn]
    rows = [{"who": "NCA", "frames": drawn or frames(film.nca)}, {"who": "rule", "frames": frames(film.rule)}]
    return {"marks": film.marks, "grown": film.grown, "rows": rows}


def _step(rule: Rule) -> str:
    """What one step does with the update Δs."""
    change = "Δs" if rule.dt == 1 else f"{rule.dt:g} · Δs"
    step = f"s + mask · {change}" if rule.masked else f"s + {change}"
    clamp = f", held in [{rule.clamp[0]:g}, {rule.clamp[1]:g}]" if rule.clamp else ""
    mask = f"; the mask lets {100 * rule.update_rate:g} % of the {rule.mask}s through" if rule.masked else ""
    return step + clamp + mask


def _equations(rule: Rule, longest: int) -> list[dict[str, Any]]:
    """For each channel its terms as MathML in groups, or how long its equation is where it has more than
    `longest` numbers."""
    names, equations = symbol_names(rule), []
    for channel in rule.channels:
        update = rule.updates[channel]
        equation: dict[str, Any] = {"math": f"<mo>Δ</mo>{channel_name(channel)}", "too_long": None, "groups": []}
        if (numbers := count_constants(update)) > longest:
            equation["too_long"] = {"terms": count_terms(update), "numbers": numbers}
        else:
            groups = enumerate(group_update(rule, channel).items())
            equation["groups"] = [
                {"kind": kind, "terms": print_terms(group, names, first=index == 0)} for index, (kind, group) in groups
            ]
        equations.append(equation)
    return [*equations, *_colours(rule, longest)]


def _law(result: Distillation, evidence: Evidence, longest: int) -> dict[str, Any] | None:
    """The law of few species that competed with the rule and was not chosen."""
    if "law" not in result.others or evidence.law is None:
        return None
    return {"equations": _equations(result.others["law"].rule, longest), "picture": _picture(evidence.law)}


def _colours(rule: Rule, longest: int) -> list[dict[str, Any]]:
    """The same for colours that are formulas of the channels."""
    equations = []
    for name, expr in formulas_of(rule).items():
        equation: dict[str, Any] = {"math": f"<mi>{name}</mi>", "too_long": None, "groups": []}
        if (numbers := count_constants(expr)) > longest:
            equation["too_long"] = {"terms": count_terms(expr), "numbers": numbers}
        else:
            equation["groups"] = [{"kind": "colour", "terms": print_terms(expr)}]
        equations.append(equation)
    return equations


def _front(result: Distillation) -> dict[str, str | None]:
    report = result.report
    refined = report.get("refine") and report.get("texture_loss")
    return {
        "texture": draw_texture_front(report) if refined else None,
        "regression": draw_fronts(result.fronts) if any(result.fronts.values()) else None,
    }


def _fidelity(result: Distillation, evidence: Evidence) -> list[dict[str, str]]:
    """For each channel the updates that the teacher wants and what the rule misses of them."""
    report, cards = result.report, list[dict[str, str]]()
    if "r2" not in report:  # a law of few species has no update to compare with
        return cards
    for index, channel in enumerate(result.rule.channels):
        wanted, got = evidence.wanted[:, index], evidence.got[:, index]
        fit = max(report["r2"][channel], -999)
        text = f"R² {fit:.{3 if fit > -1 else 1}f} · {report['terms']['by_channel'][channel]} terms".replace("-", "−")
        cards.append({"math": channel_name(channel), "text": text, "svg": draw_histograms(wanted, got - wanted)})
    return cards


def _states(rule: Rule, film: Film) -> list[dict[str, str]]:
    """For each channel the values of late states; nothing where either run has none."""
    nca, own = film.late(film.nca), film.late(film.rule)
    if not nca or not own or film.drawn:
        return []
    return [
        {"math": channel_name(channel), "svg": draw_histograms(nca[0][i], own[0][i])}
        for i, channel in enumerate(rule.channels)
    ]


def _long_run(run: LongRun, teacher: float | None) -> dict[str, Any]:
    svg = draw_long_run(run, teacher) if run.steps else ""
    return {"svg": svg, "last": run.last, "side": run.side, "diverged_at": run.diverged_at}


def _times(seconds: dict[str, float]) -> list[tuple[str, str]]:
    times = [(stage, f"{value:.1f} s") for stage, value in seconds.items()]
    return [*times, ("together", f"{sum(seconds.values()):.1f} s")]


def _provenance(report: dict[str, Any]) -> list[tuple[str, str]]:
    origin = dict(report["provenance"])
    if "samples" in origin:  # the names of all features fill half a page
        origin["samples"] = {name: value for name, value in origin["samples"].items() if name != "features"}
    happened = {"what the engines did": report.get("engines", {})}
    return flatten({**origin, **happened, "stability": report["stability"]})
