"""The whole path on pictures: train, distill, and a table of texture losses, terms and times.

    python benchmarks/path.py skimage:gravel photo.png sample:snake --out outputs/path [--train-only] [--preset compact]

`skimage:NAME` is a CC0 photo that scikit-image carries (brick, grass, gravel, ihc). A checkpoint or result that is
there already is not made again. Writes DIR/path.md (table), DIR/grid.png (target | NCA | rule at 64², rule at 256²).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
import torch

from equations import load_rule
from srnca.checkpoint import Checkpoint, load_checkpoint
from srnca.evaluate import flat_loss, make_loss, nca_pictures, rule_pictures, texture_loss
from srnca.images import contact_sheet, load_target, save_png
from srnca.pipeline import distill_checkpoint
from srnca.presets import TrainConfig, preset
from srnca.training import train

HEADER = ("picture", "flat", "NCA", "rule", "rule / NCA", "terms a channel", "training", "distillation")


def picture_file(name: str, out: Path) -> str:
    """`name` as something that `load_target` reads."""
    if not name.startswith("skimage:"):
        return name
    from skimage import data, io

    path = out / f"{name.removeprefix('skimage:')}.png"
    pixels = {"ihc": data.immunohistochemistry}.get(path.stem) or getattr(data, path.stem)
    io.imsave(path, pixels(), check_contrast=False)
    return str(path)


def make_checkpoint(name: str, path: Path, config: TrainConfig) -> Checkpoint:
    """The automaton of a picture: the one in `path`, or trained now."""
    before = load_checkpoint(path) if path.exists() else None
    if before and not before.training:
        return before
    started = time.perf_counter()
    target = load_target(picture_file(name, path.parent), config.size)
    checkpoint = train(target, config, out=path, resume=before is not None)
    path.with_suffix(".seconds").write_text(f"{time.perf_counter() - started:.0f}")
    return checkpoint


def measure(name: str, args: argparse.Namespace) -> tuple[list[str], list[np.ndarray]]:
    """One row of the table and one row of the grid."""
    stem = Path(name.split(":")[-1]).stem
    config = preset(args.preset)
    if args.iterations:
        config = dataclasses.replace(config, iterations=args.iterations)
    checkpoint = make_checkpoint(name, args.out / f"{stem}.pt", config)
    loss, target = make_loss(checkpoint), checkpoint.target
    pictures = nca_pictures(checkpoint)
    flat, teacher = flat_loss(loss, target), texture_loss(loss, pictures)
    timed = args.out / f"{stem}.seconds"  # absent for a checkpoint that was made elsewhere
    seconds = f"{timed.read_text()} s" if timed.exists() else "–"
    row = [stem, f"{flat:.2f}", f"{teacher:.3f}", "–", "–", "–", seconds, "–"]
    panels = [target, pictures[0]]
    if not args.train_only:
        folder = args.out / f"{stem}-rule"
        if not (folder / "report.json").exists():
            distill_checkpoint(checkpoint, out=folder, budget_s=args.budget)
        report, rule = json.loads((folder / "report.json").read_text()), load_rule(folder / "rule.json")
        value, spent = report["texture_loss"]["rule"], sum(report["time_s"].values())
        terms = report["terms"]["per_channel"]
        row[3:6] = [f"{value:.3f}", f"{value / teacher:.2f}", f"{terms:.1f}"]
        row[7] = f"{spent:.0f} s"
        panels += [rule_pictures(rule, (64, 64), seeds=(1,))[0], rule_pictures(rule, (256, 256), seeds=(1,))[0]]
    print(" | ".join(row), flush=True)
    return row, [np.clip(np.nan_to_num(panel), 0, 1).astype(np.float32) for panel in panels]


def enlarged(picture: np.ndarray, side: int = 256) -> np.ndarray:
    times = side // picture.shape[0]
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("outputs/path"))
    parser.add_argument("--preset", default="default")
    parser.add_argument("--iterations", type=int, default=0, help="of training; 0 is the preset's own number")
    parser.add_argument("--budget", type=float, default=300.0, help="seconds of distillation")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--train-only", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    rows, panels = [], []
    for name in args.pictures:
        row, pictures = measure(name, args)
        rows.append(row)
        panels += [enlarged(picture) for picture in pictures]
    lines = [HEADER, tuple("---" for _ in HEADER), *rows]
    (args.out / "path.md").write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))
    save_png(args.out / "grid.png", contact_sheet(panels, columns=len(panels) // len(rows), gap=4))


if __name__ == "__main__":
    main()
