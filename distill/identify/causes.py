"""Why a law does not hold: what its residual goes with, each cause tested by itself.

A residual is regressed on fields that only one cause would make useful: fields and slopes times functions of position
(a medium that varies in space), products of the fields and their averages over neighbourhoods (a nonlocal law), the
fields at each time by themselves (a driven system, or light that changes), the law's own prediction at each time
(frames are missing), fields along the frame's edges and what lies across them on a torus (walls). Products of the local
fields of higher degree compete: they stand for a law outside the library.
Where a species was not recorded, its elimination leaves an equation of second order in time, u_tt = local terms and
their rates, so that one is fitted. What a complete law leaves of u_tt is small too: it counts relative to the misfit.

A cause has to leave at most a tenth of what the residual is without it, on blocks left out of its fit, and half of what
any other cause leaves: a cause that is not named is better than a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from distill.identify import cause_fields as fields

Array = npt.NDArray[np.float64]
Project = Callable[[Sequence[Array]], Array]  # a field (t, h, w) of each recording, averaged over the rows' windows

FOLDS = 6
LEFT_AT_RIM = 0.2  # the same of walls, whose windows see other things too
LEFT = 0.1  # of what is left without a cause, it may leave at most
CLEAR = 0.5  # of what any other cause leaves, it may leave at most
MISSED = 0.15  # share of the change that a law without a species leaves; below, nearly complete laws predict u_tt too
LEFT_OF_PAST = 0.1  # of the law's misfit, an equation of second order may leave of its own at most
RIDGE = 1e-8
MOST_TIMES = 40  # of windows that are told apart
FEW_VALUES = 256  # of a channel: those of a picture of 8 bits
MUCH = 0.2  # share of the change that so few values do not explain
FORGOTTEN = 0.15  # correlation of residuals of windows that do not overlap …
WATCHED = 4  # … at so many distances in time
WORDS = {
    "place": "the residual goes with position: the medium may vary in space",
    "past": "an equation of second order in time fits: a species may not have been recorded",
    "reach": "the residual goes with averages over wide neighbourhoods: the law may be nonlocal",
    "clock": "the residual goes with time: the system may be driven from outside, or the light may have changed",
    "gaps": "the change is larger at some times by a factor: frames may be missing, or unevenly spaced",
    "rim": "the residual sits at the rim of the frame: there may be walls, see --boundary walls",
    "local": "the residual goes with higher powers of the fields: the law may have terms that the library lacks, such "
    "as quotients",
    "blur": "sharpened frames obey the library: the recording may be blurred",
    "levels": "each channel has at most 256 values: a palette or 8 bits may be too coarse",
    "noise": "the residual has forgotten itself in the next window: noise may act on the system, or it may be nothing "
    "but noise",
}


def name_causes(
    residual: Array,
    channel: int,
    misfit: float,
    frames: Sequence[Array],
    project: Project,
    block: npt.NDArray[np.intp],
    early: npt.NDArray[np.bool_],
    *,
    known: Array | None = None,
    predicted: Array | None = None,
    blur: float = 1.0,
    lag: int | None = None,
) -> tuple[str, ...]:
    """The likely cause of a residual, as a sentence; none where no cause explains much of it.

    residual: (rows,), what a law leaves of the change of the channel with this index, in windows.
    misfit: its share of the squared change; an equation of second order in time has to leave less.
    frames: of each recording (t, channel, h, w), of about unit size.
    project: averages fields over the same windows.
    block: of each row the index of its block.
    early: rows so early in a recording that the past is not known; they do not count.
    known: (rows, n), the terms of the library. predicted: (rows,), the change by the law.
    blur: what sharpened frames leave unexplained, over what the frames leave.
    lag: how many windows along t do not overlap; None where that is not known.
    """
    kept = ~early
    if kept.sum() < 10 * FOLDS or not np.square(residual[kept]).sum() > 0:
        return ()
    y, group = residual[kept], block[kept]
    times = _times(frames, project)

    def columns(made: fields.Fields) -> Array:
        return np.stack([project(f) for f in made], axis=1)[kept]

    base = columns(fields.local(frames, 3))
    plain = base if known is None else np.concatenate([base, known[kept]], axis=1)
    without = min(1.0, 1 - explained(y, plain, group))

    def left(*features: Array) -> float:
        return (1 - explained(y, np.concatenate([plain, *features], axis=1), group)) / max(without, 1e-300)

    at = _one_hot(times[kept])
    shares = {
        name: left(columns(make(frames)))
        for name, make in (
            ("local", fields.local),
            ("place", fields.place),
            ("reach", fields.reach),
            ("rim", fields.rim),
        )
    }
    shares["clock"] = left(np.concatenate([at, *(at * column[:, None] for column in base.T)], axis=1))
    shares["blur"] = blur
    twice = [np.gradient(np.gradient(f[:, channel], axis=0), axis=0) for f in frames]
    second = explained(project(twice)[kept], columns(fields.past(frames)), group)
    missed = (1 - second) / misfit if misfit >= MISSED else 1.0
    shares["past"] = missed if missed <= LEFT_OF_PAST else 1.0
    if predicted is not None and left(at * predicted[kept, None]) <= LEFT:
        shares["gaps"] = shares.pop("clock")  # of which it is a case
    best, next_best = sorted(shares, key=lambda name: shares[name])[:2]
    if shares[best] <= (LEFT_AT_RIM if best == "rim" else LEFT):
        clear = shares[best] <= CLEAR * shares[next_best]
        return (f"{WORDS[best]} (explains {100 * (1 - max(0.0, shares[best])):.3g} %)",) if clear else ()
    if misfit <= MUCH and all(_values(frames, c) <= FEW_VALUES for c in fields.channels(frames)):
        return (WORDS["levels"],)
    if misfit > MUCH and lag is not None and _forgets(residual, times, lag):
        return (WORDS["noise"],)
    return ()


def _times(frames: Sequence[Array], project: Project) -> Array:
    """Of each row its window's time in frames, different in each recording."""
    begins = np.cumsum([0, *(2 * len(f) for f in frames)])
    clocks = [
        (begin + np.arange(len(f)))[:, None, None] + 0.0 * f[:, 0] for begin, f in zip(begins, frames, strict=False)
    ]
    return np.round(project(clocks), 3)


def _one_hot(times: Array) -> Array:
    """Of each row and each of at most MOST_TIMES times 1 where the row is of that time, else 0."""
    _, number = np.unique(times, return_inverse=True)
    count = min(MOST_TIMES, int(number.max()) + 1)
    return np.asarray(np.eye(count)[number * count // (int(number.max()) + 1)])


def _values(frames: Sequence[Array], channel: int) -> int:
    """How many different values a channel has, or more than FEW_VALUES."""
    seen: set[float] = set()
    for f in frames:
        for frame in f[:, channel]:
            seen.update(np.round(frame, 9).ravel().tolist())
            if len(seen) > FEW_VALUES:
                return len(seen)
    return len(seen)


def _forgets(residual: Array, times: Array, lag: int) -> bool:
    """Whether windows at one place, `lag` and more windows apart in time, have residuals that are not alike."""
    found, counts = np.unique(times, return_counts=True)
    if len(found) < lag + 4 or (counts != counts[0]).any():
        return False
    rows = residual[np.argsort(times, kind="stable")].reshape(len(found), -1)
    power = float(np.square(rows).mean())
    later = range(lag, min(lag + WATCHED, len(found) - 2))
    return all(float((rows[k:] * rows[:-k]).mean()) <= FORGOTTEN * power for k in later)


def explained(y: Array, features: Array, group: npt.NDArray[np.intp]) -> float:
    """The share of y² that a regression explains in groups of rows that were left out of its fit; below 0 if none.

    0 where y is 0 everywhere: there is nothing to explain.
    """
    total = float(np.square(y).sum())
    if total == 0:
        return 0.0
    size = np.sqrt(np.square(features).mean(axis=0))
    x = np.column_stack([np.ones(len(y)), features / np.where(size > 0, size, 1.0)])
    fold = group * 7 % FOLDS
    left = 0.0
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        gram = x[train].T @ x[train]
        w = np.linalg.solve(gram + RIDGE * np.trace(gram) * np.eye(len(gram)), x[train].T @ y[train])
        left += float(np.square(y[test] - x[test] @ w).sum())
    return 1 - left / total
