"""The law that the sample files of PySR were found on, an engine with a stand-in worker, and what that one was told."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from distill.engines.base import FitOptions
from distill.engines.pysr.engine import PysrEngine
from distill.engines.pysr.runner import Limits
from distill.sampling import Samples
from equations.rule.symbols import symbols

STAND_IN = str(Path(__file__).with_name("pysr_stand_in.py"))
QUICK = Limits(stall_s=20.0, late_s=0.2, poll_s=0.02)
OPTIONS = FitOptions(seed=3, max_terms=6, evaluations=1000)
U, V = 0, 1


def command(how: str) -> tuple[str, ...]:
    return (sys.executable, "-S", STAND_IN, how)


def engine(how: str, limits: Limits = QUICK) -> PysrEngine:
    return PysrEngine(command(how), limits, ready=lambda: None)


def gray_scott(rows: int = 300, channels: tuple[str, str] = ("u", "v")) -> Samples:
    """The law that the sample files of PySR were found on."""
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(2):
        u, v, u_lap, v_lap = rng.uniform(-1, 1, (4, rows))
        x = np.stack([u, u_lap, v, v_lap], axis=1)
        y = np.stack([0.16 * u_lap - u * v * v + 0.035 * (1 - u), 0.08 * v_lap + u * v * v - 0.1 * v], axis=1)
        parts += [x, y]
    a, b = channels
    return Samples(parts[0], parts[1], (a, f"{a}_lap", b, f"{b}_lap"), channels, parts[2], parts[3])


def many_features(rows: int = 400) -> Samples:
    """32 features, of which three matter to the first channel and a kink of one."""
    rng = np.random.default_rng(1)
    names = tuple(f"h{i}" for i in range(32))
    x = rng.normal(size=(2 * rows, 32))
    y = x[:, [3]] - 2 * x[:, [7]] + 0.5 * np.abs(x[:, [11]]) + 0.1 * x[:, [3]] * x[:, [7]]
    return Samples(x[:rows], y[:rows], names, ("h0",), x[rows:], y[rows:])


def law(channel: int) -> sympy.Expr:
    u, v, u_lap, v_lap = symbols(["u", "v", "u_lap", "v_lap"])
    return 0.16 * u_lap - u * v**2 + 0.035 - 0.035 * u if channel == U else 0.08 * v_lap + u * v**2 - 0.1 * v


def is_law(expr: sympy.Expr, channel: int) -> bool:
    return sympy.expand(expr - law(channel)) == 0


class Logbook:
    """What the stand-in was told, in a file (STAND_IN_LOG)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    @property
    def starts(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "pid" in line]

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "job" in line]

    def nothing_is_left(self, seconds: float = 5.0) -> bool:
        """Whether all workers, their children and their folders are gone, or are within a given number of seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not any(alive(s["pid"]) or alive(s["child"]) or Path(s["folder"]).exists() for s in self.starts):
                return True
            time.sleep(0.02)
        return False


def alive(pid: int) -> bool:
    """Whether a process runs (not one that is dead and only not yet waited for)."""
    with contextlib.suppress(FileNotFoundError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
