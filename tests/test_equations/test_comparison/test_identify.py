"""Out of the whole catalogue: each model is itself, a texture rule is none, and laws that coincide tie."""

from __future__ import annotations

import pytest

from equations import models
from equations.comparison import THRESHOLD, identify
from equations.rule.rule import Rule
from tests.test_equations.test_comparison.planted import disguised, texture_rule


def check(rule: Rule, name: str) -> None:
    ranking = identify(rule)
    assert [match.model for match in ranking.found] == [name]
    assert ranking.matches[0].distance < 1e-6
    assert ranking.matches[1].distance > 1.5 * THRESHOLD
    assert len(ranking.matches) == len(models.names())


def test_a_disguised_model_is_found_in_the_catalogue() -> None:
    check(disguised("schnakenberg"), "schnakenberg")


@pytest.mark.slow
@pytest.mark.parametrize("name", models.names())
def test_each_model_is_found(name: str) -> None:
    check(models.get(name), name)
    check(disguised(name), name)
    check(disguised(name, seed=7), name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "preset"), [(n, p) for n in models.names() for p in models.load(n).presets])
def test_each_preset_is_found_as_itself(name: str, preset: str) -> None:
    model = models.load(name)
    match = identify(model.rule(preset), [name]).matches[0]
    assert match.distance < 1e-6
    assert not match.undetermined
    assert match.scales == pytest.approx(dict.fromkeys(model.channels, 1.0))
    assert model.values(match.preset) == model.values(preset)
    match = identify(disguised(name, preset), [name]).matches[0]
    assert match.distance < 1e-6
    if name == "turing":  # without its clamp the source is a unit of both channels
        assert match.scales["X"] / 2.5 == pytest.approx(match.scales["Y"] / 0.3)
    elif f"{name}:{preset}" == "swift-hohenberg:holes":  # hexagons of the other sign
        assert match.scales["u"] == pytest.approx(-2.5)
    else:
        assert model.values(match.preset) == model.values(preset)


def test_a_texture_rule_is_none_of_these() -> None:
    seen = []
    ranking = identify(
        texture_rule(), ["gray-scott", "turing", "may-leonard"], lambda done, of: seen.append((done, of))
    )
    assert ranking.found == ()
    distances = [match.distance for match in ranking.matches]
    assert distances == sorted(distances)
    assert distances[0] > 0.5
    assert ranking.matches[-1].extra_channels
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.slow
def test_nor_of_the_others() -> None:
    assert identify(texture_rule(seed=1)).found == ()


def test_laws_that_coincide_tie() -> None:
    """Without its feed of v a Schnakenberg is a Brusselator whose B is 0."""
    rule = models.load("schnakenberg").rule(b=0.0)
    ranking = identify(rule, ["brusselator", "gray-scott", "schnakenberg"])
    assert {match.model for match in ranking.found} == {"brusselator", "schnakenberg"}
    assert ranking.matches[0].distance == pytest.approx(ranking.matches[1].distance, abs=1e-5)
    assert {match.model: match.special for match in ranking.found} == {"brusselator": ("B",), "schnakenberg": ("b",)}
