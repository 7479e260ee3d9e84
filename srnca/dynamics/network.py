"""The automaton that learns a recording: a small network in the recording's own units, in float64."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equations.backends.torch.perceive import Neighbours, pad_periodic
from equations.rule.init import Init
from equations.rule.rule import Display
from equations.rule.stencils import Stencil
from srnca.dynamics.config import FACTORS, DynamicsConfig


class Scaling(nn.Module):
    """Normalisation for training: (features − `mean`) / `spread`, and updates / `change`; all are columns."""

    mean: Tensor
    spread: Tensor
    change: Tensor

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features, 1, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(features, 1, dtype=torch.float64))
        self.register_buffer("change", torch.ones(channels, 1, dtype=torch.float64))


class RecordingNCA(nn.Module):
    """s <- s + dt · f(perceive(s)), f(p) = change · (A x + b + W φ(H x + h)) with x = (p - mean) / spread.

    φ by `activation`: product: φ = z₁ z₂ z₃ of three views zᵢ = Hᵢ x + hᵢ (the Π-block of Rao et al. 2023, Nature
    Machine Intelligence 5, 765); tanh; relu (then A and b are absent). States are (channel, batch, h, w).
    """

    def __init__(self, config: DynamicsConfig, *, seed: int = 0, stencils: tuple[Stencil, ...] | None = None) -> None:
        super().__init__()
        self.config = config
        self.stencils = stencils or config.stencils
        c, n, m = len(config.channels), config.features, config.hidden
        factors = FACTORS if config.activation == "product" else 1
        random = torch.Generator().manual_seed(seed)

        def drawn(*shape: int, size: float) -> nn.Parameter:
            return nn.Parameter(size * torch.randn(*shape, generator=random, dtype=torch.float64))

        def zeros(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(*shape, dtype=torch.float64))

        self.hidden = drawn(factors, m, n, size=n**-0.5)
        self.shift = drawn(factors, m, 1, size=0.5 if factors > 1 else 1.0)
        self.weight = drawn(c, m, size=0.1)
        if config.linear_path:
            self.linear, self.bias = zeros(c, n), zeros(c, 1)
        self.first_hidden = zeros(config.hidden_channels, 1)  # initial value of hidden channels
        self.scaling = Scaling(n, c)

    def perceive(self, state: Tensor) -> Tensor:
        """(channel, batch, h, w) -> features (channel · filters, cells), channel-major."""
        around = Neighbours(pad_periodic(state).transpose(0, 1))
        rows = [around.respond(c, s.groups) for c in range(len(state)) for s in self.stencils]
        return torch.stack(rows).flatten(1)

    def inner(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """φ (hidden, n) of scaled features (features, n), and its derivative by each view, (views, hidden, n)."""
        z = self.hidden @ x + self.shift
        if self.config.activation == "product":
            pairs = torch.stack([z[1] * z[2], z[0] * z[2], z[0] * z[1]])
            return pairs[2] * z[2], pairs
        if self.config.activation == "tanh":
            value = torch.tanh(z[0])
            return value, (1 - value * value)[None]
        return torch.relu(z[0]), (z > 0).to(z.dtype)

    def scaled(self, perception: Tensor) -> Tensor:
        return (perception - self.scaling.mean) / self.scaling.spread

    def rate(self, x: Tensor) -> Tensor:
        """Scaled features (features, n) -> f (channel, n)."""
        total = self.weight @ self.inner(x)[0]
        if self.config.linear_path:
            total = total + self.linear @ x + self.bias
        return total * self.scaling.change

    def update(self, perception: Tensor) -> Tensor:
        """Perception (features, n) -> f (channel, n), per unit of time."""
        return self.rate(self.scaled(perception))

    def forward(self, state: Tensor, dt: float | None = None) -> Tensor:
        """One step of a state (channel, batch, h, w); dt replaces the automaton's own if given."""
        f = self.update(self.perceive(state)).view(state.shape)
        return state + (self.config.dt if dt is None else dt) * f

    def begin(self, shown: Tensor) -> Tensor:
        """The shown channels (channel, batch, h, w) with hidden channels added at their initial values."""
        if not self.config.hidden_channels:
            return shown
        rest = self.first_hidden[:, :, None, None].expand(-1, *shown.shape[1:])
        return torch.cat([shown, rest])

    @torch.no_grad()
    def fit_scaling(self, states: Tensor, change: Tensor) -> None:
        """Set the normalisation.

        states: recorded ones, (shown channel, batch, h, w).
        change: root mean square change of each shown channel per unit of time.
        """
        seen = self.perceive(states)
        shown = len(seen)
        self.scaling.mean[:shown] = seen.mean(dim=1, keepdim=True)
        spread = seen.std(dim=1, keepdim=True)
        self.scaling.spread[:shown] = torch.where(spread > 0, spread, torch.ones_like(spread))
        self.scaling.change[: len(change)] = change[:, None]
        self.scaling.change[len(change) :] = change.mean()

    @torch.no_grad()
    def fold(self) -> None:
        """Fold the normalisation into the weights, so that features and updates are in the recording's units."""
        mean, spread, change = self.scaling.mean, self.scaling.spread, self.scaling.change
        self.shift.sub_(self.hidden @ (mean / spread))
        self.hidden.div_(spread[:, 0])
        self.weight.mul_(change)
        if self.config.linear_path:
            self.bias.sub_(self.linear @ (mean / spread)).mul_(change)
            self.linear.mul_(change / spread[:, 0])
        mean.zero_()
        spread.fill_(1.0)
        change.fill_(1.0)

    @property
    def display(self) -> Display:
        """The first channel in shades, or three in colours."""
        names = self.config.names
        return Display(names[:3] if names == ("r", "g", "b") else names[:1])


def look_alike(states: Tensor) -> Init:
    """A noise init with the mean and deviation of states (channel, …), for runs of the rule without a recording."""
    flat = states.flatten(1)
    spread = 3.0**0.5 * flat.std(dim=1)  # uniform noise of ±a has deviation a/√3
    return Init("noise", background=tuple(flat.mean(dim=1).tolist()), amplitude=tuple(spread.tolist()))
