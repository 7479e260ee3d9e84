"""Trees to code: one expression printer, and one small table (`Dialect`) per language.

A tree is lowered to a list of nodes in which equal parts are one node (so nothing is computed twice), powers
are products, and only + − × and the dialect's functions are left. Evaluation order is that of
`equations.numeric.evaluate_tree`, so that dialects with the same arithmetic give the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from equations.errors import InputError, did_you_mean
from equations.ops import OPERATORS

# what lowering leaves to a dialect's table; everything else becomes + − × and these
FUNCTIONS = ("Abs", "Max", "Min", "Tanh", "Exp", "Sin", "Cos", "Sqrt", "Reciprocal")
LOWERED = ("Add", "Multiply", "Negate", "Subtract", "Divide", "Power", "Rational", "Relu")
if {*FUNCTIONS, *LOWERED} - {"Reciprocal"} != set(OPERATORS):
    raise RuntimeError("printers/code.py and ops.py disagree on the operators")

_MAX_DEPTH, _MAX_SUM, _MAX_LENGTH = 12, 40, 600  # beyond these a part gets a line of its own


@dataclass(frozen=True)
class Dialect:
    """One target language: how numbers look, and a format string for each of `FUNCTIONS`.

    `assign` makes a line of code of `{name}` and `{value}`.
    """

    name: str
    number: Callable[[float], str]
    functions: Mapping[str, str]
    assign: str = "{name} = {value}"

    def __post_init__(self) -> None:
        if set(self.functions) != set(FUNCTIONS):
            raise ValueError(f"dialect {self.name}: expected functions {FUNCTIONS}, got {tuple(self.functions)}")


@dataclass(frozen=True)
class Code:
    """Printed expressions: lines that compute temporaries, then one code fragment per expression."""

    lines: tuple[str, ...]
    results: tuple[str, ...]


_NUMPY_FUNCTIONS = {
    "Abs": "np.abs({0})",
    "Max": "np.maximum({0}, {1})",
    "Min": "np.minimum({0}, {1})",
    "Tanh": "np.tanh({0})",
    "Exp": "np.exp(np.minimum({0}, 80.0))",
    "Sin": "np.sin({0})",
    "Cos": "np.cos({0})",
    "Sqrt": "np.sqrt(np.maximum({0}, 0.0))",
    "Reciprocal": "reciprocal({0})",
}
NUMPY = Dialect("numpy", repr, _NUMPY_FUNCTIONS)

_PLAIN_FUNCTIONS = {name: f"{name.lower()}_({{0}})" for name in FUNCTIONS} | {
    "Max": "max_({0}, {1})",
    "Min": "min_({0}, {1})",
}


def _typed(value: float) -> str:
    return f"-real({-value!r})" if value < 0 else f"real({value!r})"


# `real` is np.float32 or np.float64: a bare literal would make numba compute in float64
NUMBA = Dialect("numba", _typed, _PLAIN_FUNCTIONS)
TORCH = Dialect("torch", repr, _PLAIN_FUNCTIONS)


def check_names(exprs: Sequence[Expr], names: Sequence[str]) -> None:
    """Raise InputError when an expression uses a name that is not among `names`."""
    for expr in exprs:
        for name in sorted(str(s) for s in expr.free_symbols):
            if name not in names:
                raise InputError(
                    f"the expression uses {name}, but the features are {', '.join(names)}{did_you_mean(name, names)}"
                )


def function_source(trees: Sequence[Any], names: Sequence[str], dialect: Dialect) -> str:
    """Python source of `update(x) -> list`, with `x[i]` the feature `names[i]`."""
    used = {name for tree in trees for name in tree_names(tree)}
    loads = [f"v_{name} = x[{index}]" for index, name in enumerate(names) if name in used]
    code = print_trees(trees, dialect, {name: f"v_{name}" for name in names})
    body = [*loads, *code.lines, f"return [{', '.join(code.results)}]"]
    return "def update(x):\n" + "".join(f"    {line}\n" for line in body)


def tree_names(tree: Any) -> set[str]:
    """The symbol names in a tree."""
    if isinstance(tree, str):
        return {tree}
    return set().union(*(tree_names(argument) for argument in tree[1:])) if isinstance(tree, list) else set()


def print_trees(
    trees: Sequence[Any], dialect: Dialect, names: Mapping[str, str] | None = None, temporary: str = "t"
) -> Code:
    """Print trees in `dialect`; `names` renames symbols, temporaries are called `t0`, `t1`, … (or longer)."""
    lowering = _Lowering()
    outputs = [lowering.lower(tree) for tree in trees]
    renamed = names or {}
    taken = {renamed.get(name, name) for tree in trees for name in tree_names(tree)}
    while any(re.fullmatch(re.escape(temporary) + r"\d+", name) for name in taken):
        temporary += "_"
    return _Emitter(lowering.nodes, outputs, dialect, renamed, temporary).emit()


Node = tuple[
    Any, ...
]  # ("const", value) | ("name", text) | ("add", ids…) | ("mul", a, b) | ("neg", a) | (function, ids…)


class _Lowering:
    """Trees to nodes; a node's arguments always come before it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._ids: dict[Node, int] = {}

    def node(self, *parts: Any) -> int:
        if parts not in self._ids:
            self._ids[parts] = len(self.nodes)
            self.nodes.append(parts)
        return self._ids[parts]

    def lower(self, tree: Any) -> int:
        if isinstance(tree, str):
            return self.node("name", tree)
        if not isinstance(tree, list):
            return self.node("const", float(tree))
        head, arguments = tree[0], tree[1:]
        if head == "Rational":
            return self.node("const", arguments[0] / arguments[1])
        if head == "Power":
            return self.power(self.lower(arguments[0]), arguments[1])
        ids = [self.lower(argument) for argument in arguments]
        if head == "Add":
            return self.node("add", *ids) if len(ids) > 1 else ids[0]
        if head == "Multiply":
            return self.node("mul", ids[0], self.chain("mul", ids[1:])) if len(ids) > 1 else ids[0]
        if head == "Negate":
            return self.node("neg", ids[0])
        if head == "Subtract":
            return self.node("add", ids[0], self.node("neg", ids[1]))
        if head == "Divide":
            return self.node("mul", ids[0], self.node("Reciprocal", ids[1]))
        if head == "Relu":
            return self.node("Max", ids[0], self.node("const", 0.0))
        return self.chain(head, ids) if head in ("Max", "Min") else self.node(head, *ids)

    def chain(self, head: str, ids: list[int]) -> int:
        left = ids[0]
        for right in ids[1:]:
            left = self.node(head, left, right)
        return left

    def power(self, base: int, exponent: int | float) -> int:
        if exponent in (0.5, -0.5):
            root = self.node("Sqrt", base)
            return root if exponent > 0 else self.node("Reciprocal", root)
        if exponent < 0:
            return self.node("Reciprocal", self.power(base, -exponent))
        if exponent in (0, 1):
            return base if exponent else self.node("const", 1.0)
        half = self.power(base, int(exponent) // 2)
        square = self.node("mul", half, half)
        return square if exponent % 2 == 0 else self.node("mul", square, base)


_SUM, _PRODUCT, _ATOM = 1, 2, 3  # how tightly a fragment binds


class _Emitter:
    """Nodes to code fragments; parts that are used twice, deep, or long get a line of their own."""

    def __init__(
        self,
        nodes: list[Node],
        outputs: list[int],
        dialect: Dialect,
        names: Mapping[str, str],
        temporary: str,
    ) -> None:
        self.nodes, self.outputs, self.dialect = nodes, outputs, dialect
        self.names, self.temporary = names, temporary
        self.lines: list[str] = []
        self.fragments: list[tuple[str, int, int]] = []  # code, binding, depth
        self.uses = [0] * len(nodes)
        for node in nodes:
            for argument in node[1:] if node[0] not in ("const", "name") else ():
                self.uses[argument] += 1
        for output in outputs:
            self.uses[output] += 1

    def emit(self) -> Code:
        for index, node in enumerate(self.nodes):
            code, binding = self.fragment(node)
            arguments = node[1:] if node[0] not in ("const", "name") else ()
            depth = 1 + max((self.fragments[a][2] for a in arguments), default=-1)
            if arguments and (self.uses[index] > 1 or depth > _MAX_DEPTH or len(code) > _MAX_LENGTH):
                code, binding, depth = self.store(code), _ATOM, 0
            self.fragments.append((code, binding, depth))
        return Code(tuple(self.lines), tuple(self.fragments[output][0] for output in self.outputs))

    def store(self, code: str) -> str:
        name = f"{self.temporary}{len(self.lines)}"
        self.lines.append(self.dialect.assign.format(name=name, value=code))
        return name

    def fragment(self, node: Node) -> tuple[str, int]:
        head = node[0]
        if head == "const":
            text = self.dialect.number(node[1])
            return text, _PRODUCT if text.startswith("-") else _ATOM
        if head == "name":
            return self.names.get(node[1], node[1]), _ATOM
        if head == "neg":
            inner = self.wrapped(node[1], _PRODUCT)
            return (f"-({inner})" if inner.startswith("-") else f"-{inner}"), _PRODUCT
        if head == "mul":
            return f"{self.wrapped(node[1], _PRODUCT)} * {self.wrapped(node[2], _ATOM)}", _PRODUCT
        if head == "add":
            return self.total(node[1:]), _SUM
        return self.dialect.functions[head].format(*(self.fragments[a][0] for a in node[1:])), _ATOM

    def total(self, arguments: tuple[int, ...]) -> str:
        text, count = self.wrapped(arguments[0], _SUM), 1
        for argument in arguments[1:]:
            if count == _MAX_SUM or len(text) > _MAX_LENGTH:
                text, count = self.store(text), 1  # the compiler nests a long sum as deep as it is long
            part = self.wrapped(argument, _PRODUCT)
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
            count += 1
        return text

    def wrapped(self, index: int, binding: int) -> str:
        code, own, _ = self.fragments[index]
        return code if own >= binding else f"({code})"
