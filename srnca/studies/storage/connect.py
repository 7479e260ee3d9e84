"""Opening a study's storage: a journal file, or any database that SQLAlchemy supports."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from equations.errors import InputError, MissingPartError, SrncaError, shorten
from equations.reading import check_regular_file, check_size
from srnca.studies.storage.schema import check_name, import_optuna

JOURNAL = "journal:"
CONNECT_S = 10  # timeout for connecting to a server
BUSY_S = 60  # timeout for the lock of an SQLite file


def study_folder(name: str, storage: str | None = None) -> Path:
    """The folder of the pictures, the checkpoints and by default the journal.

    It is NAME.study in the working folder, or the journal's folder where that is called NAME.study too.
    """
    journal = journal_file(name, storage)
    if journal is not None and journal.parent.name == f"{check_name(name)}.study":
        return journal.parent
    return Path(f"{check_name(name)}.study")


def journal_file(name: str, storage: str | None) -> Path | None:
    """The journal's path; None for a database."""
    if storage is None:
        return Path(f"{check_name(name)}.study") / "journal.log"
    if storage.startswith(JOURNAL):
        if not storage.removeprefix(JOURNAL):
            raise InputError("--storage: expected journal:FILE, got no file")
        return Path(storage.removeprefix(JOURNAL))
    return None


def check_journal(name: str, storage: str | None) -> None:
    """Raises InputError where the study's journal is missing; a database is asked when it is opened."""
    path = journal_file(name, storage)
    if path is not None and not path.is_file():
        raise InputError(f"study {name}: expected its journal at {path}, there is no such file; check --storage")


def make_storage(name: str, storage: str | None, *, create: bool = False) -> Any:
    """An Optuna storage.

    create: makes the journal where it is missing; the tables of a database are made in any case.

    Raises InputError for text that names no storage and for a journal that is missing or damaged, MissingPartError
    without the database's driver, SrncaError for a server that cannot be reached.
    """
    optuna = import_optuna()
    path = journal_file(name, storage)
    if path is None:
        return _database(optuna, str(storage))
    if not create:
        check_journal(name, storage)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            check_size(check_regular_file(path, "a study's journal").stat().st_size, "this journal", path)
        _cut_half_line(path)
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    except OSError as error:
        raise InputError(f"{path}: expected a journal that can be written, got {error.strerror}") from error
    except InputError:
        raise
    except Exception as error:  # Optuna raises many kinds for lines that it did not write
        raise InputError(
            f"{path}: expected a study's journal, got a file that is none or is damaged{_first_bad_line(path)}; "
            "go back to a copy of it, or begin another --study"
        ) from error


def _cut_half_line(path: Path) -> None:
    """Remove an incomplete last line, as a full disk or a power cut leaves: the next line would be appended to it."""
    from optuna.storages.journal import JournalFileSymlinkLock

    if not path.is_file() or _ends_whole(path):
        return
    lock = JournalFileSymlinkLock(str(path))  # the lock that writers hold
    lock.acquire()
    try:
        if not _ends_whole(path):
            data = path.read_bytes()
            os.truncate(path, data.rfind(b"\n") + 1)
    finally:
        lock.release()


def _first_bad_line(path: Path) -> str:
    """The first line that is no JSON object; empty where all are, and the damage is in their values."""
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            return f" in line {number}"
    return ""


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def lost_storage(error: Exception, name: str) -> SrncaError | None:
    """The error to raise instead when a storage no longer answers; None where `error` has another cause."""
    import sqlalchemy
    from optuna.exceptions import StorageInternalError

    if not isinstance(error, (StorageInternalError, sqlalchemy.exc.SQLAlchemyError)):
        return None
    reason = str(error.__cause__ or error).strip().splitlines()[0]
    return SrncaError(
        f"study {name}: its storage does not answer any more ({reason}); checkpoints are kept, run the same command "
        "again to go on"
    )


def _database(optuna: Any, text: str) -> Any:
    import sqlalchemy
    from sqlalchemy import exc

    try:
        url = sqlalchemy.make_url(text)
        options = _options(url.get_backend_name())
        return optuna.storages.RDBStorage(_with_driver(url), engine_kwargs=options)
    except exc.NoSuchModuleError as error:
        raise InputError(f"--storage: no database is called {text.partition(':')[0]!r}; use postgresql") from error
    except exc.ArgumentError as error:
        raise InputError(
            f"--storage: expected journal:FILE or a database such as postgresql://user@host/name, got {shorten(text)}"
        ) from error
    except ImportError as error:
        driver = "psycopg[binary]" if text.startswith("postgres") else "its Python driver"
        raise MissingPartError(f"--storage {hidden(text)}: needs {driver}: pip install '{driver}'") from error
    except exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
        raise SrncaError(
            f"--storage {hidden(text)}: cannot be reached ({reason}); nothing was run, check that the server is up"
        ) from error
    except (exc.SQLAlchemyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise SrncaError(f"--storage {hidden(text)}: cannot be used ({reason})") from error


def hidden(text: str) -> str:
    """A storage's URL for messages, without its password."""
    if "://" not in text:
        return text
    import sqlalchemy

    return sqlalchemy.make_url(text).render_as_string(hide_password=True)


def _options(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        return {"connect_args": {"timeout": BUSY_S}}
    timeouts = {"postgresql": "connect_timeout", "mysql": "connect_timeout", "mariadb": "connect_timeout"}
    more = {"connect_args": {timeouts[backend]: CONNECT_S}} if backend in timeouts else {}
    return {"pool_pre_ping": True, **more}


def _with_driver(url: Any) -> str:
    """The URL; a postgresql:// one names the installed driver."""
    from importlib.util import find_spec

    if url.drivername in ("postgresql", "postgres"):
        driver = "psycopg" if find_spec("psycopg") else "psycopg2"
        url = url.set(drivername=f"postgresql+{driver}")
    return str(url.render_as_string(hide_password=False))
