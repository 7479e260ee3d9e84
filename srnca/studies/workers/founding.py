"""Founding a study, and joining one: its targets, space and settings are fixed when it is founded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from equations.errors import InputError, check_choice
from srnca.automata import kinds
from srnca.studies.search.space import STUDY, Space, configuration
from srnca.studies.storage import schema
from srnca.studies.storage.checks import check_study, is_text, reading
from srnca.studies.storage.connect import make_storage
from srnca.studies.storage.results import load_study

if TYPE_CHECKING:
    import optuna

    from srnca.media.images import Target
    from srnca.texture.config import TrainConfig

LOSS, SCORE, COST, TERMS = "loss", "score", schema.COST, schema.TERMS


@dataclass(frozen=True)
class Settings:
    """What all trials of a study share.

    iterations, size, bank, colours: of every training.
    seed: of the study; a trial trains with the seed plus its job's index.
    preset: provides the training settings that are not searched.
    sampler: proposes the sets of hyperparameters.
    against: the second objective of nsga2 beside the loss, cost or terms.
    prune: share (0 to 1) of the trials at a mark, the worst ones, that are pruned; 0 for none.
    objective: loss, or score (5 minus the rating that a learned score predicts).
    """

    iterations: int = 900
    size: int = 64
    bank: str = "wavelet"
    seed: int = 0
    preset: str = "default"
    sampler: str = "tpe"
    against: str = COST
    prune: float = 0.25
    objective: str = "loss"
    colours: str = "channels"

    @property
    def objectives(self) -> tuple[str, ...]:
        return (LOSS, self.against) if self.sampler == "nsga2" else (LOSS,)

    def config(self, params: Mapping[str, Any], seed: int) -> TrainConfig:
        shared = {"iterations": self.iterations, "size": self.size, "bank": self.bank, "colours": self.colours}
        return configuration(params, self.preset, seed=seed, **shared)


@dataclass(frozen=True)
class StudyRequest:
    """What a call of `srnca sweep` says about the study; what it leaves out is as in the study, or the default.

    targets: image files or sample:NAME.
    space: the space to search.
    settings: the fields of Settings that were given.
    score: a learned score, as in score.json.
    """

    targets: tuple[str, ...] = ()
    space: Space | None = None
    settings: Mapping[str, Any] | None = None
    score: Mapping[str, Any] | None = None


def join_study(name: str, storage: str | None, request: StudyRequest) -> tuple[optuna.Study, bool]:
    """The study of that name, and whether it was founded now.

    Raises InputError where the request differs from what the study was founded with, and for bad targets and settings.
    """
    schema.check_name(name)
    made = make_storage(name, storage, create=True)
    library = schema.import_optuna()
    with reading(name):
        names = library.get_all_study_names(made)
    if name in names:
        study = load_study(name, made, storage)
        if schema.FORMAT_KEY in study.user_attrs:
            check_study(study)
            _check_same(study, request)
            return study, False
        if study.get_trials(deepcopy=False):
            raise InputError(f"study {name}: this storage has a study of that name that srnca sweep did not make")
    if not request.targets:
        raise InputError(f"study {name}: expected a target such as sample:snake, got none: there is no such study yet")
    given = dict(request.settings or {})
    settings, space = Settings(**given), request.space or STUDY
    _check_flags(given, settings)
    targets = {key: {"spec": spec, "crop": None} for key, spec in name_targets(request.targets).items()}
    _check_settings(settings, space)
    load_targets(targets, settings.size)
    _check_score(settings, request.score)
    directions = ["minimize"] * len(settings.objectives)
    study = library.create_study(study_name=name, storage=made, directions=directions, load_if_exists=True)
    if request.score is not None:
        study.set_user_attr(schema.SCORE, dict(request.score))
    founding: dict[str, Any] = {schema.SPACE: space.to_dict(), schema.TARGETS: targets, schema.PLACES: True}
    founding |= {schema.SETTINGS: asdict(settings)}
    for key, value in {
        **founding,
        schema.FORMAT_KEY: schema.FORMAT,
    }.items():  # the format marks it complete
        study.set_user_attr(key, value)
    return study, True


def study_space(study: optuna.Study) -> Space:
    """The space that the study searches."""
    return Space.from_dict(study.user_attrs.get(schema.SPACE), f"study {study.study_name}")


def study_settings(study: optuna.Study) -> Settings:
    """The study's settings. Raises InputError when another version wrote them."""
    stored = study.user_attrs.get(schema.SETTINGS, {})
    known = {f.name for f in fields(Settings)}
    if not isinstance(stored, Mapping) or not set(stored) <= known:
        raise InputError(f"study {study.study_name}: its settings are of another version of srnca, or damaged")
    hints = get_type_hints(Settings)
    return Settings(**{name: kinds.part(stored, name, hints[name]) for name in stored})


def study_targets(study: optuna.Study, size: int) -> dict[str, Target]:
    """The study's targets by name. Raises InputError when a picture file is gone."""
    return load_targets(study.user_attrs.get(schema.TARGETS, {}), size)


def load_targets(targets: Mapping[str, Mapping[str, Any]], size: int) -> dict[str, Target]:
    from srnca.media.images import load_target

    return {name: load_target(entry["spec"], size) for name, entry in targets.items()}


def name_targets(specs: Sequence[str]) -> dict[str, str]:
    """Name -> what `load_target` takes, files by their absolute path. Raises InputError for two of the same name."""
    named: dict[str, str] = {}
    for spec in specs:
        sample = spec.startswith("sample:")
        name = spec.removeprefix("sample:") if sample else Path(spec).stem
        if not name or name in named:
            raise InputError(f"targets: expected names that differ, got {name!r} twice; rename one of the files")
        if not is_text(name):
            raise InputError(f"targets: expected a name in UTF-8, got {name!r}; rename the file")
        named[name] = spec if sample else str(Path(spec).resolve())
    return named


def _check_flags(given: Mapping[str, Any], settings: Settings) -> None:
    """Raises InputError for flags that would have no effect."""
    if "against" in given and settings.sampler != "nsga2":
        raise InputError(f"--against: expected with --sampler nsga2 only, got {settings.sampler}; leave it out")
    if given.get("prune") and settings.sampler == "nsga2":
        raise InputError("--prune: expected none with --sampler nsga2, which weighs two goals; leave it out")


def _check_settings(settings: Settings, space: Space) -> None:
    from srnca.studies.search.samplers import NAMES, make_sampler

    check_choice("--sampler", settings.sampler, NAMES)
    if settings.against not in (COST, TERMS):
        raise InputError(f"--against: expected {COST} or {TERMS}, got {settings.against!r}")
    if not 0 <= settings.prune < 1:
        raise InputError(f"--prune: expected a share from 0 (never) to below 1, got {settings.prune}")
    make_sampler(settings.sampler, space, settings.seed)
    if settings.objective not in (LOSS, SCORE):
        raise InputError(f"--objective: expected {LOSS} or {SCORE}, got {settings.objective!r}")
    for end in (0.0, 1.0):  # checks between axes, such as batch size against pool
        config = settings.config(space.from_unit([end] * len(space.axes)), settings.seed)
        if TERMS in settings.objectives and config.activation == "relu":
            raise InputError(
                "--against terms: expected automata whose rule is a closed form, got the activation relu; "
                "put activation = ['linear', 'abs'] into --space, or weigh --against cost"
            )


def _check_score(settings: Settings, score: Mapping[str, Any] | None) -> None:
    """Raises InputError unless the objective "score" has a learned score that predicts ratings."""
    from srnca.studies.ratings.score import score_from_dict

    if (settings.objective == SCORE) != (score is not None):
        raise InputError(
            f"--objective {settings.objective}: expected --score FILE with --objective score and nowhere else; "
            "srnca explore writes score.json"
        )
    if score is not None and not score_from_dict(score, "--score").has_learned:
        raise InputError(
            "--score: expected a score that predicts ratings better than their mean does, got one that cannot; "
            "rate more pictures with srnca rate, and explore again"
        )


def _check_same(study: optuna.Study, request: StudyRequest) -> None:
    """Raises InputError where the request would change the study: its trials could no longer be compared."""
    name, settings = study.study_name, asdict(study_settings(study))
    if request.space is not None and request.space != study_space(study):
        raise InputError(
            f"study {name}: exists with another space, {study_space(study).to_dict()}; leave --space out to go on "
            "with it, or give the new one another --study"
        )
    if request.targets:
        known = {key: entry["spec"] for key, entry in study.user_attrs[schema.TARGETS].items()}
        if name_targets(request.targets) != known:
            raise InputError(
                f"study {name}: exists with the targets {', '.join(known)}; leave the targets out to go on with it, "
                "or use another --study"
            )
    if request.score is not None and dict(request.score) != study.user_attrs.get(schema.SCORE):
        raise InputError(
            f"study {name}: exists with another score, or none; leave --score out to go on with it, or use another "
            "--study"
        )
    for key, value in (request.settings or {}).items():
        if settings[key] != value:
            raise InputError(
                f"study {name}: exists with {key} {settings[key]}, not {value}; leave --{key} out to go on with it, "
                "or use another --study"
            )
