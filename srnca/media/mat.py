"""`x.mat`: a recording saved by MATLAB or Octave, or by `scipy.io.savemat`.

Version 7.3 of the format is HDF5 and read in `mat73.py`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, shorten
from equations.reading import check_size
from srnca.media.npz import from_arrays
from srnca.media.recording import Recording

_NAMES = ("frames", "axes", "dt", "dx", "channels")
_DAMAGED = (ValueError, TypeError, KeyError, IndexError, OSError, OverflowError, MemoryError, zlib.error)
_DOUBLE = 8  # bytes: numbers are read as doubles at most


def load_mat(path: Path) -> Recording:
    """Read `frames` and, where they are given, `axes`, `dt`, `dx` and `channels` (a cell array or rows of text).

    axes: letters for the axes of `frames`, such as yxt or yxct, as they are in MATLAB; without it t, c, y, x, and a
        note says so.
    Raises InputError for a file that is missing, no such file, above the size budget, or holds anything but finite
    numbers of 4 axes, or 3 whose letters `axes` says.
    """
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    try:
        sizes = {name: shape for name, shape, _ in whosmat(path)}
        if "frames" in sizes:
            for name in set(_NAMES) & set(sizes):
                check_size(_DOUBLE * math.prod(sizes[name]), f"{name} of shape {sizes[name]}", path)
            arrays = loadmat(path, variable_names=list(_NAMES), squeeze_me=False)
    except InputError:
        raise
    except NotImplementedError:  # what scipy says of version 7.3
        from srnca.media.mat73 import load_mat73

        return load_mat73(path)
    except (*_DAMAGED, MatReadError) as error:
        raise InputError(
            f"{path}: expected a .mat file, got one that is damaged or something else ({shorten(str(error))}); "
            "save it again"
        ) from error
    if "frames" not in sizes:
        held = ", ".join(f"{name[:40]} {shape}" for name, shape in sizes.items()) or "nothing"
        raise InputError(f"{path}: expected an array named frames in it, found {held}; call it frames when you save it")
    known: dict[str, Any] = {name: arrays[name] for name in ("frames", "axes", "dt", "dx") if name in arrays}
    return from_matlab(known, path, _texts(arrays["channels"], path) if "channels" in arrays else None)


def from_matlab(arrays: Mapping[str, Any], path: Path, names: Sequence[str] | None) -> Recording:
    """The recording of arrays with their axes as in MATLAB. Raises InputError for 3 axes that are not named."""
    frames = arrays["frames"]
    if "axes" in arrays or frames.ndim not in (3, 4):
        return from_arrays(arrays, path, names)
    if frames.ndim == 3:
        raise InputError(
            f"{path}: expected axes beside frames of shape {frames.shape}, got none, so that which of them is time is "
            "not known; save axes = 'yxt', a letter for each axis, in the file too"
        )
    found = from_arrays(arrays, path, names)
    if found.frames.shape != frames.shape:  # a note says already how they are read
        return found
    note = (
        f"frames of shape {frames.shape} say no axes and are read as t, c, y, x; if they are others, save axes = 'yxct'"
    )
    return replace(found, notes=(*found.notes, note))


def _texts(names: object, path: Path) -> list[str]:
    """Channel names from a cell array, or from a matrix of characters with a row for each name."""
    if not isinstance(names, np.ndarray) or names.dtype.kind not in "OU":
        raise InputError(
            f"{path}: expected channels, a cell array or rows of text, got something else; save cellstr(channels)"
        )
    return [str(np.asarray(name).ravel()[0]) if np.asarray(name).size else "" for name in names.ravel()]
