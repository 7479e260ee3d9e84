"""Shared by printers: the code of a stencil's response, and the lines that update one cell in C and in GLSL.

Both languages get the same text where they can: `float` arithmetic in the reference's order, literals such as
`0.16f`, and helper functions that differ only in the names of types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import Template

import numpy as np

from equations.expressions import guards
from equations.expressions.constants import name_numbers, summands
from equations.expressions.tree import Tree, to_tree
from equations.printers.code import Code, Dialect, print_trees
from equations.rule import mask
from equations.rule.display import display_of
from equations.rule.rule import Rule
from equations.rule.stencils import Stencil, feature_name

Read = Callable[[int, int, int], str]  # (channel, dy, dx) → the code that reads that neighbour


@dataclass(frozen=True)
class Target:
    """A language of the C family.

    dialect: how it writes numbers and functions.
    uint: its 32-bit unsigned type.
    prefix: what stands before the definition of a function.
    """

    dialect: Dialect
    uint: str
    prefix: str = ""


def literal(value: float) -> str:
    """`value` rounded to float32, in the fewest digits that read back as the same number; always with a point."""
    with np.errstate(over="ignore"):
        rounded = np.float32(value)
    if np.isinf(rounded):
        return "-INFINITY" if rounded < 0 else "INFINITY"
    mantissa, mark, exponent = repr(float(str(rounded))).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{mark}{exponent}f"


def responses(rule: Rule, read: Read, number: Callable[[float], str], zero: str) -> dict[str, str]:
    """Feature → the code that computes it from a cell's neighbours, for the features that the rule uses.

    zero: the code of the response of a stencil whose weights are all 0.
    """
    used = set(rule.used_features)
    return {
        name: _response(stencil, index, read, number) or zero
        for index, channel in enumerate(rule.channels)
        for stencil in rule.stencils
        if (name := feature_name(channel, stencil.name)) in used
    }


def _response(stencil: Stencil, channel: int, read: Read, number: Callable[[float], str]) -> str:
    parts = []
    for weight, cells in stencil.groups:
        text = read(channel, *cells[0][1:])
        text += "".join(f" {'+' if sign > 0 else '-'} {read(channel, dy, dx)}" for sign, dy, dx in cells[1:])
        inner = f"({text})" if len(cells) > 1 else text
        parts.append(inner if weight == 1 else f"{number(weight)} * {inner}")
    return " + ".join(parts)


def identifiers(prefix: str, names: Sequence[str]) -> list[str]:
    """A distinct identifier for each name, made of `prefix`, `_` and the name.

    The prefix keeps it apart from the words of the language and from our own names. Names that are too long, not ASCII,
    or hold `__`, which GLSL reserves, are replaced by their index.
    """
    plain = [name.isascii() and "__" not in name and len(name) <= 50 for name in names]
    return [f"{prefix}_{name if plain[index] else index}" for index, name in enumerate(names)]


def cell_lines(rule: Rule, target: Target, read: Read, *, editable: bool = False) -> tuple[list[str], list[str]]:
    """The lines that update one cell, and the names of the new values in channel order.

    With a mask, the lines read two unsigned variables: `row`, the hash of the cell's row, and `column`, its x.

    editable: the lines hold `CONSTANT` in place of numbers, and `TERM` around the top-level terms of every update.
    """
    names = dict(zip(rule.feature_names, identifiers("f", rule.feature_names), strict=True))
    lines = [f"float {names[name]} = {text};" for name, text in responses(rule, read, literal, literal(0.0)).items()]
    trees = [to_tree(expr) for expr in rule.expressions]
    code = _editable(rule, trees, target, names) if editable else print_trees(trees, target.dialect, names)
    lines += code.lines
    if rule.masked:
        lines.append(f"{target.uint} cell_hash = mix32(row ^ column);")
    results = identifiers("new", rule.channels)
    for index, (new, change) in enumerate(zip(results, code.results, strict=True)):
        old, scale = read(index, 0, 0), "" if rule.dt == 1 else f"{literal(rule.dt)} * "
        lines.append(f"float {new} = {old} + {scale}({change});")
        lines += [f"{new} = {_mask_condition(rule, index)} ? {new} : {old};"] if rule.masked else []
        lines += _clamp_lines(rule, new)
    return lines, results


CONSTANT = "⟦{name}⟧"  # stands for a number, in brackets where it is negative
TERM = "⟪{id}⟫({term})⟪/⟫"  # stands for its term, or for 0.0f where that is knocked out
_TERMS_A_LINE = 16  # compilers nest a sum as deep as it has terms


def _editable(rule: Rule, trees: Sequence[Tree], target: Target, names: dict[str, str]) -> Code:
    """The updates with placeholders. What several terms share stands before all of them, outside any `TERM`."""
    named = {channel: name_numbers(tree, channel) for channel, tree in zip(rule.channels, trees, strict=True)}
    known = names | {name: CONSTANT.format(name=name) for _, found in named.values() for name in found}
    parts = {channel: summands(tree) for channel, (tree, _) in named.items()}
    code = print_trees([tree for trees in parts.values() for tree in trees], target.dialect, known)
    terms, lines, totals = iter(code.results), list(code.lines), identifiers("sum", rule.channels)
    for channel, total in zip(rule.channels, totals, strict=True):
        gated = [TERM.format(id=f"{channel}.{k}", term=next(terms)) for k in range(len(parts[channel]))]
        for start in range(0, len(gated), _TERMS_A_LINE):
            text = " + ".join(gated[start : start + _TERMS_A_LINE])
            lines.append(f"{total} = {total} + {text};" if start else f"float {total} = {text};")
    return Code(tuple(lines), tuple(totals))


def colour_lines(rule: Rule, target: Target, read: Callable[[int], str]) -> tuple[list[str], list[str]]:
    """The lines that compute red, green and blue of one cell, and the code of the three, before they are clipped.

    read: channel → the code that reads it.
    """
    display = display_of(rule)
    names = dict(zip(rule.channels, identifiers("f", rule.channels), strict=True))
    lines = [f"float {names[name]} = {read(rule.channels.index(name))};" for name in dict.fromkeys(display.channels)]
    code = print_trees(display.trees(), target.dialect, names)
    return [*lines, *code.lines], list(code.results)


def _mask_condition(rule: Rule, channel: int) -> str:
    offset = (channel + 1) * mask.GOLDEN & mask.MAX_SEED
    draw = f"mix32(cell_hash + {offset:#x}u)" if rule.mask == "channel" else "cell_hash"
    return f"{draw} < {mask.threshold(rule.update_rate)}u"


def _clamp_lines(rule: Rule, new: str) -> list[str]:
    ends = zip("<>", map(literal, rule.clamp or ()), strict=False)
    return [f"{new} = {new} {sign} {end} ? {end} : {new};" for sign, end in ends if not end.endswith("INFINITY")]


# comparisons are written so that NaN passes through, as it does in NumPy
_FLOOR, _CEILING = literal(guards.RECIPROCAL_FLOOR), literal(guards.EXP_CEILING)
_HELPERS = {
    "mix32": f"""$uint mix32($uint h)
{{
    h ^= h >> 16;
    h *= {mask.MIX_1:#x}u;
    h ^= h >> 15;
    h *= {mask.MIX_2:#x}u;
    return h ^ (h >> 16);
}}""",
    "reciprocal": f"""float reciprocal(float x)
{{
    return 1.0f / (x < 0.0f ? (x > -{_FLOOR} ? -{_FLOOR} : x) : (x < {_FLOOR} ? {_FLOOR} : x));
}}""",
    "larger": "float larger(float a, float b)\n{\n    return (a >= b || a != a) ? a : b;\n}",
    "smaller": "float smaller(float a, float b)\n{\n    return (a <= b || a != a) ? a : b;\n}",
    "at_most": "float at_most(float x, float most)\n{\n    return x > most ? most : x;\n}",
    "at_least": "float at_least(float x, float least)\n{\n    return x < least ? least : x;\n}",
}  # fmt: skip
EXP_ARGUMENT = f"at_most({{0}}, {_CEILING})"


def helpers(target: Target, body: str) -> str:
    """The definitions of the helper functions that `body` calls."""
    called = [text for name, text in _HELPERS.items() if f"{name}(" in body]
    return "\n\n".join(target.prefix + Template(text).substitute(uint=target.uint) for text in called)
