"""`srnca simulate` and `srnca show`: what comes out is the rule's own states and equations."""

from __future__ import annotations

import functools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from PIL import Image

from equations import STENCILS, Rule, Stencil, models, save_rule, simulate
from equations.rule.symbols import symbol
from srnca import running
from srnca.cli.progress import Progress
from tests.test_equations.helpers import in_colours
from tests.test_srnca.command import run

QUICK = ["--backend", "reference", "--size", "24x16", "--quiet"]


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "rule.json"
    path.parent.mkdir()
    save_rule(models.get("gray-scott:coral"), path)
    return path


def test_frames_are_those_of_the_library(capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path) -> None:
    out = tmp_path / "x.npz"
    code, _, err = run(capsys, "simulate", rule_file, *QUICK, "--steps", 25, "--every", 10, "--seed", 3, "--out", out)
    assert (code, err) == (0, "")
    rule = models.get("gray-scott:coral")
    with np.load(out, allow_pickle=False) as data:
        assert set(data) == {"frames", "dt", "dx", "channels"}
        expected = simulate(rule, size=(16, 24), steps=20, every=10, seed=3, backend="reference")
        np.testing.assert_array_equal(data["frames"], expected)
        assert data["frames"].dtype == np.float32
        assert float(data["dt"]) == 10.0  # between two frames, not between two steps
        assert tuple(data["channels"]) == rule.channels


def test_pictures_and_films_end_with_the_last_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path
) -> None:
    from equations.rule.display import render

    rule = models.get("gray-scott:coral")
    last = simulate(rule, size=(16, 24), steps=25, seed=0, backend="reference")[-1]
    picture, film = tmp_path / "x.png", tmp_path / "x.gif"
    words = [
        "simulate",
        rule_file.parent,
        *QUICK,
        "--steps",
        25,
        "--every",
        10,
        "--json",
    ]  # the folder will do
    code, said, _ = run(capsys, *words, "--out", picture)
    assert code == 0
    assert json.loads(said)["size"] == {"width": 24, "height": 16}
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), render(rule, last))
    code, said, _ = run(capsys, *words, "--out", film)
    assert code == 0
    assert json.loads(said)["frames"] == 4  # steps 0, 10, 20 and 25
    assert Image.open(film).n_frames == 4  # type: ignore[attr-defined]


def test_a_model_draws_its_picture_of_the_catalogue(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out, drawn = tmp_path / "x.png", Path(__file__).parents[2] / "docs" / "images" / "models"
    code, said, _ = run(capsys, "simulate", "fisher-kpp:colonies", "--quiet", "--json", "--out", out)
    facts = json.loads(said)
    assert (code, facts["steps"], facts["seed"], facts["size"]) == (0, 150, 3, {"width": 192, "height": 192})
    pictures = [Image.open(path).convert("L") for path in (out, drawn / "fisher-kpp-colonies.png")]
    assert np.abs(np.subtract(*(np.asarray(picture, float) for picture in pictures))).mean() < 1


@pytest.mark.parametrize(
    ("flags", "used"),
    [
        (["--steps", 4], (4, 3, 192)),
        (["--seed", 0, "--size", 16], (150, 0, 16)),
        (["--init", "noise", "--steps", 4], (4, 3, 192)),
        (["--init", "{tmp}/x.png", "--steps", 4], (4, 3, 192)),
        (["--init", "{tmp}/9.npz"], (150, 9, 24)),
        (["--init", "{tmp}/9.npz", "--seed", 1], (150, 1, 24)),
        (["--init", "{tmp}/none.npz"], (150, 3, 24)),
    ],
)
def test_flags_and_states_go_before_a_model_s_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, flags: list[object], used: tuple[int, int, int]
) -> None:
    state = np.full((1, 24, 24), 0.5, np.float32)
    np.savez(tmp_path / "9.npz", state=state, seed=9)
    np.savez(tmp_path / "none.npz", state=state)
    Image.new("L", (30, 30), 90).save(tmp_path / "x.png")
    words = [str(flag).replace("{tmp}", str(tmp_path)) for flag in flags]
    out = ["--backend", "reference", "--quiet", "--json", "--out", tmp_path / "out.png"]
    code, said, _ = run(capsys, "simulate", "fisher-kpp:colonies", *words, *out)
    facts = json.loads(said)
    assert (code, facts["steps"], facts["seed"], facts["size"]["width"]) == (0, *used)


def test_parameters_can_be_set(capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path) -> None:
    out, changes = tmp_path / "x.npz", ["--set", "F=0.03", "--set", "k=0.06"]
    words = ["simulate", "gray-scott:mitosis", *QUICK, *changes, "--steps", 20, "--every", 10, "--out", out, "--json"]
    code, said, _ = run(capsys, *words)
    assert (code, json.loads(said)["set"]) == (0, ["F=0.03", "k=0.06"])
    rule = models.load("gray-scott").rule("mitosis", F=0.03, k=0.06)
    expected = simulate(rule, size=(16, 24), steps=20, every=10, backend="reference")
    with np.load(out) as data:
        np.testing.assert_array_equal(data["frames"], expected)
    assert "0.03*" in run(capsys, "show", "gray-scott:mitosis", *changes)[1]
    for command in ("show", "simulate"):
        code, said, err = run(capsys, command, rule_file, *changes)
        assert (code, said) == (2, "")
        assert f"{rule_file}: expected a known model for --set, got a rule file" in err


def test_recordings_of_models_have_their_cell_width(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import zarr

    model = models.load("barkley")
    save_rule(model.rule(), tmp_path / "rule.json")
    for source in ("barkley", tmp_path / "rule.json"):
        for out in (tmp_path / "x.npz", tmp_path / "x.zarr"):
            assert run(capsys, "simulate", source, *QUICK, "--steps", 2, "--out", out)[0] == 0
        with np.load(tmp_path / "x.npz") as data:
            assert float(data["dx"]) == model.dx == 0.4
        assert zarr.open_group(str(tmp_path / "x.zarr"), mode="r").attrs["dx"] == 0.4


def test_more_threads_than_cores_are_not_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("equations.backends.cores", lambda: 2)
    words = [
        "simulate",
        "gray-scott",
        "--size",
        "24x16",
        "--quiet",
        "--steps",
        20,
        "--out",
        tmp_path / "x.npz",
        "--json",
    ]
    for threads, note in ((64, "--threads 64: more than the cores here, 2; taking 2"), (1, "")):
        code, said, err = run(capsys, *words, "--threads", threads)
        assert (code, json.loads(said)["threads"]) == (0, min(threads, 2))
        assert err.startswith(note)
        assert err.count("\n") == bool(note)


def test_no_steps_show_the_first_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, _ = run(capsys, "simulate", "gray-scott:coral", *QUICK, "--steps", 0)
    assert code == 0
    assert said.startswith("gray-scott-coral.png: 1 frame of 24x16 cells, 0 steps")
    assert (tmp_path / "gray-scott-coral.png").is_file()


@pytest.mark.parametrize(("ending", "kept"), [("png", 0), ("gif", 3), ("mp4", 3), ("npz", 3), ("zarr", 3)])
def test_a_rule_that_blows_up_exits_1_and_says_where(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ending: str, kept: int
) -> None:
    from equations import Display, Init

    u = symbol("u")
    stencil: Stencil = STENCILS["id"]
    start = Init("noise", (1.0,), (0.1,))
    rule = Rule(("u",), (stencil,), {"u": 9 * u}, init=start, display=Display(("u",)))
    save_rule(rule, tmp_path / "rule.json")
    out, last = tmp_path / f"x.{ending}", tmp_path / "last.npz"
    words = ["simulate", tmp_path / "rule.json", *QUICK, "--steps", 100, "--every", 2, "--out", out]
    code, said, err = run(capsys, *words, "--save-state", last)
    assert (code, said) == (1, "")
    assert "diverged at step 6: channel 'u' is 1" in err  # 10^6 times 1.0 and a bit
    assert "at y=" in err
    assert err.count("\n") == 1
    assert (f"the {kept} frames before it are in {out}" in err) == bool(kept)
    assert out.exists() == bool(kept)
    if ending == "npz":
        with np.load(out) as data:
            np.testing.assert_array_equal(data["frames"], simulate(rule, size=(16, 24), steps=4, every=2))
    assert not last.exists()


def test_the_line_at_the_end_and_its_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["simulate", "gray-scott", "--size", "24x16", "--quiet", "--steps", 20, "--out", tmp_path / "x.npz"]
    code, said, err = run(capsys, *words, "--threads", 1)
    assert (code, err) == (0, "")
    took = r"(\d+|0\.\d|under 0\.1) s"
    facts = rf"20 steps in {took} \(llvm, [\d.e+]+ [kMG]cell/s\)"
    assert re.fullmatch(rf"{tmp_path}/x.npz: 21 frames of 24x16 cells, {facts}\n", said)
    code, said, _ = run(capsys, *words, "--backend", "reference", "--dtype", "float64", "--json")
    facts = json.loads(said)
    assert code == 0
    assert facts["backend"] == "reference"
    assert (facts["dtype"], facts["threads"]) == ("float64", None)
    assert facts["cells_per_s"] > 0
    assert (facts["steps"], facts["interrupted"], facts["frames"], facts["state"]) == (20, False, 21, None)
    with np.load(tmp_path / "x.npz") as data:
        assert data["frames"].dtype == np.float64


def test_progress_says_how_fast(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["simulate", "gray-scott", "--size", 16, "--backend", "reference", "--steps", 30]
    _, _, err = run(capsys, *words, "--out", tmp_path / "x.png")
    assert re.search(r"simulate  30/30  [\d.]+ [kM]cell/s", err)


def test_a_run_goes_on_as_if_it_had_not_stopped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Masks and all: steps are counted on, with the same seed."""
    rule = models.get("gray-scott:coral").replace(update_rate=0.5, mask="channel")
    save_rule(rule, tmp_path / "rule.json")
    words = ["simulate", tmp_path / "rule.json", *QUICK[:2], "--quiet", "--out", tmp_path / "x.npz", "--every", 5]
    state = tmp_path / "now.npz"
    assert run(capsys, *words, "--size", "24x16", "--seed", 7, "--steps", 13, "--save-state", state)[0] == 0
    code, said, _ = run(capsys, *words, "--init", state, "--steps", 10, "--save-state", state, "--json")
    assert code == 0
    facts = json.loads(said)
    assert (facts["seed"], facts["size"], facts["state"]) == (7, {"width": 24, "height": 16}, str(state))
    whole = simulate(rule, size=(16, 24), steps=23, every=1, seed=7, backend="reference")
    with np.load(tmp_path / "x.npz") as data:
        np.testing.assert_array_equal(data["frames"], whole[[13, 18, 23]])
    with np.load(state) as data:
        np.testing.assert_array_equal(data["state"], whole[23])
        assert (int(data["step"]), int(data["seed"]), tuple(data["channels"])) == (23, 7, rule.channels)


def test_a_picture_can_be_the_start(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    out = tmp_path / "x.png"
    words = ["simulate", "gray-scott", *QUICK, "--steps", 0, "--colormap", "grey", "--out", out]
    code, _, err = run(capsys, *words, "--init", tmp_path / "a.png")
    assert code == 0
    assert "grey picture" in err
    difference = np.asarray(Image.open(out))[..., 0].astype(int) - pixels
    assert np.abs(difference).max() <= 0.02 * 2.5 * 255 + 1  # the model's own noise


def test_pictures_follow_scale_and_colormap(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from equations.rule.display import render

    rule = models.get("gray-scott")
    first = simulate(rule, size=(16, 24), steps=0, backend="reference")[0]
    for name in ("magma", "duo"):
        words = ["simulate", "gray-scott", *QUICK, "--steps", 0, "--scale", 3, "--colormap", name]
        assert run(capsys, *words, "--out", tmp_path / "x.png")[0] == 0
        expected = render(rule, first, name).repeat(3, axis=0).repeat(3, axis=1)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), expected)


def test_colours_that_are_formulas(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """png, gif and show; and what such a rule cannot do ends in exit 2."""
    from equations.rule.display import render

    rule = in_colours(models.get("gray-scott:coral"), "0.8*u - 0.4*u*v", "u^2 - 2*v^2", "0.1 + 3*u*v")
    path, png, gif = tmp_path / "rule.json", tmp_path / "x.png", tmp_path / "x.gif"
    save_rule(rule, path)
    words = ["simulate", path, *QUICK, "--steps", 25, "--seed", 3]
    last = render(rule, simulate(rule, size=(16, 24), steps=25, seed=3, backend="reference")[-1])
    assert np.ptp(last, axis=(0, 1)).min() > 20
    assert run(capsys, *words, "--out", png)[0] == 0
    np.testing.assert_array_equal(np.asarray(Image.open(png)), last)
    assert run(capsys, *words, "--every", 25, "--scale", 1, "--out", gif)[0] == 0
    with Image.open(gif) as film:
        film.seek(1)
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - last).mean() < 4
    for wrong, said in ((["--init", png], "cannot be turned back into a state"), (["--colormap", "magma"], "formulas")):
        code, _, err = run(capsys, *words, *wrong, "--out", png)
        assert code == 2
        assert said in err
    for form in ("text", "latex", "mathml", "csv"):
        _, said, _ = run(capsys, "show", path, "--format", form)
        assert "green" in said
    assert run(capsys, "show", path, "--format", "c")[1].count("shown(") == 4


def test_the_help_knows_all_endings_and_colour_maps(capsys: pytest.CaptureFixture[str]) -> None:
    from equations.backends import BACKENDS
    from equations.rule.display import COLORMAPS, DUO
    from equations.rule.init import KINDS
    from srnca.cli.simulate import ENDINGS, simulate
    from srnca.media.writing import WRITERS

    assert set(ENDINGS) == set(WRITERS)
    colours = get_args(get_type_hints(simulate)["colormap"])[0]
    assert set(get_args(colours)) == {*COLORMAPS, DUO}
    _, said, _ = run(capsys, "simulate", "--help")
    assert {word for word in (*ENDINGS, *KINDS, *BACKENDS) if word not in said} == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ending", ["png", "gif", "mp4", "npz", "zarr"])
def test_a_stop_keeps_what_was_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, number: int
) -> None:
    def stop_at_step_25(self: Progress, label: str, done: float, total: float, detail: str = "") -> None:
        if done >= 25:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Progress, "update", stop_at_step_25)
    one_step_at_a_time = functools.partial(running.run, batches=running.Batches(growth=1))
    monkeypatch.setattr("srnca.running.run", one_step_at_a_time)
    out, state = tmp_path / f"x.{ending}", tmp_path / "now.npz"
    words = ["simulate", "gray-scott", *QUICK, "--steps", 10**6, "--every", 10, "--out", out, "--save-state", state]
    code, said, err = run(capsys, *words)
    assert (code, err) == (130, "")
    frames = 1 if ending == "png" else 3
    assert said.startswith(f"{out}: {frames} frame")
    assert "stopped after 25 of 1000000 steps" in said
    whole = simulate(models.get("gray-scott"), size=(16, 24), steps=25, every=1, backend="reference")
    with np.load(state) as data:
        np.testing.assert_array_equal(data["state"], whole[25])
    if ending == "npz":
        with np.load(out) as data:
            np.testing.assert_array_equal(data["frames"], whole[[0, 10, 20]])
    elif ending == "png":
        from equations.rule.display import render

        np.testing.assert_array_equal(np.asarray(Image.open(out)), render(models.get("gray-scott"), whole[25]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["now.npz", out.name]


def test_a_second_ctrl_c_stops_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_twice(self: Progress, *words: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "update", stop_twice)
    out = tmp_path / "x.gif"
    before = signal.getsignal(signal.SIGINT)
    code, said, _ = run(capsys, "simulate", "gray-scott", *QUICK, "--steps", 100, "--out", out)
    assert (code, said) == (130, "")
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_killed_run_keeps_its_frames(tmp_path: Path) -> None:
    import zarr

    out = tmp_path / "x.zarr"
    words = ["simulate", "gray-scott", "--size", "24x16", "--backend", "reference", "--steps", 10**8, "--every", 3]
    command = [sys.executable, "-m", "srnca", *map(str, words), "--out", str(out), "--quiet"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        try:
            deadline = time.monotonic() + 60
            while len(list(out.glob("frames/c/*"))) < 5:
                assert process.poll() is None, "the run ended by itself"
                assert time.monotonic() < deadline, "no frames after a minute"
                time.sleep(0.01)
        finally:
            process.kill()
    frames = np.asarray(zarr.open_group(str(out), mode="r")["frames"])
    assert len(frames) >= 4
    expected = simulate(
        models.get("gray-scott"), size=(16, 24), steps=3 * len(frames) - 3, every=3, backend="reference"
    )
    np.testing.assert_array_equal(frames, expected)


def test_a_full_disk_exits_1_and_says_what_is_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "x.npz"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        code, said, err = run(capsys, "simulate", "gray-scott", *QUICK, "--steps", 50, "--every", 1, "--out", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (code, said) == (1, "")
    assert err == f"error: {out}: File too large; the 4 frames before it are in {out}\n"
    with np.load(out) as data:
        assert data["frames"].shape == (4, 2, 16, 24)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--size", "2"], "--size: expected sides of at least 3"),
        (["--size", "16x2"], "--size: expected sides of at least 3"),
        (["--steps", "-1"], "steps"),
        (["--backend", "cobol"], "unknown backend 'cobol'; expected auto, reference, llvm, torch"),
        (["--dtype", "float16"], "dtype"),
        (["--threads", "0"], "threads"),
        (["--seed", "4294967296"], "seed from 0 to"),
        (["--init", "nosie"], 'did you mean "noise"'),
        (["--init", "{tmp}/nan.npz"], "got nan in channel u at y=1, x=2"),
        (["--init", "{tmp}/three.npz"], "a state of 2 channels (u, v)"),
        (["--init", "{tmp}/text.png"], "expected an image"),
        (["--colormap", "jet"], "colormap"),
        (["--out", "{tmp}/x.bmp"], "ending in .png or .gif or .mp4 or .npz or .zarr"),
        (["--out", "{tmp}/x.npz", "--fps", "10"], "--fps means nothing to a file ending in .npz"),
        (["--out", "{tmp}/x.gif", "--fps", "80"], "1 to 50"),
        (["--save-state", "{tmp}/now.png"], "--save-state: expected a file ending in .npz"),
        (["--save-state", "{tmp}"], "--save-state: expected a file"),
    ],
)
def test_bad_input_exits_2_with_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], sentence: str
) -> None:
    state = np.zeros((2, 4, 4), np.float32)
    np.savez(tmp_path / "three.npz", state=np.zeros((3, 4, 4)))
    state[0, 1, 2] = np.nan
    np.savez(tmp_path / "nan.npz", state=state)
    (tmp_path / "text.png").write_text("no picture")
    there = {p.name for p in tmp_path.iterdir()}
    given = [word.replace("{tmp}", str(tmp_path)) for word in words]
    default = [] if "--out" in given else ["--out", tmp_path / "x.png"]
    code, said, err = run(capsys, "simulate", "gray-scott", "--quiet", "--steps", 1, *given, *default)
    assert (code, said) == (2, "")
    assert sentence in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == there


def test_rgb_pictures_have_no_colour_map(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rule = Rule(("r", "g", "b"), (STENCILS["id"],), {name: -symbol(name) for name in "rgb"})
    save_rule(rule, tmp_path / "rule.json")
    words = ["simulate", tmp_path, *QUICK, "--out", tmp_path / "x.png", "--colormap"]
    assert "three as red, green, blue" in run(capsys, *words, "magma")[2]
    code, _, err = run(capsys, *words, "duo")
    assert code == 2
    assert "a rule of two channels, this one has 3" in err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"format": "srnca.rule/9"}', "srnca.rule/1"),
        ("not json", "JSON"),
        ("[" * 1_000_000, "rule.json"),
        ('{"format": "srnca.rule/1"}', "rule.json"),
    ],
)
@pytest.mark.parametrize("command", ["simulate", "show"])
def test_bad_rules_exit_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, content: str, sentence: str
) -> None:
    path = tmp_path / "rule.json"
    path.write_text(content)
    words = [command, path] + (["--out", tmp_path / "x.png"] if command == "simulate" else [])
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_an_unknown_operator_exits_2(capsys: pytest.CaptureFixture[str], rule_file: Path) -> None:
    data = json.loads(rule_file.read_text())
    data["updates"]["u"] = ["System", "touch x"]
    rule_file.write_text(json.dumps(data))
    code, _, err = run(capsys, "show", rule_file)
    assert code == 2
    assert "System" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.json"], "nowhere.json: no such file or folder, and no known model; expected a rule.json"),
        (["nowhere/rule"], "expected a rule.json, its folder, or a name that `srnca models` lists"),
        (["./nowhere/rule.json"], "nowhere/rule.json: no such file or folder, and no known model"),
        (["snake-rulle"], "snake-rulle: no such file or folder, and no known model"),
        (["gray-scot:coral"], 'no such file or folder, and no known model (did you mean "gray-scott"?)'),
        (["gray-scott:cora"], "did you mean"),
        (["snake.pt"], "first: srnca distill --checkpoint snake.pt"),
        (["gray-scott", "--set", "f=0.03"], "no parameter 'f' (did you mean \"F\"?); expected Du, Dv, F, k"),
        (["gray-scott", "--set", "preset=1"], "no parameter 'preset'"),
        (["gray-scott", "--set", "F=nan"], "expected a finite number"),
    ],
)
def test_missing_rules_exit_2(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    code, out, err = run(capsys, "show", *words)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_mistyped_path_is_told_the_rule_that_is_there(
    capsys: pytest.CaptureFixture[str], rule_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rule_file.parent / "leaf-rule").mkdir()
    rule_file.rename(rule_file.parent / "leaf-rule" / "rule.json")
    monkeypatch.chdir(rule_file.parent)
    code, _, err = run(capsys, "show", "leaf-rul")
    assert code == 2
    assert '(did you mean "leaf-rule"?)' in err


@pytest.mark.parametrize("format", ["text", "latex", "c", "glsl", "csv"])
def test_show_prints_each_channel(capsys: pytest.CaptureFixture[str], rule_file: Path, format: str) -> None:
    code, out, _ = run(capsys, "show", rule_file, "--format", format)
    assert code == 0
    assert "u" in out
    assert "v" in out
    assert out == run(capsys, "show", rule_file.parent, "--format", format)[1]


def test_show_knows_the_formats_of_the_library() -> None:
    from equations.printers import PRINTERS
    from srnca.cli.show import show

    assert set(get_args(get_type_hints(show)["format"])) == set(PRINTERS)


def test_the_printed_script_runs_by_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path, rule_file: Path) -> None:
    code, script, _ = run(capsys, "show", rule_file, "--format", "python")
    assert code == 0
    (tmp_path / "rule.py").write_text(script)
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "rule.py",
            "--steps",
            "20",
            "--size",
            "16",
            "--seed",
            "0",
            "--out",
            "state.npy",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    last = simulate(models.get("gray-scott:coral"), size=16, steps=20, seed=0, backend="reference")[-1]
    np.testing.assert_allclose(np.load(tmp_path / "state.npy"), last, rtol=1e-5, atol=1e-6)
