"""From recordings to an equation: the stages in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.identify.causes import name_causes
from distill.identify.recording import check_rows
from distill.weak import boundary as edges
from distill.weak.blur import gain_by_sharpening
from distill.weak.coefficients import found_terms
from distill.weak.equation import ChannelLaw, Equation, Verdict, worst
from distill.weak.evidence import Evidence, Forecast, Residual, residual_of, run_forecast
from distill.weak.gradients import choose_filter
from distill.weak.grams import Grams, make_grams
from distill.weak.quotient_columns import Columns
from distill.weak.quotients import Quotients
from distill.weak.scaling import Scaled, scale
from distill.weak.selection import candidates, choose
from distill.weak.supports import choose_bump
from distill.weak.system import CHUNKS, Setting, System, averages, make_system
from distill.weak.terms import DEFAULT_FAMILIES, Term, make_library
from distill.weak.verdict import EXPLAINED, differences, judge

Array = npt.NDArray[np.float64]

STREAM = 71_993  # simulated noise must not be the noise that somebody added with the same seed
REPLICAS = 3  # of simulated noise


@dataclass(frozen=True, eq=False)
class _Fit:
    """One channel's law, the sums it was computed from, the indices of its terms in its library, and what it leaves;
    None of a channel that never changes.
    """

    law: ChannelLaw
    grams: Grams
    support: tuple[int, ...]
    terms: tuple[Term, ...]
    residual: Residual | None = None


def find_equation(
    recordings: npt.ArrayLike | Sequence[npt.ArrayLike],
    channels: Sequence[str],
    dt: float,
    dx: float = 1.0,
    *,
    families: Sequence[str] = DEFAULT_FAMILIES,
    degree: int = 3,
    boundary: str = "auto",
    seed: int = 0,
) -> Equation:
    """The partial differential equation of one or several recordings of a system that is continuous in time and space.

    recordings: frames (t, channel, h, w), or a list of such; at least 16 frames of 16 × 16 cells.
    channels: the channels' names.
    dt, dx: time between frames, width of a cell.
    families: which terms are tried, keys of `distill.weak.terms.FAMILIES`.
    degree: of products of fields, 1 to 3.
    boundary: "auto", "periodic" or "walls". Windows lie inside the frames, so walls do no harm; only derivatives inside
        products and the forecast use that frames are periodic.
    seed: of simulated noise and of the bootstrap.

    Raises InputError for recordings that cannot be used.
    """
    given: list[Any] = [recordings] if getattr(recordings, "ndim", 0) == 4 else list(recordings)  # type: ignore[arg-type]
    scaled = scale(given, channels, dt, dx)
    terms = make_library(scaled.channels, families, degree)
    kind = edges.decide(boundary, scaled.frames, scaled.noise)
    setting = _setting(scaled, terms, kind)
    rng = np.random.default_rng((seed, STREAM))
    system = make_system(scaled.frames, setting, scaled.noise)
    check_rows(len(system.block), len(terms))
    noisy = [_with_noise(scaled, rng) for _ in range(REPLICAS)]
    errors = [_change_by_noise(frames, scaled, setting, system) for frames in noisy]
    quotients = Quotients(terms, system, errors, Columns(scaled, setting, noisy)) if "reaction" in families else None
    sharper = gain_by_sharpening(scaled, setting)
    fits = [
        _fit_channel(scaled, setting, system, errors, c, rng, quotients, sharper) for c in range(len(scaled.channels))
    ]
    known = not any(fit.law.verdict == "none" for fit in fits)
    forecast = run_forecast(scaled, system, [(f.grams, f.support, f.terms) for f in fits], kind) if known else None
    trouble = _trouble_of(forecast, kind)
    ran = forecast is not None and forecast.predicted is not None
    verdicts: list[Verdict] = [fit.law.verdict for fit in fits]
    if trouble:
        verdicts.append("partly")
    reasons = [f"{fit.law.channel}: {reason}" for fit in fits for reason in fit.law.reasons]
    return Equation(
        laws=tuple(fit.law for fit in fits),
        offsets=tuple(scaled.offsets.tolist()),
        dt=scaled.dt,
        dx=scaled.dx,
        boundary=kind,
        noise=tuple((scaled.noise * scaled.scales).tolist()),
        window=tuple(bump.half for bump in setting.bumps),  # type: ignore[arg-type]
        verdict=worst(verdicts),
        reasons=tuple(reasons + trouble),
        forecast=forecast.share if forecast and ran else None,
        forecast_allowed=forecast.allowed if forecast and ran else None,
        evidence=Evidence({fit.law.channel: fit.residual for fit in fits if fit.residual}, forecast),
    )


def _setting(scaled: Scaled, terms: tuple, kind: str) -> Setting:
    frames = scaled.frames
    highest = max((sum(part.moved) for term in terms for part in term.parts), default=0)
    along = [choose_bump(frames, axis, order, scaled.noise) for axis, order in ((0, 1), (2, highest), (3, highest))]
    filters = tuple(choose_filter([f[:, c] for f in frames], level) for c, level in enumerate(scaled.noise.tolist()))
    return Setting(terms, (along[0], along[1], along[2]), filters, kind == "periodic")


def _with_noise(scaled: Scaled, rng: np.random.Generator) -> list[Array]:
    """The recordings with noise like their own added once more."""
    return [f + scaled.noise[:, None, None] * rng.standard_normal(f.shape) for f in scaled.frames]


def _change_by_noise(noisy: Sequence[Array], scaled: Scaled, setting: Setting, system: System) -> System:
    """What this noise changes in the system."""
    other = make_system(noisy, setting, scaled.noise * np.sqrt(2))
    return System(other.features - system.features, other.change - system.change, system.block, system.place)


def _fit_channel(
    scaled: Scaled,
    setting: Setting,
    system: System,
    errors: list[System],
    c: int,
    rng: np.random.Generator,
    quotients: Quotients | None,
    sharper: Callable[[int], float],
) -> _Fit:
    grams = make_grams(system, errors, c)
    name, terms, slope = scaled.channels[c], setting.terms, None
    if all((f[:, c] == f[0, c]).all() for f in scaled.frames):
        return _Fit(ChannelLaw(name, (), 0.0, 0.0, 0.0, "found"), grams, (), terms)
    known = candidates(grams, terms)
    chosen = choose(known, grams, terms)
    rational = None if quotients is None else quotients.search(c, chosen, known)
    if rational is not None:
        terms, system, errors, grams = rational.terms, rational.system, rational.errors, rational.grams
        chosen, slope = rational.chosen, rational.slope
    part = np.array([system.place[system.block == b][0] for b in range(system.blocks)])
    groups = {"from early to late": part[:, 0], "from place to place": part[:, 1] * CHUNKS[2] + part[:, 2]}
    drifts = differences(grams, chosen.support, groups, float(chosen.clean.sum()))
    found = found_terms(grams, chosen.support, terms, scaled, c, rng, slope)
    verdict, reasons, misfit, error = judge(chosen, found, drifts)
    weights = grams.fit(chosen.support) / grams.sizes
    if verdict != "found" and misfit > EXPLAINED:  # in less any cause may seem to be found
        residual = system.change[:, c] - system.features @ weights
        early = system.place[:, 0] == 0
        project = partial(averages, setting=setting)
        reasons += name_causes(
            residual,
            c,
            misfit,
            scaled.frames,
            project,
            system.block,
            early,
            known=system.features,
            predicted=system.change[:, c] - residual,
            blur=sharper(c),
            lag=2,
        )
    law = ChannelLaw(name, found, misfit, error, float(chosen.noise.sum()), verdict, reasons)
    return _Fit(law, grams, chosen.support, terms, residual_of(scaled, setting, system, errors, c, weights))


def _trouble_of(forecast: Forecast | None, kind: str) -> list[str]:
    """What is wrong with the forecast. Between walls nothing is: they may be others than those it assumes."""
    if forecast is None or kind != "periodic":
        return []
    if forecast.predicted is None:
        return ["the law cannot be run forward: it grows without bound"]
    if forecast.share > forecast.allowed:
        return [f"a forecast over {len(forecast.seen)} frames is wrong by {forecast.share:.0%} of the change"]
    return []
