"""From an automaton with learned colours to its rule: the same pictures, refined, written and verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distill.refine import Objective
from distill.refine.pictures import adjoint_of, rgb_of
from distill.result import Distillation
from distill.teacher import compose
from distill.unfinished import fingerprint
from equations.expressions.tree import round_constants
from equations.rule.colours import Display
from equations.rule.display import colours_of, render
from equations.rule.rule import Rule
from equations.rule.rulefile import load_rule
from srnca.automata import load
from srnca.texture.checkpoint import load_checkpoint, save_checkpoint
from srnca.texture.evaluate import nca_pictures, picture_of
from srnca.texture.teacher import NCATeacher
from tests.test_srnca.tiny import SHORT_PAGE, SHORT_REFINEMENT, checkpoint, simulate_on_torch

LINEAR: dict[str, Any] = {"activation": "linear", "filters": 2}


def exact_rule(teacher: NCATeacher) -> Rule:
    form = teacher.closed_form()
    assert form is not None
    return compose(teacher, form)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("colours", ["map", "squares"])
def test_automaton_and_display_show_the_same(channels: int, colours: str) -> None:
    made = checkpoint(channels=channels, colours=colours, **LINEAR)
    teacher = NCATeacher(made)
    rule = exact_rule(teacher)
    state = teacher.rollout(size=(16, 16), steps=3, seed=1, every=3)[-1]
    shown = teacher.pictures(state[None])[0]
    assert shown.shape == (16, 16, 3)
    np.testing.assert_allclose(picture_of(rule, state), shown, atol=1e-6)
    np.testing.assert_allclose(colours_of(rule, state).transpose(1, 2, 0), shown, atol=1e-6)
    assert np.abs(render(rule, state) - 255 * shown.clip(0, 1)).max() <= 0.51
    assert nca_pictures(made, steps=3, teacher=teacher).shape == (4, 16, 16, 3)


def test_refinement_sees_the_map() -> None:
    """The gradient of a loss of pictures by the states is the one through the automaton's own map."""
    random = torch.Generator().manual_seed(0)
    state, made = torch.randn(2, 2, 5, 6, generator=random), checkpoint(channels=2, colours="squares", **LINEAR)
    nca = made.nca
    assert nca.colours is not None
    torch.nn.init.normal_(nca.colours.weight, generator=random)
    rule = exact_rule(NCATeacher(made))

    def loss(rgb: torch.Tensor) -> torch.Tensor:
        return rgb.pow(3).mean(dim=(1, 2, 3))

    wanted = torch.autograd.functional.jacobian(lambda s: loss(nca.pictures(s)).mean(), state)
    objective = Objective(train=lambda rgb, _: loss(rgb), judge=loss, measure=loss)
    np.testing.assert_allclose(adjoint_of(objective, rule, state.numpy(), random), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rgb_of(rule, state.numpy()), nca.pictures(state).detach(), rtol=1e-5, atol=1e-5)


def test_another_map_is_another_teacher() -> None:
    one, two = (checkpoint(channels=2, colours="map") for _ in range(2))
    assert fingerprint(NCATeacher(one)) == fingerprint(NCATeacher(two))
    with torch.no_grad():
        two.nca.colours.offset += 0.25  # type: ignore[union-attr]
    assert fingerprint(NCATeacher(one)) != fingerprint(NCATeacher(two))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Distillation]:
    """An automaton of two species and its distillation, refined for a moment, with the files of both."""
    out = tmp_path_factory.mktemp("result")
    save_checkpoint(checkpoint(channels=2, colours="squares", activation="abs", filters=2), out / "x.pt")
    short: dict[str, Any] = {"refinement": SHORT_REFINEMENT, "page": SHORT_PAGE, "picture_steps": 40}
    with pytest.MonkeyPatch.context() as patch:
        simulate_on_torch(patch)
        return out, load(out / "x.pt").distill(terms=2, seed=3, out=out / "r", **short)


def test_a_refined_rule_keeps_the_map_of_its_automaton(made: tuple[Path, Distillation]) -> None:
    out, result = made
    assert result.rule.provenance["refined"] is True
    display = NCATeacher(load_checkpoint(out / "x.pt")).display
    assert display.colours is not None
    short = Display(colours={name: round_constants(formula, 4) for name, formula in display.colours.items()})
    assert result.rule.display == short != display
    assert load_rule(out / "r" / "rule.json").display == short
    assert [rule.display for _, _, rule in result.texture_front] == [display] * len(result.texture_front)
    losses = json.loads((out / "r" / "report.json").read_text())["texture_loss"]
    assert all(np.isfinite(loss) for loss in losses.values())
    assert "<html" in (out / "r" / "report.html").read_text()
    assert (out / "r" / "figure.png").is_file()


def test_a_rule_with_a_map_is_verified(made: tuple[Path, Distillation], monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)
    out, _ = made
    plain = load(out / "x.pt").distill(refine=False, seed=3, picture_steps=40)
    checks = {check.name: check for check in load(out / "x.pt").verify(plain.rule, steps=20).checks}
    assert checks["fidelity (R², one step)"].ok
    assert checks["texture"].value == pytest.approx(1, abs=1e-3)
    assert checks["stability"].ok
