"""What each ending writes, what a full disk, a stop or a divergence leaves, and which options are refused."""

from __future__ import annotations

import builtins
import contextlib
import resource
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from equations import Display, DivergenceError, InputError, MissingPartError
from equations.rule.display import render
from srnca.media.growing_file import GrowingFile
from srnca.media.writing import WRITERS, Recipe, Writer, writing
from tests.test_equations.helpers import make_rule

RULE = make_rule({"u": "0*u", "v": "0*v"}, dt=0.5, display=Display(("v",), colormap="viridis"), provenance={"a": 1})
FRAMES = 6
STATES = np.random.default_rng(0).random((FRAMES, 2, 30, 41), np.float32)
FILMS = (".gif", ".mp4")
KEPT = (".gif", ".mp4", ".npz", ".zarr")


def recipe(**changes: Any) -> Recipe:
    return Recipe(**{"rule": RULE, "every": 4, "frames": FRAMES, **changes})


def read(path: Path) -> np.ndarray:
    """Frames (t, …): the states of a recording, the pictures of a film."""
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        with np.load(path, allow_pickle=False) as data:
            return data["frames"]
    if path.suffix == ".zarr":
        import zarr

        return np.asarray(zarr.open_group(str(path), mode="r")["frames"])
    if path.suffix == ".mp4":
        import av

        with av.open(str(path)) as film:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])
    image, frames = Image.open(path), []
    for i in range(getattr(image, "n_frames", 1)):
        image.seek(i)
        frames.append(np.asarray(image.convert("RGB")))
    return np.stack(frames)


def write(path: Path, states: Iterable[np.ndarray], error: BaseException | None = None, **changes: Any) -> Writer:
    """Write states, then fail with `error` if there is one."""
    with writing(path, recipe(**changes)) as writer:
        for state in states:
            writer.add(state)
        if error is not None:
            raise error
    return writer


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk on which no file can have more than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def pictures(scale: int = 1) -> np.ndarray:
    return np.stack([render(RULE, state) for state in STATES]).repeat(scale, axis=1).repeat(scale, axis=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ending", [".npz", ".zarr"])
def test_recordings_hold_the_states(tmp_path: Path, ending: str, dtype: type) -> None:
    path = tmp_path / f"x{ending}"
    states = STATES.astype(dtype)
    assert write(path, states).frames == FRAMES
    np.testing.assert_array_equal(read(path), states)
    assert read(path).dtype == dtype
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("provenance", "dx"),
    [({"a": 1}, 1.0), ({"dx": 0.25}, 0.25), ({"dx": 2}, 2.0), ({"dx": "wide"}, 1.0), ({"dx": -1}, 1.0)],
)
def test_recordings_say_what_they_are_of(tmp_path: Path, provenance: dict[str, Any], dx: float) -> None:
    import zarr

    for ending in (".npz", ".zarr"):
        write(tmp_path / f"x{ending}", STATES[:1], rule=RULE.replace(provenance=provenance))
    with np.load(tmp_path / "x.npz", allow_pickle=False) as data:
        assert set(data) == {"frames", "dt", "dx", "channels"}
        assert (float(data["dt"]), float(data["dx"]), tuple(data["channels"])) == (2.0, dx, ("u", "v"))
    group = zarr.open_group(str(tmp_path / "x.zarr"), mode="r")
    assert dict(group.attrs) == {
        "format": "srnca.frames/1",
        "dt": 2.0,
        "dx": dx,
        "channels": ["u", "v"],
        "provenance": provenance,
    }
    frames = group["frames"]
    assert frames.chunks == (1, 2, 30, 41)
    assert frames.metadata.dimension_names == ("t", "channel", "y", "x")


def test_a_gif_and_a_png_show_the_states(tmp_path: Path) -> None:
    for ending in (".png", ".gif"):
        write(tmp_path / f"x{ending}", STATES, scale=2)
    np.testing.assert_array_equal(read(tmp_path / "x.png")[0], pictures(2)[-1])
    assert np.abs(read(tmp_path / "x.gif").astype(int) - pictures(2)).max() <= 5


def test_an_mp4_shows_the_states(tmp_path: Path) -> None:
    smooth = np.linspace(0, 1, 30)[None, :, None] * np.ones((2, 30, 41), np.float32)
    write(tmp_path / "x.mp4", [smooth * (i + 1) / FRAMES for i in range(FRAMES)], scale=3, fps=10)
    shown = read(tmp_path / "x.mp4")
    assert shown.shape == (FRAMES, 90, 124, 3)  # 123 is odd: one column comes twice
    expected = render(RULE, smooth).repeat(3, 0).repeat(3, 1)
    assert np.abs(shown[-1, :, :123].astype(int) - expected).mean() < 4
    import av

    with av.open(str(tmp_path / "x.mp4")) as film:
        assert film.streams.video[0].average_rate == 10
        assert film.duration == pytest.approx(FRAMES / 10 * 1e6, rel=0.01)


@pytest.mark.parametrize("ending", FILMS)
def test_small_films_are_enlarged(tmp_path: Path, ending: str) -> None:
    write(tmp_path / f"x{ending}", STATES[:1])
    assert read(tmp_path / f"x{ending}").shape[1:3] == {".gif": (180, 246), ".mp4": (360, 492)}[ending]


@pytest.mark.parametrize("ending", KEPT)
def test_a_divergence_keeps_the_frames_before_it(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    error = DivergenceError("gone", step=9, channel="v", y=1, x=2)
    with pytest.raises(DivergenceError, match=rf"^gone; the 3 frames before it are in .*x\{ending}$") as caught:
        write(path, STATES[:3], error)
    assert (caught.value.step, caught.value.channel, caught.value.y, caught.value.x) == (9, "v", 1, 2)
    assert len(read(path)) == 3
    if ending in (".npz", ".zarr"):
        np.testing.assert_array_equal(read(path), STATES[:3])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_divergence_leaves_no_picture_of_it(tmp_path: Path) -> None:
    for ending in WRITERS:
        with pytest.raises(DivergenceError, match=r"^gone$"):
            write(tmp_path / f"x{ending}", [], DivergenceError("gone", step=0, channel="v", y=1, x=2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", KEPT)
def test_a_full_disk_keeps_what_was_written(tmp_path: Path, ending: str) -> None:
    """Frame for frame whole, and said."""
    path = tmp_path / f"x{ending}"
    count = 80
    # the first ones are small where frames are compressed one by one
    states = [np.full_like(STATES[0], 0.5) if i < count // 2 else STATES[i % FRAMES] for i in range(count)]
    limit = {".gif": 120_000, ".mp4": 60_000, ".npz": 300_000, ".zarr": 5_000}[ending]
    options = {} if ending in (".npz", ".zarr") else {"fps": 20, "scale": 2}
    with files_of_at_most(limit), pytest.raises(OSError, match=r"File too large; the .* before it are in") as caught:
        write(path, states, frames=count, **options)
    assert caught.value.filename == str(path)
    kept = read(path)
    assert 0 < len(kept) < count
    assert f"the {len(kept)} frames" in str(caught.value)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) <= limit * (1 if path.is_file() else 99)
    if ending in (".npz", ".zarr"):
        np.testing.assert_array_equal(kept, states[: len(kept)])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("limit", [70_000, 90_000, 96_000, 138_000])
def test_a_film_is_cut_to_its_whole_pieces(tmp_path: Path, limit: int) -> None:
    """A player would stumble over half a piece."""
    with files_of_at_most(limit), pytest.raises(OSError, match=r"frames before it are in") as caught:
        write(tmp_path / "x.mp4", [STATES[i % FRAMES] for i in range(80)], fps=20, scale=2)
    kept = read(tmp_path / "x.mp4")
    assert f"the {len(kept)} frames" in str(caught.value)
    assert len(kept) >= 19  # pieces of a second


@pytest.mark.parametrize("ending", [".gif", ".mp4", ".npz"])
def test_a_disk_that_fails_once_leaves_no_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """What comes after the frame that was lost must not be written as if nothing had been."""
    real, failed = GrowingFile.write, list[int]()

    def once(self: GrowingFile, data: bytes | memoryview) -> int:
        if self.tell() > 40_000 and not failed:
            failed.append(self.tell())
            raise OSError(5, "Input/output error")
        return real(self, data)

    monkeypatch.setattr(GrowingFile, "write", once)
    options = {} if ending == ".npz" else {"fps": 10, "scale": 2}
    with pytest.raises(OSError, match=r"Input/output error; the (\d+) frames before it are in") as caught:
        write(tmp_path / f"x{ending}", [STATES[i % FRAMES] for i in range(80)], frames=80, **options)
    kept = read(tmp_path / f"x{ending}")
    assert f"the {len(kept)} frames" in str(caught.value)
    assert (tmp_path / f"x{ending}").stat().st_size <= failed[0] + 4096
    if ending == ".npz":
        np.testing.assert_array_equal(kept, [STATES[i % FRAMES] for i in range(len(kept))])


@pytest.mark.parametrize("ending", [".png", *KEPT])
def test_a_disk_without_any_room_leaves_no_file(tmp_path: Path, ending: str) -> None:
    with files_of_at_most(100), pytest.raises(OSError, match="File too large: '"):
        write(tmp_path / f"x{ending}", STATES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", range(9_700, 14_700, 333))
def test_there_is_always_room_for_the_end_of_an_npz(tmp_path: Path, size: int) -> None:
    with files_of_at_most(size + 20_000), pytest.raises(OSError, match="File too large"):
        write(tmp_path / "x.npz", STATES)
    kept = read(tmp_path / "x.npz")
    assert len(kept) in (2, 3)
    np.testing.assert_array_equal(kept, STATES[: len(kept)])


@pytest.mark.parametrize("ending", [".png", ".gif", ".mp4", ".npz"])
def test_other_errors_leave_the_old_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write(path, STATES[:1], KeyboardInterrupt())
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_zarr_replaces_only_its_own(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    for count in (3, 2):
        write(path, STATES[:count])
        assert len(read(path)) == count
    (tmp_path / "letters.zarr").mkdir()
    (tmp_path / "letters.zarr" / "zarr.json").write_text('{"attributes": {}}')
    (tmp_path / "file.zarr").write_text("")
    for name in ("letters.zarr", "file.zarr"):
        with pytest.raises(InputError, match="no recording of this program"), writing(tmp_path / name, recipe()):
            pass
        assert (tmp_path / name).exists()


def test_zarr_shows_a_frame_only_when_it_is_whole(tmp_path: Path) -> None:
    with writing(tmp_path / "x.zarr", recipe()) as writer:
        for i, state in enumerate(STATES):
            writer.add(state)
            np.testing.assert_array_equal(read(tmp_path / "x.zarr"), STATES[: i + 1])


@pytest.mark.parametrize(
    ("ending", "options", "sentence"),
    [
        (".npz", {"fps": 10.0}, "--fps means nothing"),
        (".zarr", {"scale": 2}, "--scale means nothing"),
        (".npz", {"colormap": "grey"}, "--colormap means nothing"),
        (".png", {"fps": 10.0}, "--fps means nothing"),
        (".gif", {"fps": 51.0}, "1 to 50"),
        (".mp4", {"fps": 1000.0}, "1 to 240"),
        (".gif", {"scale": 65}, "1 to 64 pixels a cell"),
        (".png", {"colormap": "virids"}, 'did you mean "viridis"'),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, ending: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence), writing(tmp_path / f"x{ending}", recipe(**options)):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", FILMS)
def test_films_too_large_for_their_format(tmp_path: Path, ending: str) -> None:
    wide = np.zeros((2, 3, 2000), np.float32)
    with pytest.raises(InputError, match="smaller --scale"):
        write(tmp_path / f"x{ending}", [wide], scale=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "package"), [(".mp4", "av"), (".zarr", "zarr")])
def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, package: str) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **words: Any) -> Any:
        if name == package:
            raise ImportError(name)
        return real(name, *more, **words)

    monkeypatch.setattr(builtins, "__import__", without)
    with (
        pytest.raises(MissingPartError, match=f"pip install {package}"),
        writing(tmp_path / f"x{ending}", recipe()),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_duo_spreads_each_channel_over_what_it_has_shown(tmp_path: Path) -> None:
    states = [np.stack([np.full((4, 4), u), np.full((4, 4), v)]) for u, v in ((0.0, 5.0), (2.0, 4.0))]
    write(tmp_path / "x.png", states, colormap="duo")
    ends = render(RULE, np.stack([[[0.0, 2.0]], [[5.0, 4.0]]]), "duo")
    assert (read(tmp_path / "x.png")[0] == ends[0, 1]).all()


def test_a_growing_file_is_cut_back_when_a_write_fails(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "x")
    with files_of_at_most(100):
        file.write(bytes(90))
        with pytest.raises(OSError, match="File too large"):
            file.write(bytes(20))
        assert file.tell() == 90
        file.write(b"01234")
    file.keep()
    assert (tmp_path / "x").read_bytes() == bytes(90) + b"01234"
