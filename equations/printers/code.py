"""Print expression trees as code: one printer for all languages, and one small table (`Dialect`) per language.

Trees are lowered to nodes first (`expressions.lowering`), so nothing is computed twice and powers are products.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from equations.errors import InputError, did_you_mean
from equations.expressions.lowering import FUNCTIONS, Node, arguments, lower

# levels of nesting, terms of a sum, and characters of a fragment; a larger part gets a line of its own
_MAX_DEPTH, _MAX_SUM, _MAX_LENGTH = 12, 40, 600


@dataclass(frozen=True)
class Dialect:
    """One target language.

    number: writes a float.
    functions: a format string for each of `FUNCTIONS`.
    assign: the format of a line that assigns `{value}` to `{name}`.
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
    """Python source of `update(x) -> list`, with `x[i]` the feature `names[i]`.

    The source numbers the features: their names could be words of Python, or equal to Python, as µ and μ are.
    """
    used = {name for tree in trees for name in tree_names(tree)}
    loads = [f"v{index} = x[{index}]" for index, name in enumerate(names) if name in used]
    code = print_trees(trees, dialect, {name: f"v{index}" for index, name in enumerate(names)})
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
    """Print trees in `dialect`.

    names: how symbols are called in the code, where not by their own names.
    temporary: temporaries are called this and a number; `_` is added while a symbol has such a name.
    """
    nodes, outputs = lower(trees)
    renamed = names or {}
    taken = {renamed.get(name, name) for tree in trees for name in tree_names(tree)}
    while any(re.fullmatch(re.escape(temporary) + r"\d+", name) for name in taken):
        temporary += "_"
    return _Emitter(nodes, outputs, dialect, renamed, temporary).emit()


_SUM, _PRODUCT, _ATOM = 1, 2, 3  # how tightly a fragment binds: brackets go around one that binds too loosely


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
            for argument in arguments(node):
                self.uses[argument] += 1
        for output in outputs:
            self.uses[output] += 1

    def emit(self) -> Code:
        for index, node in enumerate(self.nodes):
            code, binding = self.fragment(node)
            parts = arguments(node)
            depth = 1 + max((self.fragments[part][2] for part in parts), default=-1)
            if parts and (self.uses[index] > 1 or depth > _MAX_DEPTH or len(code) > _MAX_LENGTH):
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
                text, count = self.store(text), 1  # a compiler nests a sum as deep as it has terms
            part = self.wrapped(argument, _PRODUCT)
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
            count += 1
        return text

    def wrapped(self, index: int, binding: int) -> str:
        code, own, _ = self.fragments[index]
        return code if own >= binding else f"({code})"
