"""`srnca distill --frames`, killed at chosen places: the next call ends with the law of an unstopped run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.test_srnca.killing import Commands, Death, slow_but
from tests.test_srnca.test_kill_distill import check, results

WORDS = ["distill", "--frames", "f.npz", "--out", "out", "--engine", "operon", "--seed", 3, "--quiet"]
WORDS += ["--effort", 0.1]
SMALL = {
    "distill.engines.operon:POPULATION": 100,
    "distill.engines.operon:ROUND": 2000,
    "distill.work:SEARCH_OF_A_CHANNEL": 60_000,
}

NOISE, SURVEY, LAWS = (f"distill.identify.pipeline:{name}" for name in ("estimate_noise", "run_survey", "fit_laws"))
SEARCH, PUT, RESULT = (
    "distill.identify.pipeline:search", "distill.unfinished:Unfinished.put", "distill.identify.pipeline:result_of"
)  # fmt: skip
RENAME, ENGINE, SYSTEM = "os:replace", "distill.engines.operon:OperonEngine.fit", "distill.identify.survey:System"

KILLS = [
    Death(NOISE),
    *(Death(SYSTEM, call, "after") for call in (1, 3)),
    *(Death(SURVEY, 1, when) for when in ("before", "after")),
    *(Death(LAWS, 1, when) for when in ("before", "after")),
    *(Death(ENGINE, 1, when) for when in ("before", "after")),
    *(Death(SEARCH, 1, when) for when in ("before", "after")),
    *(Death(PUT, call, when) for call in (1, 2) for when in ("before", "after")),
    Death("pathlib:Path.write_bytes", 2, "halfway"),
    *(Death(RENAME, 2, when, match="unfinished.npz") for when in ("before", "after")),
    *(Death(RESULT, 1, when) for when in ("before", "after")),
    *(
        Death(RENAME, 1, when, match=name)
        for name in ("report.html", "hall_of_fame", "report.json", "rule.json")
        for when in ("before", "after")
    ),
]


@pytest.fixture(scope="module")
def commands(kill_server: subprocess.Popen[str]) -> Commands:
    return Commands(kill_server, SMALL, shortened=True)


@pytest.fixture(scope="module")
def recorded(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("recorded")
    words = ["simulate", "fisher-kpp", "--size", 16, "--steps", 40, "--every", 4, "--backend", "reference"]
    commands.whole(folder, [*words, "--out", "f.npz", "--quiet"])
    return (folder / "f.npz").read_bytes()


@pytest.fixture(scope="module")
def whole(commands: Commands, recorded: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run that was never stopped leaves."""
    folder = made(tmp_path_factory.mktemp("whole"), recorded)
    commands.whole(folder, WORDS)
    return results(folder / "out")


def made(folder: Path, recorded: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "f.npz").write_bytes(recorded)
    return folder


@pytest.mark.parametrize("death", slow_but(KILLS, Death(PUT, 2)))
def test_a_killed_identification_ends_with_the_same_law(
    commands: Commands, recorded: bytes, whole: dict[str, object], tmp_path: Path, death: Death
) -> None:
    folder = made(tmp_path / "run", recorded)
    commands.killed(folder, WORDS, death)
    commands.whole(folder, [*WORDS, "--resume"])
    check(folder, whole)
