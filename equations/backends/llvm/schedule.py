"""The order in which a kernel computes: as soon as a feature is known, everything that can be computed from it.

Summands are added as soon as they are known. So a feature is added to the updates of all channels while it is in a
register, and need not be stored. This halves the loads of a rule with many terms.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from equations.backends.llvm.instructions import Instructions
from equations.expressions.lowering import Node, arguments


def evaluate(
    nodes: Sequence[Node], outputs: Sequence[int], features: Iterable[tuple[str, str]], code: Instructions
) -> list[str]:
    """The values of the `outputs`. features: yields (name, value) and writes the code of each value when iterated."""
    values = evaluate_all(nodes, outputs, features, code)
    return [values[output] for output in outputs]


def evaluate_all(
    nodes: Sequence[Node], outputs: Sequence[int], features: Iterable[tuple[str, str]], code: Instructions
) -> dict[int, str]:
    """The same for every node, except products that are rounded together with their sum: they have no value."""
    schedule = _Schedule(nodes, outputs, code)
    for index, node in enumerate(nodes):
        if node[0] == "const":
            schedule.settle(index, code.number(node[1]))
    for name, value in features:
        schedule.settle(schedule.named[name], value)
    return schedule.values


class _Schedule:
    def __init__(self, nodes: Sequence[Node], outputs: Sequence[int], code: Instructions) -> None:
        self.nodes, self.code = nodes, code
        self.values: dict[int, str] = {}
        self.named = {node[1]: index for index, node in enumerate(nodes) if node[0] == "name"}
        self.users: dict[int, list[int]] = defaultdict(list)
        self.missing: list[int] = []  # how many arguments of each node are not known yet
        for index, node in enumerate(nodes):
            parts = arguments(node)
            self.missing.append(len(parts))
            for part in parts:
                self.users[part].append(index)
        uses = Counter(part for node in nodes for part in arguments(node)) + Counter(outputs)
        # products that only one sum uses are added by a fused multiply-add
        self.joins = {
            part: index
            for index, node in enumerate(nodes)
            if node[0] == "add"
            for part in node[1:]
            if nodes[part][0] == "mul" and uses[part] == 1
        }

    def settle(self, index: int, value: str) -> None:
        """The value of a node is known: compute everything that only waited for it."""
        waiting = [(index, value)]
        while waiting:
            index, value = waiting.pop()
            self.values[index] = value
            for user in self.users[index]:
                waiting += self._arrive(user, index)

    def _arrive(self, index: int, part: int) -> list[tuple[int, str]]:
        """`part` of a node is known; returns the nodes that this completes, with their values."""
        node = self.nodes[index]
        self.missing[index] -= 1
        if node[0] == "add":
            total = self.values.get(index)
            value = self.values[part]
            return self._grown(index, value if total is None else self.code.op("fadd", total, value))
        if self.missing[index]:
            return []
        parts = [self.values[argument] for argument in node[1:]]
        joined = self.joins.get(index, -1)
        if joined in self.values:
            self.missing[joined] -= 1
            return self._grown(joined, self.code.product_sum(parts[0], parts[1], self.values[joined]))
        value = self.code.op("fmul", *parts) if node[0] == "mul" else self.code.function(node[0], *parts)
        return [(index, value)]

    def _grown(self, index: int, total: str) -> list[tuple[int, str]]:
        self.values[index] = total
        return [] if self.missing[index] else [(index, total)]
