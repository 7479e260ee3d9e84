"""The uniform fixed points of a rule, by Newton's method from many starts, and by algebra where that is cheap.

A step leaves s unchanged where s = clamp(s + f(s)). So the roots of  r(s) = s − clamp(s + f(s))  are the fixed points,
inside the clamp and on its border alike. A semi-smooth Newton method finds them (L. Qi, J. Sun, Mathematical
Programming 58 (1993) 353-367), with the damping of Levenberg and Marquardt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equations.analysis.algebra import solve_uniform
from equations.analysis.jacobian import UniformRule
from equations.rule.rule import Rule
from equations.simulation import first_init

Array = npt.NDArray[Any]
STARTS = 600
MOST = 64  # if more different fixed points than this are found, they form a continuum
_ROUNDS = 60  # Newton steps at most
_RESIDUAL = 1e-9  # a state is a fixed point if the residual is at most this part of the size of its summands
_SAME = 1e-5  # relative to a value, or to a tenth of the range: fixed points closer than this are the same
_SINGULAR = 1e-5  # relative to typical slopes: a Jacobian with a smaller singular value counts as singular
_AFAR = 100.0  # fixed points beyond this multiple of the search range are kept only if algebra confirms them


@dataclass(frozen=True)
class FixedPoint:
    """A uniform state that a step leaves unchanged.

    values: of each channel.
    held: for each channel whether the clamp holds it at its border against an update that pushes outwards.
    residual: the largest |f| over the channels that are not held.
    isolated: False where the Jacobian of uniform states is singular. Then neighbouring states are fixed points too (a
        conserved quantity, a rule without reaction), or two fixed points are about to merge.
    """

    values: tuple[float, ...]
    held: tuple[bool, ...]
    residual: float
    isolated: bool


@dataclass(frozen=True)
class FixedPoints:
    """The result of a search for fixed points.

    points: the fixed points, the nearest to the rule's first state first.
    complete: whether algebra proves that there are no others.
    starts, hits: how many starts were tried, and how many of them ended at a fixed point.
    continuum: whether the fixed points are not isolated; then only one is kept.
    poles: how many were left out because the update divides by 0 there.
    """

    points: tuple[FixedPoint, ...]
    complete: bool
    starts: int
    hits: int
    continuum: bool
    poles: int = 0


def find_fixed_points(rule: Rule, *, starts: int = STARTS, seed: int = 0) -> FixedPoints:
    """The uniform fixed points of a rule, each with its residual checked."""
    uniform = UniformRule(rule)
    low, high = search_range(rule)
    exact = solve_uniform(rule, uniform.sums)
    given = np.vstack([_starts(rule, low, high, starts, seed), *([] if exact is None else [exact])])
    found = _newton(uniform, given)
    scale = np.maximum(high - low, 1e-12)
    near = (np.abs(found - (low + high) / 2) <= _AFAR * scale).all(axis=1)
    found = found[_solved(uniform, found, scale) & (near | (exact is not None and rule.clamp is None))]
    home = np.array(first_init(rule).background)
    order = np.argsort((np.abs(found - home) / scale).sum(axis=1).round(9), kind="stable")
    distinct = np.array(_distinct(found[order], scale)).reshape(-1, len(home))
    poles = uniform.slopes(distinct).pole
    points = [_describe(uniform, state, scale) for state in distinct[~poles]]
    continuum = len(points) > MOST or (len(points) > 2 and not any(point.isolated for point in points))
    if continuum:
        points = points[:1]
    complete = exact is not None and rule.clamp is None and not continuum
    return FixedPoints(tuple(points), complete, len(given), len(found), continuum, int(poles.sum()))


def search_range(rule: Rule) -> tuple[Array, Array]:
    """Lowest and highest value of each channel (C,) to search: the clamp's, or those of the first state, widened."""
    if rule.clamp is not None:
        ends = np.array(rule.clamp)[:, None] * np.ones(len(rule.channels))
        return ends[0], ends[1]
    init = first_init(rule)
    background, amplitude = np.array(init.background), np.array(init.amplitude)
    rows = [background - amplitude, background + amplitude, *([np.array(init.square)] if init.square else [])]
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    size = float(max(np.abs(rows).max(), 0.1))
    return np.minimum(low, 0) - size, np.maximum(high, 0) + size


def _starts(rule: Rule, low: Array, high: Array, count: int, seed: int) -> Array:
    """Starts (n, C): values of the first state, ends of the range, random states in it and of many magnitudes."""
    random, channels = np.random.default_rng(seed), len(low)
    inside = random.uniform(low, high, (count - count // 2, channels))
    sizes = 10 ** random.uniform(-3, 1, (count // 2, 1)) * np.abs(np.vstack([low, high])).max()
    wide = random.normal(size=(count // 2, channels)) * sizes
    if rule.clamp is not None:
        wide = np.clip(wide, low, high)
    init = first_init(rule)
    known = [np.array(init.background), *([np.array(init.square)] if init.square else []), 0 * low, low, high]
    return np.vstack([*known, inside, wide])


def _newton(uniform: UniformRule, states: Array) -> Array:
    """Move states (n, C) by damped Newton steps until their residual no longer falls."""
    states = _clip(uniform.rule, states.astype(float))
    damping, going = np.full(len(states), 1e-3), np.arange(len(states))
    residual, slope = _residual(uniform, states)
    unit = np.eye(states.shape[1])
    for _ in range(_ROUNDS):
        fine = np.isfinite(slope[going]).all(axis=(1, 2)) & np.isfinite(residual[going]).all(axis=1)
        going = going[fine & (damping[going] < 1e6)]
        if not len(going):
            break
        tilt, off = slope[going], residual[going]
        normal = np.einsum("nki,nkj->nij", tilt, tilt)
        size = 1e-12 + np.trace(normal, axis1=1, axis2=2)
        normal += (damping[going] * size + 1e-300)[:, None, None] * unit
        step = np.linalg.solve(normal, -np.einsum("nki,nk->ni", tilt, off)[..., None])[..., 0]
        moved = _clip(uniform.rule, states[going] + step)
        new_residual, new_slope = _residual(uniform, moved)
        better = np.square(new_residual).sum(axis=1) < np.square(off).sum(axis=1)
        damping[going] = np.where(
            better, np.maximum(damping[going] * 0.1, 1e-15), np.maximum(damping[going], 1e-4) * 10
        )
        kept = going[better]
        states[kept], residual[kept], slope[kept] = moved[better], new_residual[better], new_slope[better]
        still = np.abs(step).max(axis=1) <= 1e-15 * (1 + np.abs(moved).max(axis=1))
        going = going[~still]
    return states


def _residual(uniform: UniformRule, states: Array) -> tuple[Array, Array]:
    """The residual r (n, C) and its Jacobian ∂r/∂s (n, C, C)."""
    rule = uniform.rule
    update = uniform.update(states)
    jacobian = uniform.slopes(states).slope @ uniform.sums
    if rule.clamp is None:
        return -update, -jacobian
    aimed = states + update
    clipped = (aimed < rule.clamp[0]) | (aimed > rule.clamp[1])
    return states - np.clip(aimed, *rule.clamp), np.where(clipped[..., None], np.eye(states.shape[1]), -jacobian)


def _solved(uniform: UniformRule, states: Array, scale: Array) -> Array:
    """Which states are fixed points: the residual is small next to its summands, or to its change over the range."""
    residual, _ = _residual(uniform, states)
    found = uniform.slopes(states)
    change = np.einsum("ncds,s,d->nc", np.abs(found.slope), np.abs(uniform.sums), scale).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        least = np.maximum(_RESIDUAL * np.maximum(found.size, 1e-12), 1e-3 * _RESIDUAL * change)
        solved: Array = (np.abs(residual) <= least).all(axis=1)
    return solved & np.isfinite(states).all(axis=1)


def _distinct(states: Array, scale: Array) -> list[Array]:
    kept: list[Array] = []
    for state in states:
        if all((np.abs(state - other) > _SAME * np.maximum(np.abs(state), 0.1 * scale)).any() for other in kept):
            kept.append(state)
        if len(kept) > MOST:
            break
    return kept


def _describe(uniform: UniformRule, state: Array, scale: Array) -> FixedPoint:
    rule = uniform.rule
    state = np.where(np.abs(state) < 1e-11, 0.0, state)  # −3e-17 means 0
    update = uniform.update(state[None])[0]
    found = uniform.slopes(state[None])
    slope, size = found.slope[0], found.size[0]
    held = [False] * len(state)
    if rule.clamp is not None:
        low, high = rule.clamp
        push = np.abs(update) > 1e-9 * np.maximum(size, 1e-12)
        held = list(push & (((state <= low) & (update < 0)) | ((state >= high) & (update > 0))))
    moving = ~np.array(held)
    jacobian = (slope @ uniform.sums)[np.ix_(moving, moving)]
    strengths = np.linalg.svd(jacobian, compute_uv=False) if moving.any() else np.ones(1)
    usual = max(float(np.abs(jacobian).max(initial=0)), float((size / scale).max()))
    isolated = bool(strengths.min() > _SINGULAR * max(usual, 1e-12))
    residual = float(np.abs(update[moving]).max(initial=0))
    return FixedPoint(tuple(map(float, state)), tuple(map(bool, held)), residual, isolated)


def _clip(rule: Rule, states: Array) -> Array:
    return states if rule.clamp is None else np.clip(states, *rule.clamp)
