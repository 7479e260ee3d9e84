"""The command line, killed at a chosen place.

One process has everything loaded; every command line runs in a fork of it, so that dozens take seconds. A `Death` names
a function and one of its calls: at that call the fork gets a signal, SIGKILL for one.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

from srnca.texture.config import TrainSettings

ROOT = Path(__file__).parents[2]
SAVING_ALWAYS: dict[str, Any] = {  # settings of `Commands`: training saves after every iteration and is soon rated
    "srnca.texture.config:TrainSettings.__init__.__defaults__": list(astuple(TrainSettings(save_every_s=0.0))),
    "srnca.texture.quality:rate_automaton.__wrapped__.__kwdefaults__": {"steps": 10},
}
MOST_S = 120.0  # for one command line
LOADED = (
    "distill.engines.operon", "distill.identify.pipeline", "distill.refine.refinement", "matplotlib.pyplot", "optuna",
    "pandas", "pydantic", "srnca.cli.app", "srnca.dynamics.automaton", "srnca.pages.rule_page", "srnca.recordings",
    "srnca.studies.workers.worker", "srnca.texture.automaton", "srnca.texture.distill",
    "srnca.texture.features.multiscale", "srnca.media.samples.alocasia", "srnca.texture.training",
    "tests.test_srnca.tiny", "torch._dynamo", "torch.utils._foreach_utils", "typer._adapters", "zarr",
)  # fmt: skip


@dataclass(frozen=True)
class Death:
    """A signal at one call of a function.

    at: `module:name` or `module:Class.name`, where the callers look it up. call: which one, from 1, of those whose
    arguments contain `match` when printed. when: `before` or `after` it, or `halfway`: it is called with half of the
    bytes that are its second argument, and then no more. number: the signal.
    """

    at: str
    call: int = 1
    when: str = "before"
    match: str = ""
    number: int = signal.SIGKILL

    def __str__(self) -> str:
        """For the names of tests."""
        name = signal.Signals(self.number).name
        said = "" if name == "SIGKILL" else f" {name}"
        return f"{self.when} {self.at.partition(':')[2]} {self.call}{f' of {self.match}' if self.match else ''}{said}"


def slow_but(places: Sequence[Death], *quick: Death) -> list[Any]:
    """For `parametrize`: places of which all but a few are for the slow tests."""
    import pytest

    assert set(quick) <= set(places)
    return [pytest.param(p, marks=() if p in quick else pytest.mark.slow, id=str(p)) for p in places]


@dataclass(frozen=True)
class Ended:
    """code: minus the signal for a process that was killed. reached: whether it came to the place of its death."""

    code: int
    out: str
    err: str
    reached: bool


class Commands:
    """Runs command lines in forks of one server. settings: `module:name` -> the value that it has in all of them;
    shortened: with small refinements and without drawings.
    """

    def __init__(
        self, server: subprocess.Popen[str], settings: dict[str, Any] | None = None, *, shortened: bool = False
    ) -> None:
        self.server, self.settings, self.shortened = server, settings or {}, shortened

    def run(self, folder: Path, words: Sequence[object], death: Death | None = None, *, answers: str = "") -> Ended:
        """`srnca WORDS` in `folder`, to its end or to its death; `answers` is what it reads from a pipe."""
        asked = {
            "answers": answers,
            "words": list(map(str, words)),
            "folder": str(folder),
            "death": None if death is None else asdict(death),
            "settings": self.settings,
            "shortened": self.shortened,
        }
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        return Ended(**json.loads(self.server.stdout.readline()))

    def whole(self, folder: Path, words: Sequence[object]) -> Ended:
        """As `run`, and it must end well."""
        ended = self.run(folder, words)
        assert ended.code == 0, ended.err
        return ended

    def killed(self, folder: Path, words: Sequence[object], death: Death) -> Ended:
        """As `run`, and it must die where it should."""
        ended = self.run(folder, words, death)
        assert ended.reached, f"never came to {death}: {ended.code}, {ended.err}"
        assert ended.code == (-signal.SIGKILL if death.number == signal.SIGKILL else 130), ended
        return ended


@contextmanager
def serving() -> Iterator[subprocess.Popen[str]]:
    """The server, for as long as the block runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.test_srnca.killing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    try:
        yield server
    finally:
        server.communicate()  # its input ends, and so does it


def _serve() -> None:
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(asdict(_fork(json.loads(line)))), flush=True)


def _fork(asked: dict[str, Any]) -> Ended:
    folder = Path(asked["folder"])
    files = [folder.parent / f"{folder.name}.{name}" for name in ("out", "err", "reached", "in")]
    files[2].unlink(missing_ok=True)
    files[3].write_text(asked["answers"])
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _command(asked, folder, files)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    code = _wait(child)
    out, err = (path.read_text(encoding="utf-8", errors="replace") for path in files[:2])
    return Ended(code, out, err, files[2].exists())


def _wait(child: int) -> int:
    deadline = time.monotonic() + MOST_S
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError(f"a command took more than {MOST_S:.0f} s")


def _command(asked: dict[str, Any], folder: Path, files: Sequence[Path]) -> int:
    import pytest

    from tests.test_srnca import tiny

    for path, stream in zip(files, (1, 2), strict=False):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    os.dup2(os.open(files[3], os.O_RDONLY), 0)
    sys.stdin = open(0, encoding="utf-8")  # without what the server has read ahead  # noqa: SIM115
    os.chdir(folder)
    patch = pytest.MonkeyPatch()
    tiny.simulate_on_torch(patch)
    if asked["shortened"]:
        _shorten(patch)
    for place, value in asked["settings"].items():
        owner, name = _find(place)
        setattr(owner, name, tuple(value) if isinstance(value, list) else value)
    if asked["death"] is not None:
        death = Death(**asked["death"])
        owner, name = _find(death.at)
        setattr(owner, name, _dying(getattr(owner, name), death, files[2]))
    from srnca.cli.app import main

    return main(asked["words"])


def _shorten(patch: Any) -> None:
    """Short rollouts, few and young pictures, and words in the place of drawings."""
    from equations.files import write_text
    from srnca import recordings
    from srnca.texture import subject
    from tests.test_srnca import tiny

    few = {"late_ages": (60, 80), "damage_interval": 10, "large_seeds": 1, "large_lots": 1, "final_seeds": 2}
    tiny.shorten_distillation(patch, refinement=replace(tiny.SHORT_REFINEMENT, **few))
    patch.setattr(subject, "distill", functools.partial(subject.distill, rows=2000, steps=60))
    for module, name in (
        (subject, "draw_distillation"),
        (subject, "report_checkpoint"),
        (recordings, "report_recording"),
    ):
        patch.setattr(module, name, lambda path, *_, name=name, **__: write_text(path, name))


def _find(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    return functools.reduce(getattr, owners, importlib.import_module(module)), name


def _dying(function: Callable[..., Any], death: Death, reached: Path) -> Callable[..., Any]:
    calls = 0

    def die() -> None:
        reached.touch()
        os.kill(os.getpid(), death.number)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += not death.match or death.match in repr((args, kwargs))
        if calls != death.call or reached.exists():
            return function(*args, **kwargs)
        if death.when == "before":
            die()
        elif death.when == "halfway":
            function(args[0], args[1][: len(args[1]) // 2])
            die()
        result = function(*args, **kwargs)
        if death.when == "after":
            die()
        return result

    return wrapped


if __name__ == "__main__":
    _serve()
