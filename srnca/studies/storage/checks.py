"""Checks of a study's attributes when it is opened, so that a damaged journal gives an error that says so.

Optuna checks that a journal can be replayed, but not the attributes that programs have written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from equations.errors import InputError, SrncaError, shorten, shorten_text
from srnca.automata import kinds
from srnca.studies.storage import attempts, schema
from srnca.studies.storage.connect import lost_storage

if TYPE_CHECKING:
    import optuna

_STUDY: dict[str, Any] = {
    schema.SPACE: dict,
    schema.TARGETS: dict[str, dict],
    schema.SETTINGS: dict,
    schema.QUEUE: list[dict] | None,
    schema.SCORE: dict | None,
}
_TRIAL: dict[str, Any] = {
    schema.LOSSES: dict, schema.PICTURES: dict[str, str], schema.CHECKPOINTS: dict[str, str],
    schema.STATUS: str, schema.SEED: int, schema.TIME: float, schema.VERSIONS: dict, schema.WORKER: str,
    schema.COST: int, schema.TERMS: int, schema.PRUNED_AT: str, attempts.ROOT: int,
    attempts.INSTEAD_OF: int, attempts.TRIES: int, attempts.QUEUED: str, attempts.WITHDRAWN: str, schema.ALIVE: dict,
    "srnca:cmaes:generation": int, "srnca:cmaes:x": list[float],
}  # fmt: skip
_FOUNDED = (schema.SPACE, schema.TARGETS, schema.SETTINGS)


def check_study(study: optuna.Study) -> None:
    """Raises InputError where an attribute of the study or of a trial has the wrong type or an impossible value."""
    with reading(study.study_name):
        attributes = study.user_attrs
        missing = [key for key in _FOUNDED if key not in attributes]
        if missing:
            raise InputError(f"it lacks {', '.join(missing)}")
        _check(attributes, _STUDY)
        for name, entry in attributes[schema.TARGETS].items():
            if (
                not is_text(name)
                or not kinds.fits(entry.get("spec"), str)
                or not kinds.fits(entry.get("crop"), list[int] | None)
            ):
                raise InputError(f"target {shorten(name)}: expected a picture and perhaps a crop, got {shorten(entry)}")
        for key, value in attributes.items():
            if schema.parse_rating_key(key) is not None:
                _check_ratings(key, value)
        for trial in study.get_trials(deepcopy=False):
            with _naming(f"trial {trial.number}"):
                _check_trial(trial)
                if trial.state.name == "COMPLETE" and len(trial.values) != len(study.directions):
                    raise InputError(f"expected a value for each of {len(study.directions)} goals, got {trial.values}")


def is_text(name: str) -> bool:
    """Whether a name can be encoded in UTF-8; the name of a file may be any bytes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns any error while a study is read into one that says that its storage is damaged or does not answer."""
    try:
        yield
    except Exception as error:  # damaged data raise many kinds of errors
        lost = lost_storage(error, name)
        if lost is not None:
            raise lost from error
        if isinstance(error, SrncaError) and not isinstance(error, InputError):
            raise
        raise InputError(
            f"study {name}: its storage is damaged ({shorten_text(str(error))}); go back to a copy of it, or begin "
            "another --study"
        ) from error


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


def _check(attributes: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key, kind in known.items():
        if key in attributes:
            kinds.part(attributes, key, kind)


def _check_trial(trial: Any) -> None:
    _check(trial.user_attrs, _TRIAL)
    _check(trial.system_attrs, _TRIAL)
    losses = trial.user_attrs.get(schema.LOSSES, {}).items()
    for name, value in (*losses, *(("value", v) for v in trial.values or ()), *trial.intermediate_values.items()):
        if not isinstance(value, float) and not kinds.fits(value, float | None):  # infinite: it diverged
            raise InputError(f"loss {shorten(name)}: expected a number or nothing, got {shorten(value)}")
    for target, path in trial.user_attrs.get(schema.PICTURES, {}).items():
        if PurePath(path).is_absolute() or ".." in PurePath(path).parts:
            raise InputError(
                f"picture of {shorten(target)}: expected a path in the study's folder, got {shorten(path)}"
            )
    for name, value in trial.params.items():
        if not kinds.fits(value, str | float):
            raise InputError(f"{shorten(name)}: expected a number or a word, got {shorten(value)}")
    at = (trial.user_attrs.get(schema.ALIVE) or {}).get("at", [])
    if not isinstance(at, list):
        raise InputError(f"{schema.ALIVE}: expected where its worker is, got {shorten(at)}")


def _check_ratings(key: str, value: object) -> None:
    if not kinds.fits(value, list[dict]):
        raise InputError(f"{shorten(key)}: expected ratings, got {shorten(value)}")
    for entry in value:  # type: ignore[attr-defined]
        score = entry.get("score")
        known = kinds.fits(entry.get("rater"), str) and kinds.fits(entry.get("time"), str)
        if not known or not kinds.fits(score, int) or not schema.LOWEST_RATING <= score <= schema.HIGHEST_RATING:
            raise InputError(
                f"{shorten(key)}: expected a score from {schema.LOWEST_RATING} to {schema.HIGHEST_RATING}, a rater "
                f"and a time, got {shorten(entry)}"
            )
