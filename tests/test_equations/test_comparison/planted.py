"""Known models in disguise, and rules that are none."""

from __future__ import annotations

import numpy as np

from equations import models
from equations.comparison import in_units
from equations.expressions.infix import parse_infix
from equations.rule.rule import Display, Rule
from equations.rule.stencils import nca_stencils

SCALES = (2.5, 0.3, 1.7)


def disguised(name: str, preset: str | None = None, *, seed: int = 0) -> Rule:
    """A model with its channels renamed, in another order, u → 2.5 u, v → 0.3 v; without its clamp: no rule has two."""
    rule = models.load(name).rule(preset)
    order = list(np.random.default_rng(seed).permutation(rule.channels)) if seed else list(rule.channels[::-1])
    names = {channel: f"q{i}" for i, channel in enumerate(rule.channels)}
    scales = dict(zip(rule.channels, SCALES, strict=False))
    return in_units(rule.replace(clamp=None), scales, names, [str(c) for c in order])


def changed(rule: Rule, **updates: str) -> Rule:
    """The rule with other updates, written in its own features."""
    return rule.replace(updates={**rule.updates, **{c: parse_infix(t, rule.feature_names) for c, t in updates.items()}})


def texture_rule(seed: int = 0, channels: int = 8, terms: int = 14) -> Rule:
    """A rule such as distilling an automaton gives: many channels, absolute values, slopes, a mask, a clamp."""
    rng = np.random.default_rng(seed)
    names = ("r", "g", "b", *(f"h{i}" for i in range(3, channels)))
    features = [n if s == "id" else f"{n}_{s}" for n in names for s in ("id", "lap", "dx", "dy")]
    pool = [*features, *(f"abs({f})" for f in features)]

    def update(own: str) -> str:
        drawn = rng.choice(pool, terms, replace=False)
        return f"-0.1*{own} + " + " + ".join(f"{rng.normal(0, 0.1):.5f}*{term}" for term in drawn)

    return Rule(
        channels=names,
        stencils=nca_stencils(4),
        updates={name: parse_infix(update(name), features) for name in names},
        update_rate=0.5,
        clamp=(-1.0, 1.0),
        display=Display(names[:3]),
    )
