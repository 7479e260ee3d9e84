"""A differential equation in another unit of length: the same patterns, larger or smaller."""

from __future__ import annotations

import math

from sympy import Expr

from equations.errors import InputError, shorten
from equations.expressions.tree import canonical
from equations.rule.auxiliary import auxiliary_channels
from equations.rule.rule import Rule
from equations.rule.stencils import Stencil, feature_name
from equations.rule.symbols import symbol

LARGEST = 16.0  # zoom by at most this, and at least its inverse
_TOLERANCE = 1e-6  # relative to the largest weight: kernels are rounded to decimals


def zoomed(rule: Rule, factor: float) -> Rule:
    """The rule whose patterns are `factor` times as large, from the same equation ∂s/∂t = F(s, ∇s, ∇²s).

    A drift is multiplied by factor and a diffusion by factor², since lengths are counted in cells. An explicit step is
    stable only while dt · D is small, so for a factor above 1 the time step is divided by `substeps`; as many
    more steps take the same time.

    Raises InputError for a factor outside 1/16 to 16, and for a rule that is no differential equation: one with a
    random mask, or one that looks at its neighbours through a stencil that is no derivative.
    """
    if not (isinstance(factor, (int, float)) and math.isfinite(factor) and 1 / LARGEST <= factor <= LARGEST):
        raise InputError(f"zoom: expected a factor from 1/{LARGEST:g} to {LARGEST:g}, got {shorten(factor)}")
    if rule.masked:
        raise InputError(
            f"zoom: expected a differential equation, got a rule whose cells take a step with probability "
            f"{rule.update_rate:g}; an automaton's patterns have one size"
        )
    used = {str(name) for expr in rule.expressions for name in expr.free_symbols}
    scales: dict[Expr, Expr] = {}
    for stencil in rule.stencils:
        names = [name for channel in rule.channels if (name := feature_name(channel, stencil.name)) in used]
        if not names:
            continue
        order = derivative_order(stencil)
        if order is None:
            raise InputError(
                f"zoom: expected a differential equation, got a rule that uses {names[0]}, and the stencil "
                f"{stencil.name} is no first or second derivative; an automaton's patterns have one size"
            )
        scales |= {symbol(name): factor**order * symbol(name) for name in names if order}
    updates: dict[str, Expr] = {c: canonical(expr.xreplace(scales)) for c, expr in rule.updates.items()}
    steps = substeps(rule, factor)
    for channel in auxiliary_channels(rule):  # they still have their values after every step
        updates[channel] = canonical(steps * updates[channel])
    return rule.replace(updates=updates, dt=rule.dt / steps, fronts={}, metrics={})


def _is_held(rule: Rule, channel: str) -> bool:
    """Whether the channel's update is (f - s)/dt, so that it has the value f after every step."""
    slope = rule.updates[channel].diff(symbol(channel))
    return bool(slope.is_number and math.isclose(float(slope), -1 / rule.dt, rel_tol=1e-6))


def substeps(rule: Rule, factor: float) -> int:
    """So many steps of the zoomed rule take the time of one step of the rule itself: factor to its highest order."""
    return max(1, math.ceil(factor ** max(2, _highest_order(rule)) - 1e-9))


def _highest_order(rule: Rule) -> int:
    """The highest order of a derivative in the equation.

    What looks at a channel that `_is_held` through a stencil sees a derivative of the channel's value f. So the fourth
    order of Swift-Hohenberg is written as the Laplacian of a Laplacian.
    """
    order_of = {
        feature_name(channel, stencil.name): (channel, derivative_order(stencil) or 0)
        for channel in rule.channels
        for stencil in rule.stencils
    }
    own = dict.fromkeys(rule.channels, 0)
    highest = 0
    for _ in rule.channels:  # a chain of such channels is at most this long
        for channel, expr in rule.updates.items():
            orders = [own[source] + order for name in expr.free_symbols for source, order in [order_of[str(name)]]]
            highest = max([highest, *orders])
            if _is_held(rule, channel):
                own[channel] = max(orders)
    return highest


def derivative_order(stencil: Stencil) -> int | None:
    """0 for the cell itself, 1 for a first and 2 for a second derivative, in any direction; None for anything else.

    A first derivative changes its sign under a half turn, a second one does not, and both have weights of sum 0.
    The cell itself may be sharpened, u − ∇²u/12, which makes up for the width of cells: weights of sum 1, more than 1
    in the middle.
    """
    kernel = [weight for row in stencil.kernel for weight in row]
    slack = _TOLERANCE * max(map(abs, kernel))
    around, turned = [*kernel[:4], *kernel[5:]], kernel[::-1]
    if all(abs(weight) <= slack for weight in around):
        return 0
    if all(abs(a + b) <= slack for a, b in zip(kernel, turned, strict=True)):
        return 1
    even = all(abs(a - b) <= slack for a, b in zip(kernel, turned, strict=True))
    if even and kernel[4] > 1 and abs(sum(kernel) - 1) <= 9 * slack:
        return 0
    return 2 if even and abs(sum(kernel)) <= 9 * slack else None
