"""rule.json: the round trip is the identity, the format is fixed, and hostile files end in one clear error."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from equations import models
from equations.errors import InputError
from equations.expressions.tree import Tree
from equations.rule.init import Init
from equations.rule.rule import Candidate, Display
from equations.rule.rulefile import MAX_BYTES, load_rule, rule_from_dict, rule_to_dict, rule_to_text, save_rule
from equations.rule.symbols import symbol
from tests.test_equations.helpers import CHANNELS, SET, make_rule, trees
from tests.test_equations.test_expressions.test_tree import settled

GOLDEN = Path(__file__).parent / "golden" / "rule_v1.json"


@given(
    st.tuples(trees, trees), st.floats(1e-6, 1e6), st.sampled_from([0.5, 1.0, 1 / 3]),
    st.sampled_from([None, (-1.0, 1 / 3)]), st.sampled_from(["cell", "channel"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=80)
def test_round_trip_is_the_identity(
    pair: tuple[Tree, Tree], dt: float, rate: float, clamp: tuple[float, float] | None, mask: str, square: bool
) -> None:
    exprs = [settled(tree) for tree in pair]
    rule = make_rule(
        dict(zip(CHANNELS, exprs, strict=True)), SET, dt=dt, update_rate=rate, clamp=clamp, mask=mask,
        init=Init("square", (0.1, 1), (0, 1e-3), (1, 2), 0.3) if square else None,
        display=Display(("v",), 0.1, 1 / 7, "viridis") if square else None,
        provenance={"a": [1, {"b": None}], "text": "é"}, metrics={"loss": 1e-17},
        fronts={"v": (Candidate(3, 1e-9, exprs[0], "sparse", 2),)},
    )  # fmt: skip
    again = rule_from_dict(json.loads(rule_to_text(rule)))
    assert again == rule
    assert rule_to_text(again) == rule_to_text(rule)
    assert (again.provenance, again.metrics, again.fronts) == (rule.provenance, rule.metrics, rule.fronts)
    assert rule_from_dict(rule_to_dict(rule)) == rule


def test_golden_file() -> None:
    """Files of format 1 stay readable for ever, and are written as they were."""
    rule = load_rule(GOLDEN)
    assert rule_to_text(rule) == GOLDEN.read_text()
    u, v, u_lap = symbol("u"), symbol("v"), symbol("u_lap")
    assert rule.updates["u"] == (
        u_lap / 3 - u * v**2 + sympy.Max(0, u - 0.1) / (1 + v**2) + sympy.tanh(0.5 * u) - sympy.sqrt(v)
    )
    assert (rule.dt, rule.clamp, rule.update_rate, rule.mask) == (0.25, (-1.5, 2.0), 0.5, "channel")
    assert rule.fronts["u"][1].loss == 1e-16
    assert rule.metrics == {"r2": {"u": 0.99}}


def test_inits_round_trip() -> None:
    for init in (
        Init("spots", (1, 0), (0, 0.1), (0.5, 0.25), 0.05, 7),
        Init("spots", (1, 0), (0, 0.1), (0.5, 0.25)),
        Init("cross", (1, 0), (0, 0.1), (0.5, 0.25)),
        Init("noise", (1, 0), (0, 0.1), spots=7),
    ):
        rule = models.get("gray-scott").replace(init=init)
        data = json.loads(rule_to_text(rule))
        assert rule_from_dict(data).init == init
        assert ("spots" in data["init"]) == (init.kind == "spots" or init.spots != 20)
    data["init"] = {"kind": "spots", "background": [1, 0], "amplitude": [0, 0], "square": [0.5, 0.25]}
    assert rule_from_dict(data).init.spots == 20
    with pytest.raises(InputError, match="spots from 1 to 1000"):
        rule_from_dict({**data, "init": {**data["init"], "spots": "many"}})


def test_save_and_load(tmp_path: Path) -> None:
    rule = models.get("gray-scott:coral")
    path = tmp_path / "rule.json"
    save_rule(rule, path)
    first = path.read_bytes()
    assert load_rule(path) == rule
    save_rule(load_rule(str(path)), path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["rule.json"]


def test_optional_fields_have_their_usual_values() -> None:
    data = {
        k: v
        for k, v in rule_to_dict(models.get("gray-scott")).items()
        if k in ("format", "channels", "stencils", "updates")
    }
    rule = rule_from_dict(data)
    assert (rule.dt, rule.clamp, rule.update_rate, rule.init, rule.display) == (1.0, None, 1.0, None, None)


def broken(**changes: Any) -> dict[str, Any]:
    data = json.loads(rule_to_text(models.get("gray-scott:coral")))
    return {k: v for k, v in {**data, **changes}.items() if v != "DROP"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (broken(format="srnca.rule/2"), 'expected format "srnca.rule/1", got .srnca.rule/2.; a newer version'),
        (broken(format="srnca.nca/1"), "is this a rule file"),
        (broken(format="DROP"), "expected format"),
        (broken(updates="DROP"), "lacks the field 'updates'"),
        (broken(update={"u": 1}), "unknown field 'update' .did you mean \"updates\""),
        (broken(updates={"u": 0, "v": ["Evaluate", "u"]}), 'update of "v": unknown operator .Evaluate.'),
        (broken(updates={"u": 0, "v": "u7_lap"}), 'update of "v" uses u7_lap, but the rule.s features are u, u_lap'),
        (broken(updates={"u": 0, "v": ["Add", "u", float("nan")]}), "finite"),
        (broken(updates={"u": 0}), "one update for each channel"),
        (broken(updates=[1, 2]), "updates to be an object"),
        (broken(channels="uv"), "channels to be a list"),
        (broken(channels=[1, 2]), "channel name"),
        (broken(channels=[["u"], "v"]), "channel name"),
        (broken(stencils=[1]), "a stencil to be an object"),
        (broken(stencils=[{"name": "id"}]), "lacks the field 'kernel'"),
        (broken(stencils=[{"name": "id", "kernel": [[1e400]]}]), "3 rows of 3"),
        (broken(dt=None), "dt to be a finite"),
        (broken(clamp=[1, 2, 3]), "null or"),
        (broken(init={"kind": "noise"}), "init: expected fields"),
        (broken(init={"kind": "noise", "sigma": 1}), "unknown field 'sigma'"),
        (broken(display={"channels": ["w"]}), "display shows"),
        (broken(display=[1]), "display to be an object"),
        (broken(provenance=[]), "provenance"),
        (broken(fronts={"u": [{"expr": "u"}]}), "lacks the field"),
        (broken(fronts={"u": 3}), "a front to be a list"),
        (broken(fronts={"w": []}), "channels of the rule"),
        ([], "JSON object"),
        (None, "JSON object"),
    ],
)  # fmt: skip
def test_bad_data(data: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rule_from_dict(data)


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    with pytest.raises(InputError, match="no such file"):
        load_rule(path)
    with pytest.raises(InputError, match="got a folder"):
        load_rule(tmp_path)
    good = rule_to_text(models.get("gray-scott:coral"))
    for text, words in (
        ("", "expected JSON"),
        ("{", "expected JSON"),
        ("\x00\x01", "expected JSON"),
        ('{"format": "srnca.rule/1"}', "lacks the field"),
        (good.replace("0.16", "NaN"), "finite numbers, got NaN"),
        (good.replace("0.16", "-Infinity"), "finite numbers"),
        (good.replace("0.16", "1e999"), "finite number"),
        (good.replace("0.16", "9" * 5000), "JSON"),
        (good.replace('"dt": 1.0', '"dt": 1.0, "dt": 2.0'), "'dt' occurs twice"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=words) as caught:
            load_rule(path)
        assert str(path) in str(caught.value)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="JSON"):
        load_rule(path)


def deep(n: int) -> str:
    return "[" * n + "]" * n


@pytest.mark.parametrize(
    "tree",
    [
        deep(1_000_000),
        deep(900),
        '["Abs",' * 100_000 + '"u"' + "]" * 100_000,
        '["Abs",' * 300 + '"u"' + "]" * 300,
        '["Power",' * 90 + "9" + ",8]" * 90,
        '["Power", "u", 1e308]',
        '["Power", "u", 100000000000000]',
        '["Multiply", ' + ", ".join(['["Power", 10, 8]'] * 5000) + "]",
        '{"__class__": "os.system"}',
    ],
    ids=["million", "deep", "deep-abs", "abs-300", "tower", "huge-exponent", "whole-exponent", "product", "object"],
)
@pytest.mark.parametrize("place", ["updates", "provenance", "fronts"])
def test_hostile_files(tree: str, place: str, tmp_path: Path) -> None:
    text = rule_to_text(models.get("gray-scott:coral"))
    if place == "updates":
        text = text.replace('["Multiply", 0.16, "u_lap"]', tree)
    elif place == "provenance":
        text = text.replace('"metrics": {}', f'"metrics": {{"x": {tree}}}')
        if tree.startswith(('["Power", "u"', '["Multiply"', "{")):
            pytest.skip("that is fine as data")
    else:
        text = text.replace(
            '"fronts": {}',
            f'"fronts": {{"u": [{{"complexity": 1, "loss": 1, "expr": {tree}, "engine": "x", "terms": 1}}]}}',
        )
    assert tree in text
    path = tmp_path / "rule.json"
    path.write_text(text)
    start = time.process_time()
    with pytest.raises(InputError):
        load_rule(path)
    assert time.process_time() - start < 5


def test_ten_million_nodes(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    text = rule_to_text(models.get("gray-scott:coral"))
    path.write_text(text.replace('["Multiply", 0.16, "u_lap"]', '["Add"' + ',"u"' * 10_000_000 + "]"))
    start = time.process_time()
    with pytest.raises(InputError, match="at most 20000 nodes"):
        load_rule(path)
    assert time.process_time() - start < 10
    with open(path, "ab") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="64 MiB"):
        load_rule(path)
