"""What a gallery shows: the known models, and the rules and pages in folders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from equations.errors import InputError, SrncaError
from equations.rule.rule import Rule
from equations.rule.rulefile import load_rule, rule_from_dict
from srnca.pages.live.payload import FORMAT
from srnca.visible import visible

PAGE = "page.html"
MOST_BYTES = 4_000_000  # of a page that is read; ours stay below 300 kB
MOST_FILES = 2000  # that are looked at below one folder
_PAYLOAD = re.compile(r'<script type="application/json" id="payload">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """A page of the gallery.

    name: of its files, without ending.
    title, about: of any origin, shown as text.
    section: the heading that it stands under.
    rule: None where the page does not hold its rule, so that there is no thumbnail.
    page: the HTML text of a page that is there already; None where it is made from the rule.
    trouble: why it cannot be shown; None for nearly all.
    """

    name: str
    title: str
    about: str
    section: str
    rule: Rule | None
    page: str | None = None
    trouble: str | None = None


def model_entries() -> Iterator[Entry]:
    """Every preset of every known model."""
    from equations import models

    for name in models.names():
        model = models.load(name)
        for preset, entry in model.presets.items():
            yield Entry(f"{name}-{preset}", f"{model.title}: {preset}", entry.about, model.title, model.rule(preset))


def folder_entries(folders: Sequence[Path], *, without: Path | None = None) -> Iterator[Entry]:
    """The rules and the pages in and below folders, in the order of their names.

    A folder with `rule.json` is one entry, with its own `page.html` where it has one. Other `.html` files count where
    they are live pages.

    without: a folder that is left out, such as the gallery itself.
    A folder without anything to show is an entry with trouble. Raises InputError for a folder that is none.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: expected a folder of results or pages, got {_what(folder)}")
        found = list(_in_folder(folder, without))
        none = f"{folder}: expected rule.json files, or pages that srnca page made, in it or below it; found none"
        yield from found or [Entry("", folder.name, "", "", None, trouble=none)]


def _in_folder(folder: Path, without: Path | None) -> Iterator[Entry]:
    files = sorted(path for path in _below(folder, without) if path.name == "rule.json" or path.suffix == ".html")
    with_rule = {path.parent for path in files if path.name == "rule.json"}
    for path in files:
        own = path.parent.relative_to(folder)
        section = visible(folder.resolve().name if len(own.parts) <= 1 else "/".join(own.parts[:-1]))
        if path.name == "rule.json":
            title = path.parent.resolve().name
            name = _slug(str(own)) or _slug(title)
            try:
                rule = load_rule(path)
            except InputError as error:
                yield Entry(name, title, "", section, None, trouble=str(error))
                continue
            yield Entry(name, title, _about(rule), section, rule, _read_page(path.with_name(PAGE)))
        elif path.parent not in with_rule or path.name not in (PAGE, "report.html"):
            page = _read_page(path)
            if page is not None:
                yield _entry_of_page(path, page, section)


def _below(folder: Path, without: Path | None) -> Iterator[Path]:
    """The files in and below a folder, without hidden ones; raises InputError for a folder with too many."""
    count = 0
    for path in folder.rglob("*"):
        if without is not None and path.resolve().is_relative_to(without.resolve()):
            continue
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            count += 1
            if count > MOST_FILES:
                raise InputError(f"{folder}: expected at most {MOST_FILES} files below it, got more; name its parts")
            yield path


def _read_page(path: Path) -> str | None:
    """The text of a live page; None for a file that is missing or is something else."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return None
    text = path.read_text("utf-8", errors="replace")
    return text if _PAYLOAD.search(text) and FORMAT in text else None


def _entry_of_page(path: Path, page: str, section: str) -> Entry:
    """An entry from what the page's payload says of itself; nothing of the page is executed."""
    try:
        found = _PAYLOAD.search(page)
        payload: Any = json.loads(found[1]) if found else {}
        rule = rule_from_dict(payload["rule"]) if "rule" in payload else None
        title = str(payload.get("title", path.stem))
    except (ValueError, TypeError, AttributeError, RecursionError, SrncaError):
        rule, title = None, path.stem
    return Entry(_slug(path.stem), title, _about(rule) if rule else "", section, rule, page)


def _about(rule: Rule) -> str:
    terms = sum(rule.terms().values())
    return f"{len(rule.channels)} channel{'s' * (len(rule.channels) > 1)}, {terms} term{'s' * (terms != 1)}"


def _slug(text: str) -> str:
    return "-".join(filter(None, re.sub(r"[^A-Za-z0-9]+", "-", text).split("-")))[:60]


def with_own_names(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, with a number behind a name that another has; "index" is the index's own."""
    taken = {"index"}
    for entry in entries:
        wanted, number = entry.name or "rule", 2
        name = wanted
        while name.lower() in taken:
            name, number = f"{wanted}-{number}", number + 1
        taken.add(name.lower())
        yield replace(entry, name=name)


def _what(path: Path) -> str:
    return "a file" if path.exists() else "nothing of that name"
