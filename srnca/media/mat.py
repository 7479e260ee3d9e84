"""`x.mat`: a recording saved by MATLAB or Octave, or by `scipy.io.savemat`, up to version 7 of the format."""

from __future__ import annotations

import math
import zlib
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

    axes: letters for the axes of `frames`, such as yxt or yxct, as they are in MATLAB; without it t, c, y, x.
    Raises InputError for a file that is missing, no such file, of version 7.3, above the size budget, or holds anything
    but finite numbers of 4 axes.
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
    except NotImplementedError as error:
        raise InputError(
            f"{path}: expected a .mat file of version 7 or older, got version 7.3; save it with save(..., '-v7')"
        ) from error
    except (*_DAMAGED, MatReadError) as error:
        raise InputError(
            f"{path}: expected a .mat file, got one that is damaged or something else ({shorten(str(error))}); "
            "save it again"
        ) from error
    if "frames" not in sizes:
        held = ", ".join(f"{name[:40]} {shape}" for name, shape in sizes.items()) or "nothing"
        raise InputError(f"{path}: expected an array named frames in it, found {held}; call it frames when you save it")
    known: dict[str, Any] = {name: arrays[name] for name in ("frames", "axes", "dt", "dx") if name in arrays}
    return from_arrays(known, path, _texts(arrays["channels"], path) if "channels" in arrays else None)


def _texts(names: object, path: Path) -> list[str]:
    """Channel names from a cell array, or from a matrix of characters with a row for each name."""
    if not isinstance(names, np.ndarray) or names.dtype.kind not in "OU":
        raise InputError(
            f"{path}: expected channels, a cell array or rows of text, got something else; save cellstr(channels)"
        )
    return [str(np.asarray(name).ravel()[0]) if np.asarray(name).size else "" for name in names.ravel()]
