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
        if report.get("refine") and any(value is not None and value < 0 for value in report["r2"].values()):
            parts.append(
                "R² is below 0 where refinement tuned the rule for its pictures, not for the automaton's steps"
            )
    if report.get("texture_loss"):
        parts.append(describe_scores(report))
    if "meaning" in report:
        parts.append(describe_meaning(report["meaning"]))
    return "\n\n".join(parts)


def describe_species(found: dict[str, Any]) -> str:
    """The size of a law of few species, and what it was tuned from."""
    numbers, waves = found["numbers"], f"{found['wavelength']:.1f} cells"
    lines = [
        f"{numbers['all']} numbers in all: {numbers['laws']} of the laws, {numbers['colours']} of the colours",
        f"tuned from: {found['start']}; wavelength of the picture's pattern: {waves}",
    ]
    if "competed" in found:
        rows = (f"{row['species']} with {row['numbers']} numbers {number(row['score'])}" for row in found["competed"])
        lines.append(f"distances of laws of so many species: {', '.join(rows)}")
    return "\n".join(lines)


def describe_meaning(meaning: dict[str, Any]) -> str:
    """What kind of pattern the law makes and why, which terms it needs, and which textbook system is nearest."""
    from equations.comparison.match import THRESHOLD

    verdict, waves, nearest = meaning["analysis"]["verdict"], meaning["wavelength"], meaning["nearest"]
    cells = waves["cells"]
    lines = [
        f"verdict: {verdict['name']}; {verdict['reason']}",
        f"wavelength in cells: predicted {number(cells['predicted'])}, measured {number(cells['measured'])}",
        waves["why"],
    ]
    if waves.get("photo_pixels"):
        pixels = waves["photo_pixels"]
        lines.append(
            f"in pixels of the photo: predicted {number(pixels['predicted'])}, measured {number(pixels['measured'])}"
        )
    lines.append(f"half the time step: {'the same pattern' if meaning['half_step']['same'] else 'another pattern'}")
    for outcome in ("no pattern", "runs away", "another pattern", "much the same"):
        gone = [f"{row['term']} of {row['species']}" for row in meaning["without"] if row["outcome"] == outcome]
        if gone:
            lines.append(f"without one of these terms, {outcome}: {', '.join(gone)}")
    near = f"nearest textbook system: {nearest['model']}, at a distance of {number(nearest['distance'])}"
    lines.append(near + (": the same up to units" if nearest["distance"] <= THRESHOLD else ": another system"))
    return "\n".join(lines)


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
    lines += describe_verdict(report)
    if report["verdict"] != "found":  # beside another law than the recording's, errors and shares would mean nothing
        rows: list[tuple[str, ...]] = [("channel", "term", "weight")]
        rows += [(c, t, f"{e['value']:.6g}") for c, terms in report["constants"].items() for t, e in terms.items()]
        return "\n".join([*lines, "", table(rows)])
    rows = [("channel", "term", "weight", "±", "chosen in")]
    for channel, constants in report["constants"].items():
        inclusion = report["inclusion"][channel]
        for term, entry in constants.items():
            share = f"{100 * inclusion.get(term, 0.0):.0f} %"
            rows.append((channel, term, f"{entry['value']:.6g}", f"{entry['error']:.1g}", share))
        rest = [(term, share) for term, share in inclusion.items() if term not in constants]
        rows += [(channel, term, "–", "", f"{100 * share:.0f} %") for term, share in rest[:3]]
    return "\n".join([*lines, "", table(rows)])


def verdict(report: dict[str, Any]) -> str:
    """What a rule that falls short of its automaton is: poor, or only less good; older reports have no judge."""
    from srnca.texture.quality import POOR, quality_of

    losses = report["texture_loss"]
    word = quality_of("rule", losses, report["judge"]) if "judge" in report else POOR
    return f"a {word} rule" if word == POOR else f"{word}, but falls short of its automaton"


def describe_coefficients(report: dict[str, Any]) -> str:
    """What the coefficients of a recording's law are those of."""
    dt = f"{report['dt'] / report['steps_per_frame']:g}"
    if report["time"] == "steps":
        return f"coefficients of a step, u ← u + {dt} · du:"
    return f"coefficients of a differential equation on this grid, du/dt = du; rule.json takes steps of {dt}:"


def describe_verdict(report: dict[str, Any]) -> list[str]:
    """The verdict on the law of a recording, and the reasons."""
    words = {"found": "found", "partly": "partly: this is not all of the law", "none": "none: no law of this family"}
    shares = ", ".join(f"{channel} {max(0.0, share):.2g}" for channel, share in report["misfit"].items())
    lines = [f"{words[report['verdict']]}; unexplained share of the squared change: {shares}"]
    if report["forecast"] is not None:
        lines.append(f"forecast from a late frame: {report['forecast']:.2g} of the change wrong")
    return [*lines, *report["causes"]]


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
