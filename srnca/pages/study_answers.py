"""The questions of a study's report and their answers: sentences, tables and figures as parts of the page."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srnca.pages.parts import escape, figure, number, paragraph
from srnca.pages.study_drawing import Drawing
from srnca.studies.explore.findings import Findings

LACKING = "There is too little for this: "


def verdict(found: Findings) -> str:
    """One sentence on whether good on one texture means good on all."""
    agreement = found.agreement
    if agreement is None:
        return LACKING + found.lacks.get("across", "5 trials with a loss on every texture are needed.")
    if agreement.low > 0.5:
        said = "Yes: what is good on one texture is good on the others"
    elif agreement.low > 0:
        said = "On the whole: what is good on one texture tends to be good on the others"
    elif agreement.high < 0:
        said = "No: what is good on one texture tends to be bad on the others"
    else:
        said = "These trials do not show it"
    pairs = len(found.across)
    return (
        f"{said}. Spearman's coefficient, mean over {pairs} pair{'' if pairs == 1 else 's'} of textures: {agreement}."
    )


def about_losses(drawings: Mapping[str, Drawing]) -> list[str]:
    if "losses" not in drawings:
        return [paragraph(LACKING + "no trial has a final loss.")]
    caption = "Every dot is a trial; the box holds the middle half. 1 (dotted) is about what a flat picture scores."
    return [_drawing(drawings["losses"], caption)]


def about_across(found: Findings, drawings: Mapping[str, Drawing]) -> list[str]:
    if not found.across:
        return [paragraph(LACKING + escape(found.lacks.get("across", "")))]
    heads = ("textures", "trials", "Pearson, log losses", "Spearman", "slope", "intercept", "spread")
    rows = [
        (f"{a} → {b}", str(both.n), str(both.pearson), str(both.spearman),
         str(line.slope), str(line.intercept), f"{line.spread:.2f}")
        for (a, b), (both, line) in found.across.items()
    ]  # fmt: skip
    return [
        paragraph(escape(verdict(found)), ""),
        _drawing(drawings["across"], "Every dot is a trial. The line is fitted to log₁₀ losses, the band its spread."),
        _grid(heads, rows),
        paragraph("Intervals: 95 %, bootstrapped over trials. Slope, intercept and spread are of log₁₀ losses."),
    ]


def about_named(found: Findings) -> list[str]:
    named = found.named
    if named is None:
        return [paragraph("The study does not hold both sets, trained the same way, so they cannot be compared.")]
    rows = [
        (duel.target, *map(number, duel.losses), f"{duel.losses[0] / duel.losses[1]:.2f}", set_text(duel.how))
        for duel in named.pairs
    ]  # fmt: skip
    said = f"Set 5 has the lower loss in {named.wins} of {len(named.pairs)} comparisons"
    if named.ratio is not None:
        clear = named.ratio.high < 1 or named.ratio.low > 1
        said += f"; its loss is {named.ratio} times set 8's, geometric mean over textures"
        said += "." if clear else ": the interval holds 1, so this does not tell which is better."
    return [paragraph(escape(said), ""), _grid(("texture", "set 5", "set 8", "ratio", "trained with"), rows)]


def about_ratings(found: Findings, drawings: Mapping[str, Drawing]) -> list[str]:
    parts = []
    if "ratings" in drawings:
        parts.append(
            _drawing(drawings["ratings"], "Ratings lie on the mean over raters, a little spread so that all are seen.")
        )
    if found.with_ratings:
        rows = [(t, str(c.n), str(c.pearson), str(c.spearman)) for t, c in found.with_ratings.items()]
        parts.append(_grid(("texture", "pictures", "Pearson, log loss", "Spearman"), rows))
        parts.append(
            paragraph("“all” is within textures; its intervals draw whole trials. −1: the loss says what people say.")
        )
    else:
        parts.append(paragraph(LACKING + escape(found.lacks.get("ratings", ""))))
    if found.raters:
        heads = ("rater", "repeats", "same", "second − first", "apart", "weighted kappa")
        rows_of_raters = [
            (name, str(c.pairs), f"{100 * c.exact:.0f} %", f"{c.difference:+.2f}".replace("-", "−"), f"{c.apart:.2f}",
             "–" if c.kappa is None else f"{c.kappa:.2f}")
            for name, c in found.raters.items()
        ]  # fmt: skip
        parts += [
            paragraph("How far raters agree with themselves, on pictures that they saw twice:"),
            _grid(heads, rows_of_raters),
        ]
    return parts


def about_hyperparameters(found: Findings, drawings: Mapping[str, Drawing]) -> list[str]:
    if "hyperparameters" not in drawings:
        return [paragraph(LACKING + "no trial has a final loss.")]
    parts = [_drawing(drawings["hyperparameters"], "Every dot is a trial on one texture.")]
    table = found.table
    ordered = [axis.name for axis in table.codec.space.axes if axis.ordered]
    if found.by_hyperparameter:
        rows = [
            (name, *(str(c.spearman) if (c := found.by_hyperparameter.get((name, t))) else "–" for t in table.targets))
            for name in ordered
        ]
        parts.append(_grid(("Spearman with the loss", *table.targets), rows))
        count = sum(c.spearman.low > 0 or c.spearman.high < 0 for c in found.by_hyperparameter.values())
        chance = 0.05 * len(found.by_hyperparameter)
        parts.append(
            paragraph(
                f"{count} of {len(found.by_hyperparameter)} intervals leave out 0; about {chance:.1f} would by chance."
            )
        )
    else:
        parts.append(paragraph(LACKING + "5 trials with a loss are needed for a correlation."))
    return parts


def about_importances(found: Findings, drawings: Mapping[str, Drawing]) -> list[str]:
    lacks = [paragraph(LACKING + escape(found.lacks[key])) for key in found.lacks if key.startswith("importances")]
    if "importances" not in drawings:
        return lacks
    parts = [
        _drawing(
            drawings["importances"],
            "A random forest predicts trials that it has not seen (losses: standardised logs, mean over textures); the "
            "bars say how much larger its error is when one hyperparameter is shuffled, the lines how that varies.",
        )
    ]
    for what, one in found.importances.items():
        if one.r2 <= 0.1:
            said = (
                f"The forest explains next to nothing of the {what} of unseen trials (R² {one.r2:.2f}): leave its bars."
            )
            parts.append(paragraph(said.replace("-", "−"), "warning"))
    return parts + lacks


def about_views(found: Findings, drawings: Mapping[str, Drawing]) -> list[str]:
    parts = []
    if found.views:
        caption = "Every dot is a set; the best third is ringed, crosses have no result. 0 %: nothing is lost."
        parts.append(_drawing(drawings["views"], caption))
    return parts + [
        paragraph(f"{name}: {escape(found.lacks[name])}")
        for name in ("pca", "umap", "autoencoder")
        if name in found.lacks
    ]


def about_suggestions(found: Findings) -> list[str]:
    suggestions = list(itertools.chain.from_iterable(drawn.suggestions for drawn in found.drawn))
    if not suggestions:
        return [paragraph(LACKING + "no view of the sets could be made, or nothing new lies near the good ones.")]
    names = found.table.codec.names
    rows = [(s.view, *(_value(s.params[name]) for name in names), str(s.near)) for s in suggestions]
    draws, refused = (sum(getattr(drawn, what) for drawn in found.drawn) for what in ("draws", "refused"))
    said = (
        f"Drawn near the best third on each plane and led back into the space: {draws} points, {refused} sets refused. "
        "<code>srnca sweep</code> of this study runs them first."
    )
    return [paragraph(said), _grid(("view", *(name.replace("_", " ") for name in names), "near trial"), rows)]


def about_score(found: Findings, drawings: Mapping[str, Drawing]) -> list[str]:
    score = found.score
    if score is None:
        return [paragraph(LACKING + escape(found.lacks.get("score", "")))]
    said = (
        f"From {len(score.names)} statistics of a picture to its rating: {score.pictures} pictures of {score.trials} "
        f"trials. Held out by trial: R² {score.r2} against the mean rating, Spearman {score.spearman}, "
        f"off by {score.deviation:.2f}."
    )
    parts = [paragraph(said, ""), _drawing(drawings["score"], "Every dot is a picture, predicted without its trial.")]
    if not score.has_learned:
        parts.append(
            paragraph(
                "It does no better than the mean rating, as far as these ratings can tell: do not optimise it.",
                "warning",
            )
        )
    order = np.argsort(-np.abs(score.weights))[:6]
    heads = ("statistic", "weight for one deviation")
    rows = [(score.names[i].replace("_", " "), f"{score.weights[i]:+.2f}".replace("-", "−")) for i in order]
    return [*parts, _grid(heads, rows)]


def _grid(heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    first = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table class="grid"><tr>{first}</tr>{lines}</table></div>'


def set_text(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in params.items())


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _drawing(drawing: Drawing, caption: str) -> str:
    """At its own size, or as wide as the page."""
    return f'<div class="drawing" style="width:{drawing.width}px">{figure(drawing.svg, escape(caption))}</div>'
