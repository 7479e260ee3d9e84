"""Rules show themselves in notebooks."""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from equations import models, notebook, render, simulate
from equations.expressions.infix import parse_infix


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "STEPS", 20)
    monkeypatch.setattr(notebook, "SIZE", 24)


def test_a_rule_is_its_picture_beside_its_equations() -> None:
    rule = models.get("gray-scott:coral")
    shown = rule._repr_html_()
    found = re.search(r'src="data:image/png;base64,([^"]+)"', shown)
    assert found is not None
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    expected = render(rule, simulate(rule, size=24, steps=20, seed=0, every=20)[-1])
    assert np.array_equal(picture[::2, ::2], expected)
    assert "24 × 24 cells after 20 steps" in shown
    math = re.search(r"<math.*</math>", shown, re.DOTALL)
    assert math is not None
    assert "0.117" in "".join(ElementTree.fromstring(math[0]).itertext())


def test_latex_stands_between_dollars() -> None:
    shown = models.get("gray-scott:coral")._repr_latex_()
    assert shown.startswith("$\\displaystyle \\begin{aligned}")
    assert shown.endswith("\\end{aligned}$")
    assert "0.117" in shown


def test_a_rule_that_diverges_has_no_picture_and_one_that_is_long_no_equations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook, "LONGEST", 3)
    rule = models.get("gray-scott:coral").replace(
        updates={"u": parse_infix("9.5*u + 0.1", ["u"]), "v": parse_infix("0.2*v - 0.3*u + 2*v^3", ["u", "v"])}
    )
    shown = rule._repr_html_()
    assert "diverges within" in shown
    assert "<img" not in shown
    assert "too many to typeset" in shown
    assert "<math" not in shown


def test_a_long_rule_runs_for_fewer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "MOST_WORK", 24 * 24 * 7 * 5.0)
    assert "after 5 steps" in models.get("gray-scott:coral")._repr_html_()
