"""The plain data in a pickle, without Python's own unpickler: nothing in the file can name a function to be called.

`torch.save` writes a pickle of dictionaries, lists and numbers, in which a tensor is a record of its storage, offset,
shape and strides. The opcodes that make those are carried out here, one by one; every other opcode is refused.
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

MOST_OPCODES = 1_000_000  # a checkpoint has a few thousand; each takes some hundred bytes of memory at most
_MARK = object()
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING",
}  # fmt: skip
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Named:
    """The meaning of a module's name in a pickle.

    value: what the name stands for where it is used as a value.
    call: what is called with the arguments that follow the name; None where it may not be called.
    """

    def __init__(self, value: Any = None, call: Callable[..., Any] | None = None) -> None:
        self.value, self.call = value, call


def ordered(*pairs: Any) -> OrderedDict[Any, Any]:
    """`collections.OrderedDict`, which torch's state dicts are."""
    return OrderedDict(*pairs)


def read_pickle(file: BinaryIO, names: Mapping[str, Named], persistent: Callable[[Any], Any]) -> Any:
    """Read the next pickle of `file`, up to its end.

    names: "module name" -> its meaning; other names are refused.
    persistent: gives the value of a persistent id.
    Raises ValueError (or what a damaged pickle leads to: IndexError, KeyError, TypeError, …) for anything else.
    """
    reader = _Reader(names, persistent)
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count > MOST_OPCODES:
            raise ValueError(f"more than {MOST_OPCODES} parts")
        if opcode.name == "STOP":
            return reader.stack.pop()
        reader.take(opcode.name, argument)
    raise ValueError("no end")


class _Reader:
    """The stack of a pickle machine, and its memo: the values that are used again."""

    def __init__(self, names: Mapping[str, Named], persistent: Callable[[Any], Any]) -> None:
        self.names, self.persistent = names, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def take(self, name: str, argument: Any) -> None:
        """Carry out one opcode."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name == "MARK":
            self.stack.append(_MARK)
        elif name not in ("PROTO", "FRAME"):
            self.build(name, argument)

    def build(self, name: str, argument: Any) -> None:
        """Carry out an opcode that builds a value from the top of the stack."""
        stack = self.stack
        if name == "TUPLE":
            stack.append(tuple(self.marked()))
        elif name in _TUPLES:
            stack.append(tuple([stack.pop() for _ in range(_TUPLES[name])][::-1]))
        elif name in ("APPEND", "APPENDS"):
            new = [stack.pop()] if name == "APPEND" else self.marked()
            _same(stack[-1], list).extend(new)
        elif name in ("SETITEM", "SETITEMS"):
            new = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else self.marked()
            _same(stack[-1], dict).update(zip(new[::2], new[1::2], strict=True))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            key = argument if name == "GLOBAL" else " ".join([stack.pop(), stack.pop()][::-1])
            stack.append(self.names[key])
        elif name == "BINPERSID":
            stack.append(self.persistent(stack.pop()))
        elif name == "REDUCE":
            arguments, named = stack.pop(), stack.pop()
            if not isinstance(named, Named) or named.call is None:
                raise ValueError("a call of something else")
            stack.append(named.call(*arguments))
        elif name == "BUILD":  # attributes of a state dict, which are not used
            stack.pop()
            _same(stack[-1], OrderedDict)
        else:
            raise ValueError(f"opcode {name}")

    def marked(self) -> list[Any]:
        """Take the values above the last mark off the stack."""
        last = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        values = self.stack[last + 1 :]
        del self.stack[last:]
        return values


def _same(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value
