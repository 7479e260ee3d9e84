"""Hall-of-fame files as PySR really writes them, and the job folder's other files, whole and damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from distill.engines.pysr import protocol
from distill.fronts.halloffame import read_hall_of_fame
from equations.errors import InputError
from equations.expressions.numeric import compile_numpy

DATA = Path(__file__).parent / "data" / "pysr"
NAMES = ("u", "v", "u_lap", "v_lap")
FILES = (
    ("gray_scott", 0, "hall_of_fame_output1.csv", 8),
    ("gray_scott", 1, "hall_of_fame_output2.csv", 6),
    ("zoo", 0, "hall_of_fame.csv", 18),
)


def rows() -> Iterator[tuple[str, int, int]]:
    for folder, output, _, count in FILES:
        for row in range(count):
            yield folder, output, row


def as_run(tmp_path: Path, source: Path) -> Path:
    """A job folder in which PySR has written `source`; the path of its hall of fame."""
    run = tmp_path / "output"
    run.mkdir()
    path = run / "hall_of_fame.csv"
    for file in (path, run / "hall_of_fame.csv.bak"):
        file.write_bytes(source.read_bytes())
    return path


@pytest.mark.parametrize(("folder", "output", "row"), list(rows()))
def test_every_row_means_what_pysr_says_it_means(folder: str, output: int, row: int) -> None:
    """Against PySR's own SymPy form; sympify is used on our own fixture only."""
    told = json.loads((DATA / folder / "equations.json").read_text())[output][row]
    file = next(name for where, number, name, _ in FILES if (where, number) == (folder, output))
    candidate = read_hall_of_fame(DATA / folder / file, NAMES)[row]
    assert (candidate.complexity, candidate.loss) == (told["complexity"], pytest.approx(told["loss"]))
    points = np.random.default_rng(row).uniform(-2, 2, (25, 4))
    ours = compile_numpy([candidate.expr], NAMES)(points.T)[0]
    plain = {name: sympy.Symbol(name, real=True) for name in NAMES}
    theirs = sympy.sympify(told["sympy"], locals=plain)
    expected = [float(theirs.subs(dict(zip(plain.values(), map(float, p), strict=True)))) for p in points]
    np.testing.assert_allclose(np.broadcast_to(ours, 25), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("folder", "output", "file", "count"), FILES)
def test_the_lenient_reader_reads_the_same(folder: str, output: int, file: str, count: int, tmp_path: Path) -> None:
    as_run(tmp_path, DATA / folder / file)
    strict = [c.expr for c in read_hall_of_fame(DATA / folder / file, NAMES)]
    assert protocol.read_equations(tmp_path, NAMES) == strict
    assert len(strict) == count == protocol.count_equations(tmp_path)


def test_of_two_files_the_whole_one_counts(tmp_path: Path) -> None:
    path = as_run(tmp_path, DATA / "gray_scott" / "hall_of_fame_output1.csv")
    whole = protocol.read_equations(tmp_path, NAMES)
    text = path.read_text()
    for damaged in ("", text[: len(text) // 2], "\0" * 100):
        path.write_text(damaged)
        assert set(protocol.read_equations(tmp_path, NAMES)) == set(whole)
        path.rename(path.with_suffix(".csv.bak2"))
        path.with_suffix(".csv.bak").write_text(damaged)
        path.write_text(text)
        assert protocol.read_equations(tmp_path, NAMES) == whole
        path.with_suffix(".csv.bak").write_text(text)


def test_every_prefix_of_a_file_gives_whole_rows_only(tmp_path: Path) -> None:
    """However far the writing got, no constant is cut in two."""
    path = as_run(tmp_path, DATA / "gray_scott" / "hall_of_fame_output1.csv")
    path.with_suffix(".csv.bak").unlink()
    text = path.read_text()
    whole = protocol.read_equations(tmp_path, NAMES)
    for end in range(len(text)):
        path.write_text(text[:end])
        assert protocol.read_equations(tmp_path, NAMES) == whole[: max(0, text[:end].count("\n") - 1)]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('3,0.1,"u * v"', True),
        ("3,0.1,u * v", True),
        ('3,1.0f-5,"u * 1.0f-5"', True),
        ('3,1.0e-5,"u * -1.0e-5"', True),
        ('3,0.1,"u * v"\r', True),
        ('3,NaN,"u * v"', False),
        ('3,Inf,"u * v"', False),
        ('3,0.1,"u * v', False),
        ('3,0.1,"u * w"', False),
        ('3,0.1,"u * NaN"', False),
        ('3,0.1,"gamma(u)"', False),
        ('3,0.1,"__import__(u)"', False),
        ('3,0.1,"u * v",more', False),
        ('0.1,"u * v"', False),
        ("", False),
    ],
)
def test_single_lines(line: str, read: bool, tmp_path: Path) -> None:
    run = tmp_path / "output"
    run.mkdir()
    (run / "hall_of_fame.csv").write_text(f'Complexity,Loss,Equation\n{line}\n1,0.5,"u"\n', newline="")
    found = protocol.read_equations(tmp_path, NAMES)
    assert sympy.Symbol("u", real=True) in found
    assert len(found) == 1 + read


@given(st.binary(max_size=300))
def test_rubbish_never_raises(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    folder = tmp_path_factory.mktemp("job")
    as_run(folder, DATA / "zoo" / "hall_of_fame.csv").write_bytes(rubbish)
    for name in ("done.json", "error.json", "status.json", "log"):
        (folder / name).write_bytes(rubbish)
    assert len(protocol.read_equations(folder, NAMES)) >= 18  # the .bak is whole
    assert not protocol.is_done(folder)
    assert protocol.read_error(folder) is None
    assert protocol.read_status(folder) == protocol.STARTING
    protocol.log_tail(folder)


def test_job_round_trip(tmp_path: Path) -> None:
    job = protocol.Job(("u", "v"), {"maxsize": 9, "guesses": None})
    x, y = np.arange(6.0).reshape(3, 2), np.ones(3)
    protocol.write_job(tmp_path, job, x, y)
    assert protocol.read_job(tmp_path) == job
    x_again, y_again = protocol.read_data(tmp_path)
    np.testing.assert_array_equal(x_again, x)
    np.testing.assert_array_equal(y_again, y)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.npz", "job.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '{"format": "srnca.pysr-job/3"}',
        '{"format": "srnca.pysr-job/2"}',
        "[" * 10**5,
        '{"format": "srnca.pysr-job/2", "names": ["u"], "arguments": 3}',
    ],
    ids=range(8),
)
def test_a_damaged_job_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(InputError, match=r"job\.json"):
        protocol.read_job(tmp_path)


def test_pickles_in_the_data_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", X=np.array([{}], dtype=object), Y=np.zeros(1))
    with pytest.raises(InputError, match=r"data\.npz"):
        protocol.read_data(tmp_path)


def test_last_words(tmp_path: Path) -> None:
    assert not protocol.is_done(tmp_path)
    assert protocol.read_error(tmp_path) is None
    assert protocol.log_tail(tmp_path) == ""
    protocol.write_error(tmp_path, "no Julia", missing=True)
    assert protocol.read_error(tmp_path) == ("no Julia", True)
    protocol.write_done(tmp_path)
    assert protocol.is_done(tmp_path)
    (tmp_path / "log").write_text("first\n" * 10**5 + "second last\n\nlast\n")
    assert protocol.log_tail(tmp_path, 2) == "second last\nlast"


def test_phases(tmp_path: Path) -> None:
    assert protocol.read_status(tmp_path) == "starting Julia"
    for phase in protocol.PHASES:
        protocol.write_status(tmp_path, phase)
        assert protocol.read_status(tmp_path) == phase
    protocol.write_status(tmp_path, "asleep")
    assert protocol.read_status(tmp_path) == "starting Julia"
