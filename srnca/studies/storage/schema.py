"""The attributes of a study and of its trials, and an ended trial as plain data.

On the study: FORMAT_KEY, SPACE, TARGETS, SETTINGS, SCORE, PLACES, QUEUE, and `rating:{trial}:{rater}:{target}` with a
list of `{"score": 0…5, "rater": str, "time": iso}` (Optuna refuses attributes on trials that have ended). Only
the rater, whose name is percent-encoded there, writes that attribute.

On a trial: LOSSES `{target: float or null}`, PICTURES and CHECKPOINTS `{target: path}` relative to the study's
folder, STATUS, SEED, TIME (seconds), VERSIONS, WORKER, COST, TERMS, PRUNED_AT, ALIVE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from equations.errors import InputError, MissingPartError, shorten

FORMAT = "srnca.study/1"

FORMAT_KEY = "srnca.format"
SPACE = "srnca.space"  # Space.to_dict()
TARGETS = "srnca.targets"  # name -> {"spec": what load_target takes, "crop": null or [x, y, side]}
SETTINGS = "srnca.settings"  # the fields of `founding.Settings`
SCORE = "srnca.score"  # the learned score that the study optimises, if it does, as in score.json
PLACES = "srnca.places"  # true: draws depend on `attempts.job_index`; in older studies, on trial numbers
QUEUE = "srnca.queue"  # hyperparameter sets (dicts) to run before any that a sampler draws

LOSSES = "losses"
PICTURES = "pictures"
CHECKPOINTS = "checkpoints"
STATUS = "status"
SEED = "seed"
TIME = "time_s"
VERSIONS = "versions"
WORKER = "worker"
COST = "cost"  # multiplications per cell and step
TERMS = "terms"  # terms that the automaton's rule can have, over all channels
PRUNED_AT = "pruned_at"  # such as "roundleaf at 50 %"
ALIVE = "alive"  # while it runs: {"worker": name, "beat": number of its latest heartbeat, "at": how far it is}

DONE, DIVERGED, PRUNED = "done", "diverged", "pruned"
FAILED = "failed"  # its workers died or failed `trials.MOST_TRIES` times
FINAL = (DONE, DIVERGED, PRUNED, FAILED)

LOWEST_RATING, HIGHEST_RATING = 0, 5

DIVERGED_LOSS = 30.0  # counts for a diverged target in a trial's value; any useful loss is far below
LOWEST_LOSS = 1e-12  # floor under logarithms of losses

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RATING = re.compile(r"rating:(\d{1,9}):[^:]*:(.+)", re.DOTALL)


@dataclass(frozen=True)
class TrialResult:
    """One ended trial.

    number: of the trial; where it replaced others that were killed, of the last one.
    params: the hyperparameters by name.
    losses: texture loss of each target, None where it diverged or was not reached.
    pictures: target -> PNG file.
    status: one of FINAL.
    seed: of the training.
    time_s: seconds that the trial took.
    ratings: target -> ratings, the oldest first.
    value: geometric mean of the losses, with DIVERGED_LOSS for a diverged one; of a pruned trial, what it had reached;
        in a study of a learned score, 5 minus the mean predicted rating.
    """

    number: int
    params: Mapping[str, Any]
    losses: Mapping[str, float | None]
    pictures: Mapping[str, Path]
    status: str
    seed: int | None
    time_s: float | None
    ratings: Mapping[str, tuple[Mapping[str, Any], ...]]
    value: float | None


def is_result(trial: Any) -> bool:
    """Whether an Optuna trial ended with a result; one that was killed did not, but the trial that replaces it will."""
    status = trial.user_attrs.get(STATUS)
    if trial.state.name == "FAIL":
        return bool(status == FAILED)
    return trial.state.name in ("COMPLETE", "PRUNED") and status in FINAL


def rating_key(trial: int, target: str, rater: str) -> str:
    """The study's attribute that holds a rater's ratings of a trial's picture."""
    return f"rating:{trial}:{quote(rater, safe='')}:{target}"


def parse_rating_key(key: str) -> tuple[int, str] | None:
    """The trial and target of `rating_key`; None for another attribute."""
    match = _RATING.fullmatch(key)
    return (int(match[1]), match[2]) if match else None


def check_name(name: str) -> str:
    """A study's name, which also names its folder. Raises InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"study: expected a name of letters, digits, dots, dashes and underscores, got {shorten(name)}"
        )
    return name


def import_optuna() -> Any:
    """Optuna, with its log messages off. Raises MissingPartError where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise MissingPartError("studies need Optuna, which is not installed: pip install 'srnca[sweep]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
