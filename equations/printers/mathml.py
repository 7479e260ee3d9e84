"""A rule as presentation MathML, which browsers typeset by themselves; constants to a few digits, for reading.

Expressions are read off the operator tree; every operator has its entry in one table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from sympy import Expr

from equations.expressions.ops import OPERATORS
from equations.expressions.tree import to_tree
from equations.rule.display import formulas_of
from equations.rule.grouping import group_update
from equations.rule.moments import Operator, operators_of, unit_fraction
from equations.rule.rule import Rule
from equations.rule.stencils import feature_name

DIGITS = 4
SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a printed part binds
Part = tuple[str, int]  # the MathML of a part, and how tightly it binds
Names = dict[str, Part]

_SPACE = '<mspace width="0.17em"/>'
_OPERATORS: dict[Operator, tuple[str, int]] = {
    "cell": ("%s", ATOM),
    "laplacian": ("<msup><mo>∇</mo><mn>2</mn></msup>%s", POWER),
    "dx": ("<msub><mo>∂</mo><mi>x</mi></msub>%s", POWER),
    "dy": ("<msub><mo>∂</mo><mi>y</mi></msub>%s", POWER),
    "dxx": ("<msubsup><mo>∂</mo><mi>x</mi><mn>2</mn></msubsup>%s", POWER),
    "dyy": ("<msubsup><mo>∂</mo><mi>y</mi><mn>2</mn></msubsup>%s", POWER),
    "dxy": ("<msub><mo>∂</mo><mi>x</mi></msub><msub><mo>∂</mo><mi>y</mi></msub>%s", POWER),
    "mean": ('<mover>%s<mo stretchy="true">‾</mo></mover>', ATOM),
}
_FRACTIONS = {1: "", 2: "<mn>½</mn>", 3: "<mn>⅓</mn>", 4: "<mn>¼</mn>", 8: "<mn>⅛</mn>"}


def print_rule(rule: Rule) -> str:
    """The update equations as a table in one `math` element: a row per group of terms; then a row per colour."""
    names, rows = symbol_names(rule), []
    for channel in rule.channels:
        head = f"<mo>Δ</mo>{channel_name(channel)}<mo>=</mo>"
        for group in group_update(rule, channel).values():
            terms = print_terms(group, names, first=bool(head))
            rows.append(_row(head, terms))
            head = ""
    rows += [_row(f"<mi>{name}</mi><mo>=</mo>", print_terms(expr)) for name, expr in formulas_of(rule).items()]
    return f'<math display="block"><mtable columnalign="right left">{"".join(rows)}</mtable></math>\n'


def _row(head: str, terms: list[str]) -> str:
    name, update = (f'<mtd style="text-align:{side}">' for side in ("right", "left"))  # Chromium has no columnalign
    return f"<mtr>{name}<mrow>{head}</mrow></mtd>{update}<mrow>{''.join(terms)}</mrow></mtd></mtr>"


def print_expression(expr: Expr, names: Names | None = None) -> str:
    """One expression as a MathML row; `names` says how features are written."""
    return f"<mrow>{_Printer(names or {}).part(to_tree(expr))[0]}</mrow>"


@dataclass(frozen=True)
class Named:
    """A number with a name. Its MathML is `wrap(name, flipped, text)`; flipped: the sign is printed before it."""

    name: str
    value: float
    flipped: bool = False


def print_named_term(tree: Any, names: Names, wrap: Callable[[str, bool, str], str]) -> tuple[str, str]:
    """The sign (− or +) and the MathML of a data tree in which `Named` numbers stand in place of plain ones."""
    negative, rest = _split_sign(tree)
    return "−" if negative else "+", _bracketed(_Printer(names, wrap).part(rest), PRODUCT)


def print_terms(expr: Expr, names: Names | None = None, *, first: bool = True) -> list[str]:
    """The terms of a sum in SymPy's order, each with its sign; `first`: the sum stands at the start of a line."""
    printer = _Printer(names or {})
    return [printer.term(to_tree(term), first and i == 0) for i, term in enumerate(expr.as_ordered_terms())]


def symbol_names(rule: Rule) -> Names:
    """How each feature is written: `u_lap` as ∇²u times what its kernel is of the Laplacian, `u_f7` as f7 ∗ u."""
    names = {}
    for stencil, operator in operators_of(rule).items():
        for channel in rule.channels:
            names[feature_name(channel, stencil)] = _response(stencil, operator, channel_name(channel))
    return names


def _response(stencil: str, operator: tuple[Operator, float] | None, channel: str) -> Part:
    if operator is None:
        return f"<mi>{escape(stencil)}</mi><mo>∗</mo>{channel}", SUM
    kind, factor = operator
    pattern, level = _OPERATORS[kind]
    share = unit_fraction(factor)
    front = _FRACTIONS[share] if share else number_text(abs(factor)) + _SPACE
    text, level = front + pattern % channel, PRODUCT if front else level
    return (_with_sign(True, text, True), SUM) if factor < 0 else (text, level)


def channel_name(name: str) -> str:
    """`h3` as h with the index 3."""
    letters = name.rstrip("0123456789")
    index = name[len(letters) :]
    return f"<msub><mi>{escape(letters)}</mi><mn>{index}</mn></msub>" if index else f"<mi>{escape(letters)}</mi>"


def _with_sign(negative: bool, text: str, first: bool) -> str:
    if first:
        return f'<mo form="prefix">−</mo>{text}' if negative else text
    return f'<mo form="infix">{"−" if negative else "+"}</mo>{text}'


def _bracketed(part: Part, least: int) -> str:
    return part[0] if part[1] >= least else f"<mrow><mo>(</mo>{part[0]}<mo>)</mo></mrow>"


def number_text(value: float) -> str:
    """The MathML of a number that is not negative."""
    mantissa, _, exponent = f"{value:.{DIGITS}g}".partition("e")
    if not exponent:
        return f"<mn>{mantissa}</mn>"
    power = f"<mo>−</mo><mn>{-int(exponent)}</mn>" if int(exponent) < 0 else f"<mn>{int(exponent)}</mn>"
    return f"<mn>{mantissa}</mn><mo>·</mo><msup><mn>10</mn><mrow>{power}</mrow></msup>"


def _split_sign(tree: Any) -> tuple[bool, Any]:
    """Whether the number in front of a term is negative, and the term without that sign."""
    if isinstance(tree, str):
        return False, tree
    if isinstance(tree, Named):
        return (True, Named(tree.name, -tree.value, not tree.flipped)) if tree.value < 0 else (False, tree)
    if not isinstance(tree, list):
        return tree < 0, abs(tree)
    head, *rest = tree
    if head not in ("Negate", "Multiply", "Rational"):
        return False, tree
    negative, first = _split_sign(rest[0])
    return (not negative, first) if head == "Negate" else (negative, [head, first, *rest[1:]])


class _Printer:
    """Prints an operator tree from its leaves up; `names` says how features are written."""

    def __init__(self, names: Names, wrap: Callable[[str, bool, str], str] | None = None) -> None:
        self.names, self.wrap = names, wrap

    def part(self, tree: Any) -> Part:
        negative, tree = _split_sign(tree)
        if negative:
            return _with_sign(True, _bracketed(self.part(tree), PRODUCT), True), SUM
        if isinstance(tree, str):
            return self.names.get(tree) or (channel_name(tree), ATOM)
        if isinstance(tree, list):
            return _TABLE[tree[0]](self, *tree[1:])
        text = number_text(tree.value if isinstance(tree, Named) else tree)
        level = PRODUCT if "msup" in text else ATOM
        if isinstance(tree, Named) and self.wrap is not None:
            text = self.wrap(tree.name, tree.flipped, text)
        return text, level

    def term(self, tree: Any, first: bool) -> str:
        negative, tree = _split_sign(tree)
        return _with_sign(negative, _bracketed(self.part(tree), PRODUCT), first)

    def add(self, *terms: Any) -> Part:
        ordered = sorted(terms, key=_is_number)  # u − 0.5, not −0.5 + u
        return "".join(self.term(term, i == 0) for i, term in enumerate(ordered)), SUM

    def multiply(self, *factors: Any) -> Part:
        below = [["Power", f[1], -f[2]] for f in factors if _is_reciprocal(f)]
        above = sorted((f for f in factors if not _is_reciprocal(f)), key=_order)
        if below:
            return self.divide(["Multiply", *above] if above else 1, ["Multiply", *below])
        if len(above) == 1:
            return self.part(above[0])
        # no brackets around a number, nor after it: 0.16 ∇²u, but (∇²u) v
        numeric = _is_number(above[0])
        least = POWER if numeric and len(above) == 2 else ATOM
        texts = [_bracketed(self.part(f), PRODUCT if numeric and i == 0 else least) for i, f in enumerate(above)]
        return _SPACE.join(texts), PRODUCT

    def divide(self, above: Any, below: Any) -> Part:
        return f"<mfrac><mrow>{self.part(above)[0]}</mrow><mrow>{self.part(below)[0]}</mrow></mfrac>", ATOM

    def power(self, base: Any, exponent: Any) -> Part:
        if exponent < 0:
            return self.divide(1, ["Power", base, -exponent])
        if exponent == 1:
            return self.part(base)
        return f"<msup>{_bracketed(self.part(base), ATOM)}<mn>{exponent}</mn></msup>", ATOM

    def call(self, name: str, *arguments: Any) -> Part:
        inside = "<mo>,</mo>".join(self.part(argument)[0] for argument in arguments)
        return f"<mi>{name}</mi><mrow><mo>(</mo>{inside}<mo>)</mo></mrow>", ATOM

    def absolute(self, argument: Any) -> Part:
        bar = '<mo form="%s" stretchy="true">|</mo>'
        return f"<mrow>{bar % 'prefix'}{self.part(argument)[0]}{bar % 'postfix'}</mrow>", ATOM


def _is_number(tree: Any) -> bool:
    return isinstance(tree, (int, float, Named)) or (isinstance(tree, list) and tree[0] == "Rational")


def _order(factor: Any) -> tuple[int, str]:
    """Numbers, then names in alphabetical order, then the rest: 2 u² v tanh(u)."""
    base = factor[1] if isinstance(factor, list) and factor[0] == "Power" else factor
    return (1, base) if isinstance(base, str) else (0 if _is_number(base) else 2, "")


def _is_reciprocal(tree: Any) -> bool:
    return isinstance(tree, list) and tree[0] == "Power" and tree[2] < 0


def _function(name: str) -> Callable[..., Part]:
    return lambda printer, *arguments: printer.call(name, *arguments)


_TABLE: dict[str, Callable[..., Part]] = {
    "Add": _Printer.add,
    "Multiply": _Printer.multiply,
    "Negate": lambda printer, a: printer.part(["Negate", a]),
    "Subtract": lambda printer, a, b: printer.add(a, ["Negate", b]),
    "Divide": _Printer.divide,
    "Rational": _Printer.divide,
    "Power": _Printer.power,
    "Abs": _Printer.absolute,
    "Sqrt": lambda printer, a: (f"<msqrt>{printer.part(a)[0]}</msqrt>", ATOM),
    "Exp": lambda printer, a: (f"<msup><mi>e</mi><mrow>{printer.part(a)[0]}</mrow></msup>", ATOM),
    "Relu": lambda printer, a: printer.call("max", 0, a),
    **{name: _function(name.lower()) for name in ("Max", "Min", "Tanh", "Sin", "Cos")},
}
if set(_TABLE) != set(OPERATORS):
    raise RuntimeError("printers/mathml.py and ops.py disagree on the operators")
