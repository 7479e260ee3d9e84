"""The halo exchange: it surrounds a block with the cells of its neighbours, corners included."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from equations.distributed.decomposition import Decomposition


class Halo:
    """The halo exchange of one rank with its four neighbours."""

    def __init__(self, cut: Decomposition, rank: int) -> None:
        self.rank = rank
        self._above, self._below = cut.neighbour(rank, -1, 0), cut.neighbour(rank, 1, 0)
        self._left, self._right = cut.neighbour(rank, 0, -1), cut.neighbour(rank, 0, 1)

    def fill(self, padded: Tensor, width: int) -> None:
        """Fill the `width` cells around the block in the middle of padded (channel, bh + 2 width, bw + 2 width).

        1 <= width <= the side of any block. Rows are exchanged first, then columns of full height, which contain the
        corners, so that four neighbours suffice instead of eight. All ranks must call this together.
        """
        self._fill(padded[:, :, width : padded.shape[2] - width], 1, width, self._above, self._below)
        self._fill(padded, 2, width, self._left, self._right)

    def _fill(self, area: Tensor, axis: int, width: int, before: int, after: int) -> None:
        """Fill the first and last `width` cells along an axis with the neighbours' edges."""
        length = area.shape[axis]
        starts = (0, width, length - 2 * width, length - width)
        halo_before, first, last, halo_after = (area.narrow(axis, start, width) for start in starts)
        if before == self.rank:  # the only rank along this axis is its own neighbour
            halo_before.copy_(last)
            halo_after.copy_(first)
            return
        sent = first.contiguous(), last.contiguous()
        got = torch.empty_like(sent[0]), torch.empty_like(sent[0])
        # NCCL has no tags: where one rank is the neighbour on both sides, the order distinguishes the two edges
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
