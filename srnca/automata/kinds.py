"""The types of a file's values, checked before the values are used.

Functions that check values raise InputError; the message names the field and shows the value, shortened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from equations.errors import InputError, shorten

MOST_BITS = 64  # the longest whole number that is accepted
_WORDS: dict[Any, str] = {
    int: "a whole number", float: "a finite number", bool: "true or false", str: "text", list: "a list",
    dict: "a dictionary", NoneType: "nothing",
}  # fmt: skip


def part(data: Mapping[str, Any], name: str, kind: Any) -> Any:
    """`data[name]`, which must be of the type `kind`: a class, or an annotation such as `list[float] | None`."""
    value = data[name]
    if not fits(value, kind):
        raise InputError(f"{name}: expected {words(kind)}, got {shorten(value)}")
    return value


def fits(value: object, kind: Any) -> bool:
    """Whether `value` is of the type `kind`.

    Stricter than Python: a bool is no number, numbers are finite, and the keys of a dictionary are text. Laxer: an int
    is accepted as a float, and a list as a tuple, as files know no tuples.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin in (tuple, list):
        if not isinstance(value, (tuple, list)):
            return False
        kinds = inner[:1] * len(value) if origin is list or inner[-1] is Ellipsis else inner
        return len(value) == len(kinds) and all(map(fits, value, kinds))
    if kind is int or (kind is float and isinstance(value, int)):
        return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= MOST_BITS
    if kind is float:
        return isinstance(value, float) and math.isfinite(value)
    if origin is dict or kind is dict:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            return False
        return kind is dict or all(fits(entry, inner[1]) for entry in value.values())
    return isinstance(value, kind)


def settings(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the configuration class `kind` in `data["config"]`; unknown names are left out."""
    found, hints = part(data, "config", dict), get_type_hints(kind)
    known = {f.name: part(found, f.name, hints[f.name]) for f in fields(kind) if f.name in found}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}


def plain(value: object, name: str) -> None:
    """Raises InputError unless JSON can hold `value`: provenance is copied into `rule.json`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise InputError(f"{name}: expected names as keys, got {shorten(key)}")
            plain(inner, f"{name}: {key[:40]}")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            plain(inner, name)
    elif not fits(value, str | bool | float | None):
        raise InputError(f"{name}: expected text or a finite number, got {shorten(value)}")


def words(kind: Any) -> str:
    """A type in the words of a message."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (Union, UnionType):
        return " or ".join(words(one) for one in inner)
    if origin in (tuple, list):
        return f"{len(inner)} numbers" if origin is tuple and Ellipsis not in inner else "a list"
    if origin is dict:
        return f"a dictionary whose entries are {words(inner[1])}"
    return _WORDS.get(kind, kind.__name__)
