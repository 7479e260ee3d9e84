"""The fast backend: one fused kernel per rule, generated from its checked trees and compiled by numba.

Perception, update, mask and clamp happen in one pass over the grid; only the stencils in use are computed,
equal parts once. Rows run in parallel on large grids. No fast-math: the arithmetic is that of the reference,
operation by operation, so polynomial rules give the same bits (but subnormal numbers count as 0).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from equations import guards, mask
from equations.backends import State, Stepper
from equations.backends.subnormals import flush_subnormals, restore_subnormals
from equations.printers.code import NUMBA, print_trees
from equations.rule import Rule
from equations.stencils import feature_name
from equations.tree import to_tree

_PARALLEL_CELLS = 256 * 256  # below this, starting the threads costs more than it brings

_TEMPLATE = """
def advance(source, target, step0, n, seed):
    h, w = source.shape[1], source.shape[2]
    seeded = mix(u32(seed + u32({golden})))
    for index in range(n):
        key = mix(seeded ^ u32(step0 + index))
        for y in prange(h):
            above, below = (y - 1 if y > 0 else h - 1), (y + 1 if y < h - 1 else 0)
            row = mix(key ^ u32(y))
            control = flush_subnormals()
{rows}
            for edge in range(2 if w > 1 else 1):
                x = (w - 1) * edge
                left, right = (x - 1 if x > 0 else w - 1), (x + 1 if x < w - 1 else 0)
{edge}
            for x in range(1, w - 1):
{interior}
            restore_subnormals(control)
        source, target = target, source
    return source
"""


def make_stepper(rule: Rule, dtype: npt.DTypeLike = np.float32) -> Stepper:
    """A stepper of the rule, compiled at its first call (about a second) and kept for later ones."""
    source, real = kernel_source(rule), np.dtype(dtype).name

    def stepper(state: State, step0: int, n: int, seed: int) -> State:
        first = np.array(state, dtype, order="C")
        if n == 0:
            return first
        large = first.shape[1] * first.shape[2] >= _PARALLEL_CELLS
        advance = _compiled(source, real, large and numba.get_num_threads() > 1)
        result: State = advance(first, np.empty_like(first), step0, n, np.uint32(seed))
        return result

    return stepper


@functools.lru_cache(maxsize=64)
def _compiled(source: str, real: str, parallel: bool) -> Callable[..., Any]:
    namespace = dict(_helpers(real), prange=numba.prange if parallel else range)
    exec(compile(source, "<fused kernel>", "exec"), namespace)  # our own text, printed from checked trees
    compiled: Callable[..., Any] = numba.njit(namespace["advance"], parallel=parallel, nogil=True)
    return compiled


def kernel_source(rule: Rule) -> str:
    """The Python source of the kernel of `rule`."""
    rows = [
        f"{name}_{channel} = source[{index}, {row}]"
        for index, channel in enumerate(rule.channels)
        for name, row in (("m", "above"), ("c", "y"), ("p", "below"))
    ]
    rows += [f"out_{channel} = target[{index}, y]" for index, channel in enumerate(rule.channels)]

    def indented(lines: list[str], depth: int) -> str:
        return "\n".join(" " * 4 * depth + line for line in lines)

    return _TEMPLATE.format(
        golden=mask.GOLDEN,
        rows=indented(rows, 3),
        edge=indented(_cell_lines(rule, ("left", "x", "right")), 4),
        interior=indented(_cell_lines(rule, ("x - 1", "x", "x + 1")), 4),
    )


def _cell_lines(rule: Rule, columns: tuple[str, str, str]) -> list[str]:
    """The lines that update one cell; `columns` are the indices of its left, own and right column."""
    lines: list[str] = []
    used = set(rule.used_features)
    for channel in rule.channels:
        for stencil in rule.stencils:
            name = feature_name(channel, stencil.name)
            if name in used:
                parts = []
                for weight, cells in stencil.groups:
                    reads = [f"{'mcp'[dy + 1]}_{channel}[{columns[dx + 1]}]" for _, dy, dx in cells]
                    joined = reads[0] + "".join(
                        f" {'+' if cell[0] > 0 else '-'} {read}"
                        for cell, read in zip(cells[1:], reads[1:], strict=True)
                    )
                    parts.append(joined if weight == 1 else f"{NUMBA.number(weight)} * ({joined})")
                total = "(" + ") + (".join(parts) + ")" if parts else "real(0.0)"
                lines.append(f"f_{name} = {total}")
    names = {name: f"f_{name}" for name in rule.feature_names}
    code = print_trees([to_tree(expr) for expr in rule.expressions], NUMBA, names)
    lines += code.lines
    lines += _mask_lines(rule)
    for index, channel in enumerate(rule.channels):
        lines += _store_lines(rule, index, channel, code.results[index])
    return lines


def _mask_lines(rule: Rule) -> list[str]:
    return [] if mask.threshold(rule.update_rate) > mask.MAX_SEED else ["cell = mix(row ^ u32(x))"]


def _store_lines(rule: Rule, index: int, channel: str, change: str) -> list[str]:
    limit = mask.threshold(rule.update_rate)
    scaled = f"({change})" if rule.dt == 1 else f"real({rule.dt!r}) * ({change})"
    lines = [f"old = c_{channel}[x]", f"new = old + {scaled}"]
    if limit <= mask.MAX_SEED:
        offset = (index + 1) * mask.GOLDEN & 0xFFFFFFFF
        draw = f"mix(u32(cell + u32({offset})))" if rule.mask == "channel" else "cell"
        lines.append(f"new = new if {draw} < u32({limit}) else old")
    if rule.clamp is not None:
        low, high = (NUMBA.number(end) for end in rule.clamp)
        lines.append(f"new = {low} if new < {low} else ({high} if new > {high} else new)")
    return [*lines, f"out_{channel}[x] = new"]


@functools.lru_cache(maxsize=2)
def _helpers(real_name: str) -> dict[str, Any]:
    """The functions that generated code calls, for one float type."""
    real, u32 = np.dtype(real_name).type, np.uint32
    floor, ceiling = real(guards.RECIPROCAL_FLOOR), real(guards.EXP_CEILING)
    zero, one, mix_1, mix_2 = real(0), real(1), u32(mask.MIX_1), u32(mask.MIX_2)
    s15, s16 = u32(15), u32(16)

    def mix(h):  # type: ignore[no-untyped-def]  # numba types it
        h = u32(h ^ (h >> s16))
        h = u32(h * mix_1)
        h = u32(h ^ (h >> s15))
        h = u32(h * mix_2)
        return u32(h ^ (h >> s16))

    def reciprocal_(x):  # type: ignore[no-untyped-def]
        return one / ((-floor if x < zero else floor) if abs(x) < floor else x)

    # comparisons are written so that NaN passes through, as it does in NumPy
    functions = {
        "mix": mix,
        "reciprocal_": reciprocal_,
        "sqrt_": lambda x: math.sqrt(zero if x < zero else x),
        "exp_": lambda x: math.exp(ceiling if x > ceiling else x),
        "max_": lambda a, b: a if (a >= b or a != a) else b,
        "min_": lambda a, b: a if (a <= b or a != a) else b,
        "abs_": lambda x: abs(x),
        "tanh_": lambda x: math.tanh(x),
        "sin_": lambda x: math.sin(x),
        "cos_": lambda x: math.cos(x),
    }
    compiled = {name: numba.njit(function, inline="never") for name, function in functions.items()}
    switches = {"flush_subnormals": flush_subnormals, "restore_subnormals": restore_subnormals}
    return {**compiled, **switches, "real": real, "u32": u32}
