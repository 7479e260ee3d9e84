"""A study goes on as it began; what cannot be trained is refused before the first trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from equations.errors import InputError
from srnca.studies.search.axis import Axis
from srnca.studies.search.size import count_cost, count_terms
from srnca.studies.search.space import STUDY, Space
from srnca.studies.storage import schema
from srnca.studies.storage.connect import make_storage
from srnca.studies.workers.founding import Settings, StudyRequest, join_study, study_settings, study_targets
from srnca.texture.network import NCAConfig
from tests.test_srnca.test_studies.quick import SPACE, found


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_founding_and_joining() -> None:
    request = StudyRequest(("sample:snake", "sample:orchid"), None, {"iterations": 5, "size": 16})
    study, new = join_study("a", None, request)
    assert new
    assert study_settings(study) == Settings(iterations=5, size=16)
    assert list(study_targets(study, 16)) == ["snake", "orchid"]
    assert study.user_attrs[schema.SPACE] == STUDY.to_dict()
    for again in (request, StudyRequest(), StudyRequest(space=STUDY), StudyRequest(settings={"size": 16})):
        assert join_study("a", None, again)[1] is False


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (StudyRequest(space=Space((Axis("channels", (6, 9)),))), "exists with another space"),
        (StudyRequest(targets=("sample:orchid",)), "exists with the targets snake"),
        (StudyRequest(settings={"iterations": 7}), "exists with iterations 2, not 7; leave --iterations out"),
        (StudyRequest(settings={"sampler": "tpe"}), "exists with sampler random, not tpe"),
    ],
)
def test_another_request_for_an_old_study(asked: StudyRequest, sentence: str) -> None:
    study = found("a")
    with pytest.raises(InputError, match=sentence):
        join_study("a", None, asked)
    assert study_settings(study).iterations == 2


@pytest.mark.parametrize(
    ("targets", "space", "settings", "sentence"),
    [
        ((), None, {}, "expected a target such as sample:snake, got none"),
        (("sample:snaek",), None, {}, "snaek"),
        (("none.png",), None, {}, "no such file"),
        (("sample:snake", "sample:snake"), None, {}, "got 'snake' twice"),
        (("sample:snake",), None, {"sampler": "cmeas"}, 'did you mean "cmaes"?'),
        (("sample:snake",), None, {"prune": 1.0}, "expected a share from 0"),
        (("sample:snake",), None, {"sampler": "nsga2", "against": "beauty"}, "expected cost or terms"),
        (("sample:snake",), None, {"sampler": "nsga2", "against": "terms"}, "got the activation relu"),
        (("sample:snake",), None, {"size": 8}, "size"),
        (("sample:snake",), None, {"preset": "blogset5"}, "did you mean"),
        (("sample:snake",), Space((Axis("channels", (2, 6)),)), {}, "channels: expected a whole number from 3 to 64"),
        (("sample:snake",), None, {"colours": "hues"}, "colours: expected one of channels, map, squares"),
        (
            ("sample:snake",),
            Space((Axis("batch_size", (2, 64)), Axis("filters", (2, 3)))),
            {},
            "pool: expected at least",
        ),
    ],
)
def test_what_cannot_be_trained(targets: Any, space: Space | None, settings: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        join_study("a", None, StudyRequest(targets, space, settings))
    assert sentence in str(caught.value)
    made = make_storage("a", None)
    assert schema.import_optuna().get_all_study_names(made) == []  # nothing was founded


def test_with_a_map_of_the_colours_few_channels_can_be_searched() -> None:
    request = StudyRequest(("sample:snake",), Space((Axis("channels", (1, 2)),)), {"colours": "map", "size": 16})
    made = study_settings(join_study("a", None, request)[0]).config({"channels": 1}, seed=0)
    assert (made.names, made.colours) == (("u",), "map")
    with pytest.raises(InputError, match="exists with colours map, not squares; leave --colours out"):
        join_study("a", None, StudyRequest(settings={"colours": "squares"}))


def test_a_study_that_another_program_made() -> None:
    made = make_storage("a", None, create=True)
    theirs = schema.import_optuna().create_study(study_name="a", storage=made)
    theirs.tell(theirs.ask(), 1.0)
    with pytest.raises(InputError, match="a study of that name that srnca sweep did not make"):
        join_study("a", None, StudyRequest(("sample:snake",)))


def test_two_objectives_for_nsga2() -> None:
    linear = Space((Axis("channels", (6, 9)), Axis("activation", ("linear", "abs"))))
    study, _ = join_study("a", None, StudyRequest(("sample:snake",), linear, {"sampler": "nsga2", "against": "terms"}))
    assert len(study.directions) == 2
    assert study_settings(study).objectives == ("loss", "terms")


@pytest.mark.parametrize(
    ("config", "cost", "terms"),
    [
        (NCAConfig(8, 48, 4), 9 * 32 + 48 * 32 + 48 * 8, None),
        (NCAConfig(8, 48, 4, activation="linear"), 9 * 64, 8 * 32),
        (NCAConfig(8, 48, 4, activation="abs"), 9 * 32 + 8 * 64, 8 * 64),
    ],
)
def test_sizes(config: NCAConfig, cost: int, terms: int | None) -> None:
    assert (count_cost(config), count_terms(config)) == (cost, terms)


def test_settings_of_another_version() -> None:
    study = found("a")
    assert SPACE.names == ("channels", "update_rate")
    study.set_user_attr(schema.SETTINGS, {"iterations": 3, "flavour": "salt"})
    with pytest.raises(InputError, match="another version of srnca, or damaged"):
        study_settings(study)
