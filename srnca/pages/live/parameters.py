"""Named parameters of known models on a page: each constant of the rule as a formula of the model's parameters.

SymPy simplifies a model's equations differently with letters than with numbers: F (1 − u) stays as it is, and
0.055 (1 − u) becomes 0.055 − 0.055 u. So the formula of a constant is looked for among the coefficients of the
equations with letters. It counts as found if it has the constant's value at several random sets of parameters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from equations.errors import InputError
from equations.expressions import build
from equations.expressions.constants import name_numbers, number_of
from equations.expressions.infix import parse_infix
from equations.expressions.tree import Tree, canonical, to_tree
from equations.models import MODELS, load
from equations.models.model import Model
from equations.rule.rule import Rule
from equations.rule.stencils import feature_names
from equations.rule.symbols import symbol
from srnca.pages.live.programs import program_of

_TRIALS = 3  # sets of parameters at which a formula must have the constant's value
_SAME = 1e-9  # relative

Constants = dict[str, float]
Trial = tuple[dict[str, float], Constants]  # parameters and the constants that they give


def parameter_panel(rule: Rule) -> dict[str, Any] | None:
    """The parameters of the known model that a rule says it is; None where it is none, or was changed.

    parameters: name, meaning, value, range (low, high); `fixed` says why one cannot be moved, or is null.
    constants: name of a constant → program of the parameters.
    """
    model = model_of(rule)
    if model is None:
        return None
    preset, form = str(rule.provenance["preset"]), _Form.of(rule)
    values = model.values(preset)
    if form.constants(model.rule(preset)) is None:
        return None
    free = [name for name, value in values.items() if value != 0]
    free = [name for name in free if form.constants(model.rule(preset, **{name: values[name] * 1.0123}))]
    fixed = {symbol(name): build.number(value) for name, value in values.items() if name not in free}
    formulas = _formulas(model, form, fixed, _moved(model, preset, values, free, form))
    moved = {name for formula in formulas.values() for name in map(str, formula.free_symbols)}
    return {
        "model": model.title,
        "preset": preset,
        "parameters": [
            {
                "name": name,
                "meaning": model.meaning[name],
                "value": value,
                "range": _range(model, name),
                "fixed": None if name in moved else f"{name} = {value:g} is not among the numbers of these equations",
            }
            for name, value in values.items()
        ],
        "constants": {name: program_of(to_tree(formula)) for name, formula in formulas.items()},
    }


def model_of(rule: Rule) -> Model | None:
    """The known model that a rule says it is, by its provenance."""
    name = rule.provenance.get("model")
    if not isinstance(name, str) or name not in MODELS:
        return None
    model = load(name)
    preset = rule.provenance.get("preset")
    known = isinstance(preset, str) and preset in model.presets
    return model if known and model.channels == rule.channels else None


@dataclass(frozen=True)
class _Form:
    """The updates of a rule without their numbers, and the names of these in the order of `_shape`.

    The order of a sum in SymPy depends on its numbers; that of `_shape` does not.
    """

    shapes: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, rule: Rule) -> _Form:
        shapes, names = zip(*(_shape(name_numbers(to_tree(rule.updates[c]), c)[0]) for c in rule.channels), strict=True)
        return cls(shapes, tuple(itertools.chain(*names)))

    def constants(self, rule: Rule) -> Constants | None:
        """The constants of a rule of the same form, with the names of this one; None for another form."""
        own = _Form.of(rule)
        if own.shapes != self.shapes:
            return None
        values: dict[str, Tree] = {}
        for channel in rule.channels:
            values |= name_numbers(to_tree(rule.updates[channel]), channel)[1]
        return {name: number_of(values[there]) for name, there in zip(self.names, own.names, strict=True)}


def _shape(tree: Tree) -> tuple[str, list[str]]:
    """A tree as text with # for each number, and the names of the numbers in that order."""
    if isinstance(tree, str):
        return ("#", [tree]) if "." in tree else (tree, [])
    if not isinstance(tree, list):
        return str(tree), []
    if tree[0] == "Power":
        shape, names = _shape(tree[1])
        return f"Power({shape} {tree[2]})", names
    parts = [_shape(argument) for argument in tree[1:]]
    if tree[0] in ("Add", "Multiply", "Max", "Min"):
        parts.sort(key=lambda part: part[0])
    return f"{tree[0]}({' '.join(shape for shape, _ in parts)})", [name for _, names in parts for name in names]


def _moved(model: Model, preset: str, values: Mapping[str, float], free: list[str], form: _Form) -> list[Trial]:
    """Random sets of the parameters `free`, which leave the form of the equations alone, and their constants."""
    random, found = np.random.default_rng(0), []
    for _ in range(_TRIALS):
        moved = {**values, **{name: values[name] * float(random.uniform(0.9, 1.1)) for name in free}}
        constants = form.constants(model.rule(preset, **moved))
        if constants is None:
            return []
        found.append((moved, constants))
    return found


def _formulas(model: Model, form: _Form, fixed: Mapping[Expr, Expr], trials: list[Trial]) -> dict[str, Expr]:
    """Name of a constant → its formula, for all constants that depend on a parameter.

    fixed: the values of the parameters that are not moved.
    """
    candidates = [(expr, [_value(expr, moved) for moved, _ in trials]) for expr in _candidates(model)] if trials else []
    found: dict[str, Expr] = {}
    for name in form.names if trials else ():
        wanted = [constants[name] for _, constants in trials]
        if all(_same(value, wanted[0]) for value in wanted):
            continue
        fits = (expr for expr, seen in candidates if all(map(_same, seen, wanted)))
        formula = next(fits, None)
        if formula is None:  # half of the numbers would move and half stay: better none
            return {}
        found[name] = canonical(formula.xreplace(fixed))
    return found


def _candidates(model: Model) -> Iterator[Expr]:
    """Expressions of parameters that are coefficients or parts of the equations, and their negatives and inverses."""
    features = feature_names(model.channels, model.stencils)
    letters = frozenset(symbol(name) for name in model.parameters)
    step = {symbol("dt"): build.number(model.dt)}
    parts: dict[Expr, None] = {}
    for text in model.equations.values():
        expr = canonical(parse_infix(text, (*features, *model.parameters, "dt")).xreplace(step))
        opened = sympy.expand(expr)
        for whole in (expr, opened):
            for part in sympy.preorder_traversal(whole):
                if part.free_symbols:
                    own, _ = part.as_independent(*map(symbol, features), as_Add=False)
                    parts |= dict.fromkeys(
                        one for one in (part, own) if one.free_symbols and one.free_symbols <= letters
                    )
        collected = sympy.collect(opened, [symbol(name) for name in features], evaluate=False)
        parts |= dict.fromkeys(c for c in collected.values() if c.free_symbols and c.free_symbols <= letters)
    pairs = itertools.permutations(sorted(letters, key=str), 2)
    parts |= dict.fromkeys(itertools.chain(letters, (a / b for a, b in pairs)))
    for part in sorted(parts, key=lambda one: (len(str(one)), str(one))):
        for one in (part, -part, 1 / part, -1 / part):
            try:
                yield canonical(one)
            except InputError:
                continue


def _value(expr: Expr, values: Mapping[str, float]) -> float:
    found = complex(expr.subs({symbol(name): value for name, value in values.items()}))
    return found.real if found.imag == 0 else math.nan


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * max(abs(a), abs(b), 1e-300)


def _range(model: Model, name: str) -> tuple[float, float]:
    """The range of a slider: the values of all presets, and half as much beyond them; with 0 where it is near."""
    seen = [model.values(preset)[name] for preset in model.presets]
    low, high = min(seen), max(seen)
    reach = max(high - low, abs(high), abs(low)) / 2 or 1.0
    return (0.0 if 0 <= low <= reach else low - reach), high + reach
