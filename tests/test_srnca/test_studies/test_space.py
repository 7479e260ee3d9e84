"""What a space may hold, and that every point of the unit cube leads to a set that training takes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equations.errors import InputError
from srnca.studies.search.axis import Axis
from srnca.studies.search.space import STUDY, Space, configuration, read_space

EVERY_KIND = Space(
    (
        Axis("channels", (6, 15)),
        Axis("hidden", low=8, high=128, log=True),
        Axis("filters", low=2, high=6),
        Axis("learning_rate", low=1e-5, high=1e-3, log=True),
        Axis("l1", (0.0, 0.5, 3.0)),
        Axis("activation", ("relu", "abs")),
        Axis("clamp", ("none", "0,1")),
        Axis("batch_size", (2,)),
    )
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "space.toml"
    path.write_text(text)
    return path


def test_the_space_of_the_study() -> None:
    held = {axis.name: axis.to_dict() for axis in STUDY.axes}
    assert held == {
        "channels": [6, 9, 12, 15],
        "hidden": [16, 32, 64, 96],
        "max_ca_steps": [20, 30, 40],
        "batch_size": [2, 4],
        "filters": [4, 5, 6],
        "update_rate": {"low": 0.5, "high": 1.0, "log": False},
        "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    }


@pytest.mark.parametrize("space", [STUDY, EVERY_KIND])
def test_a_space_is_read_back_as_it_was(space: Space) -> None:
    assert Space.from_dict(space.to_dict()) == space


@given(st.lists(st.floats(), min_size=len(EVERY_KIND.axes), max_size=len(EVERY_KIND.axes)))
def test_any_point_gives_a_set_that_training_takes(point: list[float]) -> None:
    params = EVERY_KIND.from_unit(point)
    assert EVERY_KIND.check(params) == params
    config = configuration(params, iterations=3, size=16, seed=1)
    assert config.channels == params["channels"]
    assert config.clamp == (None if params["clamp"] == "none" else (0.0, 1.0))
    again = EVERY_KIND.from_unit(EVERY_KIND.to_unit(params))
    assert all(again[n] == pytest.approx(v) if isinstance(v, float) else again[n] == v for n, v in params.items())


def test_draws_are_even_and_logarithmic() -> None:
    random = np.random.default_rng(0)
    counts = dict.fromkeys((4, 5, 6), 0)
    for _ in range(3000):
        value = STUDY.axes[4].draw(random)
        counts[int(value)] += 1
    assert all(abs(n - 1000) < 100 for n in counts.values())
    rates = [float(STUDY.axes[6].draw(random)) for _ in range(3000)]
    assert np.median(rates) == pytest.approx(1e-4, rel=0.15)  # the middle of 1e-5…1e-3 by its logarithm
    assert {EVERY_KIND.axes[2].draw(random) for _ in range(200)} == {2, 3, 4, 5, 6}


def test_lists_and_ranges_of_a_file(tmp_path: Path) -> None:
    text = 'channels = [15, 6]\nlearning_rate = {low = 1e-4, high = 1e-2, log = true}\nactivation = ["abs", "relu"]'
    space = read_space(written(tmp_path, text))
    assert space.axes[0] == Axis("channels", (6, 15))
    assert space.axes[1] == Axis("learning_rate", low=1e-4, high=1e-2, log=True)
    assert space.axes[2].choices == ("abs", "relu")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("chanels = [6, 9]", "unknown hyperparameter 'chanels' (did you mean \"channels\"?)"),
        ("xyzzy = [6]", "it may hold channels, hidden"),
        ("iterations = [100, 200]", "all trials share it, give it as --iterations"),
        ("channels = []", "channels: expected at least one value to choose from, got an empty list"),
        ("channels = [6.5]", "channels: expected whole numbers, got 6.5"),
        ("channels = [6, 6]", "expected each value once"),
        ("channels = [0, 6]", "expected a whole number from 1 to 64, got 0"),
        ("channels = 6", "expected a list or {low, high, log}, got 6"),
        ("update_rate = {low = 0.9, high = 0.5}", "expected low < high, got 0.9 and 0.5: the range is empty"),
        ("update_rate = {low = 0.5, high = 1.5}", "expected a number in (0, 1], got 1.5"),
        ("update_rate = {low = 0.5}", "expected two numbers low and high"),
        ("update_rate = {low = 0.5, high = 1, step = 0.1}", "expected low, high and log, got 'step'"),
        ("l1 = {low = 0, high = 1, log = true}", "expected low above 0 with log"),
        ("l1 = {low = 1, high = 2, log = 1}", "expected log = true or false"),
        ("filters = {low = 1.5, high = 3}", "expected whole numbers, got 1.5"),
        ('activation = ["gelu"]', "activation"),
        ("activation = {low = 0, high = 1}", "expected a list of words"),
        ('clamp = ["sometimes"]', "expected none or LOW,HIGH"),
        ("", "expected at least one hyperparameter"),
        ("channels = [6", "expected TOML"),
        (
            f"channels = [{'9' * 5000}]",
            "[6, 9], got something else (Exceeds the limit",
        ),
        (f"channels = [{'9' * 4000}]", "channels: expected whole numbers, got an integer of 13288 bits"),
        (f"l1 = {{low = 0, high = {'9' * 400}}}", "expected two numbers low and high"),
        (f"l1 = [0.0, {'9' * 400}]", "l1: expected numbers, got an integer of"),
        ("l1 = [0.0, nan]", "l1: expected numbers, got nan"),
        ("l1 = [0.0, inf]", "l1: expected numbers, got inf"),
        ("l1 = [1979-05-27]", "l1: expected numbers, got datetime.date"),
        (f"channels = {'[' * 5000}", "expected TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_space(written(tmp_path, text))
    assert sentence in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: no such file; expected a space\.toml"):
        read_space(tmp_path / "none.toml")
    with pytest.raises(InputError, match=r"expected a space\.toml, got a folder"):
        read_space(tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="got a named pipe"):
        read_space(tmp_path / "pipe.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 10**7)
    with pytest.raises(InputError, match="got a file of 10000000 bytes"):
        read_space(tmp_path / "large.toml")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"channels": 6, "update_rat": 0.7}, 'did you mean "update_rate"?'),
        ({"channels": 7, "update_rate": 0.7}, r"expected channels in \[6, 9\], got 7"),
        ({"channels": 6}, "expected update_rate in .*, got nothing"),
        ({"channels": 6, "update_rate": 1.01}, "got 1.01"),
        ({"channels": True, "update_rate": 0.7}, "got True"),
    ],
)
def test_sets_outside_the_space(params: dict[str, object], sentence: str) -> None:
    space = Space((Axis("channels", (6, 9)), Axis("update_rate", low=0.5, high=1.0)))
    with pytest.raises(InputError, match=sentence):
        space.check(params)
