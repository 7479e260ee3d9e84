"""The numbers of a study's report as sentences and rows of text, which `templates/study.html` lays out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from srnca.pages.parts import number
from srnca.studies.explore.findings import Findings

Row = tuple[str, ...]


def verdict(found: Findings) -> str:
    """One sentence on whether good on one texture means good on all."""
    agreement = found.agreement
    if agreement is None:
        lacks = found.lacks.get("across", "5 trials with a loss on every texture are needed.")
        return f"There is too little for this: {lacks}"
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


def across_rows(found: Findings) -> list[Row]:
    """How the losses on two textures go together, a row for each pair of textures."""
    return [
        (f"{a} → {b}", str(both.n), str(both.pearson), str(both.spearman),
         str(line.slope), str(line.intercept), f"{line.spread:.2f}")
        for (a, b), (both, line) in found.across.items()
    ]  # fmt: skip


def named_answer(found: Findings) -> dict[str, Any] | None:
    """Set 5 against set 8 in a sentence and in rows, one for each comparison; None where there is none."""
    named = found.named
    if named is None:
        return None
    text = f"Set 5 has the lower loss in {named.wins} of {len(named.pairs)} comparisons"
    if named.ratio is not None:
        clear = named.ratio.high < 1 or named.ratio.low > 1
        text += f"; its loss is {named.ratio} times set 8's, geometric mean over textures"
        text += "." if clear else ". The interval holds 1, so this does not tell which is better."
    rows = [
        (pair.target, *map(number, pair.losses), f"{pair.losses[0] / pair.losses[1]:.2f}", set_text(pair.how))
        for pair in named.pairs
    ]  # fmt: skip
    return {"text": text, "rows": rows}


def rating_rows(found: Findings) -> list[Row]:
    """How loss and rating go together, a row for each texture and one for all."""
    return [(t, str(c.n), str(c.pearson), str(c.spearman)) for t, c in found.with_ratings.items()]


def rater_rows(found: Findings) -> list[Row]:
    """How far each rater agrees with their own earlier ratings."""
    return [
        (name, str(c.pairs), f"{100 * c.exact:.0f} %", minus(f"{c.difference:+.2f}"), f"{c.apart:.2f}",
         "–" if c.kappa is None else f"{c.kappa:.2f}")
        for name, c in found.raters.items()
    ]  # fmt: skip


def correlations(found: Findings) -> dict[str, Any] | None:
    """Each ordered hyperparameter against the losses: rows, and how many intervals leave out 0. None where too few
    trials have a loss.
    """
    by, table = found.by_hyperparameter, found.table
    if not by:
        return None
    ordered = [axis.name for axis in table.codec.space.axes if axis.ordered]
    rows = [
        (name, *(str(c.spearman) if (c := by.get((name, target))) else "–" for target in table.targets))
        for name in ordered
    ]
    without_zero = sum(c.spearman.low > 0 or c.spearman.high < 0 for c in by.values())
    return {"rows": rows, "intervals": len(by), "without_zero": without_zero, "by_chance": f"{0.05 * len(by):.1f}"}


def weak_forests(found: Findings) -> list[dict[str, str]]:
    """The forests that explain next to nothing of trials that they have not seen."""
    return [
        {"what": what, "r2": minus(f"{one.r2:.2f}")} for what, one in found.importances.items() if one.r2 <= 0.1
    ]  # fmt: skip


def suggestion_table(found: Findings) -> dict[str, Any]:
    """The suggested sets of all views, and how many points were drawn and sets refused for them."""
    suggestions = itertools.chain.from_iterable(drawn.suggestions for drawn in found.drawn)
    names = found.table.codec.names
    return {
        "heads": ["view", *(name.replace("_", " ") for name in names), "near trial"],
        "rows": [(s.view, *(_value(s.params[name]) for name in names), str(s.near)) for s in suggestions],
        "draws": sum(drawn.draws for drawn in found.drawn),
        "refused": sum(drawn.refused for drawn in found.drawn),
    }


def score_answer(found: Findings) -> dict[str, Any] | None:
    """The learned score in a sentence, and its six largest weights; None where there is none."""
    score = found.score
    if score is None:
        return None
    text = (
        f"A rating is predicted from {len(score.names)} statistics of a picture, as learned from {score.pictures} "
        f"pictures of {score.trials} trials. On trials that were held out, R² against the mean rating is {score.r2}, "
        f"Spearman's coefficient {score.spearman} and the root mean square error {score.deviation:.2f}."
    )
    order = np.argsort(-np.abs(score.weights))[:6]
    weights = [(score.names[i].replace("_", " "), minus(f"{score.weights[i]:+.2f}")) for i in order]
    return {"text": text, "weights": weights, "has_learned": score.has_learned}


def set_text(params: Mapping[str, Any]) -> str:
    """A set of hyperparameters in one line."""
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in params.items())


def minus(text: str) -> str:
    """A number with a minus sign in place of the hyphen."""
    return text.replace("-", "−")


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
