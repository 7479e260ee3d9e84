"""The results of `srnca analyze` against closed forms: thresholds, wavelengths, frequencies and grid instabilities.

python benchmarks/analysis.py                     all tables, about ten minutes on one core
python benchmarks/analysis.py thresholds wavelengths hopf onsets grid catalogue      some of them
python benchmarks/analysis.py --json out.json     the numbers as well
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from equations import models
from equations.analysis.analysis import Analysis, analyze
from equations.errors import DivergenceError
from equations.expressions.infix import parse_infix
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import ID, LAP5, Stencil
from equations.simulation import Simulator

SIZE = 128
SEEDS = range(5)
DIGITS = 1e-5  # of the parameter: where a bisection stops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(TABLES)}; without it, all")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    options = parser.parse_args()
    unknown = set(options.tables) - set(TABLES)
    if unknown:
        parser.error(f"expected tables among {', '.join(TABLES)}, got {', '.join(sorted(unknown))}")
    numbers: dict[str, Any] = {}
    for name in options.tables or TABLES:
        began = time.perf_counter()
        numbers[name] = TABLES[name]()
        print(f"\n{name}, {time.perf_counter() - began:.0f} s")
        show(numbers[name])
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2))


def show(rows: list[dict[str, Any]]) -> None:
    texts = [list(rows[0])] + [[f"{v:.5g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    widths = [max(len(text[i]) for text in texts) for i in range(len(texts[0]))]
    for text in texts:
        print("  ".join(part.ljust(width) for part, width in zip(text, widths, strict=True)).rstrip())


def model(name: str, dt: float | None = None, **values: float) -> Rule:
    known = models.load(name)
    return (known if dt is None else dataclasses.replace(known, dt=dt)).rule(None, **values)


def read(rule: Rule, size: int = SIZE) -> Analysis:
    return analyze(rule, size=size, run=False)


def bisect(holds: Callable[[float], bool], no: float, yes: float) -> float:
    """The value between `no` and `yes` at which `holds` becomes true."""
    assert not holds(no)
    assert holds(yes)
    while abs(yes - no) > DIGITS * abs(yes):
        middle = (no + yes) / 2
        no, yes = (no, middle) if holds(middle) else (middle, yes)
    return yes


# --- Turing thresholds


def lattice(size: int = SIZE) -> np.ndarray:
    """−∇² of the five-point stencil for every wave that fits the grid, except the uniform one."""
    k = 2 * np.sin(np.pi * np.arange(size) / size)
    q = (k[:, None] ** 2 + k**2).ravel()
    return np.unique(q[q > 0])


def turing_diffusion(Du: float, fu: float, gv: float, det: float) -> float:
    """Dv at the onset: fu Dv + gv Du = 2 √(Du Dv det) (Murray, Mathematical Biology II, section 2.3)."""
    root = (math.sqrt(det) + math.sqrt(det - fu * gv)) / fu
    return Du * root**2


def thresholds() -> list[dict[str, Any]]:
    """The parameter at which the verdict becomes Turing, beside the closed form of the differential equation and that
    of the same equation on this grid."""
    q, rows = lattice(), []
    for A, Du, Dv in ((4.5, 2.0, 16.0), (2.0, 1.0, 8.0), (3.0, 4.0, 40.0), (3.0, 0.05, 0.5)):
        onset = 1 + A**2 * Du / Dv + A**2 / (Dv * q) + Du * q  # B at which det(J − q D) = 0
        wanted = (1 + A * math.sqrt(Du / Dv)) ** 2
        rule = partial(model, "brusselator", _step(Dv), A=A, Du=Du, Dv=Dv)
        found = bisect(lambda B, rule=rule: read(rule(B=B)).verdict.name == "Turing", 1.0, 0.999 * (1 + A**2))
        rows.append(_row(f"Brusselator, B; A {A:g}, Du {Du:g}, Dv {Dv:g}", wanted, float(onset.min()), found))
    for a, b, Du in ((0.1, 0.9, 1.0), (0.05, 2.2, 0.5), (0.2, 1.3, 0.1)):
        u = a + b
        fu, fv, gu, gv = -1 + 2 * b / u, u * u, -2 * b / u, -u * u
        det = fu * gv - fv * gu
        wanted = turing_diffusion(Du, fu, gv, det)
        exact = (det - Du * q * gv) / (q * (fu - Du * q))
        exact = exact[(fu - Du * q) > 0]
        rule = partial(model, "schnakenberg", 0.1 / (4 * wanted), a=a, b=b, Du=Du)
        found = bisect(lambda Dv, rule=rule: read(rule(Dv=Dv)).verdict.name == "Turing", Du, 4 * wanted)
        rows.append(_row(f"Schnakenberg, Dv; a {a:g}, b {b:g}, Du {Du:g}", wanted, float(exact.min()), found))
    return rows


def _step(fastest: float) -> float:
    return min(0.01, 0.1 / fastest)


def _row(what: str, wanted: float, exact: float, found: float) -> dict[str, Any]:
    return {
        "what": what, "continuum": wanted, "this grid": exact, "found": found,
        "off continuum, %": 100 * abs(found / wanted - 1), "off grid, %": 100 * abs(found / exact - 1),
    }  # fmt: skip


# --- wavelengths near the onset


def wavelengths() -> list[dict[str, Any]]:
    """Predicted and measured wavelength a few percent beyond the onset, five seeds each."""
    u = 0.05 + 2.2
    stripes = turing_diffusion(0.5, -1 + 2 * 2.2 / u, -u * u, u * u)
    nerve = turing_diffusion(0.5, 1.0, -1.6, 0.4)
    cases = {
        "Brusselator, B 4 % above": model("brusselator", B=1.04 * (1 + 4.5 * math.sqrt(2 / 16)) ** 2),
        "Brusselator, A 2, Dv 8, B 4 % above": model(
            "brusselator", A=2, Du=1, Dv=8, B=1.04 * (1 + 2 * math.sqrt(1 / 8)) ** 2
        ),
        "Schnakenberg, Dv 5 % above": model("schnakenberg", Dv=1.05 * turing_diffusion(1.0, 0.8, -1.0, 1.0)),
        "Schnakenberg stripes, Dv 5 % above": model("schnakenberg", Du=0.5, a=0.05, b=2.2, Dv=1.05 * stripes),
        "Swift-Hohenberg, r 0.05": model("swift-hohenberg", r=0.05),
        "FitzHugh-Nagumo, Dv 5 % above": model("fitzhugh-nagumo", Dv=1.05 * nerve, a=0.0, b=0.8, eps=2.0),
        "Lengyel-Epstein stripes (preset)": models.get("lengyel-epstein:stripes"),
        "Turing 1952 dapple (preset)": models.get("turing:dapple"),
    }
    rows = []
    for what, rule in cases.items():
        small, late, predicted = [], [], 0.0
        for seed in SEEDS:
            found = analyze(rule, size=SIZE, seed=seed)
            assert found.verdict.name == "Turing", (what, found.verdict)
            assert found.measured is not None
            assert found.predicted is not None
            predicted = found.predicted
            small.append(found.measured.early or math.nan)
            late.append(found.measured.wavelength or math.nan)
        off = [100 * abs(value / predicted - 1) for value in late]
        rows.append({
            "what": what, "predicted": predicted, "small, mean": float(np.mean(small)),
            "small, off %": 100 * abs(float(np.mean(small)) / predicted - 1), "settled, mean": float(np.mean(late)),
            "settled, off %": 100 * abs(float(np.mean(late)) / predicted - 1), "worst seed, off %": max(off),
        })  # fmt: skip
    return rows


# --- Hopf frequencies


def lambda_omega(growth: float, omega: float, c: float, dt: float) -> Rule:
    """u + iv turns at ω − c r² while r grows as r (growth − r²)."""
    r2 = "(u^2 + v^2)"
    texts = {
        "u": f"u_lap + {growth}*u - {omega}*v - {r2}*(u - {c}*v)",
        "v": f"v_lap + {growth}*v + {omega}*u - {r2}*(v + {c}*u)",
    }
    stencils = (ID, Stencil("lap", LAP5.kernel))
    names = ("u", "u_lap", "v", "v_lap")
    init = Init("noise", (0.05, 0.0), (0.0, 0.0))
    updates = {channel: parse_infix(text, names) for channel, text in texts.items()}
    return Rule(channels=("u", "v"), stencils=stencils, updates=updates, dt=dt, init=init)


def measured_frequency(rule: Rule, state: tuple[float, float], steps: int) -> float:
    """Turns of one cell of the simulated grid around the origin in the last half of a run, in radians per unit time."""
    start = np.broadcast_to(np.array(state)[:, None, None], (2, 16, 16))
    simulator = Simulator(rule, state=start, dtype="float64")
    simulator.step(steps // 2)
    angles = []
    for _ in range(steps // 2):
        u, v = simulator.step(1)[:, 3, 5]
        angles.append(math.atan2(v, u))
    turned = np.unwrap(angles)
    return float(abs(turned[-1] - turned[0]) / ((len(turned) - 1) * rule.dt))


def explicit_cycle(growth: float, omega: float, c: float, dt: float) -> float:
    """The frequency on the cycle of explicit steps: |1 + dt (growth − r² + i (ω − c r²))| = 1, the r² near growth."""
    # (1 + dt (g − x))² + dt² (ω − c x)² = 1, divided by dt
    roots = np.roots(
        [dt * (1 + c * c), -2 - 2 * dt * growth - 2 * dt * omega * c, 2 * growth + dt * growth**2 + dt * omega**2]
    )
    x = min((root.real for root in roots), key=lambda value: abs(value - growth))
    return math.atan2(dt * abs(omega - c * x), 1 + dt * (growth - x)) / dt


def hopf() -> list[dict[str, Any]]:
    """Frequencies: at the fixed point from the eigenvalue, on the cycle from the analysis and from a simulation."""
    rows = []
    cases = ((0.02, 1.0, 0.5, 0.005), (0.1, 2.0, 1.0, 0.002), (1.0, 0.0, 1.0, 0.03), (1.0, 0.0, 1.0, 0.005))
    for growth, omega, c, dt in cases:
        rule = models.get("lambda-omega") if dt == 0.03 else lambda_omega(growth, omega, c, dt)
        found = read(rule, 32)
        assert found.verdict.name == "Hopf", found.verdict
        assert found.reading is not None
        steps = max(int(min(60_000, 60 / growth / dt)), 20_000)
        continuum, exact = abs(omega - c * growth), explicit_cycle(growth, omega, c, dt)  # r² = growth
        cycle = 2 * math.pi / min(found.reading.cycles)
        simulated = measured_frequency(rule, (math.sqrt(growth), 0.0), steps)
        rows.append({
            "λ–ω": f"λ {growth:g} − r², ω {omega:g} − {c:g} r², dt {dt:g}", "ω at rest": omega,
            "eigenvalue": found.reading.relation.uniform()[0].frequency, "cycle: continuum": continuum,
            "explicit steps": exact, "analysis": cycle, "simulated": simulated,
            "analysis off continuum, %": 100 * abs(cycle / continuum - 1),
            "off explicit, %": 100 * abs(cycle / exact - 1),
            "simulated off explicit, %": 100 * abs(simulated / exact - 1),
        })  # fmt: skip
    return rows


def onsets() -> list[dict[str, Any]]:
    """The onset of oscillations of the Brusselator, B = 1 + A², and their frequency A."""
    rows = []
    for A, dt in ((1.0, 0.01), (1.0, 0.001), (2.0, 0.001)):
        rule = partial(model, "brusselator", dt, A=A, Du=1.0, Dv=1.0)
        onset = bisect(lambda B, rule=rule: read(rule(B=B), 16).verdict.name == "Hopf", 1.0, 1.5 * (1 + A * A))
        found = read(rule(B=onset), 16)
        assert found.reading is not None
        frequency = found.reading.relation.uniform()[0].frequency
        rows.append({
            "Brusselator": f"A {A:g}, dt {dt:g}", "onset": 1 + A * A, "found": onset,
            "off, %": 100 * abs(onset / (1 + A * A) - 1), "frequency": A, "eigenvalue": frequency,
            "frequency off, %": 100 * abs(frequency / A - 1),
        })  # fmt: skip
    return rows


# --- grid instabilities


def grid() -> list[dict[str, Any]]:
    """The largest stable dt: closed form, what the analysis says, and where the simulator begins to grow."""
    stencils = (ID, Stencil("lap", LAP5.kernel))
    names = ("u", "u_lap")
    heat = partial(Rule, ("u",), stencils, {"u": parse_infix("0.2*u_lap - 0.01*u", names)})
    blue = partial(model, "gray-scott", F=0.01, k=0.047)
    cases: dict[str, tuple[Callable[..., Rule], float, tuple[float, ...]]] = {
        "diffusion, D 0.2, decay 0.01": (heat, 2 / (8 * 0.2 + 0.01), (0.0,)),
        "Gray-Scott, u = 1": (blue, 2 / (8 * 0.16 + 0.01), (1.0, 0.0)),
        "Barkley, rest": (partial(model, "barkley"), 2 / (8 / 0.16 + 0.01 / 0.75 / 0.02), (0.0, 0.0)),
    }
    rows = []
    for what, (rule, wanted, point) in cases.items():
        name, said = "", 0.0
        for r in read(rule(dt=1.05 * wanted), 64).readings:
            if np.allclose(r.point.values, point, atol=1e-6):
                assert r.grid is not None
                name, said = r.grid.name, r.grid.dt_max or math.nan
        quiet = [
            r.grid for r in read(rule(dt=0.999 * wanted), 64).readings if np.allclose(r.point.values, point, atol=1e-6)
        ]
        assert quiet == [None], quiet
        found = bisect(lambda dt, rule=rule, point=point: _grows(rule(dt=dt), point), 0.8 * wanted, 1.2 * wanted)
        rows.append({
            "what": what, "called": name, "closed form": wanted, "analysis": said, "simulator": found,
            "analysis, off %": 100 * abs(said / wanted - 1), "simulator, off %": 100 * abs(found / wanted - 1),
        })  # fmt: skip
    return rows


def _grows(rule: Rule, point: tuple[float, ...]) -> bool:
    """Whether noise of 1e-9 around the point is larger after 4,000 steps than after 2,000."""
    noise = 1e-9 * np.random.default_rng(0).normal(size=(len(point), 32, 32))
    simulator = Simulator(rule, state=np.array(point)[:, None, None] + noise, dtype="float64")
    sizes = []
    try:
        for _ in range(2):
            sizes.append(float(np.abs(simulator.step(2000) - np.array(point)[:, None, None]).max()))
    except DivergenceError:
        return True
    return sizes[1] > sizes[0] > 1e-15


# --- the catalogue


def catalogue() -> list[dict[str, Any]]:
    """Every preset: verdict, predicted and measured wavelength."""
    rows = []
    for name in models.names():
        for preset in models.load(name).presets:
            found = analyze(models.get(name, preset), size=SIZE)
            run = found.measured
            rows.append({
                "preset": f"{name}:{preset}", "verdict": found.verdict.name, "fixed points": len(found.readings),
                "predicted": found.predicted or "–", "small": (run.early if run else None) or "–",
                "settled": (run.wavelength if run else None) or "–",
                "grid": ", ".join(sorted({r.grid.name for r in found.readings if r.grid})) or "–",
            })  # fmt: skip
    return rows


TABLES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "thresholds": thresholds,
    "wavelengths": wavelengths,
    "hopf": hopf,
    "onsets": onsets,
    "grid": grid,
    "catalogue": catalogue,
}

if __name__ == "__main__":
    main()
