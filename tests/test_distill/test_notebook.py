"""A distillation shows its front in notebooks."""

from __future__ import annotations

import pytest

from distill.result import Distillation
from equations import Candidate, models, notebook
from equations.expressions.infix import parse_infix

RULE = models.get("gray-scott:coral")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "STEPS", 2)
    monkeypatch.setattr(notebook, "SIZE", 16)


def test_a_refined_distillation_shows_terms_against_loss_with_the_chosen_rule_in_bold() -> None:
    front = [(7.0, 0.125, RULE.replace(dt=0.5)), (3.5, 0.25, RULE)]
    shown = Distillation(RULE, {}, {}, front)._repr_html_()
    assert "<tr><th>3.5</th><th>0.25</th></tr><tr><td>7.0</td><td>0.125</td></tr>" in shown
    assert shown.count("<math") == 1


def test_one_without_refinement_shows_the_fronts_of_its_channels() -> None:
    candidates = tuple(
        Candidate(n, 1 / n, parse_infix(" + ".join(["u*v^2"] * n), ["u", "v"]), "sparse", n) for n in (1, 2)
    )
    shown = Distillation(RULE, {"u": candidates}, {})._repr_html_()
    assert "<p>Δu</p><table>" in shown
    assert "Δv</p>" not in shown
    assert "<td>2</td><td>0.5</td><td>sparse</td><td>2*u*v**2</td>" in shown
