"""`x.mat`: a recording saved by MATLAB or Octave, or by `scipy.io.savemat`.

Version 7.3 of the format is HDF5 and read in `mat73.py`. The others are read by SciPy in a process of its own: its
reader ends the process where a damaged file says that characters are of a type that does not exist.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, shorten
from equations.reading import check_regular_file, check_size, read_limit
from srnca.media.npz import from_arrays
from srnca.media.recording import Recording

_NAMES = ("frames", "axes", "dt", "dx", "channels")
_DOUBLE = 8  # bytes: numbers are read as doubles at most
_SCIPY = f"""
import json, math, sys
import numpy as np
from scipy.io import loadmat, whosmat

path, out, limit, names = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]

def plain(value):  # cells of text as text; what is neither text nor numbers as bytes, which nothing takes for either
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "OUbiufc":
        return np.array(b"")
    if value.dtype.kind != "O":
        return value
    return np.array([str(np.ravel(cell)[0]) if np.size(cell) else "" for cell in value.ravel()], dtype=str)

try:
    sizes = {{name: shape for name, shape, _ in whosmat(path)}}
    small = all({_DOUBLE} * math.prod(sizes[name]) <= limit for name in set(names) & set(sizes))
    arrays = loadmat(path, variable_names=names) if small and "frames" in sizes else {{}}
    np.savez(out, **{{name: plain(arrays[name]) for name in names if name in arrays}})
    said = {{"sizes": sizes}}
except NotImplementedError:  # what it says of version 7.3
    said = {{"newer": True}}
except Exception as error:
    said = {{"error": str(error)}}
print(json.dumps(said))
"""


def load_mat(path: Path) -> Recording:
    """Read `frames` and, where they are given, `axes`, `dt`, `dx` and `channels` (a cell array or rows of text).

    axes: letters for the axes of `frames`, such as yxt or yxct, as they are in MATLAB; without it t, c, y, x, and a
        note says so.
    Raises InputError for a file that is missing, no such file, above the size budget, or holds anything but finite
    numbers of 4 axes, or 3 whose letters `axes` says.
    """
    check_regular_file(path)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "arrays.npz"
        # -P: no module of the working folder is imported
        words = [sys.executable, "-P", "-c", _SCIPY, str(path.absolute()), str(out), str(read_limit()), *_NAMES]
        child = subprocess.run(words, capture_output=True, text=True, check=False)
        said: dict[str, Any] = json.loads(child.stdout) if child.returncode == 0 else {"error": "its reader stopped"}
        if "newer" in said:
            from srnca.media.mat73 import load_mat73

            return load_mat73(path)
        if "error" in said:
            raise InputError(
                f"{path}: expected a .mat file, got one that is damaged or something else ({shorten(said['error'])}); "
                "save it again"
            )
        sizes = {name: tuple(shape) for name, shape in said["sizes"].items()}
        for name in set(_NAMES) & set(sizes) if "frames" in sizes else ():
            check_size(_DOUBLE * math.prod(sizes[name]), f"{name} of shape {sizes[name]}", path)
        with np.load(out) as arrays_file:
            arrays = dict(arrays_file)
    if "frames" not in arrays:
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


def _texts(names: np.ndarray, path: Path) -> list[str]:
    """Channel names from a cell array, or from a matrix of characters with a row for each name."""
    if names.dtype.kind != "U":
        raise InputError(
            f"{path}: expected channels, a cell array or rows of text, got something else; save cellstr(channels)"
        )
    return names.ravel().tolist()
