"""The pictures of a table of terms and their gradient, whether its colours are fixed or rows of the table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from distill.refine.pictures import adjoint_of, compiled, rgb_of
from distill.refine.settings import Objective
from distill.refine.table import Floats, TermTable


def pictures_of(table: TermTable, state: Floats) -> Floats:
    """States (batch, channel, h, w) as pictures (batch, 3, h, w)."""
    if not table.colours:
        return rgb_of(table.rule, state)
    with torch.no_grad():
        return _mixed(table, torch.from_numpy(state), _weights(table)).numpy()


def gradients_of(
    table: TermTable, objective: Objective, state: Floats, random: torch.Generator
) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Of the mean training loss of the states' pictures: its gradient by the states, (batch, channel, h, w), and by the
    scaled constant of each term of a colour, in the order of the table's rows.
    """
    if not table.colours:
        return adjoint_of(objective, table.rule, state, random), np.empty(0)
    cells, weights = torch.from_numpy(state).requires_grad_(), _weights(table).requires_grad_()
    objective.train(_mixed(table, cells, weights), random).mean().backward()
    assert cells.grad is not None
    assert weights.grad is not None
    alive = table.alive[table.channels :]
    by_scaled = weights.grad.numpy() / (table.size * table.unit[table.channels :])[:, alive.any(axis=0)]
    return cells.grad.numpy(), by_scaled[alive[:, alive.any(axis=0)]].astype(np.float64)


def _weights(table: TermTable) -> Tensor:
    """The constants of the colours, (3, basis), for the bases that a colour uses."""
    alive = table.alive[table.channels :]
    return torch.from_numpy((table.values()[table.channels :] * alive)[:, alive.any(axis=0)])


def _mixed(table: TermTable, cells: Tensor, weights: Tensor) -> Tensor:
    used = np.any(table.alive[table.channels :], axis=0, keepdims=True)[0].tolist()
    bases = tuple(basis for basis, on in zip(table.bases, used, strict=True) if on)
    values = torch.stack(compiled(bases, table.rule.channels)(cells.unbind(1)), dim=1)
    return torch.einsum("kb,nbhw->nkhw", weights, values)
