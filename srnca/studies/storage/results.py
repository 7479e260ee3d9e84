"""A study as it is read: its trials that ended, in one plain form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError, did_you_mean, shorten
from srnca.studies.storage import schema
from srnca.studies.storage.checks import check_study, reading
from srnca.studies.storage.connect import hidden, make_storage
from srnca.studies.storage.schema import TrialResult

if TYPE_CHECKING:
    import optuna


def open_study(name: str, storage: str | None = None) -> optuna.Study:
    """The study `name` of a storage (by default the journal NAME.study/journal.log of the working folder).

    Raises InputError when there is none or it is not one of `srnca sweep`, and whatever `make_storage` raises.
    """
    found = load_study(name, make_storage(schema.check_name(name), storage), storage)
    said = found.user_attrs.get(schema.FORMAT_KEY)
    if said != schema.FORMAT:
        raise InputError(
            f"study {name}: expected one of format {schema.FORMAT}, got {shorten(said) if said else 'no format'}; "
            "make one with `srnca sweep`"
        )
    check_study(found)
    return found


def load_study(name: str, made: Any, storage: str | None) -> optuna.Study:
    """The study as Optuna has it. Raises InputError when there is none of that name."""
    library = schema.import_optuna()
    with reading(name):
        names = [str(known) for known in library.get_all_study_names(made)]
    if name not in names:
        known = f"; it holds {', '.join(names[:8])}" if names else "; it holds none"
        where = "the journal" if storage is None else hidden(storage)
        raise InputError(f"study {name}: not in {where}{did_you_mean(name, names) or known}")
    with reading(name):
        study: optuna.Study = library.load_study(study_name=name, storage=made)
    return study


def list_results(study: optuna.Study, folder: Path | None = None) -> list[TrialResult]:
    """The trials that ended with a result (done, diverged, pruned or failed), by number.

    Trials that were killed and run again are not listed: the one that took their place is.
    folder: what the pictures' paths start from, by default NAME.study (see `storage.study_folder`).
    """
    if folder is None:
        folder = Path(f"{study.study_name}.study")
    ratings = _ratings(study.user_attrs)
    with reading(study.study_name):
        trials = study.get_trials(deepcopy=False)
    return [_result(t, folder, ratings.get(t.number, {})) for t in trials if schema.is_result(t)]


def _result(trial: Any, folder: Path, ratings: Mapping[str, tuple[Mapping[str, Any], ...]]) -> TrialResult:
    said = trial.user_attrs
    return TrialResult(
        number=trial.number,
        params=dict(trial.params),
        losses=dict(said.get(schema.LOSSES, {})),
        pictures={target: folder / path for target, path in said.get(schema.PICTURES, {}).items()},
        status=said[schema.STATUS],
        seed=said.get(schema.SEED),
        time_s=said.get(schema.TIME),
        ratings=dict(ratings),
        value=trial.values[0] if trial.values else None,
    )


def _ratings(attributes: Mapping[str, Any]) -> dict[int, dict[str, tuple[Mapping[str, Any], ...]]]:
    found: dict[int, dict[str, tuple[Mapping[str, Any], ...]]] = {}
    for key, ratings in attributes.items():
        place = schema.parse_rating_key(key)
        if place is not None and isinstance(ratings, list):
            of_trial = found.setdefault(place[0], {})
            both = [*of_trial.get(place[1], ()), *ratings]
            of_trial[place[1]] = tuple(sorted(both, key=lambda rating: str(rating["time"])))
    return found
