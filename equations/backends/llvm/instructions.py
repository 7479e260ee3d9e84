"""LLVM instructions as text. Every value gets a name, and functions include the guards of `expressions.guards`."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from equations.backends import Real
from equations.expressions import guards
from equations.rule import mask


def indent(lines: Iterable[str]) -> str:
    """The lines as the body of a function."""
    return "\n".join(f"  {line}" for line in lines)


class Instructions:
    """A growing list of instructions on one float type, or on `lanes` numbers of it at a time.

    fused: whether `product_sum` rounds once, for processors with such an instruction. No other fast-math is used: NaN
    propagates through every operation, as in NumPy.
    """

    def __init__(self, real: Real, fused: bool, lanes: int = 1) -> None:
        self.element, self.suffix = {"float32": ("float", "f32"), "float64": ("double", "f64")}[real]
        self.kind, self.bit, self.words, self.lanes = self.element, "i1", "i32", lanes
        if lanes > 1:
            self.kind, self.bit, self.words = (f"<{lanes} x {one}>" for one in (self.element, "i1", "i32"))
            self.suffix = f"v{lanes}{self.suffix}"
        self.fused = fused
        self.lines: list[str] = []

    def add(self, code: str) -> str:
        """One instruction; returns the name of its value."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return name

    def number(self, value: float) -> str:
        exact = float(np.float32(value)) if self.element == "float" else float(value)
        text = "0x" + struct.pack(">d", exact).hex().upper()
        return text if self.lanes == 1 else f"splat ({self.element} {text})"

    def word(self, value: int) -> str:
        """An integer of 32 bits."""
        return str(value) if self.lanes == 1 else f"splat (i32 {value})"

    def fill(self, kind: str, value: str) -> str:
        """The same number in every lane."""
        if self.lanes == 1:
            return value
        whole = f"<{self.lanes} x {kind}>"
        one = self.add(f"insertelement {whole} poison, {kind} {value}, i64 0")
        return self.add(f"shufflevector {whole} {one}, {whole} poison, <{self.lanes} x i32> zeroinitializer")

    def mix(self, word: str) -> str:
        """The hash of `equations.rule.mask`, of an integer of 32 bits."""
        for shift, factor in ((16, mask.MIX_1), (15, mask.MIX_2), (16, 0)):
            high = self.add(f"lshr {self.words} {word}, {self.word(shift)}")
            word = self.add(f"xor {self.words} {word}, {high}")
            if factor:
                word = self.add(f"mul {self.words} {word}, {self.word(factor)}")
        return word

    def load(self, base: str, index: str) -> str:
        """Load as many numbers as there are lanes, from `base[index]` on."""
        place = self.add(f"getelementptr {self.element}, ptr {base}, i64 {index}")
        return self.add(f"load {self.kind}, ptr {place}, align {self.align}")

    def store(self, value: str, base: str, index: str) -> None:
        place = self.add(f"getelementptr {self.element}, ptr {base}, i64 {index}")
        self.lines.append(f"store {self.kind} {value}, ptr {place}, align {self.align}")

    @property
    def align(self) -> int:
        """Bytes of one number."""
        return 4 if self.element == "float" else 8

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
        return self.select(met, yes, no)

    def select(self, met: str, yes: str, no: str) -> str:
        return self.add(f"select {self.bit} {met}, {self.kind} {yes}, {self.kind} {no}")

    def clip(self, a: str, low: str, high: str) -> str:
        """`a`, or the end of the interval that it lies beyond; NaN stays."""
        return self.either("olt", a, low, low, self.either("ogt", a, high, high, a))

    def sign(self, a: str) -> str:
        """1 or -1."""
        return self.add(f"call {self.kind} @llvm.copysign.{self.suffix}({self.kind} {self.number(1)}, {self.kind} {a})")

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
            keep = self.add(f"or {self.bit} {ahead}, {lost}")
            return self.select(keep, a, b)
        if head == "Sqrt":
            return self._intrinsic("sqrt", self.either("olt", a, zero, zero, a))
        if head == "Exp":
            ceiling = self.number(guards.EXP_CEILING)
            return self._intrinsic("exp", self.either("ogt", a, ceiling, ceiling, a))
        if head == "Reciprocal":
            floor = guards.RECIPROCAL_FLOOR
            signed = self.either("olt", a, zero, self.number(-floor), self.number(floor))
            safe = self.either("olt", self.absolute(a), self.number(floor), signed, a)
            return self.op("fdiv", self.number(1), safe)
        return self._intrinsic(head.lower(), a)

    def _intrinsic(self, function: str, argument: str) -> str:
        return self.add(f"call {self.kind} @llvm.{function}.{self.suffix}({self.kind} {argument})")
