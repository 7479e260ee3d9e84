"""States as pictures: displays, colour maps, ranges."""

from __future__ import annotations

import numpy as np
import pytest

from equations.colormaps import COLORMAPS, colour, colour_pair, table
from equations.errors import InputError
from equations.rule.display import DUO, channel_ranges, check_colormap, render
from equations.rule.rule import Display
from tests.test_equations.helpers import make_rule

PAIR = make_rule({"u": "0*u", "v": "0*v"}, display=Display(("v",), 0.25, 0.5))


def test_render() -> None:
    rule = make_rule({"r": "0*r", "g": "0*g", "b": "0*b"}, display=Display(("b", "r", "g"), 0.5, 0.5))
    state = np.zeros((3, 2, 2), np.float32)
    state[0] = [[-2, -1], [1, 2]]
    picture = render(rule, state)
    assert picture.dtype == np.uint8
    assert picture.shape == (2, 2, 3)
    assert picture[..., 1].tolist() == [[0, 0], [255, 255]]
    assert (picture[..., 0] == 128).all()
    grey = render(rule.replace(display=Display(("r",))), np.full((3, 1, 1), 0.2))
    assert grey.tolist() == [[[51, 51, 51]]]
    ends = render(rule.replace(display=Display(("r",), colormap="viridis")), np.array([[[0.0, 1, np.nan]]] * 3))
    assert ends.tolist() == [[[68, 1, 84], [253, 231, 37], [68, 1, 84]]]
    assert render(rule.replace(display=None), state)[..., 0].tolist() == [[0, 0], [255, 255]]
    with pytest.raises(InputError, match="3 channels"):
        render(rule, state[:2])


@pytest.mark.parametrize("name", COLORMAPS)
def test_maps_are_smooth_and_keep_their_ends(name: str) -> None:
    colours = table(name).astype(int)
    assert colours.shape == (256, 3)
    assert np.abs(np.diff(colours, axis=0)).max() <= 9
    assert colour(np.array([[0.0, 1.0]]), name).tolist() == [[colours[0].tolist(), colours[-1].tolist()]]
    with pytest.raises(ValueError, match="read-only"):
        table(name)[0] = 0


@pytest.mark.parametrize("name", ["viridis", "magma", "inferno", "coolwarm"])
def test_maps_are_those_that_people_know(name: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    known = matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
    assert np.abs(table(name) - known).max() <= 10


def test_a_map_replaces_the_display_s_own() -> None:
    state = np.stack([np.zeros((1, 3)), [[-0.5, 0.5, 1.5]]])  # v → 0, 0.5, 1
    assert render(PAIR, state, "grey")[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    assert render(PAIR, state, "magma")[0].tolist() == table("magma")[[0, 128, 255]].tolist()
    assert render(PAIR, state).tolist() == render(PAIR, state, "grey").tolist()


def test_duo_shows_both_channels() -> None:
    corners = np.array([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]]])
    shown = colour_pair(*corners)
    assert len({tuple(c) for c in shown.reshape(-1, 3).tolist()}) == 4
    scaled = corners * np.array([3.0, 0.1])[:, None, None] - 7
    np.testing.assert_array_equal(render(PAIR, scaled, DUO), shown)  # each channel over its own range
    ranges = channel_ranges(scaled)
    np.testing.assert_array_equal(render(PAIR, scaled[:, :1], DUO, ranges), shown[:1])
    middle = colour_pair(np.array([[0.5]]), np.array([[0.5]]))[0, 0]
    np.testing.assert_allclose(middle, shown.reshape(-1, 3).mean(axis=0), atol=0.51)
    flat = render(PAIR, np.array([[[2.0, np.nan]], [[3.0, 3.0]]]), DUO, [(2.0, 2.0), (3.0, 3.0)])
    assert (flat == shown[0, 0]).all()


def test_maps_that_do_not_fit_are_refused() -> None:
    rgb = make_rule({name: f"0*{name}" for name in "rgb"}, display=Display(("r", "g", "b")))
    assert check_colormap(PAIR, DUO) == DUO
    assert check_colormap(rgb.replace(display=Display(("g",))), "magma") == "magma"
    for rule, name, sentence in [
        (PAIR, "virids", 'did you mean "viridis"'),
        (PAIR, "jet", "expected grey, viridis, magma, inferno, coolwarm or duo"),
        (rgb, "magma", "three as red, green, blue"),
        (rgb.replace(display=None), "magma", "three as red, green, blue"),
        (rgb, DUO, "two channels, this one has 3"),
    ]:
        with pytest.raises(InputError, match=sentence):
            check_colormap(rule, name)
    with pytest.raises(InputError, match="three as red"):
        render(rgb, np.zeros((3, 2, 2)), "grey")
