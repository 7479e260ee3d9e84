"""`x.mat` of MATLAB's version 7.3: an HDF5 file with MATLAB's header. Needs h5py.

MATLAB stores an array column by column, so that HDF5 sees its axes reversed: 48 × 64 × 100 (y, x, t) is (100, 64, 48).
Texts are numbers of 16 bits, cell arrays references to data sets; an attribute of each says what it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import InputError, shorten
from equations.reading import check_regular_file
from srnca.media.hdf5 import DAMAGED, check_data, load_h5py
from srnca.media.mat import from_matlab
from srnca.media.recording import Recording

_CLASS, _EMPTY = "MATLAB_class", "MATLAB_empty"
_NUMBERS = frozenset(["double", "single", "logical", *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64))])
_MOST_NAMES = 256  # of channels
_MOST_TEXT = 1 << 16  # characters of a text
_LISTED = 8  # variables that a message names


def load_mat73(path: Path) -> Recording:
    """Read `frames`, `axes`, `dt`, `dx` and `channels`, as `load_mat` does of older versions.

    Raises InputError for a file that is missing, damaged, above the size budget, or holds anything but finite numbers
    of 4 axes, or 3 whose letters `axes` says; MissingPartError when h5py is not installed.
    """
    check_regular_file(path, "a .mat file")
    h5py = load_h5py(path)
    try:
        with h5py.File(path, "r") as file:
            held = {name: _data_set(h5py, file, name) for name in ("frames", "axes", "dt", "dx", "channels")}
            if held["frames"] is None:
                raise InputError(
                    f"{path}: expected an array named frames in it, found {_listed(file)}; call it frames when you "
                    "save it"
                )
            arrays = {name: _numbers(held[name], path) for name in ("frames", "dt", "dx") if held[name] is not None}
            if held["axes"] is not None:
                arrays["axes"] = np.array("".join(_rows(held["axes"], "axes", path)))
            names = None if held["channels"] is None else _names(h5py, file, held["channels"], path)
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(
            f"{path}: expected a .mat file, got one that is damaged or something else ({shorten(str(error))}); "
            "save it again"
        ) from error
    return from_matlab(arrays, path, names)


def _data_set(h5py: Any, file: Any, name: str) -> Any:
    """The data set of a variable; None where there is none, or something else."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        return None
    found = file[name]
    return found if isinstance(found, h5py.Dataset) else None


def _class_of(data: Any) -> str:
    kind = data.attrs.get(_CLASS, b"")
    return kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)


def _listed(file: Any) -> str:
    names = [name for name in file if not name.startswith("#")]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(shorten(name) for name in names[:_LISTED]) + more or "nothing"


def _numbers(data: Any, path: Path) -> Any:
    """An array of numbers with its axes as they are in MATLAB."""
    name, kind = data.name.lstrip("/"), _class_of(data)
    if kind and kind not in _NUMBERS:
        raise InputError(f"{path}: expected {name} to hold real numbers, got MATLAB's class {shorten(kind)}")
    if data.attrs.get(_EMPTY, 0):
        raise InputError(f"{path}: expected {name} to hold real numbers, got an empty array")
    check_data(data, path)
    return data[()].transpose()


def _rows(data: Any, what: str, path: Path) -> list[str]:
    """The rows of a matrix of characters."""
    if data.dtype.kind != "u" or _class_of(data) not in ("char", "") or data.ndim != 2 or data.size > _MOST_TEXT:
        raise InputError(f"{path}: expected {what} to be text, got {shorten(_class_of(data) or str(data.dtype))}")
    if data.attrs.get(_EMPTY, 0):
        return [""]
    check_data(data, path)
    return ["".join(map(chr, row)).rstrip(" \0") for row in data[()].transpose().tolist()]


def _names(h5py: Any, file: Any, data: Any, path: Path) -> list[str]:
    """Channel names from a cell array of texts, or from a matrix of characters with a row for each name."""
    if h5py.check_ref_dtype(data.dtype) is not h5py.Reference:
        return _rows(data, "channels", path)
    if data.size > _MOST_NAMES or data.is_virtual or data.external:
        raise InputError(f"{path}: expected channels, at most {_MOST_NAMES} names in this file, got {data.size}")
    found = []
    for reference in data[()].transpose().ravel().tolist():
        text = file[reference] if reference else None
        if not isinstance(text, h5py.Dataset):
            raise InputError(f"{path}: expected channels, a cell array of texts, got something else in it")
        found.append("".join(_rows(text, "channels", path)))
    return found
