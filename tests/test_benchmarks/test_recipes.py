"""The published recipes: their shapes as in the papers, their losses, equal time, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.recipes.automata import MicroNCA, SelfOrganising, grow
from benchmarks.recipes.losses import FLAT, as_batch, make_loss
from benchmarks.recipes.measuring import Measures, Place, run, saved
from benchmarks.recipes.pictures import page
from benchmarks.recipes.tables import table
from benchmarks.recipes.training import FORMER, RECIPES, Budget, Ours, Published, PublishedTraining, train
from equations.backends.torch.threads import one_thread
from equations.errors import InputError
from srnca.media.images import Target, load_target
from srnca.texture.controls import flat

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """Torch's own threads make work as small as this slower."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def snake() -> Target:
    return load_target("sample:snake", 32)


def fresh(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_automata_have_as_many_numbers_as_published() -> None:
    assert SelfOrganising(fresh()).numbers == 5856
    shapes = [(2, 1), (2, 2), (4, 2), (4, 4)]
    assert [MicroNCA(*shape, fresh()).numbers for shape in shapes] == [68, 150, 264, 588]


def test_a_step_of_munca_is_the_formula_of_its_paper() -> None:
    automaton = MicroNCA(2, 1, fresh())
    state = automaton.first_states(1, 6, fresh(1))
    kernels = [[[1, 2, 1], [2, -12, 2], [1, 2, 1]]] * 2
    kernels += [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]
    seen = torch.zeros_like(state)
    for channel, kernel in enumerate(kernels):
        for dy in range(3):
            for dx in range(3):
                seen[0, channel] += kernel[dy][dx] * torch.roll(state[0, channel], (1 - dy, 1 - dx), (0, 1))
    features = torch.cat([state, seen, state.abs(), seen.abs()], dim=1)
    weight = automaton.weight.detach()
    wanted = state + torch.einsum("of,bfhw->bohw", weight[:, :-1], features) + weight[:, -1][:, None, None]
    assert torch.allclose(automaton(state, fresh()), wanted, atol=1e-6)


def test_half_of_the_cells_take_a_step_of_self_organising_textures() -> None:
    automaton = SelfOrganising(fresh())
    torch.nn.init.normal_(automaton.last, std=0.1, generator=fresh(2))
    state = torch.rand(2, 12, 16, 16, generator=fresh(1))
    moved = (automaton(state, fresh()) != state).any(dim=1)
    assert 0.4 < float(moved.float().mean()) < 0.6
    assert not automaton.first_states(1, 4, fresh()).any()


@pytest.mark.parametrize("name", ["multiscale", "wavelet", "transport"])
def test_losses_rank_target_shifted_target_and_flat_picture(name: str, snake: Target) -> None:
    loss = make_loss(name, snake.pixels, CPU)
    pictures = (snake.pixels, np.roll(snake.pixels, 9, axis=0), flat(snake.pixels))
    target, shifted, plain = (float(loss(as_batch(picture), fresh())) for picture in pictures)
    assert target < 1e-3 * plain
    assert shifted < 0.4 * plain
    assert name == "transport" or plain == pytest.approx(FLAT)


def test_one_state_at_a_time_gives_the_gradient_of_the_batch(snake: Target) -> None:
    recipe = RECIPES["munca-588"]
    assert isinstance(recipe, Published)
    recipe = replace(recipe, loss="multiscale", pool=8)
    training = PublishedTraining(recipe, snake, 0)
    batch = training.pool[: recipe.batch]
    gradients = []
    for parts in ([batch], batch.split(1)):
        training.optimiser.zero_grad()
        for part in parts:
            training._roll(part, 3)
        gradients.append(training.automaton.weight.grad)
    assert torch.allclose(*gradients, rtol=1e-3, atol=1e-5 * float(gradients[0].abs().max()))


def test_a_training_ends_where_its_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.process_time", lambda: now[0])
    budget = Budget(10.0)
    shares = []
    while budget.left:
        now[0] += 3.0
        budget.count()
        shares.append(budget.share)
    assert shares == [0.3, 0.6, 0.9]  # a fourth iteration would end further from 10 s


def test_what_is_there_is_not_run_again_and_stands_in_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "snake"
    folder.mkdir()
    numbers = {"iterations": 9, "seconds": 6.0, "numbers": 68, "wavelet": 0.5, "multiscale": 0.25}
    for recipe, seed, judged in (("munca-68", 0, 0.4), ("munca-68", 1, 0.6), ("compact", 0, 0.3)):
        about = {"recipe": recipe, "ended": "in time", "judge": judged, "judge_large": float("inf"), **numbers}
        (folder / f"{recipe}-{seed}.json").write_text(json.dumps(about | {"flat": {"judge": 1.0}}))
    target = load_target("sample:snake", 64)
    assert run(Place(folder, "compact", 0), target, 1e9, 4, Measures(target.pixels))["judge"] == 0.3
    said = table([folder])
    assert "| munca-68, 2 seeds | 9 | 6 | 68 | 0.5 | 0.25 | 0.5 | inf |" in said
    assert "| flat colour | – | – | – | – | – | 1 | – |" in said
    assert said.splitlines()[-1] == "| compact | 9 | 6 | 68 | 0.5 | 0.25 | 0.3 | inf | 1 | 1 | 0 |"


def test_a_picture_that_diverged_is_not_a_number() -> None:
    automaton = MicroNCA(2, 1, fresh())
    torch.nn.init.constant_(automaton.weight, 1e3)
    assert np.isnan(grow(automaton, 8, 40, 0)).all()


@pytest.mark.parametrize("recipe", ["map-3", "munca-68"])
def test_a_training_is_judged_kept_and_drawn(
    recipe: str, snake: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.recipes.pictures.WIDE", 64)
    monkeypatch.setattr("benchmarks.recipes.pictures.WIDE_STEPS", 5)
    monkeypatch.setattr("benchmarks.recipes.measuring.LARGE_STEPS", 5)
    place = Place(tmp_path, recipe, 0)
    record = run(place, snake, 1e-3, 1, Measures(snake.pixels))
    assert record["iterations"] >= 1
    assert record["judge"] > 0
    kept = saved(place, snake)
    assert kept is not None
    assert kept.automaton.numbers == record["numbers"]
    page([tmp_path], [recipe], tmp_path / "page.jpg")
    with Image.open(tmp_path / "page.jpg") as image:
        assert image.width > 3 * 64


def test_a_preset_also_trains_as_long_as_it_says(snake: Target) -> None:
    short = Ours(replace(FORMER, iterations=2, max_ca_steps=4))
    trained = train(short, snake, None, 0)
    assert (trained.iterations, trained.ended) == (2, "in time")
    with pytest.raises(InputError, match="a published recipe needs --minutes"):
        train(RECIPES["munca-68"], snake, None, 0)
