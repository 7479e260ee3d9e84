"""What was planted is what is found: the differences, all of them, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from equations import models
from equations.comparison import THRESHOLD, Match, TermMatch, compare_with_model, in_units
from equations.errors import InputError
from equations.rule.stencils import ID, LAP, STENCILS, Stencil
from tests.test_equations.helpers import make_rule
from tests.test_equations.test_comparison.planted import SCALES, changed, disguised

GRAY_SCOTT = models.get("gray-scott")


def found(match: Match) -> dict[tuple[str, str, str], TermMatch]:
    return {(t.channel, t.term, t.status): t for t in match.differences}


@pytest.mark.parametrize("name", models.names())
def test_a_disguised_model_is_itself_to_the_last_term(name: str) -> None:
    rule = models.get(name)
    match = compare_with_model(disguised(name), name)
    assert match.distance < 1e-9
    assert not match.differences
    assert match.preset == next(iter(models.load(name).presets))
    hidden = [f"q{i}" for i in range(len(rule.channels))]
    assert sorted(match.channels.values()) == hidden
    if name not in ("may-leonard", "lambda-omega"):  # these look the same from several sides
        assert [match.channels[c] for c in rule.channels] == hidden
        if name not in ("turing", "swift-hohenberg"):
            wanted = dict(zip(rule.channels, SCALES, strict=False))
            assert match.scales == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("units", [None, {"u": 2.5, "v": 0.3}])
def test_planted_differences_come_out(units: Mapping[str, float] | None) -> None:
    rule = changed(GRAY_SCOTT, u="0.1648*u_lap - u*v^2 + 0.055*(1 - u) + 0.0005*v", v="0.08*v_lap + u*v^2 - 0.117*v")
    match = compare_with_model(in_units(rule, units or {}), "gray-scott", "coral")
    assert set(found(match)) == {("u", "u_lap", "shared"), ("u", "v", "spurious")}
    assert found(match)["u", "u_lap", "shared"].error == pytest.approx(0.03)
    assert found(match)["u", "v", "spurious"].rule == pytest.approx(0.0005)
    assert match.distance < 0.002  # a small spurious term costs little
    assert match.same
    assert match.worst_error == pytest.approx(0.03)


def test_a_missing_term_is_missing_and_costs() -> None:
    rule = changed(GRAY_SCOTT, v="0.08*v_lap + u*v^2")
    match = compare_with_model(rule, "gray-scott", "coral")
    (missing,) = match.differences
    assert (missing.channel, missing.term, missing.status) == ("v", "v", "missing")
    assert missing.model == pytest.approx(-0.117)
    assert missing.rule is None
    assert match.distance > 0.1
    assert match.distance == pytest.approx(missing.cost / 2)
    assert match.worst_error == 1
    assert not match.same


def test_one_wrong_reaction_rate_is_not_spread_over_the_units() -> None:
    rule = changed(GRAY_SCOTT, v="0.08*v_lap + 1.03*u*v^2 - 0.117*v")
    for preset in ("coral", None):
        match = compare_with_model(rule, "gray-scott", preset)
        assert set(found(match)) == {("v", "u*v^2", "shared")}
        assert found(match)["v", "u*v^2", "shared"].error == pytest.approx(0.03)
        assert match.scales == {"u": 1.0, "v": 1.0}


@pytest.mark.parametrize(
    ("name", "updates", "scales"),
    [
        (
            "gray-scott",
            {"u": "0.1648*u_lap - 0.98*u*v^2 + 0.0555*(1 - 1.01*u) + 0.01*v^2 - 0.01*u^2*v"},
            {"u": 2.5, "v": 0.3},
        ),
        ("fisher-kpp", {"u": "1.02*u_lap + 0.41*u - 0.39*u^2 + 0.004*u^3 - 0.001"}, {"u": 2.5}),
    ],
)
def test_small_terms_too_many_do_not_change_the_units(
    name: str, updates: dict[str, str], scales: dict[str, float]
) -> None:
    match = compare_with_model(in_units(changed(models.get(name).replace(clamp=None), **updates), scales), name)
    assert match.distance < 0.015
    assert match.scales == pytest.approx(scales, rel=0.06)


def test_all_coefficients_off_by_a_little_are_at_most_half_as_far_in_distance() -> None:
    text = {"u": "1.04*(0.16*u_lap - u*v^2 + 0.055*(1 - u))", "v": "1.04*(0.08*v_lap + u*v^2 - 0.117*v)"}
    match = compare_with_model(changed(GRAY_SCOTT, **text), "gray-scott", "coral")
    assert 0.01 < match.distance <= 0.04 / 2.04 + 1e-9  # other units take a part of it away
    assert match.distance < THRESHOLD


def test_another_laplacian_is_the_same_term() -> None:
    laplacian = Stencil("lap", STENCILS["lap9sims"].kernel)
    rule = changed(
        GRAY_SCOTT.replace(stencils=(ID, laplacian)),
        u="0.16/0.3*u_lap - u*v^2 + 0.055*(1 - u)",
        v="0.08/0.3*v_lap + u*v^2 - 0.117*v",
    )
    match = compare_with_model(rule, "gray-scott", "coral")
    assert set(found(match)) == {("u", "u_lap", "shared"), ("v", "v_lap", "shared")}
    for term in match.differences:
        assert term.error == pytest.approx(0, abs=1e-9)
        assert term.stencil == "through the nine-point (1 4 1) Laplacian, the model's is five-point"
    assert match.distance < 0.01


def test_a_kernel_of_another_scale_is_no_difference() -> None:
    wide = Stencil("wide", tuple(tuple(4 * w for w in row) for row in STENCILS["lap5"].kernel))
    rule = make_rule({"u": "0.04*u_wide - u*v^2 + 0.055*(1 - u)", "v": "0.02*v_wide + u*v^2 - 0.117*v"}, (ID, wide))
    match = compare_with_model(rule, "gray-scott")
    assert match.distance < 1e-9
    assert not match.differences


def test_a_slope_through_sobel_is_another_stencil_than_the_laplacian() -> None:
    rule = changed(GRAY_SCOTT.replace(stencils=(*GRAY_SCOTT.stencils, STENCILS["dx"])),
                   u="0.16*u_lap - u*v^2 + 0.055*(1 - u) + 0.01*u_dx")  # fmt: skip
    match = compare_with_model(rule, "gray-scott", "coral")
    assert set(found(match)) == {("u", "u_dx", "spurious")}


@pytest.mark.parametrize("name", ["gray-scott", "brusselator", "turing"])
def test_a_smaller_time_step_is_the_same_model(name: str) -> None:
    rule = models.get(name)
    match = compare_with_model(rule.replace(dt=rule.dt / 2), name)
    assert match.distance < 1e-9
    assert match.time == pytest.approx(0.5)
    assert compare_with_model(rule, name).time == 1


@pytest.mark.parametrize(("name", "values"), [
    ("gray-scott", {"F": 0.041, "k": 0.0605}),
    ("fitzhugh-nagumo", {"Du": 0.7, "a": 0.5, "I": 0.1}),
    ("brusselator", {"A": 3.1, "B": 5.2}),
    ("oregonator", {"f": 1.2, "q": 0.013}),
    ("lengyel-epstein", {"a": 11.0, "b": 0.31, "sigma": 17.0}),
    ("lambda-omega", {"b": 1.3, "c": -0.7}),
    ("may-leonard", {"alpha": 0.7, "beta": 2.1}),
])  # fmt: skip
def test_parameters_between_the_presets_are_fitted(name: str, values: Mapping[str, float]) -> None:
    model = models.load(name)
    rule = model.rule(**values)
    scales = dict(zip(rule.channels, (1.6, 0.7, 1.0), strict=False))
    if name in ("may-leonard", "lambda-omega"):  # not all of their channels can have units of their own
        scales = dict.fromkeys(rule.channels, 1.6)
    match = compare_with_model(in_units(rule, scales), name)
    assert match.distance < 1e-5
    fitted = dict(match.parameters)
    if name == "lambda-omega" and fitted["b"] < 0:  # seen in a mirror, v → -v
        fitted = {p: -v for p, v in fitted.items()}
    assert set(match.undetermined) == ({"b", "d", "sigma"} if name == "lengyel-epstein" else set())
    wanted = {p: v for p, v in model.values(**values).items() if p not in match.undetermined}
    assert {p: fitted[p] for p in wanted} == pytest.approx(wanted, rel=1e-3, abs=1e-5)
    assert not match.held


def test_what_a_rescaling_can_stand_for_is_not_determined() -> None:
    match = compare_with_model(in_units(models.load("gierer-meinhardt").rule(mu=0.013), {"a": 2.0}), "gierer-meinhardt")
    assert match.distance < 1e-5
    assert match.undetermined == ("rho",)
    assert match.parameters["mu"] == pytest.approx(0.013, rel=1e-3)


def test_the_nearest_preset_is_named_and_parameters_are_held() -> None:
    near = models.load("gray-scott").rule("mitosis", F=0.0368)
    match = compare_with_model(near, "gray-scott")
    assert match.preset == "mitosis"
    held = compare_with_model(near, "gray-scott", "mitosis")
    assert held.held
    assert held.parameters["F"] == 0.0367
    other = compare_with_model(models.get("gray-scott:alpha"), "gray-scott", "coral")
    assert {t.term for t in other.differences} >= {"u", "1"}
    assert compare_with_model(near, "gray-scott", None, {"F": 0.05}).parameters["F"] == 0.05


def test_negative_units_are_found() -> None:
    match = compare_with_model(in_units(models.get("fitzhugh-nagumo"), {"u": -1.0, "v": -2.0}), "fitzhugh-nagumo")
    assert match.distance < 1e-9
    assert match.scales == pytest.approx({"u": -1.0, "v": -2.0})


@pytest.mark.parametrize(("name", "channel", "text"), [
    ("oregonator", "u", "(u_lap*(u + 0.01) + 25*((u - u^2)*(u + 0.01) - 1.4*v*(u - 0.01)))/(u + 0.01)"),
    ("oregonator", "u", "u_lap + 25*(u - u^2 - 1.4*v + 0.028*v/(u + 0.01))"),
    ("lengyel-epstein", "u", "((u_lap + 10 - u)*(1 + u^2) - 4*u*v)/(1 + u^2)"),
])  # fmt: skip
def test_fractions_may_be_written_in_any_way(name: str, channel: str, text: str) -> None:
    rule = changed(models.get(name), **{channel: text})
    match = compare_with_model(rule, name)
    assert match.distance < 1e-8
    assert not match.differences


def test_saturation_in_partial_fractions() -> None:
    """rho a²/((1 + kappa a²) h) = rho/(kappa h) - rho/(kappa h (1 + kappa a²))."""
    text = "0.01*a_lap + 0.5/h - 0.5/(h*(1 + 0.02*a^2)) - 0.01*a"
    match = compare_with_model(changed(models.get("gierer-meinhardt:stripes"), a=text), "gierer-meinhardt", "stripes")
    assert match.distance < 1e-8
    assert {t.term for t in match.terms if t.channel == "a"} == {"a_lap", "a", "a^2/(h*(1 + 0.02*a^2))"}


def test_a_wrong_number_below_the_line_is_said() -> None:
    text = "u_lap + 25*(u - u^2 - 1.4*v*(u - 0.01)/(u + 0.0102))"
    match = compare_with_model(changed(models.get("oregonator"), u=text), "oregonator", "spirals")
    below = [t for t in match.differences if t.below]
    assert below
    assert max(t.below for t in below) == pytest.approx(0.02, rel=0.05)


def test_functions_are_in_no_model() -> None:
    match = compare_with_model(
        changed(GRAY_SCOTT, u="0.16*u_lap - u*v^2 + 0.055*(1 - u) + 0.1*abs(v_lap)"), "gray-scott", "coral"
    )
    (extra,) = match.differences
    assert (extra.status, extra.term) == ("spurious", "Abs(v_lap)")
    assert 0 < extra.cost < 0.5


def test_channels_without_a_counterpart_count() -> None:
    texts = {"u": "0.16*u_lap - u*v^2 + 0.055*(1 - u)", "v": "0.08*v_lap + u*v^2 - 0.117*v", "w": "-w"}
    idle = make_rule(texts, GRAY_SCOTT.stencils)
    match = compare_with_model(idle, "gray-scott")
    assert match.left_out == ("w",)
    assert match.distance < 1e-9
    coupled = make_rule({**texts, "u": f"{texts['u']} + 0.1*w"}, GRAY_SCOTT.stencils)
    match = compare_with_model(coupled, "gray-scott")
    assert match.extra_channels == ("w",)
    assert match.distance > 1 / 3
    alone = compare_with_model(models.get("fisher-kpp"), "gray-scott")
    assert len(alone.missing_channels) == 1
    assert alone.distance >= 0.5


def test_a_rule_that_does_nothing_is_no_model() -> None:
    still = make_rule({"u": "0"}, (ID, LAP))
    assert compare_with_model(still, "fisher-kpp").distance == 1


def test_clamp_and_mask_are_noted() -> None:
    rule = models.get("turing").replace(clamp=None, update_rate=0.5)
    notes = compare_with_model(rule, "turing").notes
    assert notes == (
        "clamp: the rule's is none in the model's units, the model's [0, 2]",
        "mask: the rule's cells take 0.5 of the steps, the model's all",
    )
    assert compare_with_model(models.get("turing"), "turing").notes == ()


@pytest.mark.parametrize(("arguments", "said"), [
    (("grey-scott",), "unknown model 'grey-scott'"),
    (("gray-scott", "corals"), 'no preset \'corals\' \\(did you mean "coral"'),
    (("gray-scott", None, {"f": 0.1}), "no parameter 'f'"),
])  # fmt: skip
def test_bad_models_are_named(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        compare_with_model(GRAY_SCOTT, *arguments)
