"""A rule as LLVM code: one fused kernel, with perception, update, mask and clamp in one pass.

The code is written as text and compiled as it is; through a compiler of Python, a rule of 12 channels took 24 s. Only
the stencils in use are computed, common parts are computed once, and neighbours are loaded once. The inner loop
computes as many cells at a time as fill a register and has no branch; the edge columns have their own loop, cell by
cell. Every operation is explicit, also whether a product and a sum are rounded together, so that a cell gets the same
bits wherever it lies and on any number of threads. Subnormal numbers count as 0. Channels are numbered: the rule's own
names never become names of values.
"""

from __future__ import annotations

import functools

from equations.backends import Real
from equations.backends.llvm.driver import RUN
from equations.backends.llvm.instructions import Instructions, indent
from equations.backends.llvm.perceive import Perceiver
from equations.backends.llvm.schedule import evaluate
from equations.backends.llvm.skeleton import CELLS, FUNCTIONS, TEMPLATE
from equations.backends.llvm.system import DECLARED
from equations.divergence import limit_of
from equations.expressions.lowering import Node, lower
from equations.expressions.tree import to_tree
from equations.rule import mask
from equations.rule.rule import Rule


@functools.lru_cache(maxsize=16)
def kernel_ir(rule: Rule, real: Real, fused: bool = True, lanes: int = 1) -> str:
    """LLVM assembly of the kernel of `rule`, with the entry `run` of `driver`.

    fused: a product and the sum that it goes into are rounded once, not twice.
    lanes: cells that the inner loop computes at a time.
    """
    loops, declared = [], dict.fromkeys([DECLARED])  # each declaration once
    lowered = lower([to_tree(expr) for expr in rule.expressions])
    for name, left, right, count in (("interior", "-1", "1", lanes), ("edge", "%left", "%right", 1)):
        code = Instructions(real, fused, count)
        _write_cell(rule, lowered, code, {-1: left, 0: "0", 1: right})
        declared[FUNCTIONS.substitute(kind=code.kind, suffix=code.suffix)] = None
        loops.append(
            CELLS.substitute(
                name=name,
                rows=_row_lines(rule, code.element),
                body=indent(code.lines),
                lanes=count,
                lanes_less=count - 1,
                real=code.element,
                bytes=code.align,
                attributes="noinline optsize" if name == "edge" else "noinline",
            )
        )
    return TEMPLATE.substitute(
        declared="\n".join(declared),
        cells="\n".join(loops),
        run=RUN.substitute(channels=len(rule.channels), real=code.element, lanes=lanes),
    )


def _row_lines(rule: Rule, kind: str) -> str:
    """Pointers to the rows of every channel, above, at and below the present one, and to the row written."""
    lines = []
    for index in range(len(rule.channels)):
        lines.append(f"%plane_{index} = mul i64 %plane, {index}")
        for name in ("above", "row", "below"):
            lines.append(f"%at_{name}_{index} = add i64 %plane_{index}, %{name}")
            lines.append(f"%{name}_{index} = getelementptr {kind}, ptr %source, i64 %at_{name}_{index}")
        lines.append(f"%out_plane_{index} = mul i64 %out_plane, {index}")
        lines.append(f"%at_out_{index} = add i64 %out_plane_{index}, %out_row")
        lines.append(f"%out_{index} = getelementptr {kind}, ptr %target, i64 %at_out_{index}")
    return indent(lines)


def _write_cell(rule: Rule, lowered: tuple[list[Node], list[int]], code: Instructions, shifts: dict[int, str]) -> None:
    """The code of one cell: from the state around `%x` to the new state there, and `%bad_here`.

    shifts: as for `Perceiver`.
    """
    perceiver = Perceiver(rule, code, shifts)
    changes = evaluate(*lowered, perceiver.features(), code)
    drawn = _draw(rule, code)
    bad = "zeroinitializer"
    for index in range(len(rule.channels)):
        new = _new_value(rule, code, index, perceiver.cell(index, 0, 0), changes[index], drawn)
        code.store(new, f"%out_{index}", "%x")
        beyond = code.add(f"fcmp ugt {code.kind} {code.absolute(new)}, {code.number(limit_of(rule))}")
        bad = code.add(f"or {code.bit} {bad}, {beyond}")
    code.lines.append(f"%bad_here = bitcast {code.bit} {bad} to i{code.lanes}")


def _draw(rule: Rule, code: Instructions) -> str:
    """The hash of this cell, or an empty string where every cell is updated."""
    if not rule.masked:
        return ""
    place = code.add("getelementptr i32, ptr %xs, i64 %x")
    column = code.add(f"load {code.words}, ptr {place}, align 4")
    word = code.add(f"xor {code.words} {code.fill('i32', '%key')}, {column}")
    return code.mix(word)


def _new_value(rule: Rule, code: Instructions, index: int, old: str, change: str, drawn: str) -> str:
    new = code.product_sum(code.number(rule.dt), change, old)
    if drawn:
        if rule.mask == "channel":
            own = code.word((index + 1) * mask.GOLDEN & 0xFFFFFFFF)
            drawn = code.mix(code.add(f"add {code.words} {drawn}, {own}"))
        on = code.add(f"icmp ult {code.words} {drawn}, {code.word(mask.threshold(rule.update_rate))}")
        new = code.select(on, new, old)
    if rule.clamp is not None:
        new = code.clip(new, *(code.number(end) for end in rule.clamp))
    return new
