"""The published texture automata, and ours, behind one interface.

first_states(count, size, random): states (count, channel, size, size) from which they start, on the CPU.
forward(state, random): one step; the generator is on the state's device.
rgb(state): the picture (batch, 3, h, w), not clipped.

Facts are from the papers and from the notebooks that their authors published with them
(google-research/self-organising-systems: texture_nca_pytorch, μNCA_pytorch).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from equations.backends.torch.perceive import pad_periodic, perceive_fast
from equations.rule.init import make_state
from equations.rule.stencils import DX, DY, LAP, nca_stencils
from srnca.texture.config import TrainConfig
from srnca.texture.network import NCA

SCALES = {"id": 1.0, "lap": 16.0, "dx": 8.0, "dy": 8.0}  # the published kernels are whole numbers, ours are divided


class Automaton(nn.Module):
    """What all have in common."""

    channels: int

    def first_states(self, count: int, size: int, random: torch.Generator) -> Tensor:
        raise NotImplementedError

    def forward(self, state: Tensor, random: torch.Generator) -> Tensor:
        raise NotImplementedError

    def rgb(self, state: Tensor) -> Tensor:
        return state[:, :3] + 0.5

    @property
    def numbers(self) -> int:
        """How many numbers are trained."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)


class SelfOrganising(Automaton):
    """Niklasson et al. 2021, "Self-Organising Textures", https://distill.pub/selforg/2021/textures.

    12 channels see themselves, their Sobel slopes and their Laplacian; 96 hidden ReLU units; a cell takes a step with
    probability 1/2. It starts from zeros, so that only the mask breaks the symmetry. 5,856 numbers.
    The scale of a kernel is applied to the weights on it, which is the same function and takes no time.
    """

    channels, hidden = 12, 96
    scales: Tensor

    def __init__(self, random: torch.Generator) -> None:
        super().__init__()
        self.stencils = nca_stencils(4)
        inputs = self.channels * len(self.stencils)
        limit = inputs**-0.5  # PyTorch's own initial weights of a 1x1 convolution
        self.first = nn.Parameter((2 * torch.rand(self.hidden, inputs, generator=random) - 1) * limit)
        self.bias = nn.Parameter((2 * torch.rand(self.hidden, generator=random) - 1) * limit)
        self.last = nn.Parameter(torch.zeros(self.channels, self.hidden))
        scales = torch.tensor([SCALES[s.name] for s in self.stencils] * self.channels)
        self.register_buffer("scales", scales, persistent=False)

    def first_states(self, count: int, size: int, random: torch.Generator) -> Tensor:
        return torch.zeros(count, self.channels, size, size)

    def forward(self, state: Tensor, random: torch.Generator) -> Tensor:
        perception = perceive_fast(state, self.stencils)
        inner = functional.conv2d(perception, (self.first * self.scales)[..., None, None], self.bias).relu()
        change = functional.conv2d(inner, self.last[..., None, None])
        mask = torch.rand(len(state), 1, *state.shape[2:], generator=random, device=state.device) < 0.5
        return state + change * mask


class MicroNCA(Automaton):
    """Mordvintsev & Niklasson 2021, "μNCA", arXiv:2111.13545: s + W [s, p, |s|, |p|] + b, all cells at once.

    Each channel sees itself through one kernel only: the first ones through the Laplacian, the next through the slope
    along x, the last along y. C channels have C (4 C + 1) numbers. It starts from uniform noise in ±1/2.
    """

    kernels: Tensor

    def __init__(self, laplacians: int, slopes: int, random: torch.Generator) -> None:
        """slopes: channels of each of the two directions."""
        super().__init__()
        stencils = [LAP] * laplacians + [DX] * slopes + [DY] * slopes
        self.channels = len(stencils)
        kernels = [SCALES[s.name] * torch.tensor(s.kernel) for s in stencils]
        self.register_buffer("kernels", torch.stack(kernels)[:, None], persistent=False)
        self.weight = nn.Parameter(1e-3 * torch.randn(self.channels, 4 * self.channels + 1, generator=random))

    def first_states(self, count: int, size: int, random: torch.Generator) -> Tensor:
        return torch.rand(count, self.channels, size, size, generator=random) - 0.5

    def forward(self, state: Tensor, random: torch.Generator) -> Tensor:
        seen = functional.conv2d(pad_periodic(state), self.kernels, groups=self.channels)
        both = torch.cat([state, seen], dim=1)
        features = torch.cat([both, both.abs()], dim=1)
        return state + functional.conv2d(features, self.weight[:, :-1, None, None], self.weight[:, -1])


class Network(Automaton):
    """The automaton of `srnca train`."""

    def __init__(self, config: TrainConfig, target: np.ndarray) -> None:
        super().__init__()
        self.nca = NCA(config.nca, seed=config.seed, colour=target.mean(axis=(0, 1)).tolist())
        self.channels = config.channels

    def first_states(self, count: int, size: int, random: torch.Generator) -> Tensor:
        seeds = torch.randint(2**31, (count,), generator=random).tolist()
        states = [make_state(self.nca.first_state, self.channels, (size, size), seed) for seed in seeds]
        return torch.from_numpy(np.stack(states))

    def forward(self, state: Tensor, random: torch.Generator) -> Tensor:
        stepped: Tensor = self.nca(state, self.nca.random_mask(state, random))
        return stepped

    def rgb(self, state: Tensor) -> Tensor:
        return self.nca.pictures(state)


@torch.inference_mode()
def grow(automaton: Automaton, size: int, steps: int, seed: int) -> np.ndarray:
    """The picture (size, size, 3) after `steps` steps, clipped to what is shown; NaN where the automaton diverged."""
    random = torch.Generator().manual_seed(seed)
    state = automaton.first_states(1, size, random)
    for _ in range(steps):
        state = automaton(state, random)
    rgb = automaton.rgb(state)[0].permute(1, 2, 0)
    if not rgb.isfinite().all():
        return np.full((size, size, 3), np.nan, np.float32)
    return rgb.clamp(0, 1).numpy()
