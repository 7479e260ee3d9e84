"""Channels that nobody sees: found through all that the shown ones depend on, and dropped; the rest stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from equations.errors import InputError
from equations.rule.init import Init
from equations.rule.reduce import drop_unseen, places_in, visible_channels
from equations.rule.rule import Display, Rule
from equations.simulation import simulate
from tests.test_distill.teachers import planted

UPDATES = {"a": "0.1*b_lap - 0.1*a", "b": "0.2*abs(d) - 0.1*b", "c": "0.3*a - 0.2*c", "d": "-0.1*d + 0.05", "e": "c*e"}


def rule(**settings: object) -> Rule:
    init = Init("square", (0.1, 0.2, 0.3, 0.4, 0.5), (0.0,) * 5, square=(0.5, 0.4, 0.3, 0.2, 0.1))
    return planted(UPDATES, **{"init": init, "display": Display(("a",)), **settings})


def test_a_channel_is_seen_through_others() -> None:
    assert visible_channels(rule(), ["a"]) == {"a", "b", "d"}
    assert visible_channels(rule(), ["c"]) == {"a", "b", "c", "d"}
    assert visible_channels(rule(), ["e"]) == {"a", "b", "c", "d", "e"}
    assert visible_channels(rule(), []) == frozenset()


def test_what_is_seen_does_not_change() -> None:
    whole, bare = rule(), drop_unseen(rule())
    assert bare.channels == ("a", "b", "d")
    assert bare.init == Init("square", (0.1, 0.2, 0.4), (0.0,) * 3, square=(0.5, 0.4, 0.2))
    assert bare.expressions == tuple(whole.updates[name] for name in bare.channels)
    kept = places_in(bare, whole.channels)
    assert kept == [0, 1, 3]
    wanted = simulate(whole, size=12, steps=30, seed=0, backend="reference")[-1][kept]
    np.testing.assert_array_equal(simulate(bare, size=12, steps=30, seed=0, backend="reference")[-1], wanted)
    assert np.ptp(wanted[0]) > 0.01


def test_a_rule_without_a_display_or_without_idle_channels_stays_itself() -> None:
    plain = rule(display=None)
    assert drop_unseen(plain) is plain
    busy = rule(display=Display(("e",)))
    assert drop_unseen(busy) is busy


def test_a_strange_channel_is_named() -> None:
    with pytest.raises(InputError, match="expected a rule over a, b, got one with the channel c"):
        places_in(rule(), ["a", "b"])
