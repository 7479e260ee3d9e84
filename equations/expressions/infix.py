"""Parse infix equations, as PySR and Operon write them, into SymPy expressions; no text is ever evaluated.

expression := term (("+" | "-") term)*
term       := signed (("*" | "/") signed)*
signed     := ("+" | "-")* power
power      := atom (("^" | "**") signed)?
atom       := number | name | name "(" expression ("," expression)* ")" | "(" expression ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sympy import Expr, Integer

from equations.errors import InputError, did_you_mean, shorten
from equations.expressions import build
from equations.rule.symbols import symbol

MAX_LENGTH = 200_000
MAX_DEPTH = 80

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eEfF][+-]?\d{1,9})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<operator>\*\*|[-+*/^(),])|(?P<end>\Z))"
)

# spelling → (least arguments, most arguments, builder)
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Expr]]] = {
    "abs": (1, 1, build.absolute),
    "max": (2, 100, build.maximum),
    "min": (2, 100, build.minimum),
    "tanh": (1, 1, build.tanh),
    "exp": (1, 1, build.exp),
    "cos": (1, 1, build.cos),
    "sin": (1, 1, build.sin),
    "sqrt": (1, 1, build.sqrt),
    "square": (1, 1, lambda x: build.power(x, Integer(2))),
    "cube": (1, 1, lambda x: build.power(x, Integer(3))),
    "relu": (1, 1, build.relu),
    "neg": (1, 1, build.negate),
    "inv": (1, 1, lambda x: build.power(x, Integer(-1))),
    "pow": (2, 2, build.power),
}


def parse_infix(text: str, names: Iterable[str]) -> Expr:
    """The SymPy expression of the infix equation `text`, which may use the symbols `names`.

    Reads + - * / ^ ** (exponents −8…8 and ±1/2), numbers as Python and Julia write them (1.0e-5, 1f0), and
    the functions abs max min tanh exp sin cos sqrt square cube relu neg inv pow. Raises InputError, with the
    position, for anything else.
    """
    if not isinstance(text, str):
        raise InputError(f"expected an equation as text, got {shorten(text)}")
    if len(text) > MAX_LENGTH:
        raise InputError(f"expected an equation of at most {MAX_LENGTH} characters, got {len(text)}")
    return _Parser(text, names).parse()


class _Parser:
    def __init__(self, text: str, names: Iterable[str]) -> None:
        self.text = text
        self.symbols = {name: symbol(name) for name in names}
        self.position = self.start = self.depth = 0
        self.kind, self.token = "", ""
        self.advance()

    def parse(self) -> Expr:
        if self.kind == "end":
            raise InputError("expected an equation, got empty text")
        result = self.expression()
        if self.kind != "end":
            raise self.unexpected("an operator or the end")
        return result

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.start = self.position
            self.token = self.text[self.position :].lstrip()[:1]
            raise self.unexpected("a number, a name, an operator or a bracket")
        self.kind = match.lastgroup or "end"
        self.token, self.start, self.position = match[self.kind], match.start(self.kind), match.end()

    def unexpected(self, wanted: str) -> InputError:
        shown = shorten(self.token) if self.token else "the end"
        return InputError(f"expected {wanted} at position {self.start} of {shorten(self.text)}, got {shown}")

    def take(self, *operators: str) -> str:
        """The current token if it is one of `operators`, moving on; otherwise an empty string."""
        token = self.token
        if self.kind != "operator" or token not in operators:
            return ""
        self.advance()
        return token

    def expect(self, operator: str) -> None:
        if not self.take(operator):
            raise self.unexpected(f"{operator!r}")

    def expression(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InputError(f"expected an equation nested at most {MAX_DEPTH} deep, got a deeper one")
        parts = [self.term()]
        while sign := self.take("+", "-"):
            part = self.term()
            parts.append(part if sign == "+" else build.negate(part))
        self.depth -= 1
        return build.add(*parts) if len(parts) > 1 else parts[0]

    def term(self) -> Expr:
        parts = [self.signed()]
        while sign := self.take("*", "/"):
            part = self.signed()
            parts.append(part if sign == "*" else build.power(part, Integer(-1)))
        return build.multiply(*parts) if len(parts) > 1 else parts[0]

    def signed(self) -> Expr:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign == "-"
        value = self.power()
        return build.negate(value) if negative else value

    def power(self) -> Expr:
        base = self.atom()
        if not self.take("^", "**"):
            return base
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InputError(f"expected an equation nested at most {MAX_DEPTH} deep, got a deeper one")
        exponent = self.signed()
        self.depth -= 1
        return build.power(base, exponent)

    def atom(self) -> Expr:
        kind, token = self.kind, self.token
        if kind == "number":
            self.advance()
            return _number(token)
        if kind == "name":
            return self.named(token)
        if self.take("("):
            inner = self.expression()
            self.expect(")")
            return inner
        raise self.unexpected("a number, a name or '('")

    def named(self, name: str) -> Expr:
        start = self.start
        self.advance()
        if self.take("("):
            return self.call(name, start)
        if name in self.symbols:
            return self.symbols[name]
        raise InputError(
            f"unknown name {shorten(name)} at position {start}{did_you_mean(name, self.symbols)}; "
            f"expected one of {', '.join(list(self.symbols)[:24])}"
        )

    def call(self, name: str, start: int) -> Expr:
        if name not in FUNCTIONS:
            raise InputError(
                f"unknown function {shorten(name)} at position {start}{did_you_mean(name, FUNCTIONS)}; "
                f"expected one of {', '.join(FUNCTIONS)}"
            )
        arguments = [self.expression()]
        while self.take(","):
            arguments.append(self.expression())
        self.expect(")")
        least, most, builder = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"at least {least}"
            raise InputError(f"function {name} at position {start} expects {wanted} arguments, got {len(arguments)}")
        return builder(*arguments)


def _number(token: str) -> Expr:
    if token.isdigit():
        return build.number(int(token))
    return build.number(float(token.replace("f", "e").replace("F", "e")))
