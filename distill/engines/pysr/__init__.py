"""`pysr`: PySR's search in a process of its own; importing this package starts neither Julia nor PySR.

`probe()` says why it cannot run here (None when it can). `ENGINE` is the engine. It is loaded on first use,
because the worker process must not import NumPy before Julia has started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distill.engines.pysr.probe import probe

if TYPE_CHECKING:
    from distill.engines.pysr.engine import ENGINE, PysrEngine

__all__ = ["ENGINE", "PysrEngine", "probe"]


def __getattr__(name: str) -> Any:
    if name not in ("ENGINE", "PysrEngine"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from distill.engines.pysr import engine

    return getattr(engine, name)
