"""The law that the sample files of PySR were found on, and an engine with a stand-in worker."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import sympy

from distill.engines.base import FitOptions
from distill.engines.pysr.engine import PysrEngine
from distill.engines.pysr.runner import Limits
from distill.sampling import Samples
from equations.symbols import symbols

STAND_IN = str(Path(__file__).with_name("pysr_stand_in.py"))
QUICK = Limits(start_s=20.0, grace_s=0.3, poll_s=0.02)
OPTIONS = FitOptions(seed=3, max_terms=6, budget_s=0.0)
U, V = 0, 1


def engine(how: str, limits: Limits = QUICK) -> PysrEngine:
    return PysrEngine((sys.executable, "-S", STAND_IN, how), limits, ready=lambda: None)


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


def law(channel: int) -> sympy.Expr:
    u, v, u_lap, v_lap = symbols(["u", "v", "u_lap", "v_lap"])
    return 0.16 * u_lap - u * v**2 + 0.035 - 0.035 * u if channel == U else 0.08 * v_lap + u * v**2 - 0.1 * v


def is_law(expr: sympy.Expr, channel: int) -> bool:
    return sympy.expand(expr - law(channel)) == 0
