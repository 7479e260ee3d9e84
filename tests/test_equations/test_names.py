"""Whatever channels are called, generated code means the same: the user's names share no namespace with its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from equations import models
from equations.backends import get_backend
from equations.backends.llvm.jit import _compile
from equations.backends.llvm.kernel import kernel_ir
from equations.backends.llvm.term_ir import term_ir
from equations.backends.reference import step
from equations.backends.torch.module import TorchRule
from equations.backends.torch.trees import compile_torch
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import compile_numpy, evaluate_tree
from equations.expressions.terms import split_terms
from equations.expressions.tree import to_tree
from equations.printers import formats, print_rule
from equations.printers.cell import identifiers
from equations.rule.init import Init
from equations.rule.rule import Rule
from equations.rule.stencils import STENCILS, feature_names
from equations.rule.symbols import check_name
from tests.test_equations.glsl_shim import as_cpp
from tests.test_equations.test_printer_c import compile_c, run_c
from tests.test_equations.test_printer_python import TestPython as PythonPrinter

STENCIL_SET = tuple(STENCILS[name] for name in ("id", "lap", "dx"))
_LLVM = (
    "plane row above below out out_plane out_row at_above at_row at_lo source target xs ys lo hi left right key start "
    "loop done x far bad any last first none address number behind aligned found result interior edge run mix h a v0 "
    "mask stride cells theta adjoint seen sums wrap forward backward roll back bound limit excess plane_0 row_0"
)
_C = (
    "main int float double long auto register static const void unsigned sizeof inline restrict uint32_t size_t "
    "INFINITY CHANNELS MAX_CELLS INDEPENDENT APART up mid down west east end column cell shown names next mix32 "
    "reciprocal larger smaller at_most at_least t1 linux unix errno stdin NULL EOF i c y w k seed steps"
)
_GLSL = (
    "gl_Position gl_FragCoord vec4 ivec2 uint sampler2D texture state0 next0 s0 s0_n here before after size uniform out"
)
_PYTHON = (
    "p self print len list dict str type object True_ exec eval math numpy torch array shape dtype "
    "DT CLAMP THRESHOLD reciprocal_ abs_ max_ v0 v1 t0_ None_ channels"
)
_HUMAN = "e d du dt dx lap u_ u_1 u1 hello h3 frac mathrm nabla alpha mi mo script"
_FIRST = (
    "plane_u plane u row main x i state float gl_Position out_u at_row_u np s f_u new_u t0 v0 v_u e at u_lapx row_u "
    "above out_plane_u worth_u int paint update seed h h3"
)


def allowed(words: list[str]) -> list[str]:
    """The words that may be channel names, each once, no two of which would give one feature name twice."""
    kept: list[str] = []
    for word in dict.fromkeys(words):
        try:
            check_name(word, "channel")
            for feature in feature_names((word,), STENCIL_SET):
                check_name(feature, "feature")
        except InputError:
            continue
        names = feature_names((*kept, word), STENCIL_SET)
        if len(set(names)) == len(names):
            kept.append(word)
    return kept


HOSTILE = allowed([*" ".join((_FIRST, _LLVM, _C, _GLSL, _PYTHON, _HUMAN)).split(), "α", "µ", "μ", "ſ", "u__v"])
GROUPS = [tuple(HOSTILE[start : start + 16]) for start in range(0, len(HOSTILE), 16)]
# the rest needs a minute of compilers
some_names = pytest.mark.parametrize(
    "names", [pytest.param(group, id=group[0], marks=[pytest.mark.slow] * (i > 1)) for i, group in enumerate(GROUPS)]
)


def rule_of(names: tuple[str, ...]) -> Rule:
    """A rule in which every channel takes part, as itself and through each stencil."""
    known = feature_names(names, STENCIL_SET)
    updates = {
        name: parse_infix(f"0.1*{name}_lap - 0.2*{other}*abs({name}_dx) + 0.01*({name} - {index})*{other}_lap", known)
        for index, (name, other) in enumerate(zip(names, names[1:] + names[:1], strict=True))
    }
    noise = Init("noise", tuple(0.1 * i for i in range(len(names))), (0.5,) * len(names))
    return Rule(names, STENCIL_SET, updates, init=noise, update_rate=0.5, mask="channel", dt=0.5, clamp=(-4, 4))


def numbered(names: tuple[str, ...]) -> Rule:
    """The same rule with channels of plain names: c0, c1, …"""
    return rule_of(tuple(f"c{index}" for index in range(len(names))))


def test_the_hostile_names_are_many() -> None:
    assert len(HOSTILE) > 150
    assert {"plane", "row", "main", "x", "i", "state", "float", "gl_Position", "plane_u", "u"} <= set(GROUPS[0])


@some_names
@pytest.mark.parametrize("backend", ["llvm", "torch"])
def test_backends_equal_the_reference(names: tuple[str, ...], backend: str) -> None:
    rule = rule_of(names)
    state = np.random.default_rng(0).normal(0, 0.5, (len(names), 9, 21)).astype(np.float32)
    got = get_backend(backend).make_stepper(rule, threads=1)(state, 0, 1, 3)
    np.testing.assert_allclose(got, step(rule, state, step=0, seed=3), rtol=2e-6, atol=2e-6)


def test_a_torch_module_of_any_names_equals_the_reference() -> None:
    """Channels are parts of the module, whose own attributes have names too."""
    hostile = ("model", "rule", "preset", "forward", "training", "half", "half_", "parameters", "step", "constants")
    names = tuple(allowed([*hostile, "to_rule"]))
    rule = rule_of(names)
    module = TorchRule(rule)
    assert module.to_rule() == rule
    state = np.random.default_rng(0).normal(0, 0.5, (len(names), 5, 7)).astype(np.float32)
    got = module(torch.from_numpy(state), seed=3).detach().numpy()
    np.testing.assert_allclose(got, step(rule, state, step=0, seed=3), rtol=2e-6, atol=2e-6)


def values_named(assembly: str) -> set[str]:
    """The names in a text of assembly, without those that only count: %v0, %v1, …"""
    return {name for name in re.findall(r"[%@][\w.]+", assembly) if not re.fullmatch(r"%v\d+", name)}


@some_names
def test_no_name_reaches_the_compiler(names: tuple[str, ...]) -> None:
    """The names in the code of a rule do not depend on what its channels are called."""
    rule, plain = rule_of(names), numbered(names)
    for lanes in (1, 8):
        texts = [kernel_ir(one, "float32", True, lanes) for one in (rule, plain)]
        assert values_named(texts[0]) == values_named(texts[1])
    _compile(texts[0])
    shapes = []
    for one in (rule, plain):
        bases = [basis for _, basis in split_terms(one.expressions[0])]
        shape = one.replace(updates=dict.fromkeys(one.channels, one.expressions[0]))
        shapes.append(term_ir(shape, bases, [(0, index) for index in range(len(bases))]))
    assert values_named(shapes[0]) == values_named(shapes[1])
    _compile(shapes[0])


@some_names
def test_compiled_expressions_equal_the_interpreter(names: tuple[str, ...]) -> None:
    rule = rule_of(names)
    features = np.random.default_rng(1).normal(size=(len(rule.feature_names), 3, 4))
    values = dict(zip(rule.feature_names, features, strict=True))
    wanted = np.stack([evaluate_tree(to_tree(expr), values) for expr in rule.expressions])
    np.testing.assert_array_equal(compile_numpy(rule.expressions, rule.feature_names)(features), wanted)
    torched = compile_torch(rule.expressions, rule.feature_names)(list(torch.from_numpy(features)))
    np.testing.assert_allclose(torch.stack(torched).numpy(), wanted, rtol=1e-12)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler called cc")
@some_names
def test_c_equals_the_reference(names: tuple[str, ...], tmp_path: Path) -> None:
    rule = rule_of(names)
    program = compile_c(rule, tmp_path, "-std=c99", "-O0", "-Wall", "-Wextra", "-Werror")
    got = run_c(program, len(names), (5, 7), 3, 7)
    np.testing.assert_array_equal(got, reference_state(rule, (5, 7), 3, 7))


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler called c++")
@some_names
def test_the_shader_compiles_and_reserves_no_name(names: tuple[str, ...], tmp_path: Path) -> None:
    rule = rule_of(names)
    code = "\n".join(line for line in print_rule(rule, "glsl").splitlines() if not line.startswith("//"))
    words = set(re.findall(r"[A-Za-z_]\w*", code))
    assert not {word for word in words if "__" in word or (word.startswith("gl_") and word != "gl_FragCoord")}
    assert code.isascii()
    (tmp_path / "shader.cpp").write_text(as_cpp(rule), encoding="utf-8")
    done = subprocess.run(
        ["c++", "-fsyntax-only", "shader.cpp"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def reference_state(rule: Rule, size: tuple[int, int], steps: int, seed: int) -> np.ndarray:
    from tests.test_equations.awkward import reference

    return np.asarray(reference(rule, size, steps, seed))


@some_names
def test_the_script_equals_the_reference(names: tuple[str, ...], tmp_path: Path) -> None:
    rule = rule_of(names)
    got = PythonPrinter().build(rule, tmp_path)((5, 7), 3, 7)
    np.testing.assert_array_equal(got, reference_state(rule, (5, 7), 3, 7))


@some_names
def test_forms_for_reading_keep_the_names(names: tuple[str, ...]) -> None:
    rule = rule_of(names)
    for form in ("text", "csv"):
        text = print_rule(rule, form)
        assert all(re.search(rf"\b[d]?{re.escape(name)}\b", text) for name in names)
    page = ElementTree.fromstring(print_rule(rule, "mathml"))
    shown = "".join(page.itertext())
    assert all(name.rstrip("0123456789") in shown for name in names)
    latex = print_rule(rule, "latex")
    assert latex.count("{") == latex.count("}")
    assert not re.search(r"(?<!\\)_(?!\{)", latex.replace(r"\partial_x", "")), "a bare _ does not typeset"


names_of_any_kind = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE),
        st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True),
        st.sampled_from(HOSTILE).map(lambda name: f"plane_{name}"[:60]),
    ),
    min_size=1,
    max_size=5,
).map(lambda names: tuple(allowed(names)))


@settings(max_examples=40)
@given(names=names_of_any_kind.filter(bool))
def test_identifiers_differ_and_are_plain(names: tuple[str, ...]) -> None:
    features = feature_names(names, STENCIL_SET)
    for prefix in ("f", "v", "new"):
        found = identifiers(prefix, features)
        assert len(set(found)) == len(found)
        assert all(re.fullmatch(rf"{prefix}_[A-Za-z0-9_]{{1,50}}", name) and "__" not in name for name in found)


@settings(max_examples=10)
@given(names=names_of_any_kind.filter(bool))
def test_any_names_print_in_every_format_and_compile_alike(names: tuple[str, ...]) -> None:
    rule = rule_of(names)
    texts = [kernel_ir(one, "float32", True, 4) for one in (rule, numbered(names))]
    assert values_named(texts[0]) == values_named(texts[1])
    for form in formats():
        assert print_rule(rule, form)
    compile(print_rule(rule, "python"), "<rule>", "exec")
    ElementTree.fromstring(print_rule(rule, "mathml"))


def test_names_that_a_language_lacks_are_numbered() -> None:
    assert identifiers("f", ["u", "α", "µ", "u__v", "x" * 51, "lap"]) == ["f_u", "f_1", "f_2", "f_3", "f_4", "f_lap"]


def test_code_for_reading_keeps_the_names() -> None:
    rule = models.get("gray-scott")
    for form, wanted in (("c", "float f_u_lap = "), ("glsl", "float new_u = "), ("python", "v_u_lap = ")):
        assert wanted in print_rule(rule, form)
