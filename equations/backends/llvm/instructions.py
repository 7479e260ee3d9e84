"""LLVM instructions as text: values get names, functions their guards."""

from __future__ import annotations

import struct

import numpy as np

from equations import guards
from equations.backends import Real


class Instructions:
    """A growing list of instructions on one float type.

    fused: whether `product_sum` rounds once, for processors that can. No other freedom is taken: NaN passes
    through everything, as it does in NumPy.
    """

    def __init__(self, real: Real, fused: bool) -> None:
        self.kind, self.suffix, self.call_suffix = {
            "float32": ("float", "f32", "f"),
            "float64": ("double", "f64", ""),
        }[real]
        self.fused = fused
        self.lines: list[str] = []

    def add(self, code: str) -> str:
        """One instruction; returns the name of its value."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return name

    def number(self, value: float) -> str:
        exact = float(np.float32(value)) if self.kind == "float" else float(value)
        return "0x" + struct.pack(">d", exact).hex().upper()

    def op(self, name: str, a: str, b: str) -> str:
        return self.add(f"{name} {self.kind} {a}, {b}")

    def product_sum(self, a: str, b: str, c: str) -> str:
        """a · b + c."""
        if not self.fused:
            return self.op("fadd", c, self.op("fmul", a, b))
        return self.add(f"call {self.kind} @llvm.fma.{self.suffix}({self.kind} {a}, {self.kind} {b}, {self.kind} {c})")

    def either(self, test: str, a: str, b: str, yes: str, no: str) -> str:
        """`yes` where the comparison of a and b holds, else `no`."""
        met = self.add(f"fcmp {test} {self.kind} {a}, {b}")
        return self.add(f"select i1 {met}, {self.kind} {yes}, {self.kind} {no}")

    def absolute(self, a: str) -> str:
        return self._intrinsic("fabs", a)

    def function(self, head: str, a: str, b: str = "") -> str:
        """One of `lowering.FUNCTIONS`, or "neg"."""
        zero = self.number(0)
        if head == "neg":
            return self.add(f"fneg {self.kind} {a}")
        if head == "Abs":
            return self.absolute(a)
        if head in ("Max", "Min"):
            ahead = self.add(f"fcmp {'oge' if head == 'Max' else 'ole'} {self.kind} {a}, {b}")
            lost = self.add(f"fcmp uno {self.kind} {a}, {a}")
            keep = self.add(f"or i1 {ahead}, {lost}")
            return self.add(f"select i1 {keep}, {self.kind} {a}, {self.kind} {b}")
        if head == "Sqrt":
            return self._intrinsic("sqrt", self.either("olt", a, zero, zero, a))
        if head == "Exp":
            ceiling = self.number(guards.EXP_CEILING)
            return self._call("exp" + self.call_suffix, self.either("ogt", a, ceiling, ceiling, a))
        if head == "Reciprocal":
            floor = guards.RECIPROCAL_FLOOR
            signed = self.either("olt", a, zero, self.number(-floor), self.number(floor))
            safe = self.either("olt", self.absolute(a), self.number(floor), signed, a)
            return self.op("fdiv", self.number(1), safe)
        return self._call(head.lower() + self.call_suffix, a)

    def _call(self, function: str, argument: str) -> str:
        return self.add(f"call {self.kind} @{function}({self.kind} {argument})")

    def _intrinsic(self, function: str, argument: str) -> str:
        return self._call(f"llvm.{function}.{self.suffix}", argument)
