"""The engines, by name; a member's module (and its heavy imports) is loaded when it is asked for."""

from __future__ import annotations

import importlib

from distill.engines.base import Engine, FitOptions, HasProbe, Note, Progress, silent
from equations.errors import InputError, MissingPartError, did_you_mean

# name: module that holds ENGINE (an Engine) and may hold probe() -> reason why it cannot run, or None
ENGINES: dict[str, str] = {
    "exact": "distill.engines.exact",
    "sparse": "distill.engines.sparse",
    "operon": "distill.engines.operon",
    "pysr": "distill.engines.pysr",
}

__all__ = ["ENGINES", "Engine", "FitOptions", "Note", "Progress", "get_engine", "silent", "unavailable"]


def get_engine(name: str) -> Engine:
    """The engine called `name`. Raises InputError for an unknown name, MissingPartError for a missing one."""
    if name not in ENGINES:
        raise InputError(
            f"engine: expected one of auto, {', '.join(ENGINES)}, got {name!r}{did_you_mean(name, ENGINES)}"
        )
    try:
        module = importlib.import_module(ENGINES[name])
    except ModuleNotFoundError as error:
        raise MissingPartError(f"engine {name}: {error.name} is not installed; use engine sparse") from error
    engine: Engine = module.ENGINE
    return engine


def unavailable(name: str) -> str | None:
    """Why the engine cannot run here, or None when it can. Starts nothing and downloads nothing."""
    try:
        get_engine(name)
    except MissingPartError as error:
        return str(error)
    module = importlib.import_module(ENGINES[name])
    return module.probe() if isinstance(module, HasProbe) else None
