"""Where a result came from: versions, machine, time; plain data that JSON and checkpoints can hold."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def add_provenance(report: dict[str, Any], **more: Any) -> None:
    """Add versions, platform, date and `more` to a report's provenance; entries that it has already stay."""
    ours, known = provenance(**more), report["provenance"]
    report["provenance"] = {**known, **ours, "versions": {**ours["versions"], **known.get("versions", {})}}


def provenance(**more: Any) -> dict[str, Any]:
    """Versions of what the result depends on, the platform, the date (UTC), and whatever is passed in."""
    versions = {}
    for name in ("srnca", "torch", "numpy", "sympy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "versions": versions,
        "platform": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }
