"""How an automaton learns a recording: its shape, its step, and the named sets of settings."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from equations.errors import InputError, check_choice, check_range
from equations.rule.stencils import ID, LAP5, Stencil, divided, feature_names

Activation = Literal["product", "tanh", "relu"]

FACTORS = 3  # of a product unit: polynomials to the third degree are represented exactly
MOST_CHANNELS = 16
MOST_NEWTON = 2000  # parameters: for more, Gauss-Newton costs more than it gains
NEWTON_ITERATIONS, ADAM_ITERATIONS = 120, 2000


def law_stencils(filters: int, dx: float = 1.0) -> tuple[Stencil, ...]:
    """The first `filters` (1 to 5) of: the cell, the five-point Laplacian, the Laplacian over the corners, and the
    central slopes to the right and downwards; for cells of width `dx`.

    Every isotropic nine-point Laplacian is a linear combination of the two, so edges and corners have free weights.
    """
    corners = ((0.5, 0.0, 0.5), (0.0, -2.0, 0.0), (0.5, 0.0, 0.5))
    right = ((0.0, 0.0, 0.0), (-0.5, 0.0, 0.5), (0.0, 0.0, 0.0))
    down = ((0.0, -0.5, 0.0), (0.0, 0.0, 0.0), (0.0, 0.5, 0.0))
    kernels = (("lap", LAP5.kernel, 2), ("corner", corners, 2), ("dx", right, 1), ("dy", down, 1))
    scaled = (Stencil(name, divided(kernel, dx**power)) for name, kernel, power in kernels)
    return (ID, *scaled)[:filters]


@dataclass(frozen=True)
class DynamicsConfig:
    """The automaton's shape and how it is trained on recordings; saved in the checkpoint.

    names: the recording's channels.
    dt: time of one step of the automaton.
    dx: width of a cell.
    stride: steps of the automaton from one frame to the next.
    hidden_channels: number of further channels, which the recording does not show.
    hidden: width of the hidden layer.
    filters: number of stencils, see `law_stencils`.
    activation: `product` (units that multiply three linear functions: polynomials to the third degree, exactly), `tanh`
        (any smooth law), or `relu` (the usual automaton, without a linear path beside the hidden layer).
    max_ca_steps: steps of the longest rollout; 0 chooses.
    batch_size: rollouts of an iteration.
    learning_rate: of Adam, which trains networks that have hidden channels or are too large for Gauss-Newton.
    iterations: number of iterations at most; 0 chooses.
    denoise: start rollouts from states filtered of noise, where that improves the forecast of the next frame.
    """

    names: tuple[str, ...] = ("u", "v")
    dt: float = 1.0
    dx: float = 1.0
    stride: int = 1
    hidden_channels: int = 0
    hidden: int = 8
    filters: int = 5
    activation: Activation = "product"
    max_ca_steps: int = 0
    batch_size: int = 6
    learning_rate: float = 3e-3
    iterations: int = 0
    seed: int = 0
    denoise: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        whole = (
            ("stride", 1, 1000), ("hidden_channels", 0, MOST_CHANNELS), ("hidden", 1, 1024), ("filters", 1, 5),
            ("max_ca_steps", 0, 10_000), ("batch_size", 1, 1024), ("iterations", 0, 10**7), ("seed", 0, 2**32 - 1),
        )  # fmt: skip
        for name, low, high in whole:
            check_range(name.replace("_", " "), getattr(self, name), low, high)
        check_choice("activation", self.activation, get_args(Activation), " for a recording")
        for name in ("dt", "dx", "learning_rate"):
            value = getattr(self, name)
            if not (isinstance(value, float) and 0 < value < math.inf):
                raise InputError(f"{name.replace('_', ' ')}: expected a finite number above 0, got {value}")
        if not self.names or len(set(self.channels)) != len(self.channels):
            raise InputError(
                f"channels: expected different names, at least one, got {', '.join(self.channels) or 'none'}"
            )
        if 0 < self.max_ca_steps < self.stride:
            raise InputError(
                f"max ca steps: expected at least the {self.stride} steps from one frame to the next, "
                f"got {self.max_ca_steps}"
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels: the recording's, then h0 h1 …"""
        return (*self.names, *(f"h{i}" for i in range(len(self.names), len(self.names) + self.hidden_channels)))

    @property
    def stencils(self) -> tuple[Stencil, ...]:
        return law_stencils(self.filters, self.dx)

    @property
    def features(self) -> int:
        return len(feature_names(self.channels, self.stencils))

    @property
    def linear_path(self) -> bool:
        return self.activation != "relu"

    @property
    def newton(self) -> bool:
        """Whether Gauss-Newton trains it: few parameters, and no hidden channels, for which it has no derivatives."""
        factors = FACTORS if self.activation == "product" else 1
        c, n = len(self.channels), self.features
        count = self.hidden * (factors * (n + 1) + c) + (c * (n + 1) if self.linear_path else 0)
        return self.hidden_channels == 0 and count <= MOST_NEWTON

    @property
    def horizon(self) -> int:
        """Frames of the longest rollout."""
        return max(1, self.max_ca_steps // self.stride) if self.max_ca_steps else max(4, -(-8 // self.stride))

    @property
    def most_iterations(self) -> int:
        return self.iterations or (NEWTON_ITERATIONS if self.newton else ADAM_ITERATIONS)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


PRESETS: dict[str, dict[str, Any]] = {
    "recording": {},
    "recording-smooth": {"activation": "tanh", "hidden": 24},
    "recording-relu": {"activation": "relu", "hidden": 48},
}


def recording_preset(name: str) -> dict[str, Any]:
    """The settings of a named set. Raises InputError for an unknown name."""
    check_choice("preset", name, PRESETS, " with --frames")
    return dict(PRESETS[name])
