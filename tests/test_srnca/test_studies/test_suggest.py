"""Sets as points and back; planes; suggestions that are always viable."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError, MissingPartError
from srnca.studies.explore.suggest import good_ones, suggest
from srnca.studies.explore.views import View, make_autoencoder, make_pca, make_umap
from srnca.studies.search.axis import Axis
from srnca.studies.search.codec import Codec
from srnca.studies.search.space import STUDY, Space
from srnca.studies.workers.founding import Settings

WORDS = Space(
    (
        Axis("channels", (4, 8)),
        Axis("activation", ("relu", "abs", "linear")),
        Axis("pool", low=2, high=64, log=True),
        Axis("learning_rate", low=1e-4, high=1e-2, log=True),
    )
)
needs_umap = pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="umap-learn is not installed")
MAKERS: list[Any] = [make_pca, make_autoencoder, pytest.param(make_umap, marks=[pytest.mark.slow, needs_umap])]


def draw_sets(space: Space, count: int, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [space.from_unit(random.random(len(space.axes))) for _ in range(count)]


def check_of(space: Space) -> Callable[[Any], object]:
    return lambda params: Settings().config(space.check(params), 0)


@pytest.mark.parametrize("space", [STUDY, WORDS])
def test_sets_come_back_from_the_cube(space: Space) -> None:
    codec, sets = Codec(space), draw_sets(space, 40)
    rows = codec.encode(sets)
    assert rows.min() >= 0
    assert rows.max() <= 1
    for before, after in zip(sets, codec.decode(rows), strict=True):
        for name, value in before.items():
            assert after[name] == (pytest.approx(value, rel=1e-3) if isinstance(value, float) else value)


def test_words_have_a_column_each_and_numbers_outside_lie_at_the_end() -> None:
    codec = Codec(WORDS)
    rows = codec.encode([{"channels": 6, "activation": "abs", "pool": 1000, "learning_rate": 1e-3}, {}])
    np.testing.assert_allclose(rows[0], [0.5, 0, 1, 0, 1, 0.5])
    np.testing.assert_allclose(rows[1], [0.5, 0, 0, 0, 0.5, 0.5])


@pytest.mark.parametrize("space", [STUDY, WORDS])
def test_any_point_is_a_set_to_train(space: Space) -> None:
    codec, check = Codec(space), check_of(space)
    wild = 5 * np.random.default_rng(0).standard_normal((500, codec.encode([{}]).shape[1]))
    wild[0], wild[1] = np.nan, np.inf
    for params in codec.decode(wild):
        check(params)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("space", [STUDY, WORDS])
def test_500_points_of_each_view_are_sets_to_train(make: Callable[[Any], View], space: Space) -> None:
    codec, sets = Codec(space), draw_sets(space, 24)
    view, check = make(codec.encode(sets)), check_of(space)
    random = np.random.default_rng(1)
    anywhere = view.points.mean(axis=0) + 3 * view.points.std(axis=0) * random.standard_normal((500, 2))
    for params in codec.decode(view.decode(anywhere)):
        check(params)
    drawn = suggest(view, codec, np.arange(8), range(24), sets, check=check, count=20, seed=0)
    assert drawn.refused == 0
    assert len(drawn.suggestions) == 20
    keys = {codec.key(params) for params in sets}
    for suggestion in drawn.suggestions:
        check(suggestion.params)
        assert codec.key(suggestion.params) not in keys
        keys.add(codec.key(suggestion.params))
        assert suggestion.near in range(8)


def test_the_check_of_suggestions_can_fail() -> None:
    codec, sets = Codec(STUDY), draw_sets(STUDY, 10)

    def refuse(params: Any) -> None:
        raise InputError("no set is good enough")

    drawn = suggest(make_pca(codec.encode(sets)), codec, np.arange(4), range(10), sets, check=refuse, count=3, seed=0)
    assert drawn.suggestions == ()
    assert drawn.refused == drawn.draws > 0


def test_suggestions_lie_where_the_good_ones_are() -> None:
    space = Space((Axis("update_rate", low=0.1, high=1.0), Axis("learning_rate", low=1e-5, high=1e-2, log=True)))
    codec, sets = Codec(space), draw_sets(space, 60)
    badness = np.array([abs(np.log10(params["learning_rate"]) + 2.5) for params in sets])  # best at 10^-2.5
    view = make_pca(codec.encode(sets))
    drawn = suggest(view, codec, good_ones(badness)[:8], range(60), sets, check=check_of(space), count=40, seed=0)
    rates = [np.log10(suggestion.params["learning_rate"]) for suggestion in drawn.suggestions]
    assert np.mean(np.abs(np.array(rates) + 2.5)) < 0.4  # of the whole range's 3


def test_a_space_that_is_used_up_gives_no_more() -> None:
    space = Space((Axis("channels", (4, 8)), Axis("filters", (3, 4, 5))))
    codec = Codec(space)
    sets = [{"channels": c, "filters": f} for c in (4, 8) for f in (3, 4, 5)]
    drawn = suggest(
        make_pca(codec.encode(sets)), codec, np.arange(3), range(6), sets, check=check_of(space), count=2, seed=0
    )
    assert drawn.suggestions == ()
    assert drawn.repeated == drawn.draws


def test_good_ones_are_the_best_third_and_finite() -> None:
    assert good_ones(np.array([3, np.nan, 1, 2, 0, 9, 8, 7, 6, 5])).tolist() == [4, 2, 3]
    assert good_ones(np.array([np.nan, 2.0])).tolist() == [1]


def test_pca_finds_a_planted_plane_and_the_autoencoder_a_curve() -> None:
    random = np.random.default_rng(0)
    flat = random.random((40, 2)) @ random.random((2, 6)) / 2
    assert make_pca(flat).missed == pytest.approx(0, abs=1e-12)
    angles = np.linspace(0, 1.9 * np.pi, 40)
    turns = 0.5 + 0.4 * np.stack([f(k * angles) for k in (1, 2, 3) for f in (np.cos, np.sin)], axis=1)
    linear, curved = make_pca(turns), make_autoencoder(turns)
    assert curved.missed < 0.6 * linear.missed < linear.spread
    assert np.array_equal(curved.points, make_autoencoder(turns).points)
    assert curved.decode(50 * random.standard_normal((20, 2))).min() >= 0


def test_umap_that_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(MissingPartError, match=r"pip install 'srnca\[umap\]'"):
        make_umap(np.zeros((6, 2)))
