"""The result of `srnca simulate` in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from srnca.cli.output import quoted, shown
from srnca.cli.progress import short_time


def describe(facts: dict[str, Any], wanted: int) -> str:
    """`x.gif: 51 frames of 256x256 cells, 2000 steps in 3 s (llvm, 812 Mcell/s)`."""
    frames = "1 frame" if facts["frames"] == 1 else f"{facts['frames']} frames"
    steps = f"stopped after {facts['steps']} of {wanted} steps" if facts["interrupted"] else f"{wanted} steps"
    size = f"{facts['size']['width']}x{facts['size']['height']} cells"
    rate = f", {speed(facts['cells_per_s'])}" if facts["steps"] else ""
    how = f"{short_time(facts['time_s'])} ({facts['backend']}{rate})"
    line = f"{shown(facts['out'])}: {frames} of {size}, {steps} in {how}"
    if facts["state"] is not None:
        line += f"\n{shown(facts['state'])}: the last state"
    if facts["interrupted"] and str(facts["out"]).lower().endswith(".zarr"):
        line += "\nthe same command with --resume goes on"
    return line


def speed(cells: float) -> str:
    """Cells updated in a second, with three digits."""
    for unit, name in ((1e9, "Gcell/s"), (1e6, "Mcell/s")):
        if cells >= unit:
            return f"{cells / unit:.3g} {name}"
    return f"{cells / 1e3:.3g} kcell/s"


def next_simulation(folder: Path, recording: Path | None, out: str) -> str:
    """The command that runs the rule of a result folder, for copying.

    A law of a recording starts from the recording's last frame where `--init` reads it: from noise it may make no
    pattern.
    """
    from srnca.initial import holds_numbers

    start = f" --init {quoted(recording)}" if recording is not None and holds_numbers(recording) else ""
    return f"next: srnca simulate {quoted(folder / 'rule.json')}{start} --out {out}"
