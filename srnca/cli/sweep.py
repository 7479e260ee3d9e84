"""`srnca sweep`: many sets of hyperparameters, trained on each target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equations.errors import InputError
from srnca.cli import train_options as opt
from srnca.cli.options import AsJson, Quiet, option, resolve_device
from srnca.cli.output import say, say_json, shown, warn
from srnca.cli.progress import Progress
from srnca.cli.stopping import stopping_politely
from srnca.cli.sweep_progress import SweepProgress
from srnca.cli.sweep_table import result_data, result_table

if TYPE_CHECKING:
    import optuna

    from srnca.studies.workers.worker import Plan

EXAMPLES = """\
srnca sweep sample:snake sample:orchid --study plants --trials 10
srnca sweep leaf.png --study leaf --sampler cmaes --trials 60 --workers 2
srnca sweep --study leaf --trials 100
srnca sweep leaf.png --study leaf --storage postgresql://me@host/studies"""

TRIALS = 20

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGET...", help="Image files or sample:NAME; none to go on with a study.", show_default=False
    ),
]
Study = Annotated[str, option("The study's name; its files are in NAME.study.")]
Storage = Annotated[
    str | None,
    option("journal:FILE, or a database such as postgresql://….  [default: NAME.study/journal.log]"),
]
Trials = Annotated[int, typer.Option(min=1, help="How many the study shall have, over all workers and calls.")]
Sampler = Annotated[str | None, option("random, tpe, cmaes or nsga2.  [default: tpe]")]
SpaceFile = Annotated[Path | None, option("space.toml: other hyperparameters or ranges.")]
Against = Annotated[str | None, option("What nsga2 weighs the loss against: cost or terms.  [default: cost]")]
Prune = Annotated[
    float | None, option("Share of trials, the worst at a mark, that are given up; 0: none.  [default: 0.25]")
]
Objective = Annotated[str | None, option("What is lowered: loss, or score, a learned one.  [default: loss]")]
ScoreFile = Annotated[Path | None, option("For --objective score: a score.json of srnca explore.")]
PresetName = Annotated[str | None, option("Where settings come from that are not searched.  [default: default]")]
Workers = Annotated[int, typer.Option(min=1, max=256, help="Processes on this machine, or jobs of --slurm.")]
Threads = Annotated[int | None, option("Threads of each worker.  [default: the cores, shared]", min=1)]
Slurm = Annotated[bool, typer.Option("--slurm", help="Hand the workers to Slurm (needs submitit) and return.")]
SlurmOption = Annotated[
    list[str] | None,
    option("For submitit, such as timeout_min=240; again for each.", "--slurm-option", metavar="KEY=VALUE"),
]


@dataclass(frozen=True)
class _Output:
    """What the command prints: results as JSON or text, progress or none."""

    as_json: bool
    quiet: bool


def sweep(
    targets: Targets = None,
    study: Study = "",
    storage: Storage = None,
    trials: Trials = TRIALS,
    sampler: Sampler = None,
    space: SpaceFile = None,
    against: Against = None,
    prune: Prune = None,
    objective: Objective = None,
    score: ScoreFile = None,
    preset: PresetName = None,
    iterations: opt.Iterations = None,
    size: opt.Size = None,
    bank: opt.Bank = None,
    colours: opt.Colours = None,
    seed: opt.Seed = None,
    device: opt.Device = "auto",
    workers: Workers = 1,
    threads: Threads = None,
    slurm: Slurm = False,
    slurm_option: SlurmOption = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explore hyperparameters: train many sets of them on each target."""
    from srnca.media.images import check_target

    for target in targets or ():  # before the slow imports
        check_target(target)
    from srnca.studies.search.space import read_space
    from srnca.studies.storage.schema import import_optuna
    from srnca.studies.workers.founding import StudyRequest, join_study

    import_optuna()  # before the modules that need it
    from srnca.studies.workers.fleet import parse_slurm_options, threads_each
    from srnca.studies.workers.worker import Plan

    if not study:
        raise InputError("sweep: expected --study NAME, got none; e.g. srnca sweep sample:snake --study snakes")
    options = parse_slurm_options(slurm_option or [])
    if options and not slurm:
        raise InputError("--slurm-option: expected --slurm with it; leave it out, or hand the workers to Slurm")
    given = {
        "sampler": sampler, "against": against, "prune": prune, "objective": objective, "preset": preset,
        "iterations": iterations, "size": size, "bank": bank, "colours": colours, "seed": seed,
    }  # fmt: skip
    settings = {name: value for name, value in given.items() if value is not None}
    request = StudyRequest(
        tuple(targets or ()), None if space is None else read_space(space), settings, _read_score(score)
    )
    made, _ = join_study(study, storage, request)
    where = device if slurm else resolve_device(device)  # the machines of a cluster have other devices
    plan = Plan(study, storage, trials, where, threads or threads_each(1 if slurm else workers))
    if slurm:
        _submit(plan, workers, options, as_json=as_json)
        return
    _run(made, plan, workers, _Output(as_json, quiet))


def _read_score(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    from srnca.studies.ratings.score import load_score, score_to_dict

    return score_to_dict(load_score(path))


def _submit(plan: Plan, workers: int, options: dict[str, Any], *, as_json: bool) -> None:
    from srnca.studies.storage.connect import study_folder
    from srnca.studies.workers.fleet import submit_workers

    folder = study_folder(plan.name, plan.storage) / "slurm"
    jobs = submit_workers(plan, workers, folder, options)
    if as_json:
        say_json({"study": plan.name, "jobs": jobs, "logs": folder})
    else:
        say(f"submitted {len(jobs)} workers: jobs {', '.join(jobs)}; logs in {shown(folder)}")


def _run(study: optuna.Study, plan: Plan, workers: int, output: _Output) -> None:
    from srnca.studies.workers.fleet import orphaned, run_workers
    from srnca.studies.workers.worker import work

    try:
        with Progress(quiet=output.quiet) as progress, stopping_politely() as asked:
            view = SweepProgress(study, plan.total, progress)
            if workers == 1:
                work(plan, stopping=lambda: asked() or orphaned(), report=view.on_step)
            else:
                for process, code in run_workers(plan, workers, stopping=asked, on_poll=view.on_poll):
                    progress.note(f"worker {process} ended early ({_describe_exit(code)}); the others did its work")
            view.end()
    except KeyboardInterrupt:
        warn(f"interrupted; go on with: srnca sweep --study {plan.name}{_storage_flag(plan)} --trials {plan.total}")
        raise
    _say_results(study, plan, output)


def _describe_exit(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _storage_flag(plan: Plan) -> str:
    from srnca.studies.storage.connect import hidden

    return "" if plan.storage is None else f" --storage {hidden(plan.storage)}"


def _say_results(study: optuna.Study, plan: Plan, output: _Output) -> None:
    from srnca.studies.storage.connect import study_folder
    from srnca.studies.storage.results import list_results
    from srnca.studies.workers.fleet import PARENT
    from srnca.studies.workers.trials import waiting_sets

    folder = study_folder(plan.name, plan.storage)
    results = list_results(study, folder)
    if output.as_json:
        say_json({"study": plan.name, "folder": folder, **result_data(study, results)})
        return
    if os.environ.get(PARENT):  # the process that started the workers prints the results
        return
    say(result_table(study, results))
    left = len(waiting_sets(study, study.get_trials(deepcopy=False)))
    if left:
        say(f"{left} suggested sets wait in the study's queue: raise --trials above {plan.total} to run them")
    say(f"pictures and checkpoints are in {shown(folder)}")
    say(f"next: srnca explore {plan.name} --out {plan.name}-report")
