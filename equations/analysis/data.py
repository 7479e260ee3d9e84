"""An analysis as plain data: what `srnca analyze --json` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from equations.analysis.analysis import Analysis
from equations.analysis.dispersion import Wave
from equations.analysis.measure import Measured
from equations.analysis.one_point import Reading
from equations.printers.text import print_expression


def as_data(analysis: Analysis) -> dict[str, Any]:
    """All numbers of an analysis, without its fields. Wavelengths in cells, rates per unit of time."""
    rule, verdict, dx = analysis.rule, analysis.verdict, analysis.rule.dx
    split = analysis.split
    predicted, measured = analysis.predicted, analysis.measured
    return {
        "channels": list(rule.channels),
        "dt": rule.dt,
        "dx": dx,
        "size": list(analysis.size),
        "seed": analysis.seed,
        "split": {
            channel: {kind: print_expression(expr) for kind, expr in groups.items()}
            for channel, groups in split.groups.items()
        },
        "diffusion": split.diffusion.tolist(),
        "velocity": split.velocity.tolist(),
        "verdict": {
            "name": verdict.name,
            "reason": verdict.reason,
            "notes": list(verdict.notes),
            "fixed_point": verdict.about,
        },
        "grid_instabilities": [_grid(r, index) for index, r in enumerate(analysis.readings) if r.grid is not None],
        "fixed_points": [_point(r) for r in analysis.readings],
        "outside": [_named(rule.channels, p.values) for p in analysis.outside],
        "search": {
            "complete": analysis.found.complete,
            "continuum": analysis.found.continuum,
            "starts": analysis.found.starts,
            "hits": analysis.found.hits,
            "poles": analysis.found.poles,
        },
        "wavelength": {
            "predicted": predicted,
            "predicted_length": None if predicted is None else predicted * dx,
            "measured": None if measured is None else measured.wavelength,
            "measured_early": None if measured is None else measured.early,
        },
        "run": None if measured is None else _run(measured),
    }


def _point(r: Reading) -> dict[str, Any]:
    return {
        "values": _named(r.linear.rule.channels, r.point.values),
        "held": [name for name, held in zip(r.linear.rule.channels, r.point.held, strict=True) if held],
        "residual": r.point.residual,
        "isolated": r.point.isolated,
        "smooth": r.linear.smooth,
        "kinks": list(r.linear.kinks),
        "state": r.state,
        "turing_band": r.band,
        "eigenvalues": [_complex(wave.eigenvalue) for wave in r.relation.uniform()],
        "multipliers": [_complex(wave.multiplier) for wave in r.relation.uniform()],
        "diffusion": r.linear.diffusion().tolist(),
        "fastest_wave": None if r.wave is None else _wave(r.wave),
        "fastest_wave_any_grid": None if r.best is None else _wave(r.best),
        "wavelengths": None if r.wavelengths is None else dict(zip(_RANGE, r.wavelengths, strict=True)),
        "dt_max": r.dt_max,
        "grid_instability": None if r.grid is None else r.grid.name,
        "cycles": sorted(set(r.cycles)),
        "push_threshold": None if r.perturbations is None else r.perturbations.threshold,
    }


_RANGE = ("shortest", "mean", "longest")


def _grid(r: Reading, index: int) -> dict[str, Any]:
    assert r.grid is not None
    return {
        "fixed_point": index,
        "name": r.grid.name,
        "reason": r.grid.reason,
        "dt_max": r.grid.dt_max,
        "wave": _wave(r.grid.wave),
    }


def _wave(wave: Wave) -> dict[str, Any]:
    return {
        "kx": wave.kx,
        "ky": wave.ky,
        "wavelength": wave.wavelength if math.isfinite(wave.wavelength) else None,
        "growth": wave.growth,
        "frequency": wave.frequency,
        "eigenvalue": _complex(wave.eigenvalue),
        "multiplier": _complex(wave.multiplier),
    }


def _run(measured: Measured) -> dict[str, Any]:
    return {
        "near_fixed_point": measured.near,
        "steps": measured.steps,
        "early_steps": measured.early_steps,
        "deviation": measured.deviation if math.isfinite(measured.deviation) else None,
        "failure": measured.failure,
    }


def _named(channels: tuple[str, ...], values: tuple[float, ...]) -> Mapping[str, float]:
    return dict(zip(channels, values, strict=True))


def _complex(value: complex) -> list[float]:
    return [value.real, value.imag]
