"""The result of `srnca distill` in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from srnca.cli.output import number, table
from srnca.cli.quality_text import describe_scores

LONGEST, SHOWN = 4000, 200  # characters: the longest equation that is printed whole, and what is shown of a longer one


def shortened(line: str) -> str:
    """A line, cut where it is too long to read: a network written out has equations of 40,000 characters."""
    if len(line) <= LONGEST:
        return line
    return f"{line[:SHOWN]}… ({len(line):,} characters; `srnca show` prints them all)"


def describe(report: dict[str, Any]) -> str:
    """Two tables, since neither implies the other: R² of one step; and of the pictures, texture loss and judge."""
    parts = [describe_recording(report)] if "derivative" in report else []
    if "species" in report:
        parts.append(describe_species(report["species"]))
    counts = report.get("terms", {}).get("by_channel", {})
    if report.get("r2"):
        rows: list[tuple[str, ...]] = [("channel", "terms", "R² of one step, held out")]
        rows += [(name, str(counts.get(name, "–")), number(value)) for name, value in report["r2"].items()]
        parts.append(table(rows))
    if report.get("texture_loss"):
        parts.append(describe_scores(report))
    return "\n\n".join(parts)


def describe_species(found: dict[str, Any]) -> str:
    """The size of a law of few species, and what it was tuned from."""
    numbers, waves = found["numbers"], f"{found['wavelength']:.1f} cells"
    return (
        f"{numbers['all']} numbers in all: {numbers['laws']} of the laws, {numbers['colours']} of the colours\n"
        f"tuned from: {found['start']}; wavelength of the picture's pattern: {waves}"
    )


def describe_recording(report: dict[str, Any]) -> str:
    """How a recording was read, and how certain each of its terms is."""
    windows = report["windows"]
    frames, cells = windows["frames"], windows["cells"]
    used = f", windows of {frames} frames and {cells} x {cells} cells" if frames > 1 or cells > 1 else ""
    shares = [entry["share"] for entry in report["noise"].values()]
    noise = ", ".join(f"{100 * share:.2g} %" for share in shares) if any(shares) else "none above rounding"
    lines = [
        f"noise: {noise}; du/dt: {report['derivative']}{used}; stencil: {report['stencil']}; "
        f"dt {report['dt']:g} ({report['steps_per_frame']} steps a frame), dx {report['dx']:g}"
    ]
    rows: list[tuple[str, ...]] = [("channel", "term", "weight", "±", "chosen in")]
    for channel, constants in report["constants"].items():
        inclusion = report["inclusion"][channel]
        for term, entry in constants.items():
            share = f"{100 * inclusion.get(term, 0.0):.0f} %"
            rows.append((channel, term, f"{entry['value']:.6g}", f"{entry['error']:.1g}", share))
        rest = [(term, share) for term, share in inclusion.items() if term not in constants]
        rows += [(channel, term, "–", "", f"{100 * share:.0f} %") for term, share in rest[:3]]
    return "\n".join([*lines, "", table(rows)])


def describe_shortfall(report: dict[str, Any], folder: Path) -> str | None:
    """A sentence that the rule has lost the texture, with a better rule of the front if there is one; else None."""
    short: str | None = report.get("shortfall")
    if short is None:
        return None
    losses, front = report["texture_loss"], report.get("refine", [])
    better = [point for point in front if losses["rule"] is None or point["loss"] < losses["rule"]]
    if better:
        best = min(better, key=lambda point: point["loss"])
        size = f"{best['numbers']} numbers" if "numbers" in best else f"{best['terms_per_channel']:.1f} terms a channel"
        short += f"; {folder}/front has one of {number(best['loss'])}, {size}"
    return short
