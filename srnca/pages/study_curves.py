"""The figures of a study's report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from srnca.pages.drawing import logarithmic
from srnca.pages.study_drawing import COLOURS, LINE, Drawing, colour, columns_of, drawn, finite, make_panels, size_of
from srnca.studies.explore.findings import Findings
from srnca.studies.explore.suggest import good_ones
from srnca.studies.ratings.ratings import HIGHEST
from srnca.studies.search.axis import Axis

JITTER = 0.12


def draw_losses(found: Findings) -> Drawing:
    """The final losses on each texture: a dot for every trial, and a box with quartiles from five trials on."""
    table = found.table

    def draw(figure: Any) -> None:
        axis, random = figure.subplots(), np.random.default_rng(0)
        for place in range(len(table.targets)):
            values = finite(table.losses[:, place])
            if len(values) >= 5:
                axis.boxplot(
                    [values], positions=[place], widths=0.5, showfliers=False, medianprops={"color": colour(place)},
                    **{part: {"color": LINE} for part in ("boxprops", "whiskerprops", "capprops")},
                )  # fmt: skip
            at = place + JITTER * (2 * random.random(len(values)) - 1)
            axis.plot(at, values, "o", ms=4, color=colour(place), alpha=0.75)
            axis.annotate(f"n = {len(values)}", (place, 1), xycoords=("data", "axes fraction"), ha="center", fontsize=8)
        axis.axhline(1, color=LINE, lw=0.9, ls=":")
        axis.set_xticks(range(len(table.targets)), table.targets)
        axis.set(ylabel="final texture loss", xlim=(-0.6, len(table.targets) - 0.4))
        logarithmic(axis, "y", [float(v) for v in finite(table.losses)])

    return drawn("losses", (6.4, 3.8), draw)


def draw_ratings(found: Findings) -> Drawing:
    """Mean rating against loss, a panel for each texture."""
    table = found.table

    def draw(figure: Any) -> None:
        random = np.random.default_rng(0)
        for place, axis in enumerate(make_panels(figure, len(table.targets), sharey=True)):
            x, y = table.losses[:, place], table.ratings[:, place]
            kept = np.isfinite(x) & np.isfinite(y)
            axis.plot(
                x[kept],
                y[kept] + 0.06 * random.standard_normal(kept.sum()),
                "o",
                ms=4.5,
                color=colour(place),
                alpha=0.8,
            )
            axis.set(xlabel="texture loss", ylim=(-0.3, HIGHEST + 0.3))
            one = found.with_ratings.get(table.targets[place])
            axis.set_title(f"{table.targets[place]}  {'' if one is None else f'ρ {one.spearman}'}", fontsize=9)
            logarithmic(axis, "x", [float(v) for v in x[kept]])
            if place == 0:
                axis.set_ylabel("rating, mean")

    return drawn("ratings", size_of(len(table.targets)), draw)


def draw_hyperparameters(found: Findings) -> Drawing:
    """The losses on all textures against each hyperparameter, a panel for each of these."""
    table = found.table
    space_axes = table.codec.space.axes

    def draw(figure: Any) -> None:
        random = np.random.default_rng(0)
        panels = make_panels(figure, len(space_axes), sharey=True)
        for index, (own, axis) in enumerate(zip(space_axes, panels, strict=True)):
            for place, target in enumerate(table.targets):
                at = _places(own, found.numbers[own.name])
                step = (
                    0.0
                    if not own.choices
                    else 0.5 / max(1, len(table.targets)) * (place - (len(table.targets) - 1) / 2)
                )
                shift = step + (0.03 * random.standard_normal(len(at)) if own.choices else 0)
                axis.plot(at + shift, table.losses[:, place], "o", ms=3.5, color=colour(place), alpha=0.7, label=target)
            axis.set_xlabel(own.name.replace("_", " "))
            if own.choices:
                axis.set_xticks(range(len(own.choices)), [str(choice) for choice in own.choices])
                axis.set_xlim(-0.6, len(own.choices) - 0.4)
            elif own.log:
                logarithmic(axis, "x", [float(v) for v in finite(found.numbers[own.name])])
            if index % columns_of(len(space_axes)) == 0:
                axis.set_ylabel("texture loss")
            logarithmic(axis, "y", [float(v) for v in finite(table.losses)])
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=min(6, len(labels)))

    return drawn("hyperparameters", size_of(len(space_axes), tall=2.3), draw)


def draw_importances(found: Findings) -> Drawing:
    """The importance of each hyperparameter as a bar with its spread, the most important for the loss on top."""
    names = found.table.codec.names
    first = found.importances.get("loss") or found.importances["rating"]
    order = np.argsort(first.mean)

    def draw(figure: Any) -> None:
        axis, height = figure.subplots(), 0.8 / len(found.importances)
        for index, (what, one) in enumerate(found.importances.items()):
            at = np.arange(len(names)) - height * (index - (len(found.importances) - 1) / 2)
            label = f"{what}: R² {one.r2:.2f} held out".replace("-", "−")
            axis.barh(at, one.mean[order], height, xerr=one.spread[order], color=colour(index), label=label,
                      error_kw={"ecolor": LINE, "lw": 1.2})  # fmt: skip
        axis.axvline(0, color=LINE, lw=0.9)
        axis.set_yticks(range(len(names)), [names[i].replace("_", " ") for i in order])
        axis.set_xlabel("error added when it is shuffled, in variances")
        axis.legend(loc="lower right")

    return drawn("importances", (6.4, 1.2 + 0.36 * len(names)), draw)


def draw_across(found: Findings) -> Drawing:
    """The losses on one texture against those on another, with the fitted line and its spread; a panel a pair."""
    table = found.table

    def draw(figure: Any) -> None:
        for ((a, b), (both, line)), axis in zip(
            found.across.items(), make_panels(figure, len(found.across)), strict=True
        ):
            x, y = (table.losses[:, table.targets.index(name)] for name in (a, b))
            kept = np.isfinite(x) & np.isfinite(y)
            axis.plot(x[kept], y[kept], "o", ms=4, color=COLOURS[0], alpha=0.8)
            ends = np.log10([x[kept].min(), x[kept].max()])
            fitted = line.intercept.value + line.slope.value * ends
            axis.plot(10**ends, 10**fitted, color=COLOURS[1], lw=1.4)
            axis.fill_between(
                10**ends, 10 ** (fitted - line.spread), 10 ** (fitted + line.spread), color=COLOURS[1], alpha=0.15, lw=0
            )
            axis.set(xlabel=f"loss, {a}", ylabel=f"loss, {b}")
            axis.set_title(f"ρ {both.spearman}", fontsize=9)
            logarithmic(axis, "x", [float(v) for v in x[kept]])
            logarithmic(axis, "y", [float(v) for v in y[kept]])

    return drawn("across", size_of(len(found.across), tall=2.9), draw)


def draw_views(found: Findings) -> Drawing:
    """The sets of hyperparameters on each plane, coloured by how good the trial was; the best third is ringed."""
    table = found.table
    values = -table.badness
    good = good_ones(table.badness)
    label = "mean rating" if table.rated else "standardised log loss, turned so that up is better"

    def draw(figure: Any) -> None:
        panels = make_panels(figure, len(found.views))
        for view, axis in zip(found.views, panels, strict=True):
            lost = ~np.isfinite(values)
            axis.plot(*view.points[lost].T, "x", color=LINE, ms=5)
            shown = axis.scatter(*view.points[~lost].T, c=values[~lost], cmap="viridis", s=38, lw=0)
            axis.scatter(*view.points[good].T, s=95, facecolors="none", edgecolors=COLOURS[1], lw=1.4)
            axis.set_title(
                f"{view.name}: {100 * view.missed / max(view.spread, 1e-9):.0f} % of the spread lost", fontsize=9
            )
            axis.set_xticks([])
            axis.set_yticks([])
        figure.colorbar(shown, ax=panels, label=label, shrink=0.85, aspect=30)

    return drawn("views", (3.4 * len(found.views) + 0.8, 3.4), draw)


def draw_score(found: Findings) -> Drawing:
    """Predicted ratings against those given. Each was predicted by a score fitted without its trial."""

    def draw(figure: Any) -> None:
        assert found.held is not None
        axis, random = figure.subplots(), np.random.default_rng(0)
        x = found.held.ratings + 0.06 * random.standard_normal(len(found.held.ratings))
        axis.plot([0, HIGHEST], [0, HIGHEST], color=LINE, lw=1, ls="--")
        axis.plot(x, found.held.predicted, "o", ms=4.5, color=COLOURS[0], alpha=0.8)
        axis.set(xlabel="rating", ylabel="predicted, held out", xlim=(-0.3, 5.3), ylim=(-0.3, 5.3), aspect="equal")

    return drawn("score", (3.8, 3.6), draw)


def _places(axis: Axis, numbers: np.ndarray) -> np.ndarray:
    """Where values lie on the axis. Choices are evenly spaced, whatever their values, and other values are interpolated
    between the neighbouring choices.
    """
    if not axis.choices or not axis.ordered:
        return numbers
    return np.interp(numbers, [float(choice) for choice in axis.choices], range(len(axis.choices)))


def draw_all(found: Findings) -> dict[str, Drawing]:
    """Every figure for which there are enough data, by name."""
    wanted: Sequence[tuple[bool, Callable[[Findings], Drawing]]] = (
        (bool(np.isfinite(found.table.losses).any()), draw_losses),
        (bool(np.isfinite(found.table.ratings).any()), draw_ratings),
        (bool(np.isfinite(found.table.losses).any()), draw_hyperparameters),
        (bool(found.importances), draw_importances),
        (bool(found.across), draw_across),
        (bool(found.views), draw_views),
        (found.held is not None, draw_score),
    )
    drawings = [draw(found) for enough, draw in wanted if enough]
    return {drawing.name: drawing for drawing in drawings}
