"""Photos and the automata that are trained on them: a table of texture losses and times, and a picture of both.

    python benchmarks/photos.py skimage:gravel photo.png sample:snake --out outputs/photos [--preset compact]

`skimage:NAME` is a CC0 photo of scikit-image (brick, grass, gravel, ihc). A checkpoint that is there already
is not made again. Writes DIR/photos.md (table) and DIR/grid.png (photos above, what their automata grow below).
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from srnca.media.contact_sheet import contact_sheet
from srnca.media.images import load_target
from srnca.media.painting import to_bytes
from srnca.media.png import save_png
from srnca.texture.checkpoint import Checkpoint, load_checkpoint
from srnca.texture.config import TrainConfig, preset
from srnca.texture.evaluate import flat_loss, make_loss, nca_pictures, texture_loss
from srnca.texture.training import train

WIDE, GAP = 256, 8  # pixels: height of the pictures of a row, and between pictures
HEADER = ("picture", "flat", "NCA", "training")


def picture_file(name: str, out: Path) -> str:
    """`name` as something that `load_target` reads."""
    if not name.startswith("skimage:"):
        return name
    from skimage import data, io

    path = out / f"{name.removeprefix('skimage:')}.png"
    pixels = {"ihc": data.immunohistochemistry}.get(path.stem) or getattr(data, path.stem)
    io.imsave(path, pixels(), check_contrast=False)
    return str(path)


def save_rows(rows: Sequence[Sequence[NDArray[Any]]], path: Path) -> None:
    """Draw rows of pictures (h, w, 3), each enlarged by a whole number to about WIDE pixels."""
    tiles = [[Image.fromarray(to_bytes(picture, WIDE // picture.shape[0])) for picture in row] for row in rows]
    width = max(sum(tile.width + GAP for tile in row) for row in tiles) - GAP
    sheet = Image.new("RGB", (width, len(tiles) * (WIDE + GAP) - GAP), "white")
    for line, row in enumerate(tiles):
        place = 0
        for tile in row:
            sheet.paste(tile, (place, line * (WIDE + GAP)))
            place += tile.width + GAP
    sheet.save(path, optimize=True, quality=90)


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
    """One row of the table; the photo and a picture of its automaton."""
    stem = Path(name.split(":")[-1]).stem
    config = preset(args.preset)
    if args.iterations:
        config = dataclasses.replace(config, iterations=args.iterations)
    checkpoint = make_checkpoint(name, args.out / f"{stem}.pt", config)
    loss, target = make_loss(checkpoint), checkpoint.target
    pictures = nca_pictures(checkpoint)
    timed = args.out / f"{stem}.seconds"  # absent for a checkpoint that was made elsewhere
    seconds = f"{timed.read_text()} s" if timed.exists() else "–"
    row = [stem, f"{flat_loss(loss, target):.2f}", f"{texture_loss(loss, pictures):.3f}", seconds]
    print(" | ".join(row), flush=True)
    return row, [target, pictures[0]]


def enlarged(picture: np.ndarray, side: int = 256) -> np.ndarray:
    """A picture that can be shown, each cell a square, as near to `side` as whole cells allow."""
    times = max(1, side // picture.shape[0])
    shown = np.clip(np.nan_to_num(picture), 0, 1).astype(np.float32)
    return np.asarray(shown.repeat(times, axis=0).repeat(times, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("outputs/photos"))
    parser.add_argument("--preset", default="default")
    parser.add_argument("--iterations", type=int, default=0, help="of training; 0 is the preset's own number")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    found = [measure(name, args) for name in args.pictures]
    rows, pairs = zip(*found, strict=True)
    lines = [HEADER, tuple("---" for _ in HEADER), *rows]
    (args.out / "photos.md").write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))
    panels = [enlarged(picture) for row in zip(*pairs, strict=True) for picture in row]
    save_png(args.out / "grid.png", contact_sheet(panels, columns=len(found), gap=4))


if __name__ == "__main__":
    main()
