"""The space of hyperparameters that a study searches: lists to choose from, and ranges."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError, did_you_mean, shorten, shorten_text
from equations.reading import check_regular_file
from srnca.automata.kinds import fits
from srnca.studies.search.axis import WHOLE, WORDS, Axis, Value

if TYPE_CHECKING:
    from srnca.texture.config import TrainConfig

MOST_BYTES = 10**6  # of a space.toml
SHARED = ("iterations", "size", "seed", "bank", "colours")  # the same for all trials: flags of `srnca sweep`, no axes


@dataclass(frozen=True)
class Space:
    """The axes of a search, in their order."""

    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def distributions(self) -> dict[str, Any]:
        return {axis.name: axis.distribution() for axis in self.axes}

    def from_unit(self, point: Sequence[float]) -> dict[str, Value]:
        """The hyperparameters at a point (axes,) of the unit cube; any point gives a set of the space."""
        return {axis.name: axis.from_unit(float(x)) for axis, x in zip(self.axes, point, strict=True)}

    def to_unit(self, params: Mapping[str, Any]) -> list[float]:
        return [axis.to_unit(params[axis.name]) for axis in self.axes]

    def check(self, params: Mapping[str, Any]) -> dict[str, Value]:
        """The set in the order of the axes. Raises InputError unless it is complete and lies in the space."""
        for name in params:
            if name not in self.names:
                raise InputError(
                    f"hyperparameters: expected {', '.join(self.names)}, got {shorten(name)}"
                    f"{did_you_mean(str(name), self.names)}"
                )
        for axis in self.axes:
            if axis.name not in params or not axis.holds(params[axis.name]):
                got = shorten(params[axis.name]) if axis.name in params else "nothing"
                raise InputError(f"hyperparameters: expected {axis.name} in {axis.to_dict()}, got {got}")
        return {axis.name: params[axis.name] for axis in self.axes}

    def to_dict(self) -> dict[str, Any]:
        return {axis.name: axis.to_dict() for axis in self.axes}

    @classmethod
    def from_dict(cls, data: object, where: str = "space") -> Space:
        """The inverse of `to_dict`, and what a space.toml holds. Raises InputError."""
        if not isinstance(data, Mapping) or not data:
            raise InputError(f"{where}: expected at least one hyperparameter such as channels = [6, 9], got none")
        return cls(tuple(_read_axis(str(name), entry, where) for name, entry in data.items()))


STUDY = Space(
    (
        Axis("channels", (6, 9, 12, 15)),
        Axis("hidden", (16, 32, 64, 96)),
        Axis("max_ca_steps", (20, 30, 40)),
        Axis("batch_size", (2, 4)),
        Axis("filters", (4, 5, 6)),
        Axis("update_rate", low=0.5, high=1.0),
        Axis("learning_rate", low=1e-5, high=1e-3, log=True),
    )
)


def read_space(path: Path) -> Space:
    """A space.toml: each hyperparameter a list, or {low, high, log}. Raises InputError."""
    try:
        size = check_regular_file(path, "a space.toml").stat().st_size
        if size > MOST_BYTES:
            raise InputError(f"{path}: expected TOML such as channels = [6, 9], got a file of {size} bytes")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--space: expected a readable file, got {str(path)!r} ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # ValueError also for integers of thousands of digits
        reason = shorten_text(str(error))
        raise InputError(f"{path}: expected TOML such as channels = [6, 9], got something else ({reason})") from error
    return Space.from_dict(data, str(path))


def configuration(params: Mapping[str, Any], preset: str = "default", **shared: Any) -> TrainConfig:
    """The preset's configuration, changed by `shared` and then by the hyperparameters. Raises InputError."""
    from srnca.texture.config import preset as find_preset

    changes = {**shared, **params}
    if isinstance(changes.get("clamp"), str):
        changes["clamp"] = _clamp(changes["clamp"])
    return replace(find_preset(preset), **changes)


def known_names() -> tuple[str, ...]:
    """The hyperparameters that a space may hold: the fields of a training's configuration except SHARED."""
    from srnca.texture.config import TrainConfig

    return tuple(f.name for f in fields(TrainConfig) if f.name not in SHARED)


def _read_axis(name: str, entry: object, where: str) -> Axis:
    known = known_names()
    if name not in known:
        hint = did_you_mean(name, known) or f"; it may hold {', '.join(known)}"
        if name in SHARED:
            hint = f": all trials share it, give it as --{name}"
        raise InputError(f"{where}: unknown hyperparameter {shorten(name)}{hint}")
    if isinstance(entry, list):
        axis = Axis(name, _read_choices(name, entry, where))
    elif isinstance(entry, Mapping):
        axis = _read_range(name, entry, where)
    else:
        raise InputError(f"{where}: {name}: expected a list or {{low, high, log}}, got {shorten(entry)}")
    ends: tuple[Value, ...] = axis.choices or (axis.low, axis.high)
    for value in ends:
        _check_value(axis, value, where)
    return axis


def _read_choices(name: str, entry: list[Any], where: str) -> tuple[Value, ...]:
    if not entry:
        raise InputError(f"{where}: {name}: expected at least one value to choose from, got an empty list")
    kind: tuple[type, ...] = (str,) if name in WORDS else (int,) if name in WHOLE else (float,)
    what = "words" if name in WORDS else "whole numbers" if name in WHOLE else "numbers"
    for value in entry:
        if not any(fits(value, one) for one in kind):
            raise InputError(f"{where}: {name}: expected {what}, got {shorten(value)}")
    if len(set(entry)) < len(entry):
        raise InputError(f"{where}: {name}: expected each value once, got some twice")
    return tuple(entry if name in WORDS else sorted(entry))


def _read_range(name: str, entry: Mapping[str, Any], where: str) -> Axis:
    for key in entry:
        if key not in ("low", "high", "log"):
            raise InputError(f"{where}: {name}: expected low, high and log, got {shorten(key)}")
    if name in WORDS:
        raise InputError(f"{where}: {name}: expected a list of words, got a range")
    low, high, log = entry.get("low", math.nan), entry.get("high", math.nan), entry.get("log", False)
    for value in (low, high):
        if not fits(value, float):
            raise InputError(f"{where}: {name}: expected two numbers low and high, got {shorten(low)}, {shorten(high)}")
        if name in WHOLE and not isinstance(value, int) and value != int(value):
            raise InputError(f"{where}: {name}: expected whole numbers, got {shorten(value)}")
    if not isinstance(log, bool):
        raise InputError(f"{where}: {name}: expected log = true or false, got {shorten(log)}")
    if not low < high:
        raise InputError(f"{where}: {name}: expected low < high, got {low:g} and {high:g}: the range is empty")
    if log and low <= 0:
        raise InputError(f"{where}: {name}: expected low above 0 with log, got {low:g}")
    return Axis(name, low=low, high=high, log=log)


def _check_value(axis: Axis, value: Value, where: str) -> None:
    """Check a value by the training's own rules, so that a bad one is found before any trial runs.

    With a map of the colours any number of channels is allowed; `srnca sweep` checks the space with its own settings.
    """
    try:
        configuration({"pool": 1024, "colours": "map", axis.name: int(value) if axis.whole else value})
    except InputError as error:
        raise InputError(f"{where}: {axis.name}: {error}") from error


def _clamp(text: str) -> tuple[float, float] | None:
    """`none` or `LOW,HIGH`. Raises InputError."""
    if text.strip().lower() == "none":
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"clamp: expected none or LOW,HIGH such as 0,1, got {shorten(text)}") from error
    return low, high
