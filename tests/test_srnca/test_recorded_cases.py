"""Files as people have them, from the file to the law: each was read wrongly, or refused, once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, laplace

from distill.result import Distillation
from equations.errors import InputError
from srnca.media.loading import load_recording
from srnca.recordings import distill_frames

SHAPE = (24, 22)


def smooth(seed: int) -> np.ndarray:
    u = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 3, mode="wrap")
    return (u - u.min()) / np.ptp(u)


def diffusion(count: int = 24) -> np.ndarray:
    """u' = 0.2 ∇²u, (t, 1, h, w)."""
    frames = [smooth(0)]
    while len(frames) < count:
        frames.append(frames[-1] + 0.2 * laplace(frames[-1], mode="wrap"))
    return np.array(frames)[:, None]


def growth(count: int = 24) -> np.ndarray:
    """u' = 0.2 ∇²u + 0.05 u (1 − u), (t, 1, h, w)."""
    frames = [0.05 + 0.85 * smooth(3)]
    while len(frames) < count:
        u = frames[-1]
        frames.append(u + 0.2 * laplace(u, mode="wrap") + 0.05 * u * (1 - u))
    return np.array(frames)[:, None]


def law(path: Path) -> tuple[dict[str, dict[str, float]], list[str]]:
    """The constants of the law of the recording at `path`, and what was said first."""
    notes: list[str] = []
    found: Distillation = distill_frames(path, engine="sparse", note=notes.append)
    told = found.report["constants"]
    return {c: {term: row["value"] for term, row in rows.items()} for c, rows in told.items()}, notes


def test_a_folder_of_float_tiffs_has_one_scale(tmp_path: Path) -> None:
    for number, frame in enumerate(8 * diffusion()):
        Image.fromarray(frame[0].astype(np.float32)).save(tmp_path / f"f{number:03}.tif")
    constants, notes = law(tmp_path)
    assert constants == {"grey": {"grey_lap5": pytest.approx(0.2, rel=1e-5)}}
    assert "24 frames of 22x24 cells, 1 channel: grey 0 to 8; dt 1, dx 1 (not in the file)" in notes[0]


@pytest.mark.parametrize("scale", [1.0, 3e7])
def test_small_cells_and_large_values(tmp_path: Path, scale: float) -> None:
    np.savez(tmp_path / "x.npz", frames=growth() * scale, dt=1.0, dx=1e-3, channels=["S"])
    constants, notes = law(tmp_path / "x.npz")
    wanted = {"S": 0.05, "S**2": -0.05 / scale, "S_lap5": 0.2e-6}
    assert constants == {"S": {term: pytest.approx(value, rel=1e-5) for term, value in wanted.items()}}
    assert notes[0].endswith("dt 1, dx 0.001")


def test_values_far_from_zero(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", frames=growth() + 1000)
    constants, _ = law(tmp_path / "x.npz")
    wanted = {"u - 1000.0": 0.05, "(u - 1000.0)**2": -0.05, "u_lap5": 0.2}
    assert constants == {"u": {term: pytest.approx(value, rel=1e-5) for term, value in wanted.items()}}


def test_channels_that_come_last_are_put_first_and_it_is_said(tmp_path: Path) -> None:
    u, v, frames = smooth(1), smooth(2), []
    for _ in range(24):
        frames.append(np.stack([u, v], -1))
        du, dv = 0.16 * laplace(u, mode="wrap") - 0.1 * u * v, 0.08 * laplace(v, mode="wrap") + 0.1 * u * v - 0.05 * v
        u, v = u + du, v + dv
    np.savez(tmp_path / "last.npz", frames=frames)
    constants, notes = law(tmp_path / "last.npz")
    wanted = {"u": {"u*v": -0.1, "u_lap5": 0.16}, "v": {"v": -0.05, "u*v": 0.1, "v_lap5": 0.08}}
    assert constants == {c: {t: pytest.approx(value, rel=1e-5) for t, value in of.items()} for c, of in wanted.items()}
    assert "are read as (t, h, w, channel): 2 channels, which come last" in notes[1]


def test_frames_of_a_zarr_that_were_never_written_are_no_data(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    frames = diffusion(20).astype(np.float32)
    group = zarr.open_group(str(tmp_path / "part.zarr"), mode="w")
    group.create_array("frames", shape=(30, 1, *SHAPE), chunks=(1, 1, *SHAPE), dtype="f4")[:20] = frames
    constants, notes = law(tmp_path / "part.zarr")
    assert constants == {"u": {"u_lap5": pytest.approx(0.2, rel=1e-5)}}
    assert "the last 10 of 30 frames were never written; left out" in notes


@pytest.mark.parametrize(
    ("shape", "names", "read"),
    [
        ((5, 20, 18, 2), None, (5, 2, 20, 18)),
        ((5, 20, 18, 4), None, (5, 4, 20, 18)),
        ((5, 4, 5, 1), None, (5, 1, 4, 5)),
        ((5, 9, 8, 7), ["a"] * 7, (5, 7, 9, 8)),
        ((5, 2, 20, 18), None, (5, 2, 20, 18)),
        ((5, 16, 20, 18), None, (5, 16, 20, 18)),
        ((5, 12, 40, 4), None, (5, 12, 40, 4)),
        ((5, 4, 20, 4), ["a"] * 4, (5, 4, 20, 4)),
        ((5, 20, 18, 3), ["a"] * 20, (5, 20, 18, 3)),
    ],
)
def test_which_axis_is_the_channels(
    tmp_path: Path, shape: tuple[int, ...], names: list[str] | None, read: tuple[int, ...]
) -> None:
    frames = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.savez(tmp_path / "x.npz", frames=frames, **({"channels": names} if names else {}))
    found = load_recording(tmp_path / "x.npz")
    assert found.frames.shape == read
    moved = frames if shape == read else frames.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(found.frames, moved)


def test_names_of_other_alphabets_are_spelt_out_and_said(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).normal(size=(3, 3, 5, 6))
    np.savez(tmp_path / "x.npz", frames=frames, channels=["α", "λ", "pi"])
    found = load_recording(tmp_path / "x.npz")
    assert found.channels == ("alpha", "lambda_c", "pi")
    assert "channels have other names in equations: 'α' is called alpha, 'λ' is called lambda_c" in found.notes


def test_small_changes_on_large_values_keep_their_digits(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).uniform(1000, 1001, (3, 1, 5, 6))
    np.savez(tmp_path / "x.npz", frames=frames)
    np.testing.assert_array_equal(load_recording(tmp_path / "x.npz").frames, frames)
    np.savez(tmp_path / "y.npz", frames=frames - 1000)
    assert load_recording(tmp_path / "y.npz").frames.dtype == np.float32


def test_a_single_channel_without_its_axis_is_told_how(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", frames=np.zeros((3, 5, 6)))
    with pytest.raises(InputError, match=r"got shape \(3, 5, 6\) .* save frames\[:, None\]"):
        load_recording(tmp_path / "x.npz")


def test_a_file_name_that_is_no_utf_8_ends_up_in_the_result(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"x\xff.npz")
    np.savez(tmp_path / "x.npz", frames=growth(8))
    (tmp_path / "x.npz").rename(path)
    distill_frames(path, engine="sparse", out=tmp_path / "result")
    report = json.loads((tmp_path / "result" / "report.json").read_text(encoding="utf-8"))
    assert report["provenance"]["recordings"] == [path.name]
    assert "x\\xff" in (tmp_path / "result" / "report.html").read_text(encoding="utf-8")
