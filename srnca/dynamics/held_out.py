"""The error of an automaton on held-out windows of a recording, without the noise of the frames."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from distill.identify.footage import Footage
from distill.identify.windows import clean, gather, raw_states
from srnca.dynamics.config import DynamicsConfig

MOST_WINDOWS = 24
LONGEST = 4  # frames of the rollouts
LEAST_SHARE = 0.1  # the automaton's part of the residual after one frame is at least this share


@torch.no_grad()
def held_out_error(
    footage: Footage,
    config: DynamicsConfig,
    forecast: Callable[[Tensor], Tensor],
    begin: Callable[[Tensor], Tensor],
    gain: float,
) -> tuple[float, ...]:
    """Root mean square error of the rate f, per unit of time, for each shown channel.

    An error e of the rate makes a residual of n·e·dt after n frames, while noise of the frames adds the same for every
    n. So e is estimated from the growth of the squared residual; it is at least a tenth of the residual after one
    frame.
    """
    noisy = gain < 1 or config.hidden_channels > 0
    states = clean(footage, forecast, begin, gain)[0] if noisy else raw_states(footage, begin)
    length = max(n for n in range(1, LONGEST + 1) if n == 1 or any(len(f) > 5 * n for f in footage.frames))
    windows = footage.windows(length, held=True)
    windows = windows[:: -(-len(windows) // MOST_WINDOWS)]
    squares = torch.zeros(length, len(config.names), dtype=torch.float64)
    cells = 0
    for batch in gather(footage, states, windows, length, torch.device("cpu")):
        state = batch.first
        for k, wanted in enumerate(batch.later):
            state = forecast(state)
            squares[k] += (state[: len(config.names)] - wanted).square().sum(dim=(1, 2, 3))
        cells += batch.later[0, 0].numel()
    squares /= cells
    if length == 1 or gain == 1.0:
        error = squares[0]
    else:
        grown = (squares[-1] - squares[0]) / (length**2 - 1)
        error = torch.maximum(grown, LEAST_SHARE**2 * squares[0])
    return tuple((error.sqrt() / footage.dt).tolist())
