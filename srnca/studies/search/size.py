"""How large an automaton is, in closed form: what nsga2 weighs the loss against."""

from __future__ import annotations

from srnca.texture.network import NCAConfig

STENCIL = 9  # numbers in a 3×3 kernel


def count_cost(config: NCAConfig) -> int:
    """Multiplications of a cell in one step: its perception, then the layers."""
    channels, features = config.channels, config.channels * config.filters
    if config.activation == "linear":  # one 3×3 convolution
        return STENCIL * channels * channels
    layers = 2 * features * channels if config.activation == "abs" else config.hidden * (features + channels)
    return STENCIL * features + layers


def count_terms(config: NCAConfig) -> int | None:
    """Terms that the automaton's own rule can have, over all channels, constants left out; None for relu.

    The rule that distillation makes of it is pruned and has fewer.
    """
    if config.activation == "relu":
        return None
    return config.channels * config.channels * config.filters * (2 if config.activation == "abs" else 1)
