"""Does another project's package stand in the place of `equations` or `distill`?

These names are common: the package index has an `equations` of its own. Installed into the same environment it
overwrites files of ours, and removing it deletes them. This module imports nothing of SRNCA, so it also works then.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

OWN = "srnca"  # the name of our distribution
HOME = Path(__file__).resolve().parents[1]  # the folder that holds all three packages
MARKS = {"equations": "lazy_names", "distill": "lazy_names"}  # a word that our `__init__.py` has
MEND = (
    "pip uninstall -y {others}; then install SRNCA again, because that has deleted files: "
    "pip install --force-reinstall --no-deps srnca (in a clone: pip install --no-deps -e .). "
    "Who needs both keeps them in two environments"
)


def find_troubles() -> dict[str, tuple[str, str]]:
    """Of "equations" and "distill" those that are not as SRNCA installed them: what is wrong, and how to mend it."""
    owners = packages_distributions()
    found = {name: _find_trouble(name, owners.get(name, [])) for name in MARKS}
    return {name: trouble for name, trouble in found.items() if trouble is not None}


def _find_trouble(name: str, owners: list[str]) -> tuple[str, str] | None:
    others = [other for other in owners if other.lower() != OWN]
    mend = MEND.format(others=" ".join(sorted(set(others))) or name)
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return f"{name} has no __init__.py", mend
    init = Path(spec.origin).resolve()
    if init.parents[1] != HOME:
        return f"{init.parent} is found in place of {HOME / name}", mend
    if MARKS[name] not in init.read_text(encoding="utf-8", errors="replace"):
        return f"{init} is another project's", mend
    if others:
        return f"{' and '.join(map(_versioned, sorted(set(others))))} writes into the same folder", mend
    return None


def explain(error: Exception) -> str:
    """A sentence for an import that failed: the foreign package and how to mend it, where that is the cause."""
    for name, (trouble, mend) in find_troubles().items():
        return f"SRNCA's package {name} is damaged: {trouble}. To mend it: {mend}"
    return f"SRNCA could not be loaded: {error}"


def _versioned(name: str) -> str:
    try:
        return f"{name} {distribution(name).version}"
    except PackageNotFoundError:
        return name
