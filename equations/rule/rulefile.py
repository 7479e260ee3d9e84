"""`rule.json`: a rule as a file. Format "srnca.rule/1"; reading evaluates no text and checks everything."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from sympy import Expr

from equations.errors import InputError, did_you_mean, shorten
from equations.expressions.tree import from_tree, to_tree
from equations.files import write_text
from equations.reading import check_regular_file
from equations.rule.colours import Display
from equations.rule.init import Init
from equations.rule.rule import MAX_CANDIDATES, Candidate, Rule
from equations.rule.stencils import Stencil

FORMAT = "srnca.rule/1"
MAX_BYTES = 64 * 2**20

_REQUIRED = ("format", "channels", "stencils", "updates")
_SETTINGS = ("dt", "clamp", "update_rate", "mask", "boundary")
_OPTIONAL = (*_SETTINGS, "init", "display", "provenance", "metrics", "fronts")


def load_rule(path: str | os.PathLike[str]) -> Rule:
    """Read a rule; raises InputError, naming the file and the place, when it is not a valid one."""
    file = check_regular_file(path, "a rule file")
    try:
        with open(file, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {str(file)!r}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{file}: expected a rule of at most {MAX_BYTES // 2**20} MiB, got a larger file")
    try:
        return rule_from_dict(_parse_json(data))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def save_rule(rule: Rule, path: str | os.PathLike[str]) -> None:
    """Write a rule, atomically; the same rule always gives the same bytes."""
    write_text(path, rule_to_text(rule))


def rule_to_text(rule: Rule) -> str:
    """The text of a rule file: one line per entry, and per channel where there are several."""
    lines = []
    for key, value in rule_to_dict(rule).items():
        if key in ("updates", "fronts") and value:
            inner = ",\n".join(f"    {json.dumps(name)}: {_compact(entry)}" for name, entry in value.items())
            lines.append(f"  {json.dumps(key)}: {{\n{inner}\n  }}")
        else:
            lines.append(f"  {json.dumps(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def rule_to_dict(rule: Rule) -> dict[str, Any]:
    """The rule as JSON data."""
    return {
        "format": FORMAT,
        "channels": list(rule.channels),
        "stencils": [{"name": s.name, "kernel": [list(row) for row in s.kernel]} for s in rule.stencils],
        "updates": {name: to_tree(expr) for name, expr in rule.updates.items()},
        "dt": rule.dt,
        "clamp": None if rule.clamp is None else list(rule.clamp),
        "update_rate": rule.update_rate,
        "mask": rule.mask,
        "boundary": rule.boundary,
        "init": None if rule.init is None else _plain_init(rule.init),
        "display": None if rule.display is None else _plain_display(rule.display),
        "provenance": dict(rule.provenance),
        "metrics": dict(rule.metrics),
        "fronts": {
            name: [{**_plain(c), "expr": to_tree(c.expr)} for c in front] for name, front in rule.fronts.items()
        },
    }


def rule_from_dict(data: object) -> Rule:
    """The rule that JSON data describe; raises InputError for everything else, hostile data included."""
    try:
        return _read(data)
    except RecursionError:
        raise InputError("expected a rule file, got data nested far too deep") from None


def _read(data: object) -> Rule:
    if not isinstance(data, Mapping):
        raise InputError(f"expected a JSON object, got {shorten(data)}")
    found = data.get("format")
    if found != FORMAT:
        newer = isinstance(found, str) and found.startswith("srnca.rule/")
        hint = "; a newer version of this package reads it" if newer else "; is this a rule file?"
        raise InputError(f'expected format "{FORMAT}", got {shorten(found)}{hint}')
    _check_fields(data, _REQUIRED, _OPTIONAL, "the rule")
    stencils = tuple(_stencil(entry) for entry in _list(data["stencils"], "stencils", 64))
    channels = tuple(_list(data["channels"], "channels", 256))
    updates = {
        name: _expression(tree, f'update of "{name}"')
        for name, tree in _object(data["updates"], "updates", 256).items()
    }
    fronts = {
        name: tuple(_candidate(entry, name) for entry in _list(front, "a front", MAX_CANDIDATES))
        for name, front in _object(data.get("fronts", {}), "fronts", 256).items()
    }
    settings = {name: data[name] for name in _SETTINGS if name in data}
    return Rule(
        channels=channels,
        stencils=stencils,
        updates=updates,
        init=_part(Init, data.get("init"), "init"),
        display=_display(data.get("display")),
        provenance=data.get("provenance", {}),
        metrics=data.get("metrics", {}),
        fronts=fronts,
        **settings,
    )


def _stencil(entry: object) -> Stencil:
    data = _object(entry, "a stencil", 2)
    _check_fields(data, ("name", "kernel"), (), "a stencil")
    return Stencil(data["name"], data["kernel"])


def _expression(tree: object, what: str) -> Expr:
    try:
        return from_tree(tree)  # the rule checks that its names are features, with a clearer message
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


def _candidate(entry: object, channel: str) -> Candidate:
    data = _object(entry, "a candidate", 5)
    _check_fields(data, ("complexity", "loss", "expr", "engine", "terms"), (), "a candidate")
    expr = _expression(data["expr"], f'candidate for "{channel}"')
    return Candidate(data["complexity"], data["loss"], expr, data["engine"], data["terms"])


def _part(kind: type, entry: object, what: str) -> Any:
    if entry is None:
        return None
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    data = _object(entry, what, len(fields))
    _check_fields(data, (), tuple(fields), what)
    try:
        return kind(**data)
    except TypeError as error:
        raise InputError(f"{what}: expected fields {', '.join(fields)}; {error}") from error


def _display(entry: object) -> Display | None:
    if not isinstance(entry, Mapping) or "colours" not in entry:
        found: Display | None = _part(Display, entry, "display")
        return found
    _check_fields(entry, ("colours",), (), "a display with colours")
    trees = _object(entry["colours"], "display colours", 3)
    return Display(colours={name: _expression(tree, f'display colour "{name}"') for name, tree in trees.items()})


def _check_fields(data: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...], what: str) -> None:
    known = (*required, *optional)
    for name in data:
        if name not in known:
            raise InputError(
                f"{what} has an unknown field {shorten(name)}{did_you_mean(name, known)}; expected {', '.join(known)}"
            )
    missing = [name for name in required if name not in data]
    if missing:
        raise InputError(f"{what} lacks the field {missing[0]!r}; expected {', '.join(required)}")


def _object(value: object, what: str, limit: int) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > limit or not all(isinstance(key, str) for key in value):
        raise InputError(f"expected {what} to be an object of at most {limit} entries, got {shorten(value)}")
    return value


def _list(value: object, what: str, limit: int) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > limit:
        raise InputError(f"expected {what} to be a list of at most {limit} entries, got {shorten(value)}")
    return list(value)


def _plain(part: Any) -> dict[str, Any]:
    values = {name: getattr(part, name) for name in part.__dataclass_fields__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _plain_display(display: Display) -> dict[str, Any]:
    if display.colours is not None:
        return {"colours": {name: to_tree(expr) for name, expr in display.colours.items()}}
    data = _plain(display)
    del data["colours"]
    return data


def _plain_init(init: Init) -> dict[str, Any]:
    data = _plain(init)
    if init.kind != "spots" and init.spots == Init.spots:
        del data["spots"]  # files of other kinds keep their bytes from before there were spots
    return data


def _compact(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=True)


def _parse_json(data: bytes) -> object:
    try:
        text = data.decode("utf-8")
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise InputError("expected a rule file, got JSON nested far too deep") from None
    except ValueError as error:  # bad UTF-8, bad JSON, integers of more than 4300 digits
        raise InputError(f"expected JSON, got something else: {error}") from error


def _no_constant(text: str) -> NoReturn:
    raise InputError(f"expected finite numbers, got {text}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise InputError(f"the key {shorten(twice)} occurs twice in one JSON object")
    return found
