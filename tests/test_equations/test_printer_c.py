"""The printed C program, compiled and run: the reference's states, its pictures, and its manners."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from equations.printers import print_rule
from equations.printers.cell import literal
from equations.rule.display import render
from equations.rule.rule import Display, Rule
from tests.test_equations.awkward import (
    AWKWARD,
    COLOURED,
    EXACT,
    PrinterConformance,
    Run,
    State,
    check_picture,
    reference,
)
from tests.test_equations.helpers import make_rule

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(CC is None, reason="needs a C compiler called cc")
STRICT = ("-std=c99", "-O3", "-Wall", "-Wextra", "-pedantic", "-Werror")


def compile_c(rule: Rule, folder: Path, *flags: str) -> Path:
    (folder / "rule.c").write_text(print_rule(rule, "c"), encoding="utf-8")
    command = [str(CC), *(flags or STRICT), "-o", "rule", "rule.c", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / "rule"


def call(program: Path, *words: str | int) -> subprocess.CompletedProcess[str]:
    command = [str(program), *map(str, words)]
    return subprocess.run(command, cwd=program.parent, capture_output=True, text=True, timeout=60)


def run_c(program: Path, channels: int, size: tuple[int, int], steps: int, seed: int) -> State:
    done = call(program, "--size", f"{size[1]}x{size[0]}", "--steps", steps, "--seed", seed, "--state", "state.raw")
    assert done.returncode == 0, done.stderr
    return np.fromfile(program.parent / "state.raw", np.float32).reshape(channels, *size)


class TestC(PrinterConformance):
    def build(self, rule: Rule, folder: Path) -> Run:
        program = compile_c(rule, folder)
        return lambda size, steps, seed: run_c(program, len(rule.channels), size, steps, seed)


@pytest.mark.parametrize("flags", [("-O0",), ("-O3", "-march=native", "-fno-math-errno"), ("-O2", "-fopenmp")])
@pytest.mark.parametrize("label", ["gray-scott", "channel mask", "extrema"])
def test_no_flag_changes_the_bits(label: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    rule = EXACT[label]
    try:
        program = compile_c(rule, tmp_path, *flags)
    except AssertionError as error:
        pytest.skip(f"this compiler does not know {' '.join(flags)}: {error}")
    got = run_c(program, len(rule.channels), (33, 50), 30, 3)
    np.testing.assert_array_equal(got, reference(rule, (33, 50), 30, 3))


@pytest.mark.parametrize(
    ("label", "ending"),
    [("gray-scott", "ppm"), ("small square", "ppm"), ("random stencils", "ppm"), ("cross", "ppm"),
     ("spots", "ppm"), ("spots", "pgm")],
)  # fmt: skip
def test_pictures_are_those_of_the_library(label: str, ending: str, tmp_path: Path) -> None:
    rule = AWKWARD[label]
    program = compile_c(rule, tmp_path)
    done = call(program, "--size", "40x30", "--steps", 10, "--seed", 5, "--out", f"x.{ending}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"x.{ending}: 40x30 pixels, after 10 steps\n"
    wanted = render(rule, reference(rule, (30, 40), 10, 5))
    header, pixels = (tmp_path / f"x.{ending}").read_bytes().split(b"\n255\n", 1)
    assert header == (b"P6\n40 30" if ending == "ppm" else b"P5\n40 30")
    got = np.frombuffer(pixels, np.uint8).reshape(30, 40, -1)
    np.testing.assert_array_equal(np.broadcast_to(got, (30, 40, 3)), wanted)
    assert len(np.unique(wanted)) > 1


@pytest.mark.parametrize("label", COLOURED)
def test_colours_are_those_of_the_library(label: str, tmp_path: Path) -> None:
    rule = COLOURED[label]
    program = compile_c(rule, tmp_path)
    state = run_c(program, len(rule.channels), (13, 21), 3, 5)
    pixels = (tmp_path / "rule.ppm").read_bytes().split(b"\n255\n", 1)[1]
    check_picture(label, np.frombuffer(pixels, np.uint8).reshape(13, 21, 3), state)
    assert call(program, "--out", "x.pgm").returncode == 2


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_c(make_rule({"u": "0.1*u_lap"}), tmp_path_factory.mktemp("small"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "-1"], "--steps: expected a whole number from 0 to 4294967294, got -1"),
        (["--steps", "5x"], "--steps: expected"),
        (["--steps", ""], "--steps: expected"),
        (["--steps", "99999999999999999999999"], "--steps: expected"),
        (["--steps"], "got nothing"),
        (["--seed", "4294967296"], "--seed: expected a whole number from 0 to 4294967295"),
        (["--seed", "+1"], "--seed: expected"),
        (["--size", "0"], "--size: expected N or WIDTHxHEIGHT"),
        (["--size", "8x"], "--size: expected"),
        (["--size", "8x8x8"], "--size: expected"),
        (["--size", "65537"], "--size: expected"),
        (["--size", "65536"], "at most 268435456 cells"),
        (["--out", "x.png"], "--out: expected a file ending in .ppm or .pgm, got x.png"),
        (["--out", ".ppm"], "--out: expected"),
        (["--state"], "--state: expected a file name"),
        (["--stesp", "5"], "expected --steps, --size, --seed, --out or --state, got --stesp"),
        (["rule.ppm"], "got rule.ppm"),
    ],
)  # fmt: skip
def test_bad_arguments_exit_2(small: Path, words: list[str], said: str) -> None:
    done = call(small, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_colour_pictures_are_no_pgm(tmp_path: Path) -> None:
    done = call(compile_c(EXACT["gray-scott"], tmp_path), "--out", "x.pgm")
    assert done.returncode == 2
    assert "expected a file ending in .ppm (the picture is in colour), got x.pgm" in done.stderr


def test_help(small: Path) -> None:
    done = call(small, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: rule [--steps N]")


def test_files_that_cannot_be_written(small: Path) -> None:
    done = call(small, "--steps", 1, "--size", 4, "--out", "nowhere/x.ppm")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: nowhere/x.ppm cannot be written\n"


@pytest.mark.parametrize("update", ["u*u*9", "2e6", "1e30*u^8 - 1e30*u_lap^8"])
def test_divergence_is_reported(update: str, tmp_path: Path) -> None:
    program = compile_c(make_rule({"v": "0", "u": update}), tmp_path)
    done = call(program, "--steps", 50, "--size", 4)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the simulation diverged: channel u is ")
    assert " at y=" in done.stderr


def test_literals_give_the_float_back() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 2**31, 2000, dtype=np.uint32).view(np.float32)
    for value in (0.1, 1 / 3, 1e-9, 80.0, 1e30, -4.0, 1e16, 1.5e-40, *drawn[np.isfinite(drawn)]):
        text = literal(float(value))
        assert text.endswith("f")
        assert "." in text
        assert np.float32(text[:-1]) == np.float32(value)
    assert (literal(0.1), literal(1e-9), literal(80)) == ("0.1f", "1.0e-09f", "80.0f")
    assert (literal(1e300), literal(-1e300)) == ("INFINITY", "-INFINITY")


def test_display_has_no_bearing_on_the_states(tmp_path: Path) -> None:
    rule = EXACT["gray-scott"].replace(display=Display(("u",), scale=1e300, offset=-1e300))
    np.testing.assert_array_equal(TestC().build(rule, tmp_path)((5, 5), 3, 0), reference(rule, (5, 5), 3, 0))
