"""`srnca rate`: a person rates the pictures of a study."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equations.errors import InputError
from srnca.cli.keys import Keys, reading_keys
from srnca.cli.options import AsJson, check_output, option
from srnca.cli.output import number, say, say_json, shown, table, warn

if TYPE_CHECKING:
    from srnca.studies.ratings.ratings import Consistency, Shown

EXAMPLES = """\
srnca rate plants
srnca rate plants --rater ada --again 0.3
srnca rate plants --browser
printf '3\\n5\\ns\\nq\\n' | srnca rate plants --rater ada"""

KEYS = "0 (bad) to 5 (good) rate, s skips, b goes back, q quits"


def rate(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name given to srnca sweep --study.")],
    rater: Annotated[str | None, option("Who rates.  [default: the user's name]")] = None,
    again: Annotated[float, typer.Option(help="Pictures shown twice, as a share of the new ones.")] = 0.15,
    seed: Annotated[
        int | None, option("Seed of the order of the pictures.  [default: another one each time]", min=0)
    ] = None,
    storage: Annotated[str | None, option("As for srnca sweep.  [default: STUDY.study/journal.log]")] = None,
    sheet: Annotated[Path | None, option("The contact sheet, a .png that updates.  [default: in STUDY.study]")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Rate in the browser instead.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the browser's page.")] = 8080,
    as_json: AsJson = False,
) -> None:
    """Rate a study's pictures from 0 to 5, blind. The order is shuffled; no hyperparameters, no losses."""
    from srnca.studies.storage.connect import check_journal, study_folder

    check_journal(study, storage)  # before the slow imports
    from srnca.studies.ratings.ratings import consistency, parse_rater, plan_pages
    from srnca.studies.storage.results import list_results, open_study

    who = parse_rater(rater if rater is not None else _user())
    opened = open_study(study, storage)
    order = seed if seed is not None else _any_seed()
    folder = study_folder(study, storage)
    pages = plan_pages(list_results(opened, folder), who, again=again, seed=order)
    if not pages:
        raise InputError(f"{study}: expected pictures to rate, got none; run srnca sweep first")
    path = check_output(sheet or folder / "rate.png", (".png",))
    if browser:
        given = _in_browser(opened, pages, who, port)
    else:
        given = _at_the_terminal(opened, pages, who, path)
    found = consistency(list_results(opened, folder))
    left = sum(map(len, plan_pages(list_results(opened, folder), who, again=0, seed=0)))
    if as_json:
        say_json({"study": study, "rater": who, "rated": given, "left": left, "consistency": _as_data(found)})
    else:
        say(describe(given, who, found))


def describe(given: int, rater: str, found: Mapping[str, Consistency]) -> str:
    """The number of ratings given, and the consistency of all raters that have rated a picture twice."""
    text = f"{given} rating{'' if given == 1 else 's'} by {shown(rater)}, all in the study"
    if not found:
        return f"{text}\nno picture has been rated twice yet: the rater's consistency is not known"
    rows: list[tuple[str, ...]] = [("rater", "repeats", "same", "second − first", "apart", "weighted kappa")]
    for name, c in found.items():
        rows.append(
            (name, str(c.pairs), f"{100 * c.exact:.0f} %", f"{c.difference:+.2f}", f"{c.apart:.2f}", number(c.kappa))
        )
    return f"{text}\n\n{table(rows)}"


def _at_the_terminal(study: Any, pages: list[list[Shown]], rater: str, path: Path) -> int:
    """Rate in the terminal; returns the number of ratings, each of which is saved before the next picture is shown."""
    targets = _targets(study, pages)
    total = sum(len(page) for page in pages)
    session = _Session(study, pages, rater, path, targets)
    with reading_keys() as keys:
        warn(f"{_pictures(total)}; open {path} in a viewer that follows the file")
        warn(KEYS)
        try:
            session.run(keys)
        except KeyboardInterrupt:
            warn("interrupted: the ratings so far are in the study")
    return session.given


class _Session:
    """One rater's progress through the pages; the key `b` goes back by one picture."""

    def __init__(
        self, study: Any, pages: list[list[Shown]], rater: str, path: Path, targets: Mapping[str, Any]
    ) -> None:
        self.study, self.rater, self.path, self.targets = study, rater, path, targets
        self.places = [(page, index) for page in pages for index in range(len(page))]
        self.rated: list[bool] = []  # for each picture so far: rated, or skipped

    @property
    def given(self) -> int:
        return sum(self.rated)

    def run(self, keys: Keys) -> None:
        self._show()
        for key in keys:
            if key.lower() == "q":
                return
            self._take(key)
            if len(self.rated) == len(self.places):
                return
            self._show()

    def _take(self, key: str) -> None:
        """Apply a key to the current picture."""
        from srnca.studies.ratings.ratings import add_rating, parse_score, take_back

        page, index = self.places[len(self.rated)]
        if key.lower() == "b":
            if self.rated and self.rated.pop():
                page, index = self.places[len(self.rated)]
                take_back(self.study, page[index].trial, page[index].target, self.rater)
            return
        if key.lower() != "s":
            try:
                score = parse_score(key)
            except InputError as error:
                if not sys.stdin.isatty():
                    raise InputError(f"{error}; keys: {KEYS}. The {self.given} before it are in the study") from error
                warn(f"{error}; keys: {KEYS}")
                return
            add_rating(self.study, page[index].trial, page[index].target, score, self.rater)
        self.rated.append(key.lower() != "s")

    def _show(self) -> None:
        from srnca.studies.ratings.sheet import write_sheet

        place = len(self.rated)
        page, index = self.places[place]
        done = [i for i in range(index) if self.rated[place - index + i]]
        write_sheet(self.path, page, index, self.targets.get(page[index].target), done=done)
        if sys.stdin.isatty():
            warn(f"{place + 1} of {len(self.places)}")


def _in_browser(study: Any, pages: list[list[Shown]], rater: str, port: int) -> int:
    """Rate in the browser until all pictures are done or Ctrl-C; returns the number of ratings."""
    from srnca.cli.stopping import stopping_politely
    from srnca.studies.ratings.browser import BrowserRating

    rating = BrowserRating(study, [shown for page in pages for shown in page], rater, _targets(study, pages))
    with stopping_politely() as stop, rating.serving(port) as address:
        warn(f"{_pictures(len(rating.waiting))}, one trial each, at {address}; Ctrl-C ends")
        rating.collect_until(stop)
    return rating.given


def _targets(study: Any, pages: list[list[Shown]]) -> dict[str, Any]:
    """The targets' pictures, as large as the first picture to rate."""
    from srnca.studies.ratings.sheet import load_targets, read_picture
    from srnca.studies.storage.schema import TARGETS

    return load_targets(study.user_attrs.get(TARGETS, {}), read_picture(pages[0][0].path).width)


def _as_data(found: Mapping[str, Consistency]) -> dict[str, Any]:
    from dataclasses import asdict

    return {name: asdict(value) for name, value in found.items()}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "rater"


def _any_seed() -> int:
    import secrets

    return secrets.randbelow(2**32)


def _pictures(count: int) -> str:
    return f"{count} picture" if count == 1 else f"{count} pictures"
