"""The arithmetic of a live page's panels, in JavaScript by Node, against NumPy and the analysis of rules."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from equations import models
from equations.analysis.dispersion import dispersion
from equations.analysis.fixed_points import find_fixed_points
from equations.analysis.jacobian import UniformRule, linearise
from equations.analysis.one_point import read_point
from equations.analysis.spectrum import windowed_spectrum
from equations.expressions.infix import parse_infix
from equations.expressions.numeric import evaluate_tree
from equations.expressions.tree import canonical, to_tree
from equations.rule.rule import Rule
from equations.rule.stencils import nca_stencils
from srnca.pages.live.panels import panel_payload
from srnca.pages.live.programs import program_of

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js, which is not installed")
AWKWARD = (
    "max(a, b, -1)*abs(a - b)",
    "sqrt(a)/(b*b - 1)",
    "tanh(3*a)*exp(b) - min(a, b)^3",
    "sin(a)*cos(b) + a^(-2)",
    "(a + b)^5/7",
)


def node(script: str, data: Any) -> Any:
    """What `script` returns, run after the modules; `data` is its argument."""
    names = ("programs.js", "spectra.js", "waves.js")
    modules = "\n".join((files("srnca.pages.live") / "assets/panels" / name).read_text("utf-8") for name in names)
    text = f'"use strict";\n{modules}\nconst data = JSON.parse(require("fs").readFileSync(0, "utf8"));\n'
    text += f"process.stdout.write(JSON.stringify((() => {{ {script} }})()));"
    done = subprocess.run([str(NODE), "-e", text], input=json.dumps(data), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expressions() -> list[Any]:
    return [to_tree(canonical(parse_infix(text, ("a", "b")))) for text in AWKWARD]


def test_programs_have_the_values_of_the_trees_also_for_negative_numbers_and_zero() -> None:
    a, b = (grid.ravel() for grid in np.meshgrid([-2.0, -0.5, 0.0, 0.3, 1.0, 90.0], [-1.0, 0.0, 0.7, 2.0]))
    trees = expressions()
    found = node(
        "return data.programs.map((p) => [[...programs.column(p, data.at, data.n)],"
        " data.at.a.map((a, i) => programs.value(p, {a, b: data.at.b[i]}))]);",
        {"programs": [program_of(tree) for tree in trees], "at": {"a": a.tolist(), "b": b.tolist()}, "n": len(a)},
    )
    for tree, (columns, single) in zip(trees, found, strict=True):
        expected = np.asarray(evaluate_tree(tree, {"a": a, "b": b}), float)
        np.testing.assert_allclose(columns, expected, rtol=1e-12)
        np.testing.assert_allclose(single, expected, rtol=1e-12)


def test_slopes_equal_those_of_the_analysis_also_at_a_kink_and_behind_a_pole() -> None:
    rule = Rule(
        channels=("a", "b"),
        stencils=nca_stencils(2),
        updates={
            "a": canonical(parse_infix("abs(a - b)*a_lap + max(a, b)/(b - 2) + sqrt(a)*b", ("a", "b", "a_lap"))),
            "b": canonical(parse_infix("tanh(a*b) - exp(-a) + b^(-2)*b_lap + sin(a)*cos(b)", ("a", "b", "b_lap"))),
        },
    )
    law = panel_payload(rule)["law"]
    states = np.array([[0.4, 0.9], [0.7, 0.7], [1.0, 2.0]])  # smooth, at the kink a = b, at the pole b = 2
    expected = UniformRule(rule).slopes(states)
    found = node(
        "return data.states.map((s) => { const l = waves.linearise(data.law, s, data.constants, {});"
        " return [l.f, l.slope.map((row) => [...row]), l.rough, l.pole]; });",
        {"law": law, "states": states.tolist(), "constants": constants(rule)},
    )
    for index, (f, slope, rough, pole) in enumerate(found):
        np.testing.assert_allclose(f, UniformRule(rule).update(states)[index], rtol=1e-12)
        np.testing.assert_allclose(slope, expected.slope[index].reshape(2, -1), rtol=1e-9, atol=1e-12)
        assert (rough, pole) == (bool(expected.spread[index].any()), bool(expected.pole[index])), index


def constants(rule: Rule) -> dict[str, float]:
    from srnca.pages.live.terms import named_terms

    return {constant.name: constant.value for term in named_terms(rule) for constant in term.constants}


def test_eigenvalues_of_complex_matrices_are_numpys() -> None:
    random = np.random.default_rng(0)
    matrices = [random.normal(size=(n, n, 2)) for n in (1, 2, 3, 5, 8, 16)]
    turned = np.zeros((4, 4, 2))  # a cyclic shift: all eigenvalues have the same size
    turned[[0, 1, 2, 3], [1, 2, 3, 0], 0] = 1
    matrices += [turned, np.zeros((3, 3, 2)), np.triu(np.ones((4, 4)))[..., None] * [1.0, 0.0]]
    found = node("return data.map(waves.eigenvalues);", [m.tolist() for m in matrices])
    for matrix, values in zip(matrices, found, strict=True):
        expected = np.linalg.eigvals(matrix[..., 0] + 1j * matrix[..., 1])
        own = np.array([complex(*value) for value in values])
        assert len(own) == len(expected)
        slack = 1e-3 if np.ptp(expected) == 0 else 1e-9  # a defective matrix loses half of the digits
        for value in expected:
            assert np.abs(own - value).min() <= slack * max(1, abs(value))


@pytest.mark.parametrize("size", [(32, 32), (30, 45), (7, 16)])
def test_spectrum_of_a_picture_is_the_one_of_python_for_any_size(size: tuple[int, int]) -> None:
    field = np.random.default_rng(1).normal(size=size) + 3
    found = node(
        "return [spectra.radial(data.field, data.w, data.h), [...spectra.power2d(data.field, data.w, data.h)]];",
        {"field": field.ravel().tolist(), "h": size[0], "w": size[1]},
    )
    frequency, power = windowed_spectrum([field])
    np.testing.assert_allclose(found[0]["frequency"], frequency, rtol=1e-12)
    np.testing.assert_allclose(found[0]["power"], power, rtol=1e-9)
    np.testing.assert_allclose(found[1], (np.abs(np.fft.fft2(field)) ** 2).ravel(), rtol=1e-9, atol=1e-9)


# of each model: its states at rest, as the analysis calls them
CASES = {
    "schnakenberg": ["Turing"],
    "gray-scott": ["stable", "saddle", "Turing"],
    "swift-hohenberg": ["Turing"],
    "barkley": ["stable", "saddle"],
}


@pytest.mark.parametrize("name", CASES)
def test_state_at_rest_and_wavelength_are_those_of_the_analysis(name: str) -> None:
    rule = models.get(name)
    data = panel_payload(rule)
    found = node(
        "return data.points.map((p) => { const start = p.values.map((x, i) => x * (1 + 0.01 * (i + 1)));"
        " const point = waves.rest(data.law, start, p.held, data.constants, {});"
        " return [point && point.values, point && waves.relation(data.law, point, data.constants, {})]; });",
        {"law": data["law"], "points": data["scales"]["points"], "constants": constants(rule)},
    )
    points = {p.values: p for p in find_fixed_points(rule).points}
    states = []
    for (values, relation), given in zip(found, data["scales"]["points"], strict=True):
        point = points[tuple(given["values"])]
        np.testing.assert_allclose(values, point.values, rtol=1e-6, atol=1e-9)
        reading = read_point(point, dispersion(linearise(rule, point.values, point.held), (64, 64)))
        states.append(reading.state)
        if reading.state == "Turing":
            assert reading.wavelengths is not None
            assert relation["wavelength"] == pytest.approx(reading.wavelengths[1], rel=0.01)
        elif reading.state == "stable":
            assert relation["wavelength"] is None
    assert states == CASES[name]


def test_with_a_number_changed_or_a_term_left_out_the_state_at_rest_moves_as_that_rule_has_it() -> None:
    model = models.load("schnakenberg")
    rule, other = model.rule(), model.rule(a=0.2, b=1.1)
    data = panel_payload(rule)
    parameters = data["equations"]["parameters"]
    values = {**model.values(), "a": 0.2, "b": 1.1}
    found = node(
        "const c = {...data.constants};"
        " for (const [name, program] of Object.entries(data.formulas)) c[name] = programs.value(program, data.values);"
        " const gone = waves.rest(data.law, data.start, [false, false], c, {[data.term]: false});"
        " return [waves.rest(data.law, data.start, [false, false], c, {}).values, gone && gone.values];",
        {
            "law": data["law"], "constants": constants(rule), "formulas": parameters["constants"], "values": values,
            "start": [1.0, 0.9], "term": "u.0",
        },
    )  # fmt: skip
    np.testing.assert_allclose(found[0], find_fixed_points(other).points[0].values, rtol=1e-9)
    np.testing.assert_allclose(found[1], [1.1, 1 / 1.1], rtol=1e-9)  # without a: 0 = −u + u²v, 0 = b − u²v
