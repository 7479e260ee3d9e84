"""`srnca simulate --resume`: what can be gone on with, and what is refused with a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import InputError
from srnca.cli.app import main
from srnca.cli.simulate_start import read_kept
from srnca.media.writing import Recipe, writing
from srnca.media.zarr.run_record import describe_run, read_run
from tests.test_srnca.test_writers import RULE, STATES, read, recipe, write

WORDS = ["simulate", "gray-scott", "--size", "9x8", "--steps", "8", "--every", "2", "--backend", "reference", "--quiet"]


def ours(**changes: Any) -> Recipe:
    return recipe(run=describe_run(RULE, every=4, seed=7, step=100, init="leaf.png"), **changes)


def kept(path: Path, **changes: Any) -> Any:
    given: dict[str, Any] = {"init": "leaf.png", "size": None, "seed": None, "dtype": "float32", **changes}
    return read_kept(path, given.pop("recipe", ours()), **given)


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A recording of the first three states."""
    write(tmp_path / "x.zarr", STATES[:3], run=ours().run)
    return tmp_path / "x.zarr"


def test_a_recording_says_where_it_ends(half: Path) -> None:
    found = kept(half)
    assert (found.frames, found.step, found.seed, str(found)) == (3, 108, 7, "frame 2, step 108")
    np.testing.assert_array_equal(found.state, STATES[2])
    assert kept(half, seed=7, size=(30, 41)).frames == 3
    assert kept(half.with_name("none.zarr")) is None
    with writing(half.with_name("empty.zarr"), ours()) as writer:
        writer._create(STATES[0])  # type: ignore[attr-defined]
    assert kept(half.with_name("empty.zarr")) is None


def test_what_a_rule_is_called_and_how_it_is_shown_may_change(half: Path) -> None:
    other = RULE.replace(provenance={"by": "another"}, display=None, metrics={"r2": 1})
    assert kept(half, recipe=ours(rule=other)).frames == 3


def test_frames_are_added_after_those_that_are_kept(half: Path) -> None:
    left = half / "frames" / "c" / "3" / "0" / "0" / "0.0123.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with writing(half, ours(kept=3)) as writer:
        np.testing.assert_array_equal(read(half), STATES[:3])
        for state in STATES[3:]:
            writer.add(state)
    assert writer.frames == len(STATES)
    np.testing.assert_array_equal(read(half), STATES)
    assert not list(half.rglob("*.partial"))


def test_an_error_before_the_next_frame_keeps_those_that_are_there(half: Path) -> None:
    with pytest.raises(OSError, match="the 3 frames before it are in"):
        write(half, [], OSError(28, "full"), kept=3)
    np.testing.assert_array_equal(read(half), STATES[:3])


def test_an_error_before_the_first_frame_leaves_the_older_recording(half: Path) -> None:
    with pytest.raises(OSError, match="full"):
        write(half, [], OSError(28, "full"))
    np.testing.assert_array_equal(read(half), STATES[:3])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe": ours(rule=RULE.replace(dt=0.25))}, "begun with another rule"),
        ({"recipe": ours(every=5)}, "begun with every 4, not 5"),
        ({"seed": 8}, "begun with seed 7, not 8"),
        ({"init": None}, "begun with init 'leaf.png', not None"),
        ({"size": (30, 42)}, "begun with size '41x30', not '42x30'"),
        ({"dtype": "float64"}, "begun with dtype 'float32', not 'float64'"),
    ],
)
def test_other_settings_are_refused(half: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"--resume: .*x\.zarr was {said}; give the same settings"):
        kept(half, **changes)


def test_files_that_do_not_say_how_they_go_on_are_refused(half: Path) -> None:
    write(half, STATES[:3])  # as older versions did
    with pytest.raises(InputError, match="does not say how it goes on"):
        kept(half)


@pytest.mark.parametrize("codec", [{"name": "gzip", "configuration": {"level": 1}}, {"name": "numcodecs.pickle"}])
def test_an_array_that_is_stored_otherwise_is_refused_unread(half: Path, codec: dict[str, Any]) -> None:
    file = half / "frames" / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["codecs"][-1] = codec
    file.write_text(json.dumps(metadata))
    with pytest.raises(InputError, match=r"does not say how it goes on|is damaged"):
        kept(half)


def test_damage_is_refused(half: Path) -> None:
    chunk = half / "frames" / "c" / "2" / "0" / "0" / "0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged; leave out --resume to replace it"):
        kept(half)
    chunk.unlink()
    with pytest.raises(InputError, match="its last frame is missing or damaged"):
        kept(half)
    (half / "frames" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="the recording is damaged"):
        kept(half)
    shutil.rmtree(half / "frames")
    with pytest.raises(InputError, match="the recording is damaged"):
        read_run(half)
    (half / "zarr.json").write_text("{}")
    with pytest.raises(InputError, match="holds no recording of this program"):
        read_run(half)


@pytest.mark.parametrize("step", [-1, "2", None, 2**32])
def test_a_run_of_odd_numbers_is_refused(half: Path, step: Any) -> None:
    write(half, STATES[:3], run={**ours().run, "step": step})
    with pytest.raises(InputError, match="expected whole numbers for seed and step"):
        kept(half)


def test_only_zarr_is_gone_on_with(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for ending in ("npz", "png", "gif", "mp4"):
        assert main([*WORDS, "--out", str(tmp_path / f"x.{ending}"), "--resume"]) == 2
        assert "--resume: expected a recording that keeps its frames" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_json_says_what_was_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [*WORDS, "--out", str(tmp_path / "x.zarr"), "--json"]
    for more, frames in (([], 0), (["--resume"], 5)):
        assert main([*words, *more]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["frames"], facts["kept"], facts["steps"], facts["interrupted"]) == (5, frames, 8, False)
