"""A read-only dict, so that frozen dataclasses can hold mappings and still be copied and pickled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from equations.errors import InputError

K = TypeVar("K")
V = TypeVar("V")
MAX_JSON_DEPTH = 64


class FrozenMapping(Mapping[K, V], Generic[K, V]):
    """An immutable mapping that keeps its order and equals any mapping with the same items."""

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items: dict[K, V] = dict(items or {})

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


def frozen_json(value: object, what: str) -> FrozenMapping[str, Any]:
    """A private copy of `value`, a JSON object (finite numbers, at most 64 levels); InputError otherwise."""
    if not isinstance(value, Mapping):
        raise InputError(f"expected {what} to be an object with string keys, got {type(value).__name__}")
    _check_depth(value, what, MAX_JSON_DEPTH)
    try:
        text = json.dumps(value, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"expected {what} to hold JSON data (finite numbers, text, lists): {error}") from error
    return FrozenMapping(json.loads(text))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON data")


def _check_depth(value: object, what: str, left: int) -> None:
    if left == 0:
        raise InputError(f"expected {what} to be at most {MAX_JSON_DEPTH} levels deep, got deeper data")
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for child in children:
        _check_depth(child, what, left - 1)
