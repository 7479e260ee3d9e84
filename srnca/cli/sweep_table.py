"""The results of a sweep as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from srnca.cli.output import number, table
from srnca.cli.progress import short_time
from srnca.studies.storage import schema

if TYPE_CHECKING:
    import optuna

    from srnca.studies.storage.schema import TrialResult

MAX_ROWS = 40
_SHORT = {"max_ca_steps": "steps", "batch_size": "batch", "learning_rate": "rate", "update_rate": "update"}


def result_table(study: optuna.Study, results: Sequence[TrialResult]) -> str:
    """The trials as a table: completed ones first, the best at the top, then pruned, diverged and failed ones."""
    from srnca.studies.workers.founding import LOSS, study_settings

    if not results:
        return "no trial has ended yet"
    targets = list(study.user_attrs[schema.TARGETS])
    names = list(study.user_attrs[schema.SPACE])
    several, extra = len(targets) > 1, _second_objective(study)
    lowered = "loss" if study_settings(study).objective == LOSS else "5 − rating"
    several = several or lowered != "loss"
    head = ("trial", "status", *([lowered] if several else []), *targets, *extra)
    head = (*head, *(_SHORT.get(n, n) for n in names), "time")
    rows = [head]
    ordered = sorted(results, key=_order)
    for result in ordered[:MAX_ROWS]:
        losses = [number(result.losses.get(target)) for target in targets]
        mean = [number(result.value if result.status == schema.DONE else None)] if several else []
        params = [_value(result.params.get(name)) for name in names]
        time = "–" if result.time_s is None else short_time(result.time_s)
        sizes = [_value(_attributes(study, result).get(name)) for name in extra]
        rows.append((str(result.number), _status(study, result), *mean, *losses, *sizes, *params, time))
    more = len(ordered) - MAX_ROWS
    text = table(rows) + (f"\nand {more} more: --json has them all" if more > 0 else "")
    if extra:
        text += f"\nnone is better in loss and {extra[0]} than trials {', '.join(map(str, _front(study)))}"
    return text


def result_data(study: optuna.Study, results: Sequence[TrialResult]) -> dict[str, Any]:
    """What `--json` prints, beside the study's name and folder."""
    done = sorted((r for r in results if r.status == schema.DONE), key=_order)
    trials = [
        {
            "trial": r.number, "status": r.status, "value": r.value, "losses": r.losses, "params": r.params,
            "seed": r.seed, "time_s": r.time_s, "pictures": r.pictures,
            **{name: _attributes(study, r).get(name) for name in (schema.COST, schema.TERMS)},
            **({"pruned_at": at} if (at := _attributes(study, r).get(schema.PRUNED_AT)) else {}),
        }
        for r in results
    ]  # fmt: skip
    front = {"front": _front(study)} if _second_objective(study) else {}
    return {"best": done[0].number if done else None, **front, "trials": trials}


def _second_objective(study: optuna.Study) -> list[str]:
    """The name of the objective beside the loss, or an empty list."""
    from srnca.studies.workers.founding import study_settings

    return [study_settings(study).against] if len(study.directions) > 1 else []


def _front(study: optuna.Study) -> list[int]:
    return sorted(trial.number for trial in study.best_trials)


def _order(result: TrialResult) -> tuple[bool, float, int]:
    return result.status != schema.DONE, float("inf") if result.value is None else result.value, result.number


def _status(study: optuna.Study, result: TrialResult) -> str:
    at = _attributes(study, result).get(schema.PRUNED_AT)
    return f"pruned ({at})" if at else result.status


def _attributes(study: optuna.Study, result: TrialResult) -> dict[str, Any]:
    found: dict[str, Any] = study.get_trials(deepcopy=False)[result.number].user_attrs
    return found


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else "–" if value is None else str(value)
