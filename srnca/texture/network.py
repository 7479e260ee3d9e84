"""The neural cellular automaton: one small network, the same in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from equations.backends.torch.perceive import pad_periodic
from equations.errors import InputError, check_choice, check_range
from equations.rule.init import Init
from equations.rule.rule import Display
from equations.rule.stencils import Stencil, nca_stencils
from srnca.texture.colours import ColourMap, Colours, names_of
from srnca.texture.derivatives import two_layers
from srnca.texture.perception import Perception

Activation = Literal["relu", "linear", "abs"]
Mask = Literal["cell", "channel"]
Seed = Literal["noise", "square"]

NOISE = 0.2  # first states are the background ± NOISE, uniform


@dataclass(frozen=True)
class NCAConfig:
    """The shape of the automaton; saved with its weights.

    channels: 3…64, of which the first three are red, green and blue; 1…64 with a map of the colours.
    hidden: width of the one hidden layer; `abs` has none and ignores it.
    filters: 1…20 stencils in the order id, lap, dx, dy, moore, f5 … f19.
    activation: of the hidden layer; see `NCA`.
    clamp: None, or the interval to which every channel is clipped after a step.
    update_rate: probability in (0, 1] that a cell is updated in a step.
    mask: whether that is drawn for each cell, or for each channel of a cell.
    init: the first state, noise around the mean colour or a square on it.
    colours: channels, or a learned map of them: affine (map), or with squares and products of two channels (squares).

    Raises InputError for values outside of these.
    """

    channels: int = 8
    hidden: int = 48
    filters: int = 4
    activation: Activation = "relu"
    clamp: tuple[float, float] | None = None
    update_rate: float = 1.0
    mask: Mask = "cell"
    init: Seed = "noise"
    colours: Colours = "channels"

    def __post_init__(self) -> None:
        check_choice("colours", self.colours, get_args(Colours))
        if self.colours == "channels" and self.channels in (1, 2):
            raise InputError(
                f"channels: expected a whole number from 3 to 64, got {self.channels}; "
                "1 and 2 need a map of the colours: --colours map or squares"
            )
        check_range("channels", self.channels, 3 if self.colours == "channels" else 1, 64)
        check_range("hidden", self.hidden, 1, 1024)
        check_range("filters", self.filters, 1, 20)
        check_choice("activation", self.activation, get_args(Activation))
        check_choice("mask", self.mask, get_args(Mask))
        check_choice("init", self.init, get_args(Seed))
        if not 0 < self.update_rate <= 1:
            raise InputError(f"update rate: expected a number in (0, 1], got {self.update_rate}")
        if self.clamp is not None and not self.clamp[0] < self.clamp[1]:
            raise InputError(f"clamp: expected low < high, got {self.clamp}; use e.g. 0,1 or none")

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names, see `names_of`."""
        return names_of(self.colours, self.channels)

    @property
    def stencils(self) -> tuple[Stencil, ...]:
        return nca_stencils(self.filters)

    @property
    def offset(self) -> float:
        """What is added to the first three channels to show them: 0.5 for states around 0, nothing for clamped ones."""
        return 0.5 if self.clamp is None else 0.0

    @property
    def middle(self) -> float:
        """The middle of a channel's range."""
        return 0.0 if self.clamp is None else 0.5 * (self.clamp[0] + self.clamp[1])

    def first_state(self, colour: Sequence[float]) -> Init:
        """The target's mean colour, other channels in the middle of their range, and noise or a square."""
        shown = tuple(c - self.offset for c in colour) if self.colours == "channels" else ()
        ground = (*shown, *(self.middle,) * (self.channels - len(shown)))
        if self.init == "noise":
            return Init(kind="noise", background=ground, amplitude=(NOISE,) * self.channels)
        return Init(
            kind="square",
            background=ground,
            amplitude=(0.02,) * self.channels,
            square=tuple(x + (0.4 if i % 2 else -0.4) for i, x in enumerate(ground)),
        )

    def to_dict(self) -> dict[str, object]:
        """Plain data. The default of `colours` is left out: files keep the bytes from before there were maps."""
        return {name: value for name, value in asdict(self).items() if (name, value) != ("colours", "channels")}


class NCA(nn.Module):
    """s <- clamp(s + mask * f(perceive(s))), with f by `activation`:

    relu:   W1 relu(W0 p + b)      linear: W1 (W0 p + b)      abs: W [p, |p|] + b   (one layer, a closed form)

    A linear network is trained without bias: its b is 0, except where a legacy checkpoint has another.
    The last layer starts at zero, so that the untrained automaton never changes (Mordvintsev et al. 2020).
    Called with states (batch, channels, h, w), it returns those of the next step.
    """

    def __init__(
        self,
        config: NCAConfig,
        *,
        seed: int = 0,
        stencils: tuple[Stencil, ...] | None = None,
        colour: Sequence[float] = (0.5, 0.5, 0.5),
        palette: Tensor | None = None,
    ) -> None:
        """colour: of the first state. palette: what a map of the colours starts with, see `ColourMap.start`."""
        super().__init__()
        self.config = config
        self.first_state = config.first_state(colour)
        self.perceive = Perception(stencils or config.stencils)
        inputs = config.channels * config.filters
        generator = torch.Generator().manual_seed(seed)
        if config.activation == "abs":
            self.weight = nn.Parameter(torch.zeros(config.channels, 2 * inputs))
            self.bias = nn.Parameter(torch.zeros(config.channels))
        else:
            first = torch.empty(config.hidden, inputs)
            nn.init.kaiming_uniform_(first, a=5**0.5, generator=generator)
            self.hidden = nn.Parameter(first)
            self.bias = nn.Parameter(torch.zeros(config.hidden), requires_grad=config.activation == "relu")
            self.weight = nn.Parameter(torch.zeros(config.channels, config.hidden))
        self.colours: ColourMap | None = None
        if config.colours != "channels":
            colours = ColourMap(config.channels, squares=config.colours == "squares")
            self.colours = colours.start(colour, palette, config.middle, generator)

    @property
    def first_layer(self) -> nn.Parameter:
        """The weights on the perception, (hidden or channel, features): one column for each feature."""
        return self.weight if self.config.activation == "abs" else self.hidden

    def update(self, perception: Tensor) -> Tensor:
        """f: (batch, channel * filters, h, w) -> (batch, channel, h, w), before the mask."""
        if self.config.activation == "abs":
            both = torch.cat([perception, perception.abs()], dim=1)
            return functional.conv2d(both, self.weight[..., None, None], self.bias)
        if self.config.activation == "linear":
            return functional.conv2d(perception, (self.weight @ self.hidden)[..., None, None], self.weight @ self.bias)
        return two_layers(perception, self.hidden, self.bias, self.weight)

    def forward(self, state: Tensor, mask: Tensor | None = None) -> Tensor:
        """One step of (batch, channel, h, w); `mask` (batch, 1 or channel, h, w) of zeros and ones."""
        delta = self._convolve(state) if self.config.activation == "linear" else self.update(self.perceive(state))
        state = state + (delta if mask is None else delta * mask)
        return state if self.config.clamp is None else state.clamp(*self.config.clamp)

    def _convolve(self, state: Tensor) -> Tensor:
        """A step's update of a linear network as one 3x3 convolution, a third faster than perceiving first."""
        weights = (self.weight @ self.hidden).unflatten(1, (self.config.channels, -1))  # (out, channel, filter)
        kernel = torch.einsum("ocf,fij->ocij", weights, self.perceive.kernels)
        return functional.conv2d(pad_periodic(state), kernel, self.weight @ self.bias)

    def random_mask(self, state: Tensor, generator: torch.Generator | None) -> Tensor | None:
        """A training mask: Bernoulli(update_rate) per cell or per channel; None when every cell steps."""
        if self.config.update_rate >= 1:
            return None
        batch, channels, h, w = state.shape
        shape = (batch, channels if self.config.mask == "channel" else 1, h, w)
        draw = torch.rand(shape, generator=generator, device=state.device)
        return (draw < self.config.update_rate).to(state.dtype)

    def pictures(self, state: Tensor) -> Tensor:
        """(batch, channel, h, w) -> the visible (batch, 3, h, w); values outside [0, 1] are kept."""
        return state[:, :3] + self.config.offset if self.colours is None else self.colours(state)

    @property
    def display(self) -> Display:
        """How a rule of the same channels shows these pictures."""
        if self.colours is None:
            return Display(channels=("r", "g", "b"), offset=self.config.offset)
        return Display(colours=self.colours.expressions(self.config.names))
