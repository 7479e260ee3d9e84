"""The exchange of edges: after it a block has the cells of its neighbours around it, corners included."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from equations.distributed.decomposition import Decomposition


class Halo:
    """What one rank of a decomposition asks of its neighbours."""

    def __init__(self, cut: Decomposition, rank: int) -> None:
        self.rank = rank
        self._above, self._below = cut.neighbour(rank, -1, 0), cut.neighbour(rank, 1, 0)
        self._left, self._right = cut.neighbour(rank, 0, -1), cut.neighbour(rank, 0, 1)

    def fill(self, padded: Tensor, width: int) -> None:
        """Fill the `width` cells around the block in the middle of padded (channel, bh + 2 width, bw + 2 width).

        1 <= width <= the side of any block. Rows go first, then columns of full height, which carry the corners:
        four neighbours instead of eight. All ranks must call it together.
        """
        self._fill(padded[:, :, width : padded.shape[2] - width], 1, width, self._above, self._below)
        self._fill(padded, 2, width, self._left, self._right)

    def _fill(self, area: Tensor, axis: int, width: int, before: int, after: int) -> None:
        """Fill the first and last `width` cells along an axis with the neighbours' edges."""
        length = area.shape[axis]
        starts = (0, width, length - 2 * width, length - width)
        halo_before, first, last, halo_after = (area.narrow(axis, start, width) for start in starts)
        if before == self.rank:  # alone along this axis: its own neighbour
            halo_before.copy_(last)
            halo_after.copy_(first)
            return
        sent = first.contiguous(), last.contiguous()
        got = torch.empty_like(sent[0]), torch.empty_like(sent[0])
        # NCCL has no tags: between two ranks that are each other's both neighbours, order tells the edges apart
        exchange = [
            dist.P2POp(dist.isend, sent[0], before, tag=0),
            dist.P2POp(dist.isend, sent[1], after, tag=1),
            dist.P2POp(dist.irecv, got[0], after, tag=0),
            dist.P2POp(dist.irecv, got[1], before, tag=1),
        ]
        for work in dist.batch_isend_irecv(exchange):
            work.wait()
        halo_after.copy_(got[0])
        halo_before.copy_(got[1])
