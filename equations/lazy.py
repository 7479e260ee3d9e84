"""Packages whose names are loaded on first use, so that importing them costs nothing (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    namespace: dict[str, Any], homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    namespace: the package's `globals()`; a name that was loaded is kept there.
    homes: module below the package -> the names that it defines; a module without names is itself the name.
    """
    package = namespace["__name__"]
    home_of = {name: home for home, names in homes.items() for name in names or [home]}

    def load(name: str) -> Any:
        if name not in home_of:
            offered = ", ".join(sorted(home_of))
            raise AttributeError(f"module {package!r} has no attribute {name!r}; it offers {offered}")
        home = import_module(f"{package}.{home_of[name]}")
        namespace[name] = getattr(home, name) if homes[home_of[name]] else home
        return namespace[name]

    def list_names() -> list[str]:
        return sorted({*namespace, *home_of})

    return load, list_names
