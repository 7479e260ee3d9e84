"""Every storage that cannot be had is said in one sentence, without passwords."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from equations.errors import InputError, MissingPartError, SrncaError
from srnca.studies.storage import schema
from srnca.studies.storage.connect import hidden, journal_file, lost_storage, make_storage, study_folder
from srnca.studies.storage.results import load_study, open_study
from srnca.studies.workers.founding import study_space
from tests.test_srnca.test_studies.quick import SPACE, found


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("storage", [None, "journal:here/other.log", "sqlite:///all.db"])
def test_a_study_is_found_again(storage: str | None) -> None:
    found("bowl", storage)
    study = open_study("bowl", storage)
    assert study.user_attrs[schema.FORMAT_KEY] == schema.FORMAT
    assert study_space(study) == SPACE
    assert list(study.user_attrs[schema.TARGETS]) == ["snake"]


def test_where_files_are() -> None:
    assert journal_file("a", None) == Path("a.study/journal.log")
    assert study_folder("a") == Path("a.study")
    assert study_folder("a", "journal:/data/a.study/journal.log") == Path("/data/a.study")
    assert study_folder("a", "journal:/data/all.log") == Path("a.study")
    assert study_folder("a", "postgresql://host/x") == Path("a.study")


@pytest.mark.parametrize("name", ["", "a/b", "../a", ".a", "a b", "x" * 101])
def test_names_that_make_no_folder(name: str) -> None:
    with pytest.raises(InputError, match="expected a name of letters"):
        open_study(name)


@pytest.mark.parametrize(
    ("storage", "sentence"),
    [
        (None, r"expected its journal at none.study/journal.log, there is no such file"),
        ("journal:", "expected journal:FILE, got no file"),
        ("postgres", "expected journal:FILE or a database"),
        ("nosuchdb://host/x", "no database is called 'nosuchdb'"),
        ("sqlite:///empty.db", "study none: not in sqlite:///empty.db; it holds none"),
    ],
)
def test_text_that_names_no_storage(storage: str | None, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_study("none", storage)


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(SrncaError, match="cannot be reached") as caught:
        open_study("a", f"postgresql://me:secret@127.0.0.1:{closed_port()}/x")
    assert "secret" not in str(caught.value)
    assert type(caught.value) is SrncaError


def test_a_folder_that_a_database_cannot_be_in() -> None:
    with pytest.raises(SrncaError, match="unable to open database file"):
        make_storage("a", "sqlite:///no/such/folder/x.db")


def test_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(MissingPartError, match="needs its Python driver"):
        open_study("a", "mysql+pymysql://host/x")


def test_without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingPartError, match=r"pip install 'srnca\[sweep\]'"):
        open_study("a")


def test_a_file_that_is_no_journal() -> None:
    Path("notes.log").write_text("dear diary\nand so on\n")
    with pytest.raises(InputError, match=r"notes\.log: expected a study's journal"):
        open_study("a", "journal:notes.log")


def test_a_journal_that_cannot_be_written() -> None:
    Path("a.study").write_text("in the way")
    with pytest.raises(InputError, match="expected a journal that can be written"):
        make_storage("a", None, create=True)


def test_another_name_and_a_study_of_others() -> None:
    found("leaves", "journal:all.log")
    with pytest.raises(InputError, match=r'study leafs: not in journal:all.log \(did you mean "leaves"\?\)'):
        open_study("leafs", "journal:all.log")
    made = make_storage("x", "journal:all.log")
    schema.import_optuna().create_study(study_name="theirs", storage=made)
    assert load_study("theirs", made, "journal:all.log")
    with pytest.raises(InputError, match=r"expected one of format srnca.study/1, got no format"):
        open_study("theirs", "journal:all.log")


def test_passwords_are_hidden() -> None:
    assert "secret" not in hidden("postgresql://me:secret@host/x")
    assert hidden("journal:a.log") == "journal:a.log"


def test_a_journal_that_broke_off_in_the_middle_of_a_line() -> None:
    """As a full disk leaves it: what was whole is kept, and what comes after is not lost with the rest."""
    study = found("a")
    path = Path("a.study/journal.log")
    study.set_user_attr("kept", 1)
    whole = path.read_bytes()
    study.set_user_attr("broken", 2)
    path.write_bytes(path.read_bytes()[:-7])
    again = open_study("a")
    assert path.read_bytes() == whole
    again.set_user_attr("later", 3)
    again.set_user_attr("last", 4)
    said = open_study("a").user_attrs
    assert (said["kept"], said["later"], said["last"]) == (1, 3, 4)
    assert "broken" not in said


def test_without_mending_such_a_journal_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard above guards something."""
    found("a").set_user_attr("broken", 2)
    path = Path("a.study/journal.log")
    path.write_bytes(path.read_bytes()[:-7])
    monkeypatch.setattr("srnca.studies.storage.connect._cut_half_line", lambda path: None)
    again = open_study("a")
    again.set_user_attr("later", 3)
    with pytest.raises(Exception, match=r"a\.study|JSON|Expecting|Extra data|delimiter"):
        open_study("a").set_user_attr("last", 4)


def test_a_storage_that_goes_away_in_the_middle() -> None:
    import sqlalchemy
    from optuna.exceptions import StorageInternalError

    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = sqlalchemy.exc.OperationalError("select", {}, Exception("server closed the connection"))
    said = lost_storage(error, "a")
    assert said is not None
    assert "server closed the connection" in str(said)
    assert lost_storage(ValueError("ours"), "a") is None
