"""What is wrong with a recording as a film: frames that repeat, frames that are missing, light that flickers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

JUMP = 1.5  # times the changes before and after it: then frames are missing in between
ALIKE = 0.75  # the smaller of these two over the larger, at least
FEWEST = 8  # frames that are needed to judge
MOST_SHARE = 0.1  # of all changes that may be jumps; more are the system's own
FLICKERS = 0.5  # of the squared second difference in time that a common factor and offset explain
ALTERNATES = -0.4  # correlation of their neighbouring values at most: that of independent values is -2/3
STRONG = 1e-3  # of a channel's spread that flicker changes at least
LISTED = 6  # frames that a sentence names
THIN = 40_000  # cells and channels that are looked at


def find_flaws(frames: npt.NDArray[np.floating]) -> tuple[str, ...]:
    """Sentences about frames (t, channel, h, w); none for a film without flaws, or one too short to judge."""
    if len(frames) < FEWEST:
        return ()
    change = np.array([np.sqrt(np.square(after - before).mean()) for before, after in pairwise(_rows(frames))])
    repeats = [n + 1 for n in range(len(change) - 1) if change[n] == 0 and change[n + 1] > 0]
    jumps = _jumps(change)
    found = []
    if repeats:
        found.append(
            f"{_listed('frame', repeats)} {'repeats' if len(repeats) == 1 else 'repeat'} the one before, and others "
            "follow: a camera or a film was late; leave the repeated ones out"
        )
    if not repeats and any(_flickers(_rows(frames[:, c : c + 1])) for c in range(frames.shape[1])):
        found.append(
            "the brightness of whole frames flickers: divide each frame by its exposure, or expect that no law is found"
        )
    elif jumps:
        found.append(
            f"between {_listed('frame', jumps)} and the next there is a change like that of several frames: some may "
            "be missing there; use a piece without them"
        )
    return tuple(found)


def _rows(frames: npt.NDArray[np.floating]) -> Iterator[Array]:
    """Each frame (channel, h, w) as a row of some of its cells, each channel in units of its spread.

    One at a time: in double precision, all of them would take more memory than the recording.
    """
    mean = frames.mean(axis=(0, 2, 3), dtype=np.float64)[:, None, None]
    spread = np.sqrt(np.mean([np.square(frame - mean).mean(axis=(1, 2)) for frame in frames], axis=0))
    size = frames[0].size
    cells = np.unravel_index(np.arange(0, size, max(1, size // THIN)), frames.shape[1:])
    scale = np.where(spread > 0, spread, 1.0)[cells[0]]
    for frame in frames:
        yield frame[cells].astype(np.float64) / scale


def _jumps(change: Array) -> list[int]:
    """The frames after which a change is as large as several of those around it."""
    found = []
    for n in range(1, len(change) - 1):
        low, high = sorted((change[n - 1], change[n + 1]))
        if low >= ALIKE * high and low > 0 and change[n] > JUMP * high:
            found.append(n)
    return found if len(found) <= max(1, MOST_SHARE * len(change)) else []


def _flickers(rows: Iterable[Array]) -> bool:
    """Whether second differences in time are mostly a factor and an offset common to all cells, and alternate.

    rows: of one channel, in units of its spread.
    """
    total, powers, products = 0.0, list[float](), list[float]()
    last: Array | None = None
    around: deque[Array] = deque(maxlen=5)
    for row in rows:
        around.append(row)
        if len(around) < 5:
            continue
        bend = around[3] - 2 * around[2] + around[1]
        level = (around[4] + around[0]) / 2
        known = np.column_stack([np.ones_like(level), level])
        explained = known @ np.linalg.lstsq(known, bend, rcond=None)[0]
        total += float(np.square(bend).mean())
        powers.append(float(np.square(explained).mean()))
        if last is not None:
            products.append(float((explained * last).mean()))
        last = explained
    power = float(np.mean(powers))
    if total == 0 or sum(powers) < FLICKERS * total or power < STRONG**2:
        return False
    return float(np.mean(products)) < ALTERNATES * power


def _listed(word: str, numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:LISTED])) + (" …" if len(numbers) > LISTED else "")
    return f"{word}{'s' if len(numbers) > 1 else ''} {named}"
