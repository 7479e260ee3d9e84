"""PySINDy's weak form on the recordings of `pde_data`, with its terms read as ours.

It is given the library that a system needs, and for each channel the threshold in THRESHOLDS that comes out best, which
a user could not know: an upper bound of what it reaches.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from benchmarks.pde_data import Law, Recording
from benchmarks.pde_systems import PDES

THRESHOLDS = (0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4)
DOMAINS = 400
RIVAL_SHARE = 0.1  # of each axis in half a window of PySINDy's
# derivative order, and whether products stand before derivatives; KS, CH, taxis need what its library has not
RIVAL_NEEDS = {"burgers": (2, True), "swift-hohenberg": (4, False)}
NOT_ITS_OWN = ("kuramoto-sivashinsky", "cahn-hilliard", "keller-segel")
MISSING = "PySINDy is not installed: pip install 'srnca[benchmark]' (pysindy 2), or leave it out with --no-rival"


def worst_error(law: Law, found: Law) -> tuple[bool, float]:
    """Whether the support is exact, and the largest relative error of a true coefficient."""
    exact = all(set(found.get(c, {})) == set(terms) for c, terms in law.items())
    errors = [abs(found.get(c, {}).get(t, 0.0) - w) / abs(w) for c, terms in law.items() for t, w in terms.items()]
    return exact, max(errors)


def rival(name: str, recording: Recording) -> dict[str, Any]:
    """PySINDy's weak form, or why not."""
    law = PDES[name].law
    if law is None:
        return {"skipped": "no law"}
    if name in NOT_ITS_OWN:
        return {"skipped": "not in its library"}
    import pysindy

    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library, data = rival_system(pysindy, name, recording)
        library.fit(data)
        features = np.asarray(library.transform(data))
        change = np.asarray(library.convert_u_dot_integral(data))
        names = library.get_feature_names()
        answers = [
            min(
                (worst_error({c: law[c]}, rival_law(names, w, c, recording.channels)) for w in paths),
                key=lambda a: (not a[0], a[1]),
            )
            for c, paths in zip(recording.channels, rival_fits(pysindy, features, change), strict=True)
        ]
    exact, error = all(a[0] for a in answers), max(a[1] for a in answers)
    return {"exact": exact, "error": error, "seconds": time.process_time() - began}


def rival_fits(pysindy: Any, features: np.ndarray, change: np.ndarray) -> list[list[np.ndarray]]:
    """For each channel its coefficients at all thresholds, on columns of unit length and on columns as they are."""
    found: list[list[np.ndarray]] = []
    for target in change.T:
        size = float(np.linalg.norm(target))
        settings = [(True, t * size) for t in THRESHOLDS] + [(False, t) for t in THRESHOLDS]
        found.append([])
        for unit, threshold in settings:
            model = pysindy.STLSQ(threshold=threshold, alpha=1e-8, normalize_columns=unit)
            model.fit(features, target[:, None])
            found[-1].append(np.ravel(model.coef_))
    return found


def rival_system(pysindy: Any, name: str, recording: Recording) -> tuple[Any, Any]:
    """Its library and its data (x, y, t, channel)."""
    order, products = RIVAL_NEEDS.get(name, (2, False))
    t, _, h, w = recording.frames.shape
    axes = [np.arange(w) * recording.dx, np.arange(h) * recording.dx, np.arange(t) * recording.dt]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    np.random.seed(0)  # noqa: NPY002 - it draws its windows from the global generator
    library = pysindy.WeakPDELibrary(
        pysindy.PolynomialLibrary(degree=1 if products else 3, include_bias=not products),
        derivative_order=order,
        spatiotemporal_grid=grid,
        K=DOMAINS,
        H_xt=[RIVAL_SHARE * axis[-1] for axis in axes],
        include_interaction=products,
        p=6,
    )
    return library, np.transpose(recording.frames, (3, 2, 0, 1))


def rival_law(names: list[str], weights: np.ndarray, channel: str, channels: tuple[str, ...]) -> Law:
    """Its equation of one channel in our terms."""
    terms = {translated(n, channels): float(w) for n, w in zip(names, weights, strict=True) if w}
    return {channel: tied(terms, channels)}


def translated(name: str, channels: tuple[str, ...]) -> str:
    """x0^2 x1 as u**2*v, x0_11 as dxx(u), x0x1_2 as u*dy(v)."""
    parts = []
    for part in name.replace("x", " x").split():
        base, _, orders = part.partition("_")
        index, _, power = base.lstrip("x").partition("^")
        text = base if base == "1" else channels[int(index)] + (f"**{power}" if power else "")
        parts.append(f"d{orders.replace('1', 'x').replace('2', 'y')}({text})" if orders else text)
    return "*".join(parts)


def tied(terms: dict[str, float], channels: tuple[str, ...]) -> dict[str, float]:
    """Second (and fourth) derivatives as lap(u) and bilap(u) where alike, u*dx(u) as dx(u**2)."""
    for u in channels:
        x, y = terms.get(f"dxx({u})", 0.0), terms.get(f"dyy({u})", 0.0)
        if x and y and abs(x - y) < 0.2 * max(abs(x), abs(y)):
            terms[f"lap({u})"] = (terms.pop(f"dxx({u})") + terms.pop(f"dyy({u})")) / 2
        fourth = [terms.get(f"d{d}({u})", 0.0) for d in ("xxxx", "xxyy", "yyyy")]
        if all(fourth):
            terms[f"bilap({u})"] = (fourth[0] + fourth[1] / 2 + fourth[2]) / 3
            for d in ("xxxx", "xxyy", "yyyy"):
                del terms[f"d{d}({u})"]
        for d in "xy":
            if f"{u}*d{d}({u})" in terms:
                terms[f"d{d}({u}**2)"] = terms.pop(f"{u}*d{d}({u})") / 2
    return terms
