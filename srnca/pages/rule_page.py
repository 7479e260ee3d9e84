"""The page: one HTML file of its own, the sections in the order in which they are asked for."""

from __future__ import annotations

import numpy as np

from distill.result import Distillation
from equations.expressions.grouping import group_update
from equations.expressions.terms import count_constants, count_terms
from equations.printers.mathml import channel_name, print_terms, symbol_names
from equations.rule.display import render
from equations.rule.rule import Rule
from srnca.pages.curves import draw_fronts, draw_long_run, draw_spectra, draw_texture_front
from srnca.pages.evidence import Evidence, Film
from srnca.pages.panels import draw_histograms
from srnca.pages.parts import escape, figure, flatten, number, paragraph, picture, section, table, tile
from srnca.pages.style import CSS
from srnca.texture.evaluate import shortfall

LONGEST = 1000  # numbers of an equation that is written out
NCA, RULE, TARGET = (f'<b class="of-{who.lower()}">{who}</b>' for who in ("NCA", "rule", "target"))


def make_page(result: Distillation, evidence: Evidence) -> str:
    """The whole page; sections without data are left out."""
    name = escape(evidence.name)
    body = (
        _head(result, evidence),
        section("pictures", "Side by side", *_pictures(result.rule, evidence)),
        section("equations", "Equations", *_equations(result.rule)),
        section("front", "Size against quality", *_front(result)),
        section("fidelity", "One step", *_fidelity(result, evidence)),
        section("states", "States", *_states(result.rule, evidence.film)),
        section("spectra", "Scales and stability", *_curves(result, evidence)),
        section("provenance", "Time and provenance", *_provenance(result)),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}: closed-form rule</title><style>{CSS}</style></head>\n"
        f"<body><main>{chr(10).join(part for part in body if part)}</main></body></html>\n"
    )


def _head(result: Distillation, evidence: Evidence) -> str:
    report, losses = result.report, result.report.get("texture_loss")
    constants = sum(count_constants(expr) for expr in result.rule.expressions)
    terms = f"{report['terms']['per_channel']:.1f}"
    tiles = [tile(terms, "terms a channel"), tile(str(constants), "constants in all")]
    size = f"{terms} terms a channel, {constants} constants in all."
    warning = ""
    if losses:
        ratio = _ratio(losses)
        times = f"{ratio:.2f} times" if ratio is not None else "beside"
        verdict = (
            f"The {RULE}'s texture loss is {number(losses['rule'])}, {times} the {NCA}'s {number(losses['teacher'])}; "
            f"flat colour scores {number(losses['flat'])}. {size}"
        )
        tiles = [
            tile(number(losses["flat"]), "texture loss, flat colour", "of-target"),
            tile(number(losses["teacher"]), "texture loss, NCA", "of-nca"),
            tile(number(losses["rule"]), "texture loss, rule", "of-rule"),
            tile("–" if ratio is None else f"{ratio:.2f}×", "rule over NCA"),
            *tiles,
        ]
        if (short := shortfall(losses, bool(report.get("refine")))) is not None:
            warning = paragraph(f"{short[0].upper()}{short[1:]}.", "warning")
    else:
        worst = min(report["r2"], key=report["r2"].get)
        verdict = f"One-step R² from {report['r2'][worst]:.4f} ({escape(worst)}) up, held out. {size}"
    title = f"<h1>{escape(evidence.name)}: closed-form rule</h1>"
    return f'{title}<p class="verdict">{verdict}</p>{warning}<div class="tiles">{"".join(tiles)}</div>'


def _ratio(losses: dict[str, float | None]) -> float | None:
    rule, teacher = losses["rule"], losses["teacher"]
    return rule / teacher if rule is not None and teacher else None


def _pictures(rule: Rule, evidence: Evidence) -> list[str]:
    film = evidence.film
    if film is None:
        return []
    head = "".join(f"<th scope=col>{mark:,}</th>" for mark in film.marks)
    first = f"<tr><td></td>{head}</tr>"
    rows = [
        f'<tr><th scope=row class="of-{who.lower()}">{who}</th>'
        + "".join(
            f"<td>{_frame(rule, state, f'{who} at step {mark}')}</td>"
            for mark, state in zip(film.marks, side, strict=True)
        )
        + "</tr>"
        for who, side in (("NCA", film.nca), ("rule", film.rule))
    ]
    large = []
    if evidence.target is not None:
        side = evidence.target.shape[0]
        scaled = picture(evidence.target, "target").replace("<img", f'<img style="width:{2 * side}px"')
        large.append(f'<figure class="same">{scaled}<figcaption>{TARGET}, {side} × {side} cells</figcaption></figure>')
    if evidence.large is not None:
        side = len(evidence.large)
        large.append(
            f"<figure>{picture(evidence.large, 'rule on a larger grid')}<figcaption>{RULE}, {side} × {side} cells "
            f"after {evidence.large_steps:,} steps, at the scale of the target</figcaption></figure>"
        )
    return [
        paragraph("The same first state and the same update masks; the numbers are steps."),
        f'<div class="scroll"><table class="film">{first}{"".join(rows)}</table></div>',
        f'<div class="large">{"".join(large)}</div>',
    ]


def _frame(rule: Rule, state: np.ndarray | None, alt: str) -> str:
    return '<div class="lost">diverged</div>' if state is None else picture(render(rule, state), alt)


def _equations(rule: Rule) -> list[str]:
    names, rows = symbol_names(rule), []
    for channel in rule.channels:
        left = f"<math><mo>Δ</mo>{channel_name(channel)}<mo>=</mo></math>"
        update = rule.updates[channel]
        if (numbers := count_constants(update)) > LONGEST:
            said = f"{count_terms(update)} terms with {numbers:,} numbers: too long to read here"
            rows.append(
                f'<div class="left first">{left}</div><div class="kind first"></div><div class="first">{said}</div>'
            )
            continue
        for kind, group in group_update(rule, channel).items():
            terms = " ".join(f"<math>{term}</math>" for term in print_terms(group, names, first=bool(left)))
            extra = " first" if left else ""
            rows.append(
                f'<div class="left{extra}">{left}</div><div class="kind{extra}">{kind}</div>'
                f'<div class="terms{extra}">{terms}</div>'
            )
            left = ""
    step = "s + mask · Δs" if rule.masked else "s + Δs"
    step = step if rule.dt == 1 else step.replace("Δs", f"{rule.dt:g} · Δs")
    clamp = f", held in [{rule.clamp[0]:g}, {rule.clamp[1]:g}]" if rule.clamp else ""
    mask = f"; the mask lets {100 * rule.update_rate:g} % of the {rule.mask}s through" if rule.masked else ""
    return [
        paragraph(
            f"A step is s ← {step}{clamp}{mask}. Constants to four digits; <code>rule.json</code> has them exactly."
        ),
        f'<div class="equations">{"".join(rows)}</div>',
    ]


def _front(result: Distillation) -> list[str]:
    report, drawings = result.report, []
    if report.get("refine") and report.get("texture_loss"):
        drawings.append(
            figure(
                draw_texture_front(report),
                "Terms against texture loss of the refined rules; the chosen one as judged on fresh seeds. "
                "Crossed out: those whose texture was seen to change within 10,000 steps.",
            )
        )
    if any(result.fronts.values()):
        drawings.append(
            figure(draw_fronts(result.fronts), "Regression alone: length of an equation against its error.")
        )
    return [f'<div class="curves">{"".join(drawings)}</div>'] if drawings else []


def _fidelity(result: Distillation, evidence: Evidence) -> list[str]:
    report, cards = result.report, []
    for index, channel in enumerate(result.rule.channels):
        wanted, got = evidence.wanted[:, index], evidence.got[:, index]
        fit = max(report["r2"][channel], -999)
        said = f"R² {fit:.{3 if fit > -1 else 1}f} · {report['terms']['by_channel'][channel]} terms".replace("-", "−")
        cards.append(_card(channel, said, draw_histograms(wanted, got - wanted)))
    teacher = NCA if evidence.film is not None else '<b class="of-nca">recording</b>'
    refined = " A refined rule has left its NCA's ways on purpose." if result.rule.provenance.get("refined") else ""
    return [
        paragraph(
            f"Update of the {teacher} (filled) and what the {RULE} misses of it (line: rule − teacher), on states that "
            f"nothing was fitted to. R² is 1 − misfit/variance.{refined}"
        ),
        f'<div class="cards">{"".join(cards)}</div>',
    ]


def _states(rule: Rule, film: Film | None) -> list[str]:
    nca, own = (film.late(film.nca), film.late(film.rule)) if film is not None else ([], [])
    if not nca or not own:
        return []
    cards = [_card(c, "", draw_histograms(nca[0][i], own[0][i])) for i, c in enumerate(rule.channels)]
    return [
        paragraph(f"Values of all cells after 400 steps: {NCA} (filled) and {RULE} (line)."),
        f'<div class="cards">{"".join(cards)}</div>',
    ]


def _card(channel: str, said: str, drawing: str) -> str:
    head = f"<header><math>{channel_name(channel)}</math><span>{escape(said)}</span></header>"
    return f'<div class="card">{head}{drawing}</div>'


def _curves(result: Distillation, evidence: Evidence) -> list[str]:
    drawings, run = [], evidence.long_run
    if evidence.spectra:
        drawings.append(
            figure(
                draw_spectra(evidence.spectra), "Radial power spectra of the grey pictures, mean over the late steps."
            )
        )
    if run is not None:
        teacher = (result.report.get("texture_loss") or {}).get("teacher")
        end = "" if run.diverged_at is None else f"It diverged at step {run.diverged_at:,}."
        caption = f"The {RULE} over {run.last:,} steps on {run.side} × {run.side} cells. {end}"
        drawings.append(figure(draw_long_run(run, teacher) if run.steps else "", caption))
    return [f'<div class="curves">{"".join(drawings)}</div>'] if drawings else []


def _provenance(result: Distillation) -> list[str]:
    times = [(stage, f"{seconds:.1f} s") for stage, seconds in result.report["time_s"].items()]
    times.append(("together", f"{sum(result.report['time_s'].values()):.1f} s"))
    origin = dict(result.report["provenance"])
    if "samples" in origin:  # the names of all features fill half a page
        origin["samples"] = {name: value for name, value in origin["samples"].items() if name != "features"}
    happened = {"what the engines did": result.report.get("engines", {})}
    found = flatten({**origin, **happened, "stability": result.report["stability"]})
    notes = [f"Note: {note}." for note in result.report.get("notes", [])]
    notes += [f"There was no time for this: {what}." for what in result.report.get("left_out", [])]
    return [
        *(paragraph(escape(note), "warning") for note in notes),
        f'<div class="tables"><div>{table(times, "stage times")}</div><div>{table(found, "provenance")}</div></div>',
    ]
