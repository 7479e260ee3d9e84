from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import sympy

from distill.fronts.halloffame import infix, read_hall_of_fame, write_hall_of_fame
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.expressions.terms import complexity, count_terms
from equations.rule.rule import Candidate

NAMES = ("u", "u_lap", "v")
TEXTS = [
    "0",
    "-u",
    "0.1234567890123456789*u - 1e-7*v",
    "u/(0.5 + v^2) - 1/u + 2/3",
    "abs(u - 0.25)*tanh(-0.5*v) + exp(u)*sin(v)*cos(u_lap) + sqrt(abs(u))",
    "max(0, u, v) - min(u, -v)^3",
    "-1.0*u*v^2 + 5.0e10",
]


def made(text: str) -> Candidate:
    expr = parse_infix(text, NAMES)
    return Candidate(complexity(expr), 0.1, expr, "sparse", count_terms(expr))


@pytest.mark.parametrize("text", TEXTS)
def test_infix_reads_back_exactly(text: str) -> None:
    expr = parse_infix(text, NAMES)
    assert parse_infix(infix(expr), NAMES) == expr


def test_file_is_pysr_shaped_and_reads_back(tmp_path: Path) -> None:
    front = [made(text) for text in TEXTS]
    path = tmp_path / "hall_of_fame_output1.csv"
    write_hall_of_fame(path, front)
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Complexity", "Loss", "Equation"]
    assert len(rows) == len(TEXTS) + 1
    assert list(read_hall_of_fame(path, NAMES, engine="sparse")) == front
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_pysr_writes_what_we_read(tmp_path: Path) -> None:
    path = tmp_path / "hall_of_fame.csv"
    path.write_text(
        'Complexity,Loss,Equation\n1,0.0021,"0.034"\n5,1.0e-5,"(u_lap * 0.16) - square(v)"\n9,1e-12,"max(u, v) ^ 2.0"\n'
    )
    front = read_hall_of_fame(path, NAMES)
    u, u_lap, v = (sympy.Symbol(name, real=True) for name in NAMES)
    assert [c.complexity for c in front] == [1, 5, 9]
    assert front[1].expr == parse_infix("0.16*u_lap - v^2", NAMES) == 0.16 * u_lap - v**2
    assert front[2].expr == sympy.Max(u, v) ** 2
    assert front[1].engine == "pysr"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "an empty file"),
        ("a,b\n1,2\n", "expected a hall of fame with the header Complexity,Loss,Equation, got a,b"),
        ("Complexity,Loss,Equation\n1,2\n", "line 2: expected 3 columns"),
        ("Complexity,Loss,Equation\nx,2,u\n", "line 2: expected a finite number for the complexity, got 'x'"),
        ("Complexity,Loss,Equation\n1,nan,u\n", "line 2: expected a finite number for the loss"),
        ("Complexity,Loss,Equation\n1.5,1,u\n", "line 2: expected a whole complexity"),
        ("Complexity,Loss,Equation\n1,1,u\n2,1,w\n", "line 3: .*w"),
        ("Complexity,Loss,Equation\n1,1,__import__('os')\n", "line 2"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_hall_of_fame(path, NAMES)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected a hall_of_fame CSV file"):
        read_hall_of_fame(tmp_path / "none.csv", NAMES)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="expected a hall_of_fame CSV file, got"):
        read_hall_of_fame(tmp_path / "pipe.csv", NAMES)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="CSV text file"):
        read_hall_of_fame(tmp_path / "binary.csv", NAMES)
