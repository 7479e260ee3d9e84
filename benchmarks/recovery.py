"""Known laws, read back from recordings of them: `distill.identify` beside PySINDy's PDE-FIND on the same data.

    python benchmarks/recovery.py --out outputs/recovery [--seeds 5] [--noise 0,0.001,0.01,0.05] [--only NAME,…]
    [--table]

Each system runs from a smooth random state on 64² cells; 200 steps are recorded, every step, as float32, and white
noise is added, in shares of each channel's standard deviation. The folder gets a file for every system, noise and seed;
what it has already is not run again. `--table` only prints. Needs PySINDy: pip install srnca[benchmark].

A term counts as found if it is in the equation of its channel; PDE-FIND's Laplacian if both of its second derivatives
are. Errors are relative; a missing term has the error 1. Rollout: from the first frame without noise, the root mean
square error over the last frame, divided by the channel's standard deviation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import savgol_filter

from distill.identify import identify
from equations import Rule, models, simulate
from equations.errors import DivergenceError
from equations.expressions.infix import parse_infix
from equations.expressions.terms import split_terms

SIZE, FRAMES, ROWS, RIVAL_ROWS = 64, 200, 12_000, 3000
NOISES = (0.0, 0.001, 0.01, 0.05)
SEARCHED = 2  # seeds for systems that need free-form search, which takes half a minute
ROUGH = 3.0  # cells: the length of the random first states


@dataclass(frozen=True)
class Case:
    """A system and where it starts: for each channel a middle and how far a smooth random field goes to either side."""

    model: str
    preset: str | None
    middle: tuple[float, ...]
    reach: tuple[float, ...]
    engine: str = "sparse"
    blobs: bool = False  # the deviation from the middle only in some places

    @property
    def name(self) -> str:
        return f"{self.model}:{self.preset}" if self.preset else self.model


CASES = (
    Case("gray-scott", "coral", (1.0, 0.0), (-0.5, 0.25), blobs=True),
    Case("gray-scott", "mitosis", (1.0, 0.0), (-0.5, 0.25), blobs=True),
    Case("gray-scott", "waves", (1.0, 0.0), (-0.5, 0.25), blobs=True),
    Case("fitzhugh-nagumo", None, (0.0, 0.0), (1.5, 0.6)),
    Case("brusselator", None, (4.5, 1.6), (2.0, 0.8)),
    Case("schnakenberg", None, (1.0, 0.9), (0.5, 0.5)),
    Case("lambda-omega", None, (0.0, 0.0), (0.8, 0.8)),
    Case("barkley", None, (0.5, 0.2), (0.5, 0.2)),
    Case("allen-cahn", None, (0.0,), (0.6,)),
    Case("fisher-kpp", None, (0.0,), (1.0,), blobs=True),
    Case("may-leonard", None, (0.25, 0.25, 0.25), (0.25, 0.25, 0.25)),
    Case("gierer-meinhardt", None, (1.0, 1.0), (0.6, 0.6), engine="operon"),
)


def record(case: Case, seed: int) -> tuple[Rule, np.ndarray]:
    """The rule and its clean frames (t, channel, h, w)."""
    rule = models.load(case.model).rule(case.preset)
    rng = np.random.default_rng((seed, sum(map(ord, case.name))))
    state = []
    for index, (middle, reach) in enumerate(zip(case.middle, case.reach, strict=True)):
        if index == 0 or not case.blobs:
            field = gaussian_filter(rng.normal(size=(SIZE, SIZE)), ROUGH, mode="wrap")
            field = field / np.abs(field).max()
            shape = np.clip(4 * field - 0.8, 0, 1) if case.blobs else field
        rough = 0.02 * rng.uniform(-1, 1, (SIZE, SIZE)) * abs(reach)
        state.append(middle + reach * shape + rough)
    return rule, simulate(rule, state=np.stack(state), steps=FRAMES, every=1, seed=seed)


def disturbed(frames: np.ndarray, share: float, seed: int) -> np.ndarray:
    deviation = frames.std(axis=(0, 2, 3)) * share
    rng = np.random.default_rng((seed, 77))
    return (frames + rng.normal(size=frames.shape) * deviation[:, None, None]).astype(np.float32)


def law_of(rule: Rule) -> dict[str, dict[str, float]]:
    """Channel → term → weight; the five-point Laplacian is called lap whatever the rule calls it."""
    names = {
        s.name: "lap" if s.kernel[0][1] and not s.kernel[0][0] and s.name not in ("dx", "dy") else s.name
        for s in rule.stencils
    }
    renamed = {}
    for channel, expr in rule.updates.items():
        terms = {}
        for weight, basis in split_terms(expr):
            text = str(basis)
            for old, new in names.items():
                text = text.replace(f"_{old}", f"_{new}")
            terms[text] = weight
        renamed[channel] = terms
    return renamed


def score(found: Mapping[str, Mapping[str, float]], true: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    errors, spurious, hits = [], 0, 0
    for channel, terms in true.items():
        got = found.get(channel, {})
        spurious += len(set(got) - set(terms))
        hits += len(set(got) & set(terms))
        errors += [abs(got[t] - w) / abs(w) if t in got else 1.0 for t, w in terms.items()]
    total = sum(map(len, true.values()))
    return {
        "tpr": hits / (total + spurious),
        "missing": total - hits,
        "spurious": spurious,
        "exact": hits == total and spurious == 0,
        "mean": float(np.mean(errors)),
        "worst": float(max(errors)),
    }


def rollout_error(rule: Rule | None, frames: np.ndarray) -> float | None:
    """Relative error of the last frame; None where the rule diverges."""
    if rule is None:
        return None
    try:
        run = simulate(rule.replace(init=None), state=frames[0], steps=FRAMES, every=FRAMES // 10, backend="reference")
    except DivergenceError:
        return None
    difference = np.sqrt(np.square(run[-1] - frames[-1]).mean(axis=(1, 2))) / frames.std(axis=(0, 2, 3))
    return float(difference.mean())


def ours(case: Case, rule: Rule, frames: np.ndarray, clean: np.ndarray, seed: int) -> dict[str, Any]:
    started = time.process_time()
    found = identify(
        [frames], rule.dt, rule.channels, dx=rule.dx, engine=case.engine, seed=seed, rows=ROWS, effort=0.17
    )
    spent = time.process_time() - started
    result, report = found.result, found.result.report
    return {
        **score(law_of(result.rule), law_of(rule)),
        "rollout": rollout_error(result.rule, clean),
        "time_s": spent,
        "derivative": report["derivative"],
        "stencil": report["stencil"],
        "law": {channel: str(expr) for channel, expr in result.rule.updates.items()},
    }


def pde_find(case: Case, rule: Rule, frames: np.ndarray, clean: np.ndarray, share: float, seed: int) -> dict[str, Any]:
    """PySINDy's PDELibrary (polynomials to degree 3 times derivatives to order 2) and STLSQ, over 5 thresholds with and
    without normalised columns. du/dt is the forward difference, which is right for the steps of a rule; with noise the
    frames go through a Savitzky-Golay filter in time first (PySINDy's own remedy), over 2 windows.

    Of all these settings the one is taken that is closest to the *true* law, which a user does not know. So this is an
    upper bound of what PDE-FIND can reach.
    """
    import pysindy

    started = time.process_time()
    data = np.moveaxis(frames.astype(np.float64), (2, 3, 0, 1), (0, 1, 2, 3))  # x, y, t, channel
    x = np.arange(SIZE) * rule.dx
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1)
    library = pysindy.PDELibrary(
        function_library=pysindy.PolynomialLibrary(degree=3, include_bias=False),
        derivative_order=2,
        spatial_grid=grid,
        include_bias=True,
        diff_kwargs={"periodic": True, "is_uniform": True},
    )
    kept = np.linspace(10, FRAMES - 12, 10).astype(int)
    rng = np.random.default_rng(seed)
    best: tuple[float, float, dict[str, dict[str, float]]] | None = None
    for window in (0,) if share == 0 else (15, 45):
        states, change = data, np.diff(data, axis=2, append=data[:, :, -1:]) / rule.dt
        if window:
            states = savgol_filter(data, window, 3, axis=2)
            change = np.diff(states, axis=2, append=states[:, :, -1:]) / rule.dt
        values = np.asarray(
            library.fit_transform(
                pysindy.AxesArray(states[:, :, kept], {"ax_spatial": [0, 1], "ax_time": 2, "ax_coord": 3})
            )
        )
        flat, target = values.reshape(-1, values.shape[-1]), change[:, :, kept].reshape(-1, len(rule.channels))
        time_of = np.tile(np.arange(len(kept)), SIZE * SIZE)
        held = (time_of % 5) == 2
        train, test = (rng.permutation(np.flatnonzero(part))[:RIVAL_ROWS] for part in (~held, held))
        names = library.get_feature_names(list(rule.channels))
        fits = []
        for threshold, unit in product(np.logspace(-2.5, -0.5, 5), (False, True)):
            scale = (
                float(np.linalg.norm(target[train])) if unit else 1.0
            )  # with unit columns the weights have this scale
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = pysindy.STLSQ(threshold=scale * threshold, alpha=1e-8, normalize_columns=unit, max_iter=15)
                model.fit(flat[train], target[train])
            weights = np.asarray(model.coef_)
            left = np.square(flat[test] @ weights.T - target[test]).mean(axis=0) / target[test].var(axis=0)
            law = _named(weights, names, rule)
            judged = score(law, law_of(rule))
            fits.append((-judged["tpr"], judged["mean"] + float(left.mean()), law))
        chosen = min(fits, key=lambda f: f[:2])
        if best is None or chosen[:2] < best[:2]:
            best = chosen
    assert best is not None
    found = best[2]
    return {
        **score(found, law_of(rule)),
        "rollout": rollout_error(_as_rule(found, rule), clean),
        "time_s": time.process_time() - started,
        "law": {c: " + ".join(f"{w:.5g}*{t}" for t, w in terms.items()) for c, terms in found.items()},
    }


def _named(weights: np.ndarray, names: list[str], rule: Rule) -> dict[str, dict[str, float]]:
    """PySINDy's names as ours: u_11 and u_22 of equal standing become u_lap; what has no counterpart keeps its name."""
    found: dict[str, dict[str, float]] = {}
    for channel, row in zip(rule.channels, weights, strict=True):
        terms: dict[str, float] = {}
        for name, weight in zip(names, row, strict=True):
            if weight:
                terms[_translated(name, rule.channels)] = float(weight)
        for c in rule.channels:
            if {f"{c}_11", f"{c}_22"} <= set(terms):
                terms[f"{c}_lap"] = (terms.pop(f"{c}_11") + terms.pop(f"{c}_22")) / 2
        found[channel] = terms
    return found


def _translated(name: str, channels: tuple[str, ...]) -> str:
    """x0x1^2 style products of our channel names, as SymPy prints them: u*v**2."""
    import re

    tokens = re.findall("|".join(rf"{c}_\d+|{c}\^\d+|{c}" for c in sorted(channels, key=len, reverse=True)), name)
    if not tokens or "".join(tokens) != name.replace(" ", ""):
        return name
    powers: dict[str, int] = {}
    for token in tokens:
        base, _, power = token.partition("^")
        powers[base] = powers.get(base, 0) + int(power or 1)
    return str(parse_infix("*".join(f"{b}^{p}" for b, p in powers.items()), tuple(powers)))


def _as_rule(found: Mapping[str, Mapping[str, float]], rule: Rule) -> Rule | None:
    """As a rule of the system's own stencils; None where it has terms that these do not make."""
    try:
        updates = {
            c: parse_infix(
                " + ".join(f"({w!r})*{t.replace('**', '^')}" for t, w in terms.items()) or "0", rule.feature_names
            )
            for c, terms in found.items()
        }
        return rule.replace(updates=updates)
    except Exception:
        return None


def run(case: Case, noise: float, seed: int, rival: bool, row: dict[str, Any]) -> dict[str, Any]:
    """Run the missing cases of one row."""
    rule, clean = record(case, seed)
    frames = disturbed(clean, noise, seed)
    row = {**row, "system": case.name, "noise": noise, "seed": seed}
    if "ours" not in row:
        row["ours"] = ours(case, rule, frames, clean, seed)
    if rival and "pde_find" not in row:
        row["pde_find"] = pde_find(case, rule, frames, clean, noise, seed)
    return row


def table(rows: list[dict[str, Any]]) -> str:
    lines = []
    for noise in sorted({row["noise"] for row in rows}):
        lines += [
            f"\nnoise {100 * noise:g} %\n",
            "| system | exact | true positives | spurious | mean error | worst error | rollout | s "
            "| PDE-FIND exact | true positives | spurious | mean error | rollout |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for case in CASES:
            group = [r for r in rows if r["noise"] == noise and r["system"] == case.name]
            if group:
                lines.append(_line(case.name, group))
    return "\n".join(lines)


def _line(name: str, group: list[dict[str, Any]]) -> str:
    cells = [name]
    for who in ("ours", "pde_find"):
        part = [r[who] for r in group if who in r]
        if not part:
            cells += ["–"] * 5
            continue
        cells.append(f"{sum(p['exact'] for p in part)} of {len(part)}")
        cells.append(f"{statistics.median(p['tpr'] for p in part):.2f}")
        cells.append(f"{statistics.median(p['spurious'] for p in part):g}")
        cells.append(_percent(statistics.median(p["mean"] for p in part)))
        if who == "ours":
            cells.append(_percent(max(p["worst"] for p in part)))
        middle = statistics.median(np.inf if p["rollout"] is None else p["rollout"] for p in part)
        cells.append(_percent(middle) if np.isfinite(middle) else "diverges")
        if who == "ours":
            cells.append(f"{statistics.median(p['time_s'] for p in part):.0f}")
    return "| " + " | ".join(cells) + " |"


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("outputs/recovery"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="seed to begin with")
    parser.add_argument("--noise", default=",".join(map(str, NOISES)))
    parser.add_argument("--only", default="")
    parser.add_argument("--without-rival", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = [c for c in CASES if not arguments.only or c.name in arguments.only.split(",")]
    for seed in () if arguments.table else range(arguments.first, arguments.seeds):
        for noise in map(float, arguments.noise.split(",")):
            for case in wanted if seed < SEARCHED else [c for c in wanted if c.engine == "sparse"]:
                file = arguments.out / f"{case.name.replace(':', '-')}-{noise:g}-{seed}.json"
                before = json.loads(file.read_text()) if file.exists() else {}
                row = run(case, noise, seed, not arguments.without_rival, before)
                if row == before:
                    continue
                file.write_text(json.dumps(row, indent=1))
                print(case.name, noise, seed, {k: v for k, v in row["ours"].items() if k != "law"}, flush=True)
    rows = [json.loads(file.read_text()) for file in sorted(arguments.out.glob("*.json"))]
    print(table(rows))


if __name__ == "__main__":
    main()
