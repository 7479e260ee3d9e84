"""`srnca distill`: an automaton, or a recording, becomes equations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from equations.errors import InputError
from srnca.cli.options import check_folder, parse_duration
from srnca.cli.output import number, say, say_json, table, warn
from srnca.cli.progress import Progress

if TYPE_CHECKING:
    from distill.result import Distillation

EXAMPLES = """\
srnca distill --checkpoint snake.pt --out snake-rule
srnca distill --checkpoint snake.pt --terms 12 --budget 10m
srnca distill --checkpoint snake.pt --loss 0.1         # the shortest rule that is as good as this
srnca distill --checkpoint snake.pt --resume           # after Ctrl-C, a kill or a power cut
srnca distill --frames recording.npz --refine none --json"""

UNFINISHED = "unfinished.npz"  # as distill.pipeline has it; not imported, for a quick --help
TEXTURE_LOSS_KINDS = (("flat", "flat grey"), ("teacher", "automaton"), ("rule", "rule"))


def distill(
    checkpoint: Annotated[
        Path | None, typer.Option(help="The automaton: a file of `srnca train`.", show_default=False)
    ] = None,
    frames: Annotated[Path | None, typer.Option(help="A recording: frames.npz.", show_default=False)] = None,
    engine: Annotated[
        Literal["auto", "exact", "sparse", "operon", "pysr"],
        typer.Option(help="Who looks for the equations."),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the result.  [default: NAME-rule]", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    terms: Annotated[
        int | None, typer.Option(min=1, help="At most so many terms a channel.", show_default=False)
    ] = None,
    loss: Annotated[
        float | None,
        typer.Option(help="The shortest rule of at most this texture loss.", show_default=False),
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time to spend: 90s, 5m, 1h.", show_default=False)] = None,
    refine: Annotated[Literal["auto", "none"], typer.Option(help="Tune the constants on rollouts, or not.")] = "auto",
    update_rate: Annotated[
        float | None,
        typer.Option(help="Of a legacy checkpoint, which does not say it.  [default: 0.5]", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished one, same settings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="report.json on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Find the equations behind an automaton or a recording."""
    source = checkpoint or frames
    if source is None or (checkpoint and frames):
        got = "neither" if source is None else "both"
        raise InputError(f"distill: expected either --checkpoint FILE or --frames FILE, got {got}")
    budget_s = parse_duration(budget, "--budget")
    options: dict[str, Any] = {"engine": engine, "seed": seed, "refine": refine != "none", "resume": resume}
    if loss is not None:
        if checkpoint is None or refine == "none":
            raise InputError("--loss: expected it with --checkpoint and refinement, which texture losses come from")
        options["max_loss"] = loss
    if terms is not None:
        options["terms"] = terms
    if budget_s is not None:
        options["budget_s"] = budget_s
    folder = out or Path(f"{source.stem}-rule")
    with Progress(quiet=quiet) as progress:

        def report(stage: str, fraction: float, detail: str) -> None:
            progress.update(stage, fraction, 1.0, detail)

        try:
            result = _distill(checkpoint, frames, folder, update_rate=update_rate, progress=report, **options)
        except KeyboardInterrupt:
            if (folder / UNFINISHED).exists():
                warn(f"interrupted; what is done is in {folder}: the same command with --resume goes on")
            raise
    if result.report.get("hurried"):
        warn("this machine was too slow for all of the budget's work: more --budget may give a better rule")
    _say_result(result, folder, as_json=as_json)


def _distill(
    checkpoint: Path | None, frames: Path | None, folder: Path, *, update_rate: float | None, **options: Any
) -> Distillation:
    if checkpoint is not None:
        from srnca.checkpoint import load_checkpoint

        automaton = load_checkpoint(checkpoint, update_rate=update_rate)
        if automaton.picture is None:
            warn(
                f"{checkpoint}: a legacy checkpoint, which holds weights only; update rate "
                f"{automaton.config.update_rate:g} (--update-rate), no picture and so no texture loss"
            )
        if automaton.training:
            warn(f"{checkpoint}: training stopped at iteration {automaton.iteration}; distilling it as it is")
        from srnca.pipeline import distill_checkpoint

        return distill_checkpoint(automaton, out=check_folder(folder), **options)
    if update_rate is not None:
        raise InputError("--update-rate: expected it with a legacy checkpoint only, got it with --frames; leave it out")
    if frames is None or not frames.is_file():
        raise InputError(f"{frames}: no such recording; expected a file frames.npz")
    from srnca.pipeline import distill_frames

    return distill_frames(frames, out=check_folder(folder), **options)


def _say_result(result: Distillation, folder: Path, *, as_json: bool) -> None:
    from equations.printers import print_rule

    if as_json:
        say_json({**result.report, "folder": folder})
        return
    say(print_rule(result.rule, "text"))
    say()
    say(describe(result.report))
    say(f"\n{folder}/rule.json; next: srnca simulate {folder}/rule.json --out picture.png")


def describe(report: dict[str, Any]) -> str:
    """Fidelity and texture loss, apart from each other: neither says what the other says."""
    parts = []
    counts = report.get("terms", {}).get("by_channel", {})
    if report.get("r2"):
        rows: list[tuple[str, ...]] = [("channel", "terms", "R² of one step, held out")]
        rows += [(name, str(counts.get(name, "–")), number(value)) for name, value in report["r2"].items()]
        parts.append(table(rows))
    losses = report.get("texture_loss")
    if losses:
        rows = [("texture loss", "")]
        rows += [(label, number(losses.get(key))) for key, label in TEXTURE_LOSS_KINDS if key in losses]
        parts.append(table(rows))
    return "\n\n".join(parts)
