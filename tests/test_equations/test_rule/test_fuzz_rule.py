"""Damaged rule files: a valid rule or a sentence, within ten seconds and two gigabytes, for thousands of them."""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from equations import models
from equations.errors import InputError
from equations.rule.rule import Candidate, Rule
from equations.rule.rulefile import load_rule, rule_to_dict, rule_to_text, save_rule
from tests.test_equations.helpers import in_colours, make_rule
from tests.test_srnca.fuzzing import check_reader, mutations

GRAY_SCOTT = models.get("gray-scott:coral")
RULES: dict[str, Rule] = {
    "model": GRAY_SCOTT,
    "functions": make_rule(
        {"u": "max(u, v^2, -0.3)*tanh(u_lap) - abs(v_dx)/(1 + u^2)", "v": "exp(-u)*sqrt(v) - sin(3*v) + u_f7^-0.5"},
        update_rate=0.5, mask="channel", clamp=(-1, 1), provenance={"made": ["by", {"a": 1.5}]}, metrics={"r2": 0.5},
    ),
    "colours": in_colours(GRAY_SCOTT, "0.2 + 1.1*u - 0.4*u*v", "max(u, v^2, -0.3)", "0.9 - exp(-v)"),
    "fronts": make_rule({"u": "u_lap - u^3 + 0.5*u"}).replace(
        fronts={"u": [Candidate(9, 0.25, make_rule({"u": "u_lap - 1/3*u"}).updates["u"], "sparse", 2)]}
    ),
}  # fmt: skip
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**64, 10**29, 10**400, 1e-320, 1e30, 1e300, 0.5, -0.5, "", "u", "u_lap", "lap", "id",
    "u\u202e", "\ud800", "x" * 5000, "__class__", "Add", [], {}, [[]], [0] * 5000, {"a": {}}, ["Power", "u", 10**9],
    ["Power", "u", 0.5], ["Power", "u", -8], ["Power", ["Power", ["Add", "u", "v"], 8], 8], ["Divide", 1, 0],
    ["Rational", 1, 0], ["Rational", 10**6, 7], ["Sqrt", -2], ["Exp", ["Exp", ["Exp", 80]]], ["Max"], ["Add"], ["Sin"],
    ["Multiply", *["u"] * 300], ["Max", *[["Add", "u", i] for i in range(300)]],
)  # fmt: skip


def nested(operator: Callable[[Any, int], Any], depth: int) -> Any:
    tree: Any = "u"
    for index in range(depth):
        tree = operator(tree, index)
    return tree


def structures(valid: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` versions of the JSON `valid` with values replaced, moved, doubled, wrapped or left out."""
    for number in range(count):
        rng = random.Random(f"json/{seed}/{number}")
        data = json.loads(valid)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            _change(data, rng)
        text = json.dumps(data)
        if rng.random() < 0.1:
            name = rng.choice(list(data) or ["format"])
            text = text[:-1] + f', "{name}": {json.dumps(rng.choice(HOSTILE))}}}'  # a key twice
        if rng.random() < 0.1:
            text = text.replace("0.", rng.choice(("1e400", "NaN", "-Infinity", "9" * 5000, "0.")), 1)
        yield text.encode("utf-8", "surrogatepass")


def _change(data: Any, rng: random.Random) -> None:
    places = list(_places(data))
    if not places:
        return
    holder, key = rng.choice(places)
    other_holder, other_key = rng.choice(places)
    kind = rng.randrange(6)
    if kind == 0:
        holder[key] = copy.deepcopy(other_holder[other_key])
    elif kind == 1:
        del holder[key]
    elif kind == 2:
        tree = copy.deepcopy(holder[key])
        for _ in range(rng.choice((1, 3, 50, 98, 110))):
            tree = [rng.choice(("Abs", "Sqrt", "Tanh", "Exp", "Negate", "Relu", "Sin", "Cos", "Max")), tree]
        holder[key] = tree
    elif kind == 3 and isinstance(holder[key], list):
        holder[key] *= rng.choice((2, 10, 100))
    elif kind == 4 and isinstance(holder[key], list):
        rng.shuffle(holder[key])
    else:
        holder[key] = copy.deepcopy(rng.choice(HOSTILE))


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every holder in the data with every key or index of it."""
    waiting = [data]
    while waiting:
        holder = waiting.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def read_back(path: Path) -> Rule:
    """The rule in a file; what was accepted is a whole rule: written out and read again it is the same."""
    rule = load_rule(path)
    again = path.with_name("again.json")
    save_rule(rule, again)
    assert load_rule(again) == rule
    assert rule_to_text(load_rule(again)) == rule_to_text(rule)
    return rule


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("mutate", "count"), [(mutations, 600), (structures, 900)])
def test_damaged_rules_end_in_a_sentence(name: str, mutate: Any, count: int, tmp_path: Path) -> None:
    valid = rule_to_text(RULES[name]).encode()
    found = check_reader(read_back, valid, "rule.json", tmp_path, count=count, seed=18, mutate=mutate)
    assert set(found) <= {"read", "InputError"}
    assert found["read"] > count // 50
    assert found["InputError"] > count // 3


@pytest.mark.parametrize("name", RULES)
def test_some_damaged_rules_end_in_a_sentence(name: str, tmp_path: Path) -> None:
    valid = rule_to_text(RULES[name]).encode()
    for mutate in (mutations, structures):
        assert set(check_reader(read_back, valid, "rule.json", tmp_path, count=25, seed=1, mutate=mutate)) <= {
            "read",
            "InputError",
        }


HEAVY = {
    "a tower of powers": nested(lambda tree, _: ["Power", tree, 8], 90),
    "a tower of powers of sums": nested(lambda tree, _: ["Power", ["Add", tree, "v", 1.5], 8], 45),
    "a large sum to a power": [
        "Power",
        ["Add", *[["Multiply", i + 0.5, ["Power", "u", 1 + i % 8], "v"] for i in range(900)]],
        8,
    ],
    "a huge exponent": ["Power", "u", 10**9],
    "a long number": ["Multiply", 10**400, "u"],
    "nested far too deep": nested(lambda tree, _: ["Abs", tree], 400),
    "roots of roots": nested(lambda tree, _: ["Sqrt", ["Power", tree, 8]], 45),
    "exponentials of products": nested(lambda tree, _: ["Exp", ["Multiply", tree, "u", 2]], 48),
    "a product of sums": ["Multiply", *[["Add", "u", ["Multiply", i + 0.0, "v"]] for i in range(2000)]],
    "a wide maximum": ["Max", *[["Add", "u", i + 0.0] for i in range(3000)]],
    "doubled twelve times": nested(lambda tree, _: ["Add", tree, ["Multiply", tree, tree]], 12),
}


@pytest.mark.parametrize("name", HEAVY)
def test_small_files_do_not_ask_for_much_work(name: str, tmp_path: Path) -> None:
    data = rule_to_dict(GRAY_SCOTT)
    data["updates"]["u"] = HEAVY[name]
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(data))
    began, said = time.process_time(), ""
    try:
        load_rule(path)
    except InputError as error:
        said = str(error)
    assert len(said) < 700
    assert time.process_time() - began < 10


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_rule(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rule.json")
    with pytest.raises(InputError, match="named pipe"):
        load_rule(tmp_path / "rule.json")
