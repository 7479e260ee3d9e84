"""What a study holds: the names of its attributes, and one trial as everybody reads it.

On the study: FORMAT_KEY, SPACE, TARGETS, SETTINGS, SCORE, PLACES, QUEUE, and `rating:{trial}:{rater}:{target}` with a
list of `{"score": 0…5, "rater": str, "time": iso}` (Optuna refuses attributes on trials that have ended); an attribute
has one writer, its rater, whose name is percent-encoded there.

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
SETTINGS = "srnca.settings"  # what all trainings share: iterations, size, bank, …
SCORE = "srnca.score"  # of a study that optimises a learned score: that score, as in score.json
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
COST = "cost"  # multiplications that a cell needs for one step
TERMS = "terms"  # features that the automaton's rule can have, over all channels
PRUNED_AT = "pruned_at"  # such as "roundleaf at 50 %"
ALIVE = "alive"  # while it runs: {"worker": name, "beat": number of its latest heartbeat, "at": how far it is}

DONE, DIVERGED, PRUNED = "done", "diverged", "pruned"
FAILED = "failed"  # it took its workers down again and again, and is not tried any more
FINAL = (DONE, DIVERGED, PRUNED, FAILED)

LOWEST_RATING, HIGHEST_RATING = 0, 5

DIVERGED_LOSS = 30.0  # what a diverged target counts in a trial's value; nothing sane stays that far above 1
LOWEST_LOSS = 1e-12  # a logarithm needs one

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RATING = re.compile(r"rating:(\d{1,9}):[^:]*:(.+)", re.DOTALL)


@dataclass(frozen=True)
class TrialResult:
    """One ended trial.

    number: that of the trial which ended (of one that was killed and run again: the last). params: the
    hyperparameters by name, as the training took them. losses: texture loss of each target, None where it diverged
    or was not reached. pictures: PNG of each target. value: geometric mean of the losses, a diverged one counting
    DIVERGED_LOSS; of a pruned trial what it had reached; in a
    study of a learned score, 5 minus the mean rating to expect. ratings: target -> ratings, the oldest first.
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
    """Whether an Optuna trial ended with a result. One that was killed and run again did not: its successor will."""
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
    """Optuna, silent. Raises MissingPartError where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise MissingPartError("studies need Optuna, which is not installed: pip install 'srnca[sweep]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
