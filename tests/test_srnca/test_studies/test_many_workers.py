"""Several workers on one study: killed, colliding, on a journal and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from srnca.studies.storage import attempts, schema
from srnca.studies.storage.results import list_results, open_study
from srnca.studies.storage.schema import ALIVE
from tests.test_srnca.test_studies.quick import found, start

pytestmark = pytest.mark.slow
WAIT_S = 240
Server = tuple[str, subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def end_well(workers: list[subprocess.Popen[str]]) -> None:
    for worker in workers:
        _, said = worker.communicate(timeout=WAIT_S)
        assert worker.returncode == 0, said


def check_whole(study: optuna.Study, folder: Path, total: int) -> None:
    """As many trials as were wanted, each trained once to its end, and no set twice. Only a trial whose worker was
    killed may have been trained to its end twice: the worker can die between that end and the storing of the result.
    """
    results = list_results(study)
    everything = study.get_trials()
    assert len(results) == total
    assert all(r.status == schema.DONE for r in results)
    assert all(t.state.is_finished() for t in everything)
    roots = Counter(attempts.first_attempt(everything[r.number]) for r in results)
    assert set(roots.values()) == {1}
    again = {attempts.first_attempt(t) for t in everything if attempts.INSTEAD_OF in t.user_attrs}
    ended = {path.parent.name: path.read_text().count("\n") for path in folder.glob("trial-*/ended")}
    twice = {f"trial-{number:04d}": 2 for number in again}
    assert ended.keys() == {f"trial-{number:04d}" for number in roots}
    assert all(count in (1, twice.get(name, 1)) for name, count in ended.items())
    assert len({str(r.params) for r in results}) == total


def owners(study: optuna.Study) -> dict[int, int]:
    """Process -> trial that it runs now."""
    running = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
    said = {t.number: t.user_attrs.get(ALIVE) for t in running}
    return {int(alive["worker"].rpartition(":")[2]): number for number, alive in said.items() if alive}


def test_two_of_three_workers_are_killed(tmp_path: Path) -> None:
    storage = "journal:kill.study/journal.log"
    found("kill", storage)
    workers = [start(tmp_path, "kill", storage, total=12, seconds=2.0) for _ in range(3)]
    study, deadline = open_study("kill", storage), time.monotonic() + WAIT_S
    victims = {worker.pid for worker in workers[:2]}
    while not victims <= set(owners(study)) or len(list_results(study)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        lost = [trial for process, trial in owners(study).items() if process in victims]
        for process in victims:
            os.kill(process, number)
    for worker in workers[:2]:
        worker.communicate()
        assert worker.returncode == -signal.SIGKILL
    end_well(workers[2:])
    study = open_study("kill", storage)
    check_whole(study, Path("kill.study"), 12)
    again = {t.user_attrs[attempts.INSTEAD_OF] for t in study.get_trials() if attempts.INSTEAD_OF in t.user_attrs}
    assert lost
    assert set(lost) <= again
    begun = {path.parent.name: path.read_text().count("\n") for path in Path("kill.study").glob("trial-*/begun")}
    assert 12 < sum(begun.values()) <= 14  # those that were killed were begun twice, all others once


def test_two_hundred_trials_of_four_workers_on_one_journal(tmp_path: Path) -> None:
    storage = "journal:many.study/journal.log"
    found("many", storage)
    end_well([start(tmp_path, "many", storage, total=200) for _ in range(4)])
    study = open_study("many", storage)
    check_whole(study, Path("many.study"), 200)
    assert len({t.user_attrs[schema.WORKER] for t in study.get_trials() if schema.is_result(t)}) == 4
    assert len(study.get_trials()) <= 203  # at most one for each other worker was drawn too many, and withdrawn


@pytest.fixture
def postgres() -> Iterator[Server]:
    """A server of our own and its process, as an ordinary user (PostgreSQL refuses root), gone after the test."""
    pytest.importorskip("psycopg", reason="psycopg, the driver of PostgreSQL, is not installed")
    folders = [os.environ.get("PATH", ""), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    initdb, server = (shutil.which(name, path=os.pathsep.join(folders)) for name in ("initdb", "postgres"))
    if not initdb or not server:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = Path("/tmp") / f"srnca-postgres-{os.getpid()}"
    data.mkdir()
    more = {}
    if os.geteuid() == 0:
        shutil.chown(data, "nobody")
        more = {"user": "nobody"}
    made = [initdb, "-D", str(data / "db"), "-U", "srnca", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, cwd="/", **more)  # type: ignore[call-overload]
    words = [server, "-D", str(data / "db"), "-p", str(port), "-h", "127.0.0.1", "-k", str(data)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **more)  # type: ignore[call-overload]
    try:
        yield _wait(f"postgresql://srnca@127.0.0.1:{port}/postgres"), process
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown
        process.wait(timeout=60)
        shutil.rmtree(data)


def _wait(url: str) -> str:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return url


def test_postgresql_with_two_workers_one_of_them_killed(tmp_path: Path, postgres: Server) -> None:
    storage, _ = postgres
    found("pg", storage)
    workers = [start(tmp_path, "pg", storage, total=20, seconds=0.5) for _ in range(2)]
    study, deadline = open_study("pg", storage), time.monotonic() + WAIT_S
    while workers[0].pid not in owners(study) or len(list_results(study)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].communicate()
    third = start(tmp_path, "pg", storage, total=20, seconds=0.1)
    end_well([workers[1], third])
    study = open_study("pg", storage)
    check_whole(study, Path("pg.study"), 20)
    assert len({t.user_attrs[schema.WORKER] for t in study.get_trials() if schema.is_result(t)}) == 3


def test_a_server_that_goes_down_while_a_worker_trains(tmp_path: Path, postgres: Server) -> None:
    storage, server = postgres
    found("pg", storage)
    worker = start(tmp_path, "pg", storage, total=50, seconds=2.0)
    study, deadline = open_study("pg", storage), time.monotonic() + WAIT_S
    while not owners(study):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.send_signal(signal.SIGINT)
    server.wait(timeout=60)
    _, said = worker.communicate(timeout=WAIT_S)
    assert worker.returncode == 1
    assert "its storage does not answer any more" in said.splitlines()[-1]
    assert "run the same command again" in said.splitlines()[-1]
