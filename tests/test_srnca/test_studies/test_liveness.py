"""Living, dead and silent workers."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from srnca.studies.storage.schema import ALIVE
from srnca.studies.workers.liveness import Heartbeat, TakenOver, Timing, Watcher, is_gone, machine, worker_name


def running(worker: str | None, beat: int = 0, number: int = 3) -> Any:
    said = {} if worker is None else {ALIVE: {"worker": worker, "beat": beat}}
    return SimpleNamespace(number=number, user_attrs=said)


def test_processes_of_this_machine() -> None:
    assert not is_gone(worker_name())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert not is_gone(f"{machine()}:{child.pid}")
    child.kill()
    deadline = time.monotonic() + 10
    while not is_gone(f"{machine()}:{child.pid}"):  # killed, and nobody has asked for its exit code
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.communicate()
    assert is_gone(f"{machine()}:{child.pid}")


@pytest.mark.parametrize("worker", ["elsewhere:1", "", "nonsense", "another/1234:99999999"])
def test_of_other_machines_nothing_is_known(worker: str) -> None:
    assert not is_gone(worker)


def test_silence_counts_from_the_last_beat_that_was_seen() -> None:
    now = [0.0]
    watcher = Watcher(lambda: now[0])
    assert not watcher.is_abandoned(running("elsewhere:1", 0))
    now[0] = Timing().grace_s
    assert not watcher.is_abandoned(running("elsewhere:1", 1))  # a beat: it starts anew
    now[0] = 2 * Timing().grace_s
    assert not watcher.is_abandoned(running("elsewhere:1", 1))
    now[0] += 1
    assert watcher.is_abandoned(running("elsewhere:1", 1))


def test_a_trial_without_a_worker_is_given_time_too() -> None:
    now = [0.0]
    watcher = Watcher(lambda: now[0])
    assert not watcher.is_abandoned(running(None))
    now[0] = Timing().grace_s + 1
    assert watcher.is_abandoned(running(None))


def test_the_heart_beats_until_the_trial_is_taken() -> None:
    beats: list[int] = []

    def beat(number: int) -> None:
        beats.append(number)
        if number == 2:
            raise OSError("the server restarts")
        if number == 4:
            raise TakenOver

    with Heartbeat(beat, every_s=0.01) as heart:
        deadline = time.monotonic() + 10
        while not heart.taken:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert beats == [0, 1, 2, 3, 4]


def test_beats_come_much_sooner_than_patience_ends() -> None:
    assert 4 * Timing().beat_s < Timing().grace_s
