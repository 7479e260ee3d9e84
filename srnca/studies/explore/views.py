"""Sets of hyperparameters on a plane that leads back to them: PCA, UMAP and a small autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import MissingPartError

Array = npt.NDArray[Any]

HIDDEN, ROUNDS, RATE, NOISE = 24, 1200, 0.01, 0.03
FEWEST = 5  # sets: fewer make no view


@dataclass(frozen=True, eq=False)
class View:
    """points (sets, 2) of the cube's rows; `decode` takes any points (n, 2) to rows that may leave the cube.

    left (sets, columns): what the way to the plane and back loses of each set.
    missed: root mean square, over sets and columns, of what the way to the plane and back loses; the columns' own
    deviation, what a view without anything in it loses, is `spread`.
    """

    name: str
    points: Array
    decode: Callable[[Array], Array]
    left: Array
    missed: float
    spread: float


def make_pca(rows: Array) -> View:
    """The plane of the largest variance (linear)."""
    middle = rows.mean(axis=0)
    directions = np.linalg.svd(rows - middle, full_matrices=False)[2][:2]
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    directions = directions * signs[:, None]  # the sign of a direction is arbitrary; this one repeats

    def decode(points: Array) -> Array:
        return np.asarray(points @ directions + middle)

    return _finish("PCA", rows, (rows - middle) @ directions.T, decode)


def make_autoencoder(rows: Array, *, seed: int = 0) -> View:
    """columns → 24 → 2 → 24 → columns, tanh between, trained with a little noise on its input so that points between
    two sets mean something. Its output is a sigmoid: it cannot leave the cube.
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
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ROUNDS)
        for _ in range(ROUNDS):
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
    """UMAP (McInnes et al. 2018, arXiv:1802.03426). Its inverse may leave the cube. MissingPartError without it."""
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
        return np.where(np.isfinite(found), found, nearest)  # off the map it knows nothing

    return _finish("UMAP", rows, points, decode)


def _finish(name: str, rows: Array, points: Array, decode: Callable[[Array], Array]) -> View:
    left = rows - decode(points).clip(0, 1)
    missed = float(np.sqrt(np.square(left).mean()))
    return View(name, points, decode, left, missed, float(np.sqrt(np.square(rows - rows.mean(axis=0)).mean())))
