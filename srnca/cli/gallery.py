"""`srnca gallery`: a folder of live pages with an index of thumbnails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equations.errors import InputError
from srnca.cli.options import AsJson, Quiet, option
from srnca.cli.output import say, say_json, shown, warn
from srnca.cli.progress import Progress

EXAMPLES = """\
srnca gallery snake-rule leaf-rule --out gallery
srnca gallery results --title "All textures"    # every rule and page below it
srnca gallery --models --out models"""


def gallery(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR…", help="Folders with results or pages, in them or below.", show_default=False),
    ] = None,
    models: Annotated[bool, typer.Option("--models", help="Every preset of the known models, too.")] = False,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("gallery"),
    title: Annotated[str | None, option("Heading of the index.  [default: the folders' names]")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a page for each rule, and an index of thumbnails."""
    from srnca.pages.live.gallery import make_gallery
    from srnca.pages.live.gallery_entries import folder_entries, model_entries

    if not folders and not models:
        raise InputError("gallery: expected folders of results or pages, or --models for the catalogue, got neither")
    entries = list(folder_entries(folders or [], without=out))
    entries += model_entries() if models else ()
    names = [folder.resolve().name for folder in folders or []] + (["Known models"] if models else [])
    with Progress(quiet=quiet) as progress:
        made = make_gallery(
            entries,
            out,
            title=title or ", ".join(names),
            progress=lambda done, of, name: progress.update("gallery", done, of, name),
        )
        progress.update("gallery", len(entries), len(entries))
    for name, reason in made.left_out.items():
        warn(f"left out: {name}: {reason}")
    if as_json:
        pages = [{"title": name, "page": page, "thumbnail": picture} for name, page, picture in made.pages]
        say_json({"index": made.index, "pages": pages, "left_out": made.left_out})
    else:
        count = len(made.pages)
        say(f"{shown(made.index)}: {count} page{'s' if count != 1 else ''}")
