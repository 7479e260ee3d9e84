"""Remove from a rule the channels that no displayed channel depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from equations.errors import InputError
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name


def visible_channels(rule: Rule, shown: Collection[str]) -> frozenset[str]:
    """The channels `shown`, and all channels that they depend on, directly or through others."""
    owner = {feature_name(c, s.name): c for c in rule.channels for s in rule.stencils}
    needs = {c: {owner[str(s)] for s in rule.updates[c].free_symbols} for c in rule.channels}
    found, waiting = set(shown), list(shown)
    while waiting:
        added = needs[waiting.pop()] - found
        found |= added
        waiting += added
    return frozenset(found)


def drop_unseen(rule: Rule) -> Rule:
    """The rule without the channels that its display does not depend on, and without its fronts.

    A rule without such channels is returned as it is. The noise of first states is drawn by channel number: channels
    after a removed one get different noise of the same distribution, and different draws of a mask per channel.
    """
    if rule.display is None:
        return rule
    seen = visible_channels(rule, rule.display.channels)
    kept = [i for i, channel in enumerate(rule.channels) if channel in seen]
    if len(kept) == len(rule.channels):
        return rule
    names = tuple(rule.channels[i] for i in kept)
    init = None if rule.init is None else _select_channels(rule.init, kept)
    updates = {name: rule.updates[name] for name in names}
    return rule.replace(channels=names, updates=updates, init=init, fronts={})


def places_in(rule: Rule, channels: Sequence[str]) -> list[int]:
    """The index in `channels` of each channel of the rule. Raises InputError when one is missing there."""
    unknown = [channel for channel in rule.channels if channel not in channels]
    if unknown:
        raise InputError(f"expected a rule over {', '.join(channels)}, got one with the channel {unknown[0]}")
    return [list(channels).index(channel) for channel in rule.channels]


def _select_channels(init: Init, kept: Sequence[int]) -> Init:
    def part(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(values[i] for i in kept) if values else values

    return dataclasses.replace(
        init, background=part(init.background), amplitude=part(init.amplitude), square=part(init.square)
    )
