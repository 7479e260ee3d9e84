"""Random expressions and rules for the tests of `equations`."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.rule.stencils import STENCILS, Stencil, feature_names

CHANNELS = ("u", "v")
SET = tuple(STENCILS[name] for name in ("id", "lap", "dx", "f7"))
NAMES = feature_names(CHANNELS, SET)

finite = st.floats(-100, 100, allow_nan=False, allow_infinity=False)
numbers = st.one_of(
    st.integers(-50, 50),
    finite,
    st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda pq: ["Rational", *pq]),
    st.sampled_from([1e-20, -3.3e-7, 0.1, 1 / 3, 1e12, 0.0, 1.0, -1.0, -0.0]),
)
leaves = st.one_of(st.sampled_from(NAMES), numbers)


def _grow(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    unary = st.sampled_from(["Abs", "Tanh", "Exp", "Sin", "Cos", "Sqrt", "Negate", "Relu"])
    many = st.sampled_from(["Add", "Multiply", "Max", "Min"])
    return st.one_of(
        st.builds(lambda op, a: [op, a], unary, children),
        st.builds(lambda op, args: [op, *args], many, st.lists(children, min_size=2, max_size=4)),
        st.builds(lambda op, a, b: [op, a, b], st.sampled_from(["Subtract", "Divide"]), children, children),
        st.builds(lambda a, n: ["Power", a, n], children, st.sampled_from([-2, -1, 0, 1, 2, 3, 0.5, -0.5])),
    )


trees = st.recursive(leaves, _grow, max_leaves=12)
colour_trees = st.recursive(st.one_of(st.sampled_from(CHANNELS), numbers), _grow, max_leaves=12)


def in_colours(rule: Rule, red: str, green: str, blue: str) -> Rule:
    """The rule with colours that are given as infix text of its channels."""
    from equations.expressions.infix import parse_infix

    texts = {"r": red, "g": green, "b": blue}
    return rule.replace(display=Display(colours={n: parse_infix(t, rule.channels) for n, t in texts.items()}))


def make_rule(updates: dict[str, Any], stencils: tuple[Stencil, ...] = SET, **settings: Any) -> Rule:
    """A rule of the given updates (infix text or SymPy), with noise as its initial state."""
    from equations.expressions.infix import parse_infix

    channels = tuple(updates)
    names = feature_names(channels, stencils)
    parsed = {c: parse_infix(e, names) if isinstance(e, str) else e for c, e in updates.items()}
    settings.setdefault("init", Init("noise", (0.1,) * len(channels), (1.0,) * len(channels)))
    settings.setdefault("display", Display(channels[:1]))
    return Rule(channels=channels, stencils=stencils, updates=parsed, **settings)


def features(shape: tuple[int, ...] = (9, 11), dtype: type = np.float64, seed: int = 0) -> np.ndarray:
    """Random features for NAMES, negative ones, zeros and large ones among them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(NAMES), *shape)) * rng.choice([1e-12, 0.1, 1.0, 30.0], size=(len(NAMES), *shape))
    values[rng.random(values.shape) < 0.05] = 0
    return values.astype(dtype)
