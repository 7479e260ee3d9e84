"""Auxiliary channels: those that hold a function of the others, such as ∇²u, so that a stencil can see it.

A rule lists them as `auxiliary` in its provenance. Such a channel w has the update (f − w)/τ, so that w follows f; with
τ = dt it is f after every step. At the start it has to be computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from equations.errors import InputError
from equations.rule.rule import Rule
from equations.rule.symbols import symbol


def auxiliary_channels(rule: Rule) -> tuple[str, ...]:
    """The names of the rule's auxiliary channels, in the rule's order."""
    noted = rule.provenance.get("auxiliary", ())
    named = noted if isinstance(noted, (list, tuple)) else ()
    return tuple(channel for channel in rule.channels if channel in named)


def settle(rule: Rule, state: npt.ArrayLike) -> npt.NDArray[Any]:
    """The state (channel, h, w) with auxiliary channels at what they follow.

    state: the channels that are not auxiliary, in the rule's order.
    """
    from equations.backends.reference import step

    given = np.asarray(state)
    held = {rule.channels.index(name): _rate(rule, name) for name in auxiliary_channels(rule)}
    places = [index for index in range(len(rule.channels)) if index not in held]
    full = np.zeros((len(rule.channels), *given.shape[1:]), np.result_type(given.dtype, np.float32))
    full[places] = given
    unmasked = rule.replace(clamp=None, update_rate=1.0)
    for _ in held:  # one may follow another
        change = (step(unmasked, full, step=0, seed=0) - full) / rule.dt
        for index, rate in held.items():
            full[index] += change[index] / rate
    return full


def _rate(rule: Rule, channel: str) -> float:
    """1/τ. Raises InputError where the channel does not follow anything."""
    slope = rule.updates[channel].diff(symbol(channel))
    if not (slope.is_number and float(slope) < 0):
        raise InputError(f"auxiliary channel {channel}: expected an update (f - {channel})/dt, got another")
    return -float(slope)
