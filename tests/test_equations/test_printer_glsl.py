"""The printed shader, run as C++ on the CPU, checked by a GLSL compiler, and run in a browser's WebGL2."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from equations.errors import InputError
from equations.expressions.constants import name_numbers, number_of
from equations.expressions.tree import from_tree, to_tree
from equations.printers import print_rule
from equations.printers.cell import literal
from equations.printers.glsl import print_editable
from equations.rule.init import make_state
from equations.rule.rule import Display, Rule
from equations.rule.stencils import nca_stencils
from equations.simulation import first_init
from tests.test_equations.awkward import (
    AWKWARD,
    COLOURED,
    EXACT,
    PrinterConformance,
    Run,
    State,
    check_picture,
    reference,
)
from tests.test_equations.glsl_shim import as_cpp
from tests.test_equations.helpers import make_rule
from tests.test_equations.webgl import CHROMIUM, run_in_browser

CXX = shutil.which("c++")
SIZE = (19, 30)  # in the browser


def to_texels(state: State) -> State:
    """(channel, h, w) → (texture, h, w, 4), padded with 0."""
    channels, h, w = state.shape
    padded = np.zeros((-(-channels // 4) * 4, h, w), np.float32)
    padded[:channels] = state
    return np.ascontiguousarray(padded.reshape(-1, 4, h, w).transpose(0, 2, 3, 1))


def from_texels(data: bytes, rule: Rule, size: tuple[int, int]) -> State:
    texels = np.frombuffer(data, np.float32).reshape(-1, *size, 4).transpose(0, 3, 1, 2)
    state = texels.reshape(-1, *size)
    assert (state[len(rule.channels) :] == 0).all(), "padding must stay 0"
    return state[: len(rule.channels)]


def first_state(rule: Rule, size: tuple[int, int], seed: int) -> State:
    return make_state(first_init(rule), len(rule.channels), size, seed)


def compile_shader(source: str, folder: Path) -> Path:
    (folder / "shader.cpp").write_text(source, encoding="utf-8")
    command = [str(CXX), "-O0", "-ffp-contract=off", "-o", "shader", "shader.cpp"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / "shader"


def run_shader(program: Path, rule: Rule, size: tuple[int, int], steps: int, seed: int) -> bytes:
    words = [str(program), *map(str, (size[1], size[0], steps, seed))]
    texels = to_texels(first_state(rule, size, seed)).tobytes()
    done = subprocess.run(words, input=texels, capture_output=True, timeout=60)
    assert done.returncode == 0
    return done.stdout


@pytest.mark.skipif(CXX is None, reason="needs a C++ compiler called c++")
class TestGlsl(PrinterConformance):
    def build(self, rule: Rule, folder: Path) -> Run:
        program = compile_shader(as_cpp(rule), folder)
        return lambda size, steps, seed: from_texels(run_shader(program, rule, size, steps, seed), rule, size)


@pytest.mark.skipif(CXX is None, reason="needs a C++ compiler called c++")
@pytest.mark.parametrize("label", COLOURED)
def test_colours_are_those_of_the_library(label: str, tmp_path: Path) -> None:
    rule, (h, w) = COLOURED[label], (13, 21)
    data = run_shader(compile_shader(as_cpp(rule, picture=True), tmp_path), rule, (h, w), 3, 5)
    state = from_texels(data[: -16 * h * w], rule, (h, w))
    colours = np.frombuffer(data[-16 * h * w :], np.float32).reshape(h, w, 4)
    assert colours.min() >= 0
    assert colours.max() <= 1
    assert (colours[..., 3] == 1).all()
    check_picture(label, np.floor(colours[..., :3] * 255 + 0.5).astype(np.uint8), state)


def fill(shader: str, rule: Rule, gone: str = "") -> str:
    """An editable shader with the rule's own numbers, and without the term `gone`."""
    numbers = {}
    for channel in rule.channels:
        numbers |= name_numbers(to_tree(rule.updates[channel]), channel)[1]
    gated = re.sub(r"⟪([^⟫/]+)⟫(.*?)⟪/⟫", lambda found: "0.0f" if found[1] == gone else found[2], shader)
    return re.sub(r"⟦(.+?)⟧", lambda found: f"({literal(number_of(numbers[found[1]]))})", gated)


@pytest.mark.skipif(CXX is None, reason="needs a C++ compiler called c++")
@pytest.mark.parametrize("label", ["signs", "wide", "channel mask"])
def test_the_editable_shader_is_the_same_step(label: str, tmp_path: Path) -> None:
    rule, size = EXACT[label], (11, 23)
    program = compile_shader(as_cpp(rule, printed=fill(print_editable(rule), rule)), tmp_path)
    got = from_texels(run_shader(program, rule, size, 20, 7), rule, size)
    np.testing.assert_array_equal(got, reference(rule, size, 20, 7))


@pytest.mark.skipif(CXX is None, reason="needs a C++ compiler called c++")
def test_an_editable_shader_can_lose_a_term(tmp_path: Path) -> None:
    rule, size = EXACT["gray-scott"], (11, 23)
    tree = to_tree(rule.updates["v"])
    assert isinstance(tree, list)
    for k in (0, 2):
        less = rule.replace(updates={**rule.updates, "v": from_tree([*tree[: k + 1], *tree[k + 2 :]])})
        program = compile_shader(as_cpp(rule, printed=fill(print_editable(rule), rule, f"v.{k}")), tmp_path)
        got = from_texels(run_shader(program, rule, size, 20, 7), rule, size)
        np.testing.assert_allclose(got, reference(less, size, 20, 7), rtol=1e-6, atol=1e-7)


def test_a_rule_without_colours_has_no_pictures() -> None:
    assert "picture" not in print_rule(AWKWARD["gray-scott"], "glsl")
    beyond_float32 = Display(("r", "g", "b"), scale=1e300)
    assert "picture" not in print_rule(AWKWARD["random stencils"].replace(display=beyond_float32), "glsl")


@pytest.mark.parametrize(
    ("label", "rule"), [*AWKWARD.items(), *((f"{label}, coloured", rule) for label, rule in COLOURED.items())]
)
def test_the_shader_is_valid_glsl(label: str, rule: Rule, tmp_path: Path) -> None:
    validator = shutil.which("glslangValidator")
    if validator is None:
        pytest.skip("needs glslangValidator")
    (tmp_path / "rule.frag").write_text(print_rule(rule, "glsl"), encoding="utf-8")
    done = subprocess.run([validator, "rule.frag"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("label", AWKWARD)
def test_numbers_have_a_point_and_powers_are_products(label: str) -> None:
    """What is easily wrong: GLSL ES has no integers among floats, and pow(x, n) is undefined for x < 0."""
    shader = print_rule(AWKWARD[label], "glsl")
    assert shader.startswith("#version 300 es\n")
    assert "pow(" not in shader
    assert "__" not in shader.partition("precision")[2]
    for line in shader.partition("void main()")[2].splitlines():
        for number in re.findall(r"(?<![\w.])\d[\w.]*(?:(?<=e)-\d+f)?", line) if line.startswith("    float ") else ():
            assert re.fullmatch(r"\d+\.\d+(e-?\d+)?f", number), line


def test_more_channels_than_draw_buffers_are_refused() -> None:
    channels = [f"c{index}" for index in range(17)]
    rule = make_rule({channel: f"-{channel}" for channel in channels}, nca_stencils(1))
    with pytest.raises(InputError, match=r"at most 16 channels for GLSL.* got 17; the formats c and python"):
        print_rule(rule, "glsl")
    names = channels[:16]
    assert "vec4 next3;" in print_rule(make_rule({name: f"-{name}" for name in names}, nca_stencils(1)), "glsl")


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    """The state of every rule after 20 steps in a browser."""
    jobs = [
        {"shader": print_rule(rule, "glsl"), "h": SIZE[0], "w": SIZE[1], "steps": 20, "seed": 7,
         "texels": [texture.ravel().tolist() for texture in to_texels(first_state(rule, SIZE, 7))]}
        for rule in AWKWARD.values()
    ]  # fmt: skip
    results = run_in_browser(jobs, tmp_path_factory.mktemp("browser"))
    return {label: from_texels(data, AWKWARD[label], SIZE) for label, data in zip(AWKWARD, results, strict=True)}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("label", AWKWARD)
def test_a_browser_computes_the_reference(label: str, browsed: dict[str, State]) -> None:
    """To the rounding of a GPU, which knows sin to 1e-4 or so; a mask that were wrong in one cell would show."""
    np.testing.assert_allclose(browsed[label], reference(AWKWARD[label], SIZE, 20, 7), rtol=1e-3, atol=1e-3)
