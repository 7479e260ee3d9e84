"""The size of an automaton in closed form, as a second objective for nsga2."""

from __future__ import annotations

from srnca.texture.network import NCAConfig

STENCIL = 9  # weights of a 3×3 kernel


def count_cost(config: NCAConfig) -> int:
    """Multiplications per cell and step: perception, then the layers."""
    channels, features = config.channels, config.channels * config.filters
    if config.activation == "linear":  # one 3×3 convolution
        return STENCIL * channels * channels
    layers = 2 * features * channels if config.activation == "abs" else config.hidden * (features + channels)
    return STENCIL * features + layers


def count_terms(config: NCAConfig) -> int | None:
    """Terms that the automaton's closed form can have, over all channels and without constants; None for relu.

    A distilled rule is pruned and has fewer.
    """
    if config.activation == "relu":
        return None
    return config.channels * config.channels * config.filters * (2 if config.activation == "abs" else 1)
