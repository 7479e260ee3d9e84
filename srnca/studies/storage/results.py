"""Reading a study: opening it, and its ended trials as plain data."""

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
    stored = found.user_attrs.get(schema.FORMAT_KEY)
    if stored != schema.FORMAT:
        raise InputError(
            f"study {name}: expected one of format {schema.FORMAT}, got {shorten(stored) if stored else 'no format'}; "
            "make one with `srnca sweep`"
        )
    check_study(found)
    return found


def load_study(name: str, made: Any, storage: str | None) -> optuna.Study:
    """Optuna's study of that name, unchecked. Raises InputError when there is none."""
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

    A trial that was killed is not listed, but the one that replaced it.
    folder: of the pictures, by default NAME.study (see `connect.study_folder`).
    """
    if folder is None:
        folder = Path(f"{study.study_name}.study")
    ratings = _ratings(study.user_attrs)
    with reading(study.study_name):
        trials = study.get_trials(deepcopy=False)
    return [_result(t, folder, ratings.get(t.number, {})) for t in trials if schema.is_result(t)]


def _result(trial: Any, folder: Path, ratings: Mapping[str, tuple[Mapping[str, Any], ...]]) -> TrialResult:
    attributes = trial.user_attrs
    return TrialResult(
        number=trial.number,
        params=dict(trial.params),
        losses=dict(attributes.get(schema.LOSSES, {})),
        pictures={target: folder / path for target, path in attributes.get(schema.PICTURES, {}).items()},
        status=attributes[schema.STATUS],
        seed=attributes.get(schema.SEED),
        time_s=attributes.get(schema.TIME),
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
