"""Several workers on this machine or on a cluster: each is a process that runs the same command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from equations.errors import InputError, MissingPartError, SrncaError
from srnca.studies.workers.worker import Plan

PARENT = "SRNCA_SWEEP_PARENT"  # environment variable of a worker: the process that it ends with
POLL_S = 0.5  # between two checks of the workers
END_S = 60.0  # what a worker has to save and put back its trial after a signal


def threads_each(workers: int) -> int:
    """Default number of threads of each worker: the cores of this machine, divided among them."""
    return max(1, (os.cpu_count() or 1) // workers)


def command(plan: Plan) -> list[str]:
    """The command line of one worker of the plan."""
    words = [sys.executable, "-m", "srnca", "sweep", "--study", plan.name, "--trials", str(plan.total)]
    words += ["--device", plan.device, "--quiet"]
    if plan.storage is not None:
        words += ["--storage", plan.storage]
    return [*words, "--threads", str(plan.threads)] if plan.threads is not None else words


def orphaned() -> bool:
    """Whether this process is a worker whose parent has ended."""
    parent = os.environ.get(PARENT)
    return parent is not None and parent.isdigit() and os.getppid() != int(parent)


def run_workers(
    plan: Plan, count: int, *, stopping: Callable[[], bool], on_poll: Callable[[], None]
) -> list[tuple[int, int]]:
    """Start `count` workers and wait for them; returns (process, exit code) of those that failed.

    `on_poll()` is called repeatedly while they run. When `stopping()` is true, they save and put back their trials, and
    KeyboardInterrupt is raised. Raises SrncaError when all of them failed.
    """
    environment = {**os.environ, PARENT: str(os.getpid())}
    if plan.threads is not None:
        environment |= {"OMP_NUM_THREADS": str(plan.threads)}
    workers = [
        subprocess.Popen(  # in a session of its own, so that Ctrl-C reaches it only through this process
            command(plan), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, start_new_session=True
        )
        for _ in range(count)
    ]
    try:
        while any(worker.poll() is None for worker in workers):
            if stopping():
                raise KeyboardInterrupt
            on_poll()
            time.sleep(POLL_S)
    finally:
        _end(workers)
    failed = [(worker.pid, worker.returncode) for worker in workers if worker.returncode]
    if len(failed) == count:
        raise SrncaError(f"study {plan.name}: all {count} workers failed, see above; run the same command to go on")
    return failed


def _end(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + END_S
    for worker in workers:
        try:
            worker.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def submit_workers(
    plan: Plan, count: int, folder: Path, options: Mapping[str, Any], cluster: str = "slurm"
) -> list[str]:
    """Submit `count` workers to Slurm through submitit; returns the numbers of the jobs.

    folder: for their logs.
    options: for submitit's update_parameters.

    Raises MissingPartError without submitit, InputError for unknown options, SrncaError where there is no Slurm.
    """
    try:
        import submitit
    except ImportError as error:
        raise MissingPartError("--slurm needs submitit: pip install 'srnca[slurm]'") from error
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
        executor.update_parameters(name=f"srnca-{plan.name}", **options)
        jobs = [executor.submit(subprocess.run, command(plan), check=True, cwd=Path.cwd()) for _ in range(count)]
    except (NameError, TypeError) as error:  # submitit's errors for an unknown parameter
        raise InputError(f"--slurm-option: submitit refuses it ({error})") from error
    except (RuntimeError, OSError, submitit.core.utils.FailedJobError) as error:
        raise SrncaError(f"--slurm: the jobs could not be submitted ({error})") from error
    return [str(job.job_id) for job in jobs]


def parse_slurm_options(texts: list[str]) -> dict[str, Any]:
    """The KEY=VALUE of each `--slurm-option`, whole numbers as int. Raises InputError."""
    options: dict[str, Any] = {}
    for text in texts:
        key, _, value = (part.strip() for part in text.partition("="))
        if not key.isidentifier() or not value:
            raise InputError(f"--slurm-option: expected KEY=VALUE such as timeout_min=240, got {text!r}")
        options[key] = int(value) if value.isdigit() else value
    return options
