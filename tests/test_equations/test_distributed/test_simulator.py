"""Several processes give the bytes of one, fail alike, and never hang."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.errors import DivergenceError, InputError
from equations.rule.init import make_state
from equations.simulation import Simulator, first_init
from tests.test_equations.test_distributed.ranks import rules, run_ranks

pytest.importorskip("torch")
RULES = rules()

GOOD = [
    {"rule": "gray-scott", "size": [24, 20], "decomposition": "2x1", "backend": "llvm", "steps": [1, 30]},
    {"rule": "cell mask", "size": [23, 37], "decomposition": "1x2", "backend": "llvm", "steps": [7, 0, 20]},
    {"rule": "channel mask", "size": [17, 22], "decomposition": "2x1", "backend": "llvm", "steps": [20], "halo": 5},
    {"rule": "spots", "size": [31, 19], "decomposition": "auto", "backend": "llvm", "steps": [12], "halo": 1},
    {"rule": "gray-scott", "size": [2, 9], "decomposition": "2x1", "backend": "llvm", "steps": [3]},
    {"rule": "gray-scott", "size": [16, 16], "dtype": "float64", "backend": "llvm", "steps": [9], "threads": 2},
    {"rule": "cell mask", "size": [13, 18], "decomposition": "1x2", "backend": "reference", "steps": [9]},
    {"rule": "channel mask", "size": [13, 18], "decomposition": "2x1", "backend": "reference", "steps": [2, 7]},
    {"rule": "functions", "size": [19, 26], "decomposition": "2x1", "backend": "torch", "steps": [11]},
    {"rule": "cell mask", "size": [19, 26], "decomposition": "1x2", "backend": "torch", "steps": [11], "halo": 4},
]
STATE = np.random.default_rng(0).uniform(0, 1, (2, 11, 15)).round(3)
GIVEN = {"rule": "cell mask", "state": STATE.tolist(), "decomposition": "2x1", "backend": "llvm", "steps": [9]}


def ramp(*peaks: tuple[int, int, int, float]) -> list[Any]:
    """A state (2, 16, 12) that is 0 but at the peaks (channel, y, x, value)."""
    state = np.zeros((2, 16, 12))
    for channel, y, x, value in peaks:
        state[channel, y, x] = value
    return state.tolist()


BAD = [
    {"rule": "growing", "state": ramp((1, 13, 7, 1.0)), "decomposition": "2x1", "steps": [30]},
    {"rule": "growing", "state": ramp((1, 13, 7, 1.0), (1, 2, 3, 0.9), (1, 0, 5, 0.9)), "steps": [30], "halo": 3},
    {"rule": "growing", "state": ramp((0, 15, 0, 0.8), (1, 0, 11, 0.8)), "decomposition": "2x1", "steps": [3, 30]},
    {"rule": "growing", "state": ramp((0, 0, 8, 0.8), (0, 15, 1, 0.8)), "decomposition": "1x2", "steps": [3, 30]},
    {"rule": "growing", "state": ramp((0, 15, 3, 0.8), (0, 15, 9, 0.8)), "backend": "torch", "steps": [30]},
    {"rule": "growing", "state": ramp((0, 15, 3, 0.8), (0, 0, 3, 0.8)), "decomposition": "2x1", "steps": [30]},
    {"rule": "growing", "state": ramp((0, 8, 3, 0.8), (0, 7, 9, 0.8)), "backend": "reference", "steps": [30]},
]
WRONG = [
    {"rule": "gray-scott", "size": [1, 1], "steps": [1]},
    {"rule": "gray-scott", "size": 16, "decomposition": "2x2", "steps": [1]},
    {"rule": "gray-scott", "size": 16, "halo": 9, "steps": [1]},
    {"rule": "gray-scott", "size": 16, "steps": [-1]},
    {"rule": "gray-scott", "size": 16, "backend": "cobol", "steps": [1]},
    {"rule": "gray-scott", "state": STATE[:1].tolist(), "steps": [1]},
]
CASES = [*GOOD, GIVEN, *BAD, *WRONG]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_ranks(2, CASES, tmp_path_factory.mktemp("two"))


def alone(case: dict[str, Any]) -> Any:
    """The same case in this process; a DivergenceError is returned."""
    options = {name: case[name] for name in ("backend", "dtype") if name in case}
    size = case.get("size", 0)
    simulator = Simulator(
        RULES[case["rule"]], tuple(size) if isinstance(size, list) else 256, state=case.get("state"), **options
    )
    try:
        for steps in case["steps"]:
            simulator.step(steps)
    except DivergenceError as error:
        return error
    return simulator.state


def check_whole(ended: Any, index: int, case: dict[str, Any]) -> None:
    wanted = alone(case)
    got = ended[0][1][f"{index} state"]
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)
    for rank, (_, found, _) in enumerate(ended):
        (top, bottom), (left, right) = found[f"{index} part"]
        np.testing.assert_array_equal(found[f"{index} block"], wanted[:, top:bottom, left:right])
        assert rank == 0 or f"{index} state" not in found


def test_all_ranks_end_well(ended: Any) -> None:
    assert [(code, said) for code, _, said in ended if code] == []


@pytest.mark.parametrize("index", range(len(GOOD) + 1))
def test_two_ranks_give_the_bytes_of_one_process(ended: Any, index: int) -> None:
    check_whole(ended, index, CASES[index])


def test_each_rank_makes_its_own_part_of_the_first_state(ended: Any) -> None:
    for index, case in enumerate(GOOD):
        rule = RULES[case["rule"]]
        size = tuple(case["size"])
        whole = make_state(first_init(rule), 2, size, 0)
        for _, found, _ in ended:
            part = tuple(map(tuple, found[f"{index} part"].tolist()))
            (top, bottom), (left, right) = part
            np.testing.assert_array_equal(found[f"{index} first"], whole[:, top:bottom, left:right])
            np.testing.assert_array_equal(make_state(first_init(rule), 2, size, 0, part), found[f"{index} first"])


@pytest.mark.parametrize("number", range(len(BAD)))
def test_divergence_anywhere_is_the_same_error_everywhere(ended: Any, number: int) -> None:
    index = len(GOOD) + 1 + number
    error = alone(BAD[number])
    assert isinstance(error, DivergenceError)
    wanted = f"DivergenceError {[error.step, error.channel, error.y, error.x]}: {error}"
    assert [str(found[f"{index} error"]) for _, found, _ in ended] == [wanted] * 2


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_arguments_are_refused_by_all(ended: Any, number: int) -> None:
    index = len(GOOD) + 1 + len(BAD) + number
    said = {str(found[f"{index} error"]) for _, found, _ in ended}
    assert len(said) == 1
    assert said.pop().startswith("InputError")


def test_outside_of_joined() -> None:
    from equations.distributed import DistributedSimulator, joined

    with pytest.raises(InputError, match="inside `with joined"):
        DistributedSimulator(RULES["gray-scott"])
    with pytest.raises(InputError, match="torchrun started"), joined():
        pass


@pytest.mark.parametrize(("die", "timeout"), [(1, 60), (-2, 3)])
def test_a_rank_that_dies_or_sleeps_ends_the_others(tmp_path: Path, die: int, timeout: float) -> None:
    case = {"rule": "gray-scott", "size": 16, "backend": "reference", "steps": [2, 2], "die": die, "timeout": timeout}
    code, found, said = run_ranks(2, [case], tmp_path, limit_s=60, wait_for=1)[0]
    assert code == 1
    assert "LostRankError: rank 0 lost another rank" in said
    assert "0 state" not in found


@pytest.mark.slow
@pytest.mark.parametrize("decomposition", ["2x2", "4x1", "1x4", "auto"])
def test_four_ranks_give_the_bytes_of_one_process(tmp_path: Path, decomposition: str) -> None:
    common = {"decomposition": decomposition, "steps": [1, 20]}
    cases = [
        {"rule": "cell mask", "size": [23, 30], "backend": "llvm", **common},
        {"rule": "channel mask", "size": [21, 17], "backend": "reference", "halo": 3, **common},
        {"rule": "functions", "size": [18, 27], "backend": "torch", **common},
        {"rule": "gray-scott", "size": [4, 4], "backend": "llvm", **common},
    ]
    ended = run_ranks(4, cases, tmp_path)
    assert [(code, said) for code, _, said in ended if code] == []
    for index, case in enumerate(cases):
        check_whole(ended, index, case)
