"""What a law is judged by, for people to look at: its forecast beside the recording, and where it leaves how much.

On a frame with walls the forecast runs beside the frame's mirror images, which is right for walls that nothing passes
(no flux). There may be other walls, so it says nothing against the law then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.weak.forecast import LONGEST, Spectral, compare, denoised, forecast, mirrored
from distill.weak.grams import Grams
from distill.weak.scaling import Scaled
from distill.weak.system import CHUNKS, Setting, System, centres
from distill.weak.terms import Term

Array = npt.NDArray[np.float64]

Fit = tuple[Grams, Sequence[int], Sequence[Term]]

GOOD_FORECAST = 0.1  # share of the change by which a forecast may be wrong …
NOISY_START = 3.0  # … and this many times the noise left in its start
LEAST_LEFT = 4  # frames of a forecast


@dataclass(frozen=True, eq=False)
class Forecast:
    """A run of the law from a late frame.

    begin: index of the frame in the first recording.
    seen, predicted: the frames that follow, (t, channel, h, w), in the recording's units; predicted is None where the
        law grows without bound.
    share: the error as a share of the change; allowed: how large it may be.
    """

    begin: int
    seen: Array
    predicted: Array | None
    share: float
    allowed: float


@dataclass(frozen=True, eq=False)
class Residual:
    """What a channel's law leaves of the change, in the windows of the first recording.

    All are root mean squares as shares of the change's own.
    in_space: (windows along y, along x). over_time: (windows along t,). noise: the same, what noise explains.
    rows, columns, times: the windows' centres, in cells and frames.
    """

    in_space: Array
    over_time: Array
    noise: Array
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    times: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a page shows of an equation: a residual for each channel that changes, and the forecast if there is one."""

    residuals: dict[str, Residual]
    forecast: Forecast | None


def residual_of(
    scaled: Scaled, setting: Setting, system: System, errors: Sequence[System], channel: int, weights: Array
) -> Residual:
    """The residual of a channel's law.

    errors: what noise changes in the system, a few times. weights: (terms,), of the system's own columns.
    """
    first = scaled.frames[0]
    places = centres((first.shape[0], first.shape[2], first.shape[3]), setting)
    shape = (len(places[0]), len(places[1]), len(places[2]))
    count = int(np.prod(shape))

    def squared(s: System) -> Array:
        left = s.change[:count, channel] - s.features[:count] @ weights
        return np.square(left).reshape(shape)

    left, level = squared(system), np.mean([squared(e) for e in errors], axis=0)
    change = float(np.square(system.change[:count, channel]).mean()) or 1.0
    return Residual(
        in_space=np.sqrt(left.mean(axis=0) / change),
        over_time=np.sqrt(left.mean(axis=(1, 2)) / change),
        noise=np.sqrt(level.mean(axis=(1, 2)) / change),
        rows=places[1],
        columns=places[2],
        times=places[0],
    )


def run_forecast(scaled: Scaled, system: System, fits: Sequence[Fit], boundary: str) -> Forecast | None:
    """The forecast; None where the recording is too short, or walls cannot be mirrored.

    fits: for each channel its sums, the indices of its terms, and the library that they are of. Coefficients come from
    the blocks before the last quarter of each recording; the forecast starts there, in the first recording.
    """
    frames = scaled.frames[0]
    begin = len(frames) * (CHUNKS[0] - 1) // CHUNKS[0]
    count = min(LONGEST, len(frames) - 1 - begin)
    used = [(c, terms[k], k) for c, (_, support, terms) in enumerate(fits) for k in support]
    if count < LEAST_LEFT or (boundary == "walls" and any(_has_direction(term) for _, term, _ in used)):
        return None
    chunk = np.array([system.place[system.block == b][0, 0] for b in range(system.blocks)])
    early = (chunk < CHUNKS[0] - 1).astype(float)
    fitted = [grams.fit(support, early) / grams.sizes for grams, support, _ in fits]
    weights = np.zeros((len(used), len(fits)))
    for row, (c, _, k) in enumerate(used):
        weights[row, c] = fitted[c][k]
    start, left = denoised(frames[begin], scaled.noise)
    seen = frames[begin + 1 : begin + 1 + count]
    predicted = _run([term for _, term, _ in used], weights, start, count, walls=boundary == "walls")
    if predicted is None:
        return Forecast(begin, _outside(scaled, seen), None, np.inf, GOOD_FORECAST)
    share = compare(predicted, seen, start, scaled.noise)
    change = float(np.sqrt(np.square(predicted - start).mean()))
    allowed = GOOD_FORECAST + NOISY_START * float(np.sqrt(np.square(left).mean())) / max(change, 1e-12)
    return Forecast(begin, _outside(scaled, seen), _outside(scaled, predicted), share, allowed)


def _run(terms: Sequence[Term], weights: Array, start: Array, count: int, *, walls: bool) -> Array | None:
    _, h, w = start.shape
    whole = mirrored(start) if walls else start
    found = forecast(Spectral(terms, weights, (whole.shape[1], whole.shape[2])), whole, count)
    return None if found is None else found[:, :, :h, :w]


def _has_direction(term: Term) -> bool:
    """Whether the term changes its sign in a mirror: it has an odd number of derivatives along an axis."""
    part = term.parts[0]
    along = {"y": part.moved[0], "x": part.moved[1]}
    for _, direction in part.factors:
        if direction:
            along[direction] += 1
    return any(n % 2 for n in along.values())


def _outside(scaled: Scaled, frames: Array) -> Array:
    """Frames in the recording's units."""
    return frames * scaled.scales[:, None, None] + scaled.offsets[:, None, None]
