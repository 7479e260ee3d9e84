"""Is Julia ready for PySR? juliapkg's files answer that; `import pysr` would start Julia, and may download it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("pysr", "juliacall", "juliapkg")
OTHERS = "or use engine operon or sparse"
SET_UP = 'run `python -c "import pysr"` once (it downloads Julia and its packages, some minutes)'
PAIR = (
    "set PYTHON_JULIACALL_EXE (a Julia executable) and PYTHON_JULIACALL_PROJECT (a folder whose Project.toml has "
    "PySR's Julia packages), or unset both"
)


def probe() -> str | None:
    """Why PySR cannot run here and what to do about it, or None when it can.

    Starts no search and downloads nothing; at most it runs `julia --version`. It respects the environment variables
    of juliapkg (PYTHON_JULIAPKG_EXE, _OFFLINE, _PROJECT) and of juliacall (PYTHON_JULIACALL_EXE with _PROJECT).
    """
    for package in PACKAGES:
        if find_spec(package) is None:
            return f"engine pysr: the Python package {package} is not installed; run `pip install pysr`, {OTHERS}"
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # juliapkg prints what it finds
            problem = _own_julia() if _julia_is_named() else _managed_julia()
    except Exception as error:  # juliapkg raises plain Exception, and may meet files of any kind
        problem = f"Julia is not ready ({error}); {PAIR if _julia_is_named() else SET_UP}"
    return None if problem is None else f"engine pysr: {problem}, {OTHERS}"


def _julia_is_named() -> bool:
    return any(f"PYTHON_JULIACALL_{name}" in os.environ for name in ("EXE", "PROJECT", "BINDIR"))


def _own_julia() -> str | None:
    """The user named an executable and a project: juliacall takes them as they are, without juliapkg."""
    from juliapkg.find_julia import julia_version

    folder = os.environ.get("PYTHON_JULIACALL_BINDIR")
    exe = os.environ.get("PYTHON_JULIACALL_EXE") or (folder and str(Path(folder, "julia")))
    project = os.environ.get("PYTHON_JULIACALL_PROJECT")
    if not (exe and project):
        there, absent = ("EXE", "PROJECT") if exe else ("PROJECT", "EXE")
        return f"PYTHON_JULIACALL_{there} is set and PYTHON_JULIACALL_{absent} is not; {PAIR}"
    found = shutil.which(exe)
    if found is None or julia_version(found) is None:
        return f"PYTHON_JULIACALL_EXE={exe} is not a Julia executable; {PAIR}"
    return _project_problem(Path(project), PAIR)


def _managed_julia() -> str | None:
    """juliapkg manages Julia: it is ready when nothing is left to resolve."""
    from juliapkg import deps, find_julia
    from juliapkg.state import STATE, reset_state

    kept = dict(STATE)
    reset_state()  # from the environment as it is now: that is what the worker process will see
    try:
        if deps.can_skip_resolve():
            return None
        compat, _ = deps.find_requirements()
        _, version = find_julia.find_julia(compat, STATE["install"], install=False)
        if STATE["offline"]:
            offline = "unset PYTHON_JULIAPKG_OFFLINE for the first time"
            return _project_problem(Path(STATE["project"]), f"{SET_UP}; {offline}")
        return f"Julia {version} is there, but its packages for PySR are not set up yet; {SET_UP}"
    finally:
        STATE.clear()
        STATE.update(kept)


def _project_problem(project: Path, how: str) -> str | None:
    if any((project / name).is_file() for name in ("Project.toml", "JuliaProject.toml")):
        return None
    return f"the Julia project {str(project)!r} has no Project.toml; {how}"
