"""Savitzky-Golay: states freed of noise point by point, for searches that cannot average over windows.

Savitzky & Golay (1964), Analytical Chemistry 36, 1627.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DEGREE = 3
PERIODS = 0.9  # a cubic filter of n points halves what has about n · 0.9 / 2 samples a period


def smooth(frames: Array, bands: tuple[float, float]) -> Array:
    """Frames (t, channel, h, w), smoothed in time and across the periodic plane.

    bands: up to which frequency (cycles per sample) there is signal in time and in space; windows are as wide as that
    lets.
    """
    from scipy.signal import savgol_filter

    widths = [width_for(band, size) for band, size in zip(bands, (len(frames), min(frames.shape[2:])), strict=True)]
    if widths[0] > DEGREE:
        frames = savgol_filter(frames, widths[0], DEGREE, axis=0, mode="interp")
    for axis in (2, 3):
        if widths[1] > DEGREE:
            frames = savgol_filter(frames, widths[1], DEGREE, axis=axis, mode="wrap")
    return np.asarray(frames, np.float64)


def width_for(band: float, size: int) -> int:
    """The odd width of a filter that keeps what is below `band`; 1 (nothing to do) where signal reaches the grid
    itself.
    """
    width = int(PERIODS / max(band, 1e-9))
    width = min(width, size - 1 if size % 2 == 0 else size)
    return width if width % 2 else width - 1
