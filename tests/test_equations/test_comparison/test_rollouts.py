"""Both from the same state: together while they are one law, parted when they are not, and then as patterns."""

from __future__ import annotations

from typing import Any

import pytest

from equations import models
from equations.comparison import Rollouts, compare_patterns, compare_with_model, in_units
from equations.errors import InputError
from equations.rule.rule import Rule
from tests.test_equations.test_comparison.planted import changed, disguised

GRAY_SCOTT = models.get("gray-scott")
QUICK = {"size": 48, "steps": 2000}


def runs(rule: Rule, name: str, preset: str | None = None, **settings: Any) -> Rollouts:
    return compare_patterns(rule, compare_with_model(rule, name, preset), **{**QUICK, **settings})


def test_a_model_stays_with_itself() -> None:
    found = runs(GRAY_SCOTT, "gray-scott")
    assert found.parted is None
    assert max(found.apart) == 0
    assert (found.rule == found.model).all()
    assert found.alike
    assert found.steps[0] == 0
    assert found.steps[-1] == 2000


def test_so_it_does_in_other_units_and_names() -> None:
    found = runs(disguised("gray-scott"), "gray-scott", steps=300)
    assert found.parted is None
    assert max(found.apart) < 1e-2
    assert found.apart[0] < 1e-6
    assert found.alike


def test_other_parameters_part_and_show_another_pattern() -> None:
    found = runs(models.get("gray-scott:mitosis"), "gray-scott", "coral")
    assert found.parted is not None
    assert 0 < found.parted < 2000
    assert found.apart[found.steps.index(found.parted)] > 0.1
    assert not found.alike
    ours, theirs = found.statistics["v"]
    assert ours.mean < theirs.mean


def test_a_smaller_step_needs_as_many_more() -> None:
    """The model takes the rule's time steps, so that they stay together."""
    found = runs(GRAY_SCOTT.replace(dt=0.5), "gray-scott", steps=400)
    assert found.parted is None


def test_divergence_is_said() -> None:
    wild = changed(GRAY_SCOTT, u="0.16*u_lap + u*v^2 + 0.055*(1 - u)", v="0.08*v_lap + u*v^2 - 0.117*v")
    found = runs(wild, "gray-scott", "coral")
    assert found.diverged is not None
    assert found.diverged.startswith("the rule: the simulation diverged at step")
    assert not found.alike
    assert found.steps[-1] < 2000


def test_one_channel_and_further_channels() -> None:
    found = runs(models.get("fisher-kpp"), "fisher-kpp", steps=50)
    assert list(found.spectrum) == ["u"]
    negative = in_units(models.get("allen-cahn"), {"u": -3.0})
    assert runs(negative, "allen-cahn", steps=50).parted is None


def test_a_channel_without_a_counterpart_cannot_run() -> None:
    rule = models.get("fisher-kpp")
    with pytest.raises(InputError, match="expected a rule with a counterpart for each channel of gray-scott"):
        compare_patterns(rule, compare_with_model(rule, "gray-scott"))
