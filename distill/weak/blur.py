"""Whether a recording is blurred: whether its fields obey the library once a blur by a lens is undone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from distill.weak.grams import make_grams
from distill.weak.scaling import Scaled
from distill.weak.system import Setting, make_system

Array = npt.NDArray[np.float64]

WIDTHS = (0.5, 1.0, 1.5, 2.0)  # of the blur, a Gaussian's standard deviation in cells
LARGEST = 30.0  # a wave that a blur makes smaller than by this factor is not recovered


def gain_by_sharpening(scaled: Scaled, setting: Setting) -> Callable[[int], float]:
    """Of a channel, what the whole library leaves of the squared change of sharpened frames, over what it leaves of the
    frames; the best of WIDTHS. 1 where frames are not periodic.
    """

    @cache
    def left(width: float) -> tuple[float, ...]:
        system = make_system([sharpened(f, width) for f in scaled.frames], setting, scaled.noise)
        found = []
        for channel in range(len(scaled.channels)):
            grams = make_grams(system, [], channel)
            found.append(float(grams.held_out(range(grams.terms))[0].sum()))
        return tuple(found)

    def gain(channel: int) -> float:
        if not setting.periodic:
            return 1.0
        return min(left(width)[channel] for width in WIDTHS) / max(left(0.0)[channel], 1e-300)

    return gain


def sharpened(frames: Array, width: float) -> Array:
    """Periodic frames (t, channel, h, w) as they were before a blur by a Gaussian of this width in cells."""
    if not width:
        return frames
    h, w = frames.shape[2:]
    k2 = np.square(2 * np.pi * np.fft.fftfreq(h))[:, None] + np.square(2 * np.pi * np.fft.rfftfreq(w))
    grown = np.exp(width**2 * k2 / 2)
    kept = np.where(grown <= LARGEST, grown, 0.0)
    return np.asarray(np.fft.irfft2(np.fft.rfft2(frames) * kept, s=(h, w)))
