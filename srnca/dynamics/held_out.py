"""How far an automaton is from a recording: on windows that it was not trained on, noise of the frames set apart."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from distill.identify.footage import Footage
from distill.identify.windows import clean, gather, raw_states
from srnca.dynamics.config import DynamicsConfig

MOST_WINDOWS = 24
LONGEST = 4  # frames of the rollouts that errors are told by
LEAST_SHARE = 0.1  # of the residual after one frame that is the automaton's at least: not all can be noise


@torch.no_grad()
def held_out_error(
    footage: Footage,
    config: DynamicsConfig,
    forecast: Callable[[Tensor], Tensor],
    begin: Callable[[Tensor], Tensor],
    gain: float,
) -> tuple[float, ...]:
    """Per shown channel: the root mean square of what the rate f is wrong by, per unit of time.

    After n frames a rate that is wrong by e is off by n·e·dt, noise of the frames by the same as after one. So e is
    told by how the squared residual grows from one frame to several; but it is never taken for less than a tenth of the
    residual after one frame, per unit of time.
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
