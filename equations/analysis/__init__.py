"""Reading a rule: what its terms do, where it rests, and which small disturbances grow.

    from equations.analysis import analyze
    found = analyze(models.get("schnakenberg"), size=128)
    found.verdict.name, found.predicted, found.measured.wavelength      # "Turing", 12.8, 11.5

Everything here is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from equations.analysis.analysis import Analysis, analyze
    from equations.analysis.data import as_data
    from equations.analysis.fixed_points import find_fixed_points
    from equations.analysis.spectrum import peak_wavelength, radial_spectrum
    from equations.analysis.split import split_rule

_HOMES = {
    "analysis": ("Analysis", "analyze"),
    "data": ("as_data",),
    "fixed_points": ("find_fixed_points",),
    "spectrum": ("peak_wavelength", "radial_spectrum"),
    "split": ("split_rule",),
}

__all__ = [
    "Analysis",
    "analyze",
    "as_data",
    "find_fixed_points",
    "peak_wavelength",
    "radial_spectrum",
    "split_rule",
]

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
