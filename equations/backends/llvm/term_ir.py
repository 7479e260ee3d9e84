"""The code of a rule whose constants are arguments: a step, and the step's derivative, on padded planes.

A plane holds (h + 2) rows of `stride` = w + 2 numbers, which is the grid with a halo, and some slack. All three loops
run over whole rows from the first cell to the last, `LANES` cells at a time. What they write into the halo is then
overwritten by `wrap`, and does not count in the gradient because the mask is 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from equations.backends.llvm.instructions import Instructions, indent
from equations.backends.llvm.jit import rounds_once
from equations.backends.llvm.loops import loop
from equations.backends.llvm.perceive import ROWS, Perceiver
from equations.backends.llvm.reverse import adjoints
from equations.backends.llvm.schedule import evaluate_all
from equations.backends.llvm.skeleton import FUNCTIONS
from equations.backends.llvm.term_text import TEMPLATE
from equations.expressions.lowering import lower
from equations.expressions.tree import to_tree
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name

LANES = 16


def seen_features(rule: Rule) -> tuple[tuple[int, str], ...]:
    """(channel's number, stencil) of the features in use, without the state itself; each has a plane in `seen`."""
    used = set(rule.used_features)
    return tuple(
        (index, stencil.name)
        for index, channel in enumerate(rule.channels)
        for stencil in rule.stencils
        if stencil.name != "id" and feature_name(channel, stencil.name) in used
    )


def term_ir(rule: Rule, bases: Sequence[Expr], terms: Sequence[tuple[int, int]]) -> str:
    """LLVM assembly with the entries `ENTRIES`. `terms`: (channel, basis), each with a constant in `theta`.

    rule: gives channels, stencils, dt and clamp; its updates use the features that the bases use, and no others.
    """
    vector = Instructions("float32", True, LANES)
    return TEMPLATE.substitute(
        functions=FUNCTIONS.substitute(kind=vector.kind, suffix=vector.suffix),
        forward=_forward(rule, bases, terms),
        backward=_backward(rule, bases, terms),
        gather=_gather(rule),
        channels=len(rule.channels),
        seen_planes=max(1, len(seen_features(rule))),
    )


class _Cell(Instructions):
    """The code of one loop over the cells, with access to constants and planes."""

    def __init__(self) -> None:
        super().__init__("float32", rounds_once(), LANES)
        self.before: list[str] = []  # before the loop

    def pointer(self, name: str, base: str, plane: str, index: int, rows: int = 0) -> None:
        """Before the loop: `name` points to the first cell of plane `index`, or to the row below or above that cell."""
        self.before += [
            f"{name}_a = mul i64 {plane}, {index}",
            f"{name}_b = mul i64 %stride, {1 + rows}",
            f"{name}_c = add i64 {name}_a, {name}_b",
            f"{name} = getelementptr float, ptr {base}, i64 {name}_c",
        ]

    def widen(self, name: str, scalar: str) -> None:
        """Before the loop: `name` is the number `scalar` in all lanes."""
        self.before += [
            f"{name}_head = insertelement {self.kind} poison, float {scalar}, i64 0",
            f"{name} = shufflevector {self.kind} {name}_head, {self.kind} poison, <{self.lanes} x i32> zeroinitializer",
        ]

    def constant(self, term: int) -> str:
        """Constant number `term` in all lanes."""
        place = self.add(f"getelementptr float, ptr %theta, i64 {term}")
        return self.fill("float", self.add(f"load float, ptr {place}"))

    def function_body(self) -> str:
        """The whole function body: %x runs over the cells, from the first of a row on."""
        body = indent([*self.lines, f"%next = add i64 %x, {self.lanes}"])
        cells = loop("loop", "x", "1", "slt i64 %next, %cells", body, following="next")
        return f"start:\n{indent(self.before)}\n{cells}\n  ret i64 0"


class _Step:
    """The code that forward and backward share: the values of all bases, and the mask of every channel."""

    def __init__(self, rule: Rule, bases: Sequence[Expr]) -> None:
        self.rule, self.code = rule, _Cell()
        for index in range(len(rule.channels)):
            for offset, name in ROWS.items():
                self.code.pointer(f"%{name}_{index}", "%source", "%plane", index, offset)
            self.code.pointer(f"%mask_{index}", "%mask", "%mask_plane", index)
        self.code.widen("%bound", "%bound_one")
        self.perceiver = Perceiver(rule, self.code, {-1: "-1", 0: "0", 1: "1"})
        self.nodes, self.outputs = lower([to_tree(basis) for basis in bases])
        features = list(self.perceiver.features())
        self.values = evaluate_all(self.nodes, self.outputs, features, self.code)

    def change(self, channel: int) -> str:
        """dt · mask at this cell."""
        mask, dt = self.code.load(f"%mask_{channel}", "%x"), self.rule.dt
        return mask if dt == 1 else self.code.op("fmul", self.code.number(dt), mask)


def _by_basis(terms: Sequence[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """(number, (channel, basis)) of every term; the terms of one basis follow each other."""
    return sorted(enumerate(terms), key=lambda item: item[1][1])


def _forward(rule: Rule, bases: Sequence[Expr], terms: Sequence[tuple[int, int]]) -> str:
    step = _Step(rule, bases)
    code = step.code
    totals: dict[int, str] = {}
    for number, (at, basis) in _by_basis(terms):
        value, constant = step.values[step.outputs[basis]], code.constant(number)
        total = totals.get(at)
        totals[at] = code.op("fmul", constant, value) if total is None else code.product_sum(constant, value, total)
    for index in range(len(rule.channels)):
        code.pointer(f"%to_{index}", "%target", "%plane", index)
        new = step.perceiver.cell(index, 0, 0)
        if index in totals:
            new = code.product_sum(step.change(index), totals[index], new)
        if rule.clamp is not None:
            new = code.clip(new, *(code.number(end) for end in rule.clamp))
        new = code.clip(new, code.function("neg", "%bound"), "%bound")
        code.store(new, f"%to_{index}", "%x")
    return code.function_body()


def _backward(rule: Rule, bases: Sequence[Expr], terms: Sequence[tuple[int, int]]) -> str:
    step = _Step(rule, bases)
    code = step.code
    code.widen("%limit", "%limit_one")
    code.widen("%excess", "%excess_one")
    kept, moved = [], []
    for index in range(len(rule.channels)):
        adjoint = _inside(rule, code, index)
        kept.append(adjoint)
        moved.append(code.op("fmul", step.change(index), adjoint))
    outputs: dict[int, str] = {}
    for number, (at, basis) in _by_basis(terms):
        output, constant, place = step.outputs[basis], code.constant(number), str(number * LANES)
        code.store(code.product_sum(moved[at], step.values[output], code.load("%sums", place)), "%sums", place)
        known = outputs.get(output)
        share = code.op("fmul", constant, moved[at])
        outputs[output] = share if known is None else code.product_sum(constant, moved[at], known)
    features = adjoints(step.nodes, step.values, outputs, code)
    for index, channel in enumerate(rule.channels):
        total = kept[index]
        if channel in features:
            total = code.op("fadd", total, features[channel])
        code.store(total, f"%adjoint_{index}", "%x")
    for number, (at, stencil) in enumerate(seen_features(rule)):
        code.pointer(f"%seen_{number}", "%seen", "%plane", number)
        code.store(features[feature_name(rule.channels[at], stencil)], f"%seen_{number}", "%x")
    return code.function_body()


def _inside(rule: Rule, code: _Cell, index: int) -> str:
    """The adjoint of the new state before clamp and bound, with the penalty on what lies beyond the limit."""
    code.pointer(f"%after_{index}", "%after", "%plane", index)
    code.pointer(f"%adjoint_{index}", "%adjoint", "%plane", index)
    after, adjoint, zero = code.load(f"%after_{index}", "%x"), code.load(f"%adjoint_{index}", "%x"), code.number(0)
    size = code.absolute(after)
    adjoint = code.either("olt", size, "%bound", adjoint, zero)
    penalty = code.op("fmul", "%excess", code.sign(after))
    adjoint = code.op("fadd", adjoint, code.either("ogt", size, "%limit", penalty, zero))
    if rule.clamp is not None:
        low, high = (code.number(end) for end in rule.clamp)
        adjoint = code.either("ogt", after, low, code.either("olt", after, high, adjoint, zero), zero)
    return adjoint


def _gather(rule: Rule) -> str:
    """Add the adjoints of the neighbours' features to the adjoint of each cell: the transposed stencils."""
    code = _Cell()
    kernels = {stencil.name: stencil for stencil in rule.stencils}
    seen = seen_features(rule)
    for index in range(len(rule.channels)):
        mine = [(number, name) for number, (owner, name) in enumerate(seen) if owner == index]
        if not mine:
            continue
        code.pointer(f"%adjoint_{index}", "%adjoint", "%plane", index)
        total = code.load(f"%adjoint_{index}", "%x")
        for number, name in mine:
            for offset, row in ROWS.items():
                code.pointer(f"%{row}_{number}", "%seen", "%plane", number, offset)
            for weight, cells in kernels[name].groups:
                part = ""
                for sign, dy, dx in cells:
                    column = code.add(f"add i64 %x, {-dx}")
                    value = code.load(f"%{ROWS[-dy]}_{number}", column)
                    if not part:
                        part = value if sign > 0 else code.function("neg", value)
                    else:
                        part = code.op("fadd" if sign > 0 else "fsub", part, value)
                total = code.product_sum(code.number(weight), part, total)
        code.store(total, f"%adjoint_{index}", "%x")
    return code.function_body()
