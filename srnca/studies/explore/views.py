"""Views: maps of hyperparameter sets onto a plane and back, by PCA, UMAP and a small autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import MissingPartError

Array = npt.NDArray[Any]

HIDDEN, ITERATIONS, RATE, NOISE = 24, 1200, 0.01, 0.03  # of the autoencoder
FEWEST = 5  # sets that a view needs


@dataclass(frozen=True, eq=False)
class View:
    """Sets, encoded as rows of the unit cube, as points of a plane.

    points: (sets, 2).
    decode: maps any points (n, 2) back to rows (n, columns), which may lie outside the cube.
    left: (sets, columns) rows minus decoded points: what the plane does not show.
    missed: root mean square of `left`.
    spread: standard deviation of the rows over sets and columns, which bounds `missed` for a useful view.
    """

    name: str
    points: Array
    decode: Callable[[Array], Array]
    left: Array
    missed: float
    spread: float


def make_pca(rows: Array) -> View:
    """The plane of the largest variance (linear)."""
    from sklearn.decomposition import PCA

    model = PCA(2, svd_solver="full")
    with np.errstate(invalid="ignore"):  # the share of variance explained, where all rows are equal
        model.fit(rows)
    return _finish("PCA", rows, model.transform(rows), model.inverse_transform)


def make_autoencoder(rows: Array, *, seed: int = 0) -> View:
    """columns → 24 → 2 → 24 → columns with tanh between; the output is a sigmoid, which stays inside the cube.

    Its input is trained with a little noise, so that points between two sets decode to something between them.
    """
    import torch
    from torch import nn

    from equations.backends.torch.threads import one_thread

    random = torch.Generator().manual_seed(seed)
    data = torch.tensor(rows, dtype=torch.float32)
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wide = rows.shape[1]
        encoder = nn.Sequential(nn.Linear(wide, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2))
        decoder = nn.Sequential(nn.Linear(2, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, wide), nn.Sigmoid())
        optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ITERATIONS)
        for _ in range(ITERATIONS):
            noisy = data + NOISE * torch.randn(data.shape, generator=random)
            flat = encoder(noisy)
            loss = (decoder(flat) - data).square().mean() + 1e-4 * flat.square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()

    @torch.no_grad()
    def decode(points: Array) -> Array:
        with one_thread():
            return np.asarray(decoder(torch.tensor(points, dtype=torch.float32)).double().numpy())

    with torch.no_grad():
        points = encoder(data).double().numpy()
    return _finish("autoencoder", rows, points, decode)


def make_umap(rows: Array, *, seed: int = 0) -> View:
    """UMAP (McInnes et al. 2018, arXiv:1802.03426). Raises MissingPartError where it is not installed."""
    import warnings

    try:
        from umap import UMAP
    except ImportError as error:
        raise MissingPartError("UMAP is not installed: pip install 'srnca[umap]'") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = UMAP(n_neighbors=min(15, len(rows) - 1), min_dist=0.3, init="random", random_state=seed, n_jobs=1)
        points = np.asarray(model.fit_transform(rows), float)

    def decode(where: Array) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.asarray(model.inverse_transform(np.asarray(where, np.float32)), float)
        nearest = rows[np.linalg.norm(points[None] - where[:, None], axis=2).argmin(axis=1)]
        return np.where(np.isfinite(found), found, nearest)  # far from all sets the inverse is not finite

    return _finish("UMAP", rows, points, decode)


def _finish(name: str, rows: Array, points: Array, decode: Callable[[Array], Array]) -> View:
    left = rows - decode(points).clip(0, 1)
    missed = float(np.sqrt(np.square(left).mean()))
    return View(name, points, decode, left, missed, float(np.sqrt(np.square(rows - rows.mean(axis=0)).mean())))
