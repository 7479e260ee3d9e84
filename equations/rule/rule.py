"""The `Rule`: a closed-form local update rule as frozen data, and all that a simulation needs to know.

One step is `s ← clamp(s + dt · mask · f(perceive(s)))`, with `f` given per channel as a SymPy expression of
the features: channel `u` through stencil `lap` is `u_lap`, through `id` just `u`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sympy import Expr

from equations.errors import InputError, shorten
from equations.expressions.terms import count_terms
from equations.expressions.tree import canonical, names_in
from equations.frozen import FrozenMapping, frozen_json
from equations.rule.checks import check_channels, check_clamp, check_expression, check_stencils, finite
from equations.rule.colours import Display
from equations.rule.init import Init
from equations.rule.mask import MAX_SEED, threshold
from equations.rule.stencils import Stencil, feature_names
from equations.rule.symbols import check_name

MAX_CANDIDATES = 1000
MAX_DT = 1e12  # in any unit of time


@dataclass(frozen=True)
class Candidate:
    """One equation on a Pareto front.

    complexity: the size of the expression, as counted by `expressions.terms.complexity`.
    loss: the mean square error on held-out samples.
    engine: the name of the regression engine that found it.
    terms: the number of additive terms.

    Raises InputError for a loss that is not finite and for counts that are no whole numbers from 0 up.
    """

    complexity: int
    loss: float
    expr: Expr
    engine: str
    terms: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "expr", canonical(self.expr))
        object.__setattr__(self, "loss", finite(self.loss, "candidate loss"))
        for name in ("complexity", "terms"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**9:
                raise InputError(f"candidate: expected {name} to be a whole number, got {shorten(value)}")
        if not isinstance(self.engine, str):
            raise InputError(f"candidate: expected the engine's name, got {shorten(self.engine)}")


@dataclass(frozen=True, eq=False)
class Rule:
    """A local update rule. Raises InputError for anything that could not be simulated.

    channels: their names.
    stencils: the kernels that every channel is seen through.
    updates: channel → expression of the features, in state per unit of dt.
    dt: the time step.
    clamp: the range (low, high) that states are clipped to after each step; None: no clipping.
    update_rate: the probability that a cell is updated in a step, in (0, 1].
    mask: "cell": one draw per cell; "channel": one draw per cell and channel.
    boundary: "periodic".
    init: how simulations start.
    display: how states become pictures.
    provenance, metrics: JSON data.
    fronts: channel → candidates.

    provenance, metrics and fronts do not change what the rule does: they are not part of equality or hash.
    """

    channels: tuple[str, ...]
    stencils: tuple[Stencil, ...]
    updates: Mapping[str, Expr]
    dt: float = 1.0
    clamp: tuple[float, float] | None = None
    update_rate: float = 1.0
    mask: Literal["cell", "channel"] = "cell"
    boundary: Literal["periodic"] = "periodic"
    init: Init | None = None
    display: Display | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    fronts: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._set("channels", check_channels(self.channels))
        self._set("stencils", check_stencils(self.stencils))
        names = self.feature_names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"two features would be called {twice!r}; rename a channel or a stencil")
        for name in names:
            check_name(name, "feature")
        self._set("updates", _check_updates(self.updates, self.channels, names))
        self._set("fronts", _check_fronts(self.fronts, self.channels, names))
        self._check_settings()
        self._set("provenance", frozen_json(self.provenance, "provenance"))
        self._set("metrics", frozen_json(self.metrics, "metrics"))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_settings(self) -> None:
        self._set("dt", finite(self.dt, "dt"))
        if not 0 < self.dt <= MAX_DT:
            raise InputError(f"expected dt above 0 and at most {MAX_DT:g}, got {self.dt}")
        if self.clamp is not None:
            self._set("clamp", check_clamp(self.clamp))
        self._set("update_rate", finite(self.update_rate, "update_rate"))
        if threshold(self.update_rate) == 0:
            raise InputError(f"expected an update_rate above 0 and at most 1, got {self.update_rate}")
        if self.mask not in ("cell", "channel"):
            raise InputError(f'expected mask "cell" or "channel", got {shorten(self.mask)}')
        if self.boundary != "periodic":
            raise InputError(f'expected boundary "periodic", the only one there is, got {shorten(self.boundary)}')
        if self.init is not None and len(self.init.background) != len(self.channels):
            raise InputError(
                f"the init describes {len(self.init.background)} channels, but the rule has {len(self.channels)}"
            )
        if self.display is not None:
            self._set("display", self.display.check(self.channels, self.feature_names))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """All features, channel-major: for each channel, for each stencil."""
        return feature_names(self.channels, self.stencils)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The updates in channel order."""
        return tuple(self.updates[channel] for channel in self.channels)

    @property
    def used_features(self) -> tuple[str, ...]:
        """The features that occur in an update, in feature order."""
        used = frozenset().union(*map(names_in, self.expressions))
        return tuple(name for name in self.feature_names if name in used)

    @property
    def dx(self) -> float:
        """The width of a cell: "dx" in the provenance (known models have it), else 1. Kernels already include it."""
        noted = self.provenance.get("dx")
        return float(noted) if isinstance(noted, (int, float)) and 0 < noted <= 1e300 else 1.0

    @property
    def masked(self) -> bool:
        """Whether a cell may skip a step."""
        return threshold(self.update_rate) <= MAX_SEED

    def terms(self) -> dict[str, int]:
        """The number of additive terms of each channel's update."""
        return {channel: count_terms(self.updates[channel]) for channel in self.channels}

    def replace(self, **changes: Any) -> Rule:
        """A copy with some fields changed, validated again."""
        return dataclasses.replace(self, **changes)

    def _repr_html_(self) -> str:
        """A picture beside the typeset equations, for notebooks."""
        from equations.notebook import rule_html

        return rule_html(self)

    def _repr_latex_(self) -> str:
        """The equations in LaTeX, for notebooks."""
        from equations.notebook import rule_latex

        return rule_latex(self)

    def _identity(self) -> tuple[Any, ...]:
        return (
            self.channels, self.stencils, self.expressions, self.dt, self.clamp,
            self.update_rate, self.mask, self.boundary, self.init, self.display,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, Rule) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())


def _check_updates(updates: object, channels: tuple[str, ...], features: tuple[str, ...]) -> FrozenMapping[str, Expr]:
    if not isinstance(updates, Mapping) or set(updates) != set(channels):
        got = ", ".join(map(str, updates)) if isinstance(updates, Mapping) else shorten(updates)
        raise InputError(f"expected one update for each channel ({', '.join(channels)}), got {got or 'none'}")
    return FrozenMapping({name: check_expression(updates[name], features, f'update of "{name}"') for name in channels})


def _check_fronts(
    fronts: object, channels: tuple[str, ...], features: tuple[str, ...]
) -> FrozenMapping[str, tuple[Candidate, ...]]:
    if not isinstance(fronts, Mapping):
        raise InputError(f"expected fronts to map channels to candidates, got {shorten(fronts)}")
    for name, front in fronts.items():
        if name not in channels or len(front) > MAX_CANDIDATES:
            raise InputError(
                f"fronts: expected channels of the rule, ≤ {MAX_CANDIDATES} candidates; got {shorten(name)}"
            )
        for candidate in front:
            unknown = sorted(names_in(candidate.expr) - set(features))
            if unknown:
                raise InputError(f'a candidate for "{name}" uses {unknown[0]}, which is not a feature of the rule')
    return FrozenMapping({name: tuple(fronts[name]) for name in channels if name in fronts})
