"""A folder of live pages with an index of thumbnails: of results, of pages made before, or of the known models."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from equations.errors import DivergenceError, InputError, SrncaError
from equations.files import write_bytes, write_text
from equations.rule.display import render as render_state
from equations.rule.rule import Rule
from equations.simulation import Simulator
from srnca.pages.live.builder import build_page
from srnca.pages.live.gallery_entries import Entry, with_own_names
from srnca.pages.live.payload import Start
from srnca.pages.rendering import render
from srnca.visible import visible

INDEX, THUMBNAILS = "index.html", "thumbnails"
USUAL = {"steps": 2000, "seed": 0, "size": 192}
MOST_STEPS, SIDES = 50_000, (32, 256)  # of a thumbnail


@dataclass
class Made:
    """What was written. pages: (title, page, thumbnail or None), as paths below the gallery. left_out: title → why."""

    index: Path
    pages: list[tuple[str, str, str | None]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def make_gallery(
    entries: Sequence[Entry], out: Path, *, title: str, progress: Callable[[int, int, str], None] | None = None
) -> Made:
    """Write the pages, their thumbnails and `index.html` into the folder `out`, which is made where it is missing.

    progress: called as progress(done, of, title) before each page.
    Raises InputError where `out` is a file, and where none of the entries can be shown.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: expected a folder to write, got a file; give --out another name")
    (out / THUMBNAILS).mkdir(parents=True, exist_ok=True)
    made, cards = Made(out / INDEX), []
    for done, entry in enumerate(with_own_names(entries)):
        if progress is not None:
            progress(done, len(entries), entry.title)
        try:
            if entry.trouble is not None:
                raise InputError(entry.trouble)
            page = entry.page or _page_of(entry)
        except SrncaError as error:
            shown = visible(entry.title)
            key = f"{shown} ({entry.name})" if shown in made.left_out else shown
            made.left_out[key] = visible(str(error))
            continue
        picture, note = (None, "no preview") if entry.rule is None else _thumbnail(entry.rule)
        file = f"{entry.name}.html"
        image = f"{THUMBNAILS}/{entry.name}.png" if picture is not None else None
        write_text(out / file, page)
        if picture is not None:
            write_bytes(out / str(image), picture)
        made.pages.append((visible(entry.title), file, image))
        cards.append((entry, file, image, note))
    if not cards:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(made.left_out.items())[:3])
        raise InputError(f"expected at least one rule that a page can show, got none ({reasons})")
    write_text(made.index, _index(title, cards, made.left_out))
    return made


def _page_of(entry: Entry) -> str:
    assert entry.rule is not None
    noted = _noted(entry.rule)
    start = Start(size=noted["size"], seed=noted["seed"])
    return build_page(entry.rule, title=entry.title, about=entry.about, start=start)


def _thumbnail(rule: Rule) -> tuple[bytes | None, str]:
    """The picture after the steps that the rule notes, as PNG, or None and why there is none."""
    from PIL import Image

    noted = _noted(rule)
    try:
        state = Simulator(rule, noted["size"], noted["seed"]).step(min(noted["steps"], MOST_STEPS))
    except DivergenceError:
        return None, "diverges"
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(render_state(rule, state))).save(buffer, "PNG", optimize=True)
    return buffer.getvalue(), ""


def _noted(rule: Rule) -> dict[str, int]:
    """Steps, seed and side of the typical picture, where the rule's provenance has them as whole numbers."""
    found = dict(USUAL)
    for name, most in (("steps", MOST_STEPS), ("seed", 2**32 - 1), ("size", SIDES[1])):
        value = rule.provenance.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            found[name] = value
    found["size"] = max(SIDES[0], found["size"])
    return found


def _index(title: str, cards: list[tuple[Entry, str, str | None, str]], left_out: dict[str, str]) -> str:
    sections: dict[str, list[dict[str, Any]]] = {}
    for entry, file, image, note in cards:
        short = entry.title.removeprefix(f"{entry.section}: ")
        card = {"title": visible(short), "about": visible(entry.about), "href": file, "image": image, "note": note}
        sections.setdefault(entry.section, []).append(card)
    return render("gallery.html", title=visible(title), sections=list(sections.items()), left_out=left_out)
