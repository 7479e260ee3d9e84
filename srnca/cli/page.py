"""`srnca page`: one HTML file that runs a rule in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equations.errors import InputError
from srnca.cli.inputs import Changes, Source, file_name, is_checkpoint, read_source
from srnca.cli.options import AsJson, LegacyRate, check_output, option
from srnca.cli.output import say, say_json, shown, warn

if TYPE_CHECKING:
    from srnca.pages.live.payload import Start

EXAMPLES = """\
srnca page gray-scott:mitosis --open
srnca page snake-rule --checkpoint snake.pt --out snake.html   # the network runs beside its rule
srnca page gray-scott --set F=0.03 --size 256
srnca page rule.json --out rule.html"""

SMALLEST, LARGEST, USUAL = 16, 1024, 192  # cells of a side


def page(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule.json, a result folder, or a model such as gray-scott:coral.")
    ],
    checkpoint: Annotated[
        Path | None, option("The network to run beside the rule, with its photo: a file of `srnca train`.")
    ] = None,
    changes: Changes = None,
    size: Annotated[
        int | None,
        option("Cells of a side at the start.  [default: a model's own, or 192]", min=SMALLEST, max=LARGEST),
    ] = None,
    seed: Annotated[int | None, option("Seed at the start.  [default: a model's own, or 0]", min=0)] = None,
    update_rate: LegacyRate = None,
    out: Annotated[Path | None, option("The page, a .html.  [default: NAME.html]")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one HTML file that runs a rule. It has equations, brushes and the automaton, and works offline."""
    source = read_source(rule, changes)
    path = check_output(out or Path(f"{file_name(rule)}.html"), (".html", ".htm"))
    if update_rate is not None and checkpoint is None:
        raise InputError("--update-rate: expected it with --checkpoint; leave it out")
    parts = _parts(rule, source, checkpoint, update_rate)

    from equations.files import write_text
    from srnca.pages.live.builder import build_page
    from srnca.pages.live.payload import Start

    if seed is not None:
        from equations.rule.mask import check_seed

        check_seed(seed)
    start = Start(size or (source.size or (USUAL, USUAL))[0], source.seed if seed is None else seed)
    left_out: list[str] = []
    text = build_page(source.rule, start=start, note=left_out.append, **parts)
    write_text(path, text)
    if as_json:
        say_json({"rule": rule, "page": path, **_told(text, start, [*parts["notes"], *left_out])})
    else:
        for note in (*parts["notes"], *left_out):
            warn(f"note: {note}")
        beside = ", with its network beside it" if 'data-pane="network"' in text else ""
        say(f"{shown(path)}: {len(text.encode()) / 1000:.0f} kB{beside}; open it in a browser")
    if open_it:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            warn(f"--open: found no browser; open {path} in one yourself")


def _told(text: str, start: Start, notes: list[str]) -> dict[str, Any]:
    return {
        "bytes": len(text.encode()),
        "size": start.size,
        "seed": start.seed,
        "network": 'data-pane="network"' in text,
        "notes": notes,
    }


def _parts(rule: str, source: Source, checkpoint: Path | None, update_rate: float | None) -> dict[str, Any]:
    """All that `build_page` shows of this rule besides the rule itself."""
    folder = Path(rule) if Path(rule).is_dir() else None
    parts: dict[str, Any] = {"network": None, "photo": None, "notes": [], "front": [], "errors": {}}
    parts |= _words(rule, source)
    if checkpoint is not None:  # first, since its errors come before the slow imports
        parts |= _beside(checkpoint, update_rate)
    if folder is not None:
        from srnca.pages.live.beside import front_payload, load_errors, load_front

        parts["front"] = front_payload(source.rule, load_front(folder))
        parts["errors"] = load_errors(folder, source.rule)
    return parts


def _beside(checkpoint: Path, update_rate: float | None) -> dict[str, Any]:
    """Network and photo of a checkpoint, and notes on what is missing."""
    if not is_checkpoint(str(checkpoint)):
        raise InputError(f"--checkpoint: expected a .pt file of `srnca train`, got {str(checkpoint)!r}")
    from srnca.automata import load

    automaton = load(checkpoint, update_rate=update_rate)
    from srnca.pages.live.beside import network_payload, photo_url

    network, note = network_payload(automaton.teacher)
    picture = getattr(getattr(automaton, "checkpoint", None), "picture", None)
    return {
        "network": network,
        "photo": None if picture is None else photo_url(picture),
        "notes": [*automaton.notes, *([] if note is None else [note])],
    }


def _words(rule: str, source: Source) -> dict[str, str]:
    """Title and description: of a known model or a learned rule its own."""
    from equations import models
    from srnca.learned import PREFIX

    noted = source.rule.provenance
    if source.size is not None and noted.get("model") in models.names():
        from srnca.pages.live.presets import preset_words

        title, about = preset_words(models.load(str(noted["model"])), str(noted["preset"]))
        return {"title": title, "about": about}
    facts = noted.get("learned")
    if rule.startswith(PREFIX) and isinstance(facts, dict):
        picture = f"Learned by srnca from a picture: {facts['picture']}"
        return {"title": f"{rule.removeprefix(PREFIX)}: {facts['title']}", "about": picture}
    return {"title": file_name(rule), "about": ""}
