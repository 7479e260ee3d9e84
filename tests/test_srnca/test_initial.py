"""Where simulations start: kinds, pictures, states; and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from equations import Display, Init, InputError, make_state, models
from equations.rule.display import render
from equations.rule.init import KINDS
from srnca.initial import init_of_kind, read_start, save_state
from tests.test_equations.helpers import in_colours, make_rule

MODEL = models.get("gray-scott:coral")
RGB = make_rule(
    {name: f"0*{name}" for name in ("r", "g", "b", "h3")},
    init=Init("noise", (0.0, 0.0, 0.0, 0.25), (0.0, 0.0, 0.0, 0.125)),
    display=Display(("r", "g", "b"), offset=0.5, scale=2.0),
)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_take_the_rule_s_own_values(kind: str) -> None:
    start = read_start(MODEL, kind, (24, 32), seed=3)
    assert MODEL.init is not None
    own = Init(kind, MODEL.init.background, MODEL.init.amplitude, MODEL.init.square)  # type: ignore[arg-type]
    np.testing.assert_array_equal(start.state, make_state(own, 2, (24, 32), 3))
    assert (start.step, start.seed, start.notes) == (0, None, ())


def test_kinds_have_defaults_where_the_rule_has_no_values() -> None:
    bare = make_rule({"u": "0*u", "v": "0*v"}, init=None)
    assert init_of_kind(bare, "square") == Init("square", (0.0, 0.0), (0.1, 0.1), (0.5, 0.5))
    still = bare.replace(init=Init("square", (1.0, 0.0), (0.0, 0.0), (0.5, 0.25)), clamp=(0, 2))
    assert init_of_kind(still, "noise").amplitude == (0.1, 0.1)  # else it would be flat
    assert init_of_kind(still, "cross").amplitude == (0.0, 0.0)
    clamped = bare.replace(init=Init("noise", (0.25, 1.0), (0.0, 0.1)), clamp=(0, 1))
    assert init_of_kind(clamped, "spots").square == (0.625, 0.5)  # half way to the far end of the clamp


def test_a_picture_is_seen_in_the_state(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    start = read_start(RGB, str(tmp_path / "a.png"), (20, 30), seed=1)
    np.testing.assert_array_equal(render(RGB, start.state), pixels)
    assert start.notes == ()
    hidden = start.state[3]
    assert np.ptp(hidden) > 0.2  # background ± amplitude
    assert abs(hidden - 0.25).max() <= 0.125
    tight = RGB.replace(clamp=(-0.1, 0.1))
    assert np.abs(read_start(tight, str(tmp_path / "a.png"), (20, 30), 1).state).max() <= np.float32(0.1)


def test_formulas_cannot_be_inverted(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "red.png")
    rule = in_colours(MODEL, "0.5 - u*v", "v^2", "u")
    with pytest.raises(InputError, match="a picture cannot be turned back into a state; use noise, square"):
        read_start(rule, str(tmp_path / "red.png"), (8, 8), seed=0)
    assert read_start(rule, "noise", (8, 8), seed=0).state.shape == (2, 8, 8)


def test_a_model_of_one_shown_channel_takes_luminance(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "red.png")
    rule = make_rule({"u": "0*u", "v": "0*v"}, init=None, display=Display(("v",), offset=0.1, scale=0.5))
    state = read_start(rule.replace(init=Init("noise", (3, 7), (0, 0))), str(tmp_path / "red.png"), (8, 8), 0).state
    np.testing.assert_allclose(state[0], 3)
    np.testing.assert_allclose(state[1], (0.2126 - 0.1) / 0.5, rtol=1e-5)


def test_a_picture_is_fitted_to_the_size(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 255  # the centred square
    Image.fromarray(wide).save(tmp_path / "wide.png")
    start = read_start(RGB, str(tmp_path / "wide.png"), (10, 10), 0)
    assert start.state.shape == (4, 10, 10)
    np.testing.assert_allclose(start.state[:3], 0.25)
    assert "centre-cropped 120x40 to 40x40" in start.notes[0]
    assert read_start(RGB, str(tmp_path / "wide.png"), None, 0).state.shape == (4, 256, 256)
    tall = read_start(RGB, str(tmp_path / "wide.png"), (60, 20), 0)  # 13 x 40 of it
    np.testing.assert_allclose(tall.state[:3, 2:-2], 0.25, atol=1e-3)


def test_a_saved_state_comes_back(tmp_path: Path) -> None:
    state = np.random.default_rng(0).random((2, 6, 9))
    save_state(tmp_path / "s.npz", MODEL, state, step=123, seed=4)
    start = read_start(MODEL, str(tmp_path / "s.npz"), None, 0)
    np.testing.assert_array_equal(start.state, state)
    assert (start.step, start.seed, start.state.dtype) == (123, 4, np.float64)
    assert read_start(MODEL, str(tmp_path / "s.npz"), (6, 9), 0).step == 123


def test_recordings_and_bare_states_will_do(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).random((3, 2, 4, 5), np.float32)
    np.savez(tmp_path / "f.npz", frames=frames, dt=1.0)
    start = read_start(MODEL, str(tmp_path / "f.npz"), None, 0)
    np.testing.assert_array_equal(start.state, frames[-1])
    np.savez(tmp_path / "s.npz", state=frames[0], channels=np.array(["v", "u"]))
    np.testing.assert_array_equal(read_start(MODEL, str(tmp_path / "s.npz"), None, 0).state, frames[0][::-1])
    np.savez(tmp_path / "n.npz", state=frames[0], channels=np.array(["a", "b"]))
    start = read_start(MODEL, str(tmp_path / "n.npz"), None, 0)
    np.testing.assert_array_equal(start.state, frames[0])
    assert "called 'a, b'; taken in their order" in start.notes[0]


GOOD = np.zeros((2, 4, 5), np.float32)
BAD = GOOD.copy()
BAD[1, 2, 3] = np.nan


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"state": BAD}, r"got nan in channel v at y=2, x=3"),
        ({"state": GOOD + 2e6}, "at most 1e\\+06, got 2000000"),
        ({"state": np.zeros((3, 4, 5))}, r"a state of 2 channels \(u, v\).*got shape \(3, 4, 5\)"),
        ({"state": np.zeros((4, 5))}, "got shape \\(4, 5\\)"),
        ({"state": np.zeros((2, 4, 2))}, "at least 3 cells, got 2x4"),
        ({"state": GOOD.astype(complex)}, "of complex128"),
        ({"state": np.array(["a", "b"])}, "of <U1"),
        ({"state": np.array([None, {}], object)}, "expected an npz file of plain arrays"),  # a pickle: not read
        ({"frames": np.zeros((0, 2, 4, 4))}, "or frames .* in it, found (frames|weights)"),
        ({"weights": GOOD}, "or frames .* in it, found (frames|weights)"),
        ({"state": GOOD, "step": -1}, "step to be a whole number"),
        ({"state": GOOD, "seed": 0.5}, "seed to be a whole number"),
    ],
)
def test_bad_states_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], sentence: str) -> None:
    np.savez(tmp_path / "s.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=sentence) as caught:
        read_start(MODEL, str(tmp_path / "s.npz"), None, 0)
    assert "s.npz" in str(caught.value)


def test_bad_words_and_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "s.npz", state=GOOD)
    np.save(tmp_path / "s.npy", GOOD)
    flat = RGB.replace(display=Display(("r", "g", "b"), scale=0.0))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    for rule, init, size, sentence in [
        (MODEL, "nosie", None, 'did you mean "noise"'),
        (MODEL, "nowhere.png", None, "a picture or a state.npz, got 'nowhere.png'"),
        (MODEL, "nowhere.npz", None, "no such file nowhere.npz"),
        (MODEL, str(tmp_path), None, "which is none of them"),
        (MODEL, str(tmp_path / "text.png"), None, "expected an image"),
        (MODEL, str(tmp_path / "s.npy"), None, "expected an image"),
        (MODEL, str(tmp_path / "text.npz"), None, "plain arrays"),
        (MODEL, str(tmp_path / "s.npz"), (8, 8), "--size 8x8 is not that of .*, 5x4"),
        (flat, str(tmp_path / "a.png"), None, "scale 0"),
    ]:
        with pytest.raises(InputError, match=sentence):
            read_start(rule, init, size, 0)


def test_auxiliary_channels_are_computed_from_the_others(tmp_path: Path) -> None:
    rule = make_rule(
        {"u": "-w_lap", "w": "(u_lap - w)/0.5", "s": "(w - s)/0.5"}, dt=0.5, provenance={"auxiliary": ["w", "s"]}
    )
    field = np.random.default_rng(0).random((2, 1, 5, 6), np.float32)
    np.savez(tmp_path / "a.npz", frames=field, channels=["u"])
    start = read_start(rule, str(tmp_path / "a.npz"), None, seed=0)
    around = sum(np.roll(field[1, 0], s, axis) for axis in (0, 1) for s in (-1, 1)) * 2 + sum(
        np.roll(field[1, 0], (a, b), (0, 1)) for a in (-1, 1) for b in (-1, 1)
    )
    np.testing.assert_allclose(start.state[1], (around - 12 * field[1, 0]) / 16, atol=1e-6)
    np.testing.assert_array_equal(start.state[2], start.state[1])
    assert start.notes == (f"{tmp_path / 'a.npz'}: w, s computed from the other channels",)
    whole = np.arange(90, dtype=np.float32).reshape(3, 5, 6)  # a state that has them is taken as it is
    np.savez(tmp_path / "b.npz", state=whole)
    np.testing.assert_array_equal(read_start(rule, str(tmp_path / "b.npz"), None, seed=0).state, whole)
    odd = rule.replace(updates={**rule.updates, "w": rule.updates["u"]})
    with pytest.raises(InputError, match="auxiliary channel w: expected an update"):
        read_start(odd, str(tmp_path / "a.npz"), None, seed=0)


def test_a_tiff_stack_is_a_recording_whose_last_frame_is_taken(tmp_path: Path) -> None:
    """In its own numbers, and not as a picture whose range is spread over black to white."""
    frames = np.random.default_rng(0).normal(size=(5, 12, 16)).astype(np.float32)
    tifffile.imwrite(tmp_path / "rec.tif", frames)
    rule = make_rule({"grey": "0*grey"})
    start = read_start(rule, str(tmp_path / "rec.tif"), None, seed=0)
    np.testing.assert_array_equal(start.state, frames[-1:])
    tifffile.imwrite(tmp_path / "one.tif", frames[0])
    assert read_start(rule, str(tmp_path / "one.tif"), (12, 16), seed=0).notes  # a picture: its range is spread
