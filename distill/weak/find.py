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
from distill.weak.form_fits import FormFits
from distill.weak.freeform import check_engine, free_forms
from distill.weak.gradients import choose_filter
from distill.weak.grams import Grams, make_grams
from distill.weak.quotient_columns import Columns
from distill.weak.quotients import Augmented, Quotients
from distill.weak.scaling import Scaled, scale
from distill.weak.selection import Candidate, candidates, choose
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
    engine: str = "auto",
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
    engine: who looks for free forms, such as sin(u), w*exp(-2/u), u*v/(u + v). "operon", "pysr": a list of functions,
        then that engine. "auto", "sparse": nobody, the library alone.
    seed: of simulated noise, of the bootstrap and of free-form search.

    Raises InputError for recordings that cannot be used, MissingPartError for an engine that is not installed.
    """
    check_engine(engine)
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
    changing = [c for c in range(len(scaled.channels)) if any((f[:, c] != f[0, c]).any() for f in scaled.frames)]
    laws, known = {}, {}
    for c in changing:
        laws[c], known[c] = _of_library(system, errors, terms, quotients, c)
    with free_forms(engine, FormFits(scaled, setting, terms, system, errors, noisy), seed) as free:
        laws = laws if free is None else free.search(laws, known)
    doubts = {} if free is None else free.doubts
    fits = [
        _judged(scaled, setting, laws[c], doubts.get(c), c, rng, sharper)
        if c in laws
        else _Fit(ChannelLaw(name, (), 0.0, 0.0, 0.0, "found"), make_grams(system, errors, c), (), terms)
        for c, name in enumerate(scaled.channels)
    ]
    explained = not any(fit.law.verdict == "none" for fit in fits)
    forecast = run_forecast(scaled, system, [(f.grams, f.support, f.terms) for f in fits], kind) if explained else None
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
        notes=() if free is None else tuple(free.notes),
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


def _of_library(
    system: System, errors: list[System], terms: tuple[Term, ...], quotients: Quotients | None, c: int
) -> tuple[Augmented, list[Candidate]]:
    """The law of channel c, a polynomial or with a quotient, and all polynomials."""
    grams = make_grams(system, errors, c)
    known = candidates(grams, terms)
    chosen = choose(known, grams, terms)
    rational = None if quotients is None else quotients.search(c, chosen, known)
    return rational or Augmented(terms, system, errors, grams, None, chosen), [*known, chosen]


def _judged(
    scaled: Scaled,
    setting: Setting,
    law: Augmented,
    doubt: str | None,
    c: int,
    rng: np.random.Generator,
    sharper: Callable[[int], float],
) -> _Fit:
    """The law with its coefficients and the verdict on it; doubt: what else explains as much."""
    terms, system, errors, grams, chosen = law.terms, law.system, law.errors, law.grams, law.chosen
    part = np.array([system.place[system.block == b][0] for b in range(system.blocks)])
    groups = {"from early to late": part[:, 0], "from place to place": part[:, 1] * CHUNKS[2] + part[:, 2]}
    drifts = differences(grams, chosen.support, groups, float(chosen.clean.sum()))
    found = found_terms(grams, chosen.support, terms, scaled, c, rng, law.slope)
    verdict, reasons, misfit, error = judge(chosen, found, drifts)
    if doubt is not None:
        verdict, reasons = worst([verdict, "partly"]), (*reasons, doubt)
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
    said = ChannelLaw(scaled.channels[c], found, misfit, error, float(chosen.noise.sum()), verdict, reasons)
    return _Fit(said, grams, chosen.support, terms, residual_of(scaled, setting, system, errors, c, weights))


def _trouble_of(forecast: Forecast | None, kind: str) -> list[str]:
    """What is wrong with the forecast. Between walls nothing is: they may be others than those it assumes."""
    if forecast is None or kind != "periodic":
        return []
    if forecast.predicted is None:
        return ["the law cannot be run forward: it grows without bound"]
    if forecast.share > forecast.allowed:
        return [f"a forecast over {len(forecast.seen)} frames is wrong by {forecast.share:.0%} of the change"]
    return []
