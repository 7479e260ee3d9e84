"""`srnca sweep` as a person runs it: results, going on, bad input, Ctrl-C, several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnca.cli.app import main
from srnca.cli.sweep_table import result_table
from srnca.studies.storage import attempts, schema
from srnca.studies.storage.results import list_results, open_study
from srnca.studies.storage.schema import TrialResult
from srnca.studies.workers import fleet, liveness
from srnca.studies.workers.worker import Plan
from srnca.texture import evaluate
from tests.test_srnca.tiny import stripes

ROOT = Path(__file__).parents[2]
SMALL = ("--iterations", "2", "--size", "16", "--device", "cpu", "--threads", "1")
SPACE = "channels = [4, 6]\nhidden = [8, 12]\nmax_ca_steps = [3, 4]\nupdate_rate = {low = 0.5, high = 1.0}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.toml").write_text(SPACE)
    known = evaluate.nca_pictures

    def short(checkpoint: Any, seeds: tuple[int, ...]) -> np.ndarray:
        return known(checkpoint, steps=5, seeds=seeds)

    monkeypatch.setattr(evaluate, "nca_pictures", short)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["sweep", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_study_is_made_and_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.uint8(255 * stripes())).save("leaf.png")
    words = ("sample:snake", "leaf.png", "--study", "a", "--space", "space.toml", "--sampler", "random")
    code, out, err = run(capsys, *words, "--trials", "2", *SMALL)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].split()[:6] == ["trial", "status", "loss", "snake", "leaf", "channels"]
    assert [line.split()[1] for line in lines[1:3]] == ["done", "done"]
    assert lines[-2] == "pictures and checkpoints are in a.study"
    assert "sweep  2/2" in err
    code, out, err = run(capsys, "--study", "a", "--trials", "3", "--json", "--quiet", "--device", "cpu")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["study"], said["folder"]) == ("a", "a.study")
    assert [t["trial"] for t in said["trials"]] == [0, 1, 2]
    best = min(said["trials"], key=lambda t: t["value"])
    assert said["best"] == best["trial"]
    assert Path(best["pictures"]["leaf"]).is_file()
    assert set(best["params"]) == {"channels", "hidden", "max_ca_steps", "update_rate"}


def test_what_waits_in_the_queue_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sample:snake", "--study", "a", "--space", "space.toml", *SMALL)
    assert run(capsys, *words, "--trials", "1")[0] == 0
    wish = {"channels": 6, "hidden": 8, "max_ca_steps": 3, "update_rate": 0.75}
    open_study("a").set_user_attr(schema.QUEUE, [wish])
    code, out, _ = run(capsys, "--study", "a", "--trials", "1")
    assert code == 0
    assert "1 suggested sets wait in the study's queue: raise --trials above 1" in out
    assert run(capsys, "--study", "a", "--trials", "2")[0] == 0
    assert list_results(open_study("a"))[1].params == wish


def test_two_goals(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sample:snake", "--study", "a", "--space", "space.toml", "--sampler", "nsga2", "--trials", "2", *SMALL)
    code, out, err = run(capsys, *words)
    assert code == 0, err
    assert out.splitlines()[0].split()[:4] == ["trial", "status", "snake", "cost"]
    assert "none is better in loss and cost than trials" in out
    said = json.loads(run(capsys, "--study", "a", "--trials", "2", "--json")[1])
    assert said["front"]
    for trial in said["trials"]:
        params = trial["params"]
        channels, hidden = params["channels"], params["hidden"]
        assert trial["cost"] == 9 * 4 * channels + hidden * 5 * channels  # four filters


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("sample:snake", "--study", "a", "--against", "cost"), "expected with --sampler nsga2 only, got tpe"),
        (
            ("sample:snake", "--study", "a", "--sampler", "nsga2", "--prune", "0.5"),
            "expected none with --sampler nsga2",
        ),
        (("sample:snake",), "expected --study NAME, got none"),
        (("--study", "a"), "expected a target such as sample:snake, got none"),
        (("sample:snake", "--study", "a/b"), "expected a name of letters"),
        (("sample:snake", "--study", "a", "--sampler", "tpa"), 'did you mean "tpe"?'),
        (("sample:snake", "--study", "a", "--space", "none.toml"), "none.toml: no such file; expected a space.toml"),
        (("sample:snake", "--study", "a", "--storage", "nowhere"), "expected journal:FILE or a database"),
        (("sample:snake", "--study", "a", "--trials", "0"), "--trials"),
        (("sample:snake", "--study", "a", "--slurm-option", "x=1"), "expected --slurm with it"),
        (("sample:snake", "--study", "a", "--slurm", "--slurm-option", "timeout"), "expected KEY=VALUE"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_study_with_another_space(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sample:snake", "--study", "a", "--space", "space.toml", "--trials", "1", *SMALL)
    assert run(capsys, *words)[0] == 0
    Path("space.toml").write_text("channels = [4, 6]\nfilters = [2, 3]\n")
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "study a: exists with another space" in err
    assert len(list_results(open_study("a"))) == 1


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    storage = "postgresql://me:secret@127.0.0.1:1/x"
    code, _, err = run(capsys, "sample:snake", "--study", "a", "--storage", storage)
    assert code == 1
    assert "cannot be reached" in err
    assert "secret" not in err


def test_without_submitit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    code, _, err = run(capsys, "sample:snake", "--study", "a", *SMALL, "--slurm")
    assert code == 4
    assert "pip install 'srnca[slurm]'" in err


def test_without_optuna_and_help_loads_none_of_it(tmp_path: Path) -> None:
    """In a fresh process: here it is loaded already."""
    code = (
        "import sys; from srnca.cli.app import main; main(['sweep', '--help']); "
        "assert not {'optuna', 'torch', 'sqlalchemy'} & set(sys.modules); "
        "sys.modules['optuna'] = None; sys.exit(main(['sweep', 'sample:snake', '--study', 'a']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 4, done.stderr
    assert "pip install 'srnca[sweep]'" in done.stderr


def test_the_command_of_a_worker() -> None:
    words = fleet.command(Plan("a", "journal:x.log", 7, "cuda:1", threads=2))
    assert words[1:4] == ["-m", "srnca", "sweep"]
    text = " ".join(words[4:])
    assert text == "--study a --trials 7 --device cuda:1 --quiet --storage journal:x.log --threads 2"


def test_slurm_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = fleet.parse_slurm_options(["timeout_min=240", "slurm_partition=gpu"])
    assert options == {"timeout_min": 240, "slurm_partition": "gpu"}


def test_without_slurm_the_jobs_are_not_lost_in_silence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, err = run(capsys, "sample:snake", "--study", "a", *SMALL, "--slurm")
    assert code == 1
    assert "could not be submitted" in err
    code, _, err = run(capsys, "--study", "a", "--slurm", "--slurm-option", "colour=red")
    assert code in (1, 2)
    assert "--slurm" in err


def result(number: int, status: str, value: float | None) -> TrialResult:
    return TrialResult(number, {"channels": 6}, {"snake": value}, {}, status, 0, 61.0, {}, value)


def test_the_table_has_the_best_first_and_says_why_others_ended() -> None:
    attributes = {2: {"pruned_at": "snake at 50 %"}}
    found: Any = SimpleNamespace(
        directions=["minimize"],
        user_attrs={schema.TARGETS: {"snake": {}}, schema.SPACE: {"channels": [6]}},
        get_trials=lambda deepcopy: [SimpleNamespace(user_attrs=attributes.get(i, {})) for i in range(60)],
    )
    rows = [result(0, "done", 0.5), result(1, "done", 0.25), result(2, "pruned", 0.1), result(3, "diverged", 30.0)]
    lines = result_table(found, rows).splitlines()
    assert [line.split()[0] for line in lines] == ["trial", "1", "0", "2", "3"]
    assert "pruned (snake at 50 %)" in lines[3]
    assert lines[1].split() == ["1", "done", "0.25", "6", "1", "min", "1", "s"]
    assert result_table(found, []) == "no trial has ended yet"
    assert result_table(found, [result(i, "done", 1.0) for i in range(50)]).endswith("and 10 more: --json has them all")


def process(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "srnca", "sweep", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(study: str, said: Any, child: subprocess.Popen[str], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        if Path(f"{study}.study/journal.log").exists():
            try:
                found = said(open_study(study))
            except Exception:
                found = None  # it is being founded
            if found:
                return found
        time.sleep(0.1)
    raise AssertionError(child.communicate()[1])


def begun(study: Any) -> list[Any]:
    return [t for t in study.get_trials() if t.state.name == "RUNNING" and t.user_attrs.get(schema.ALIVE)]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_the_trial_for_the_next_time(tmp_path: Path, workers: str) -> None:
    words = ("sample:snake", "--study", "a", "--space", "space.toml", "--trials", "2", "--workers", workers)
    child = process(tmp_path, *words, "--iterations", "100000", "--size", "16", "--device", "cpu", "--threads", "1")
    wait_for("a", lambda study: len(begun(study)) == int(workers), child)
    time.sleep(2)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "go on with: srnca sweep --study a --trials 2" in err
    states = [t.state.name for t in open_study("a").get_trials()]
    assert states.count("WAITING") == int(workers)
    assert "RUNNING" not in states
    saved = sorted(path.parent.name for path in Path("a.study").glob("trial-*/snake.pt"))
    assert saved == [f"trial-{i:04d}" for i in range(int(workers))]


@pytest.mark.slow
def test_two_of_three_processes_of_one_command_are_killed(tmp_path: Path) -> None:
    words = ("sample:snake", "--study", "a", "--space", "space.toml", "--trials", "6", "--sampler", "random")
    small = ("--iterations", "60", "--size", "16", "--device", "cpu", "--prune", "0", "--workers", "3")
    child = process(tmp_path, *words, *small, "--threads", "1")
    running = wait_for("a", lambda study: begun(study) if len(begun(study)) == 3 else None, child)
    for trial in running[:2]:
        os.kill(int(trial.user_attrs[schema.ALIVE]["worker"].rpartition(":")[2]), signal.SIGKILL)
    out, err = child.communicate(timeout=400)
    assert child.returncode == 0, err
    assert err.count("ended early (killed by signal 9)") == 2
    study = open_study("a")
    results = list_results(study)
    assert len(results) == 6
    assert sorted(attempts.first_attempt(study.get_trials()[r.number]) for r in results) == attempts.list_jobs(
        study.get_trials()
    )
    assert all(path.is_file() for r in results for path in r.pictures.values())
    assert len(out.splitlines()) == 6 + 3


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    words = ("sample:snake", "--study", "a", "--space", "space.toml", "--trials", "2", "--workers", "2")
    child = process(tmp_path, *words, "--iterations", "100000", "--size", "16", "--device", "cpu", "--threads", "1")
    running = wait_for("a", lambda study: begun(study) if len(begun(study)) == 2 else None, child)
    child.kill()
    child.communicate()
    deadline = time.monotonic() + 60
    while not all(liveness.is_gone(t.user_attrs[schema.ALIVE]["worker"]) for t in running):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert [t.state.name for t in open_study("a").get_trials()].count("WAITING") == 2


@pytest.mark.slow
def test_jobs_through_submitit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its local executor in the place of Slurm: the same jobs, as processes of this machine."""
    submitit = pytest.importorskip("submitit")
    words = ["sample:snake", "--study", "a", "--space", "space.toml", "--trials", "1", "--quiet"]
    assert main(["sweep", *words, *SMALL]) == 0
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    jobs = fleet.submit_workers(Plan("a", None, 3, threads=1), 2, Path("a.study/slurm"), {"timeout_min": 5}, "local")
    assert len(jobs) == 2
    deadline = time.monotonic() + 240
    while len(list_results(open_study("a"))) < 3:
        assert time.monotonic() < deadline, list(Path("a.study/slurm").glob("*.err"))
        time.sleep(0.5)
    assert submitit.__version__
