"""Laws of few species of photos, and of pictures that known systems made: a table, and a picture of each law.

    python -m benchmarks.species --targets sample:roundleaf photo.png --species 2 --seeds 0 1 --out outputs/species
    python -m benchmarks.species --planted                 # six systems of the catalogue, in unknown colours
    python -m benchmarks.species --controls                # pictures without a pattern

Without --targets: the four samples, four CC0 photos of scikit-image, and the files of --textures FOLDER. A law that is
there already is not searched again, and a search that was killed goes on. Each law is measured on fresh seeds: the
judge at the size of the picture after 400 steps, at four times the side after 1,000, and after --long steps at twice
the side. Written: DIR/TARGET-SPECIES-SEED/ with rule.json, report.json, report.html, figure.png, analysis.png; and
DIR/species.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.photos import picture_file
from equations import load_rule, models
from equations.errors import SrncaError
from equations.files import write_text
from equations.rule.display import render
from equations.simulation import Simulator
from srnca.media.images import load_target, resize
from srnca.texture.evaluate import SEEDS, rule_pictures
from srnca.texture.judge import Judge
from srnca.texture.species import distill_picture

TARGETS = (
    "sample:snake", "sample:roundleaf", "sample:orchid", "sample:alocasia",
    "skimage:brick", "skimage:grass", "skimage:gravel", "skimage:ihc",
)  # fmt: skip
PLANTED = (
    "gray-scott:lambda", "gray-scott:coral", "schnakenberg:spots", "brusselator:stripes", "fitzhugh-nagumo:stripes",
    "swift-hohenberg",
)  # fmt: skip
DARK, LIGHT = np.array([0.15, 0.25, 0.2]), np.array([0.95, 0.75, 0.35])  # the colours of planted pictures
PLANTED_STEPS = 10_000
HEADER = (
    "picture", "asked", "seed", "species", "numbers", "laws", "texture loss", "judge", "4 × side", "old", "verdict",
    "predicted", "measured", "half step", "nearest", "processor s",
)  # fmt: skip


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.species",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--targets", nargs="+", default=[], help="sample:NAME, skimage:NAME or image files")
    parser.add_argument("--textures", type=Path, help="a folder of more pictures, for the default targets")
    parser.add_argument("--planted", action="store_true", help="pictures made by six systems of the catalogue")
    parser.add_argument("--controls", action="store_true", help="noise, a gradient and a portrait: there is no law")
    parser.add_argument("--species", default="2", choices=("1", "2", "3", "4", "5", "6", "auto"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--effort", type=float, default=1.0, help="of the search (default: 1)")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures (default: 64)")
    parser.add_argument("--long", type=int, default=50_000, help="steps of the long run (default: 50,000)")
    parser.add_argument("--out", type=Path, default=Path("outputs/species"))
    return parser.parse_args()


def pictures(args: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Name and pixels (size, size, 3) of every picture that is asked for."""
    names = list(args.targets)
    if not (names or args.planted or args.controls):
        names = [*TARGETS, *(map(str, sorted(args.textures.glob("*.png"))) if args.textures else ())]
    for name in names:
        yield Path(name.split(":")[-1]).stem, load_target(picture_file(name, args.out), args.size).pixels
    for name in PLANTED if args.planted else ():
        yield name.replace(":", "-"), planted(name, args.size)
    if args.controls:
        from skimage import data

        random = np.random.default_rng(0)
        yield "noise", random.random((args.size, args.size, 3)).astype(np.float32)
        yield "gradient", np.tile(np.linspace(0, 1, args.size, dtype=np.float32)[:, None, None], (1, args.size, 3))
        yield "portrait", resize(data.astronaut(), args.size)


def planted(name: str, size: int) -> np.ndarray:
    """The grown pattern of a model as one RGB picture (size, size, 3), in colours between DARK and LIGHT."""
    rule = models.get(name)
    state = Simulator(rule, size=size, seed=1).step(PLANTED_STEPS)
    grey = render(rule, state)[..., :3].mean(axis=2, keepdims=True) / 255
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1e-6)
    return (DARK + grey * (LIGHT - DARK)).astype(np.float32)


def row_of(name: str, pixels: np.ndarray, seed: int, args: argparse.Namespace) -> tuple[str, ...]:
    """One line of the table: the law is searched where it is not there yet."""
    folder: Path = args.out / f"{name}-{args.species}-{seed}"
    timing = folder / "seconds.txt"
    if not (folder / "rule.json").exists():
        began = time.process_time()
        species = "auto" if args.species == "auto" else int(args.species)
        options: dict[str, Any] = {"seed": seed, "effort": args.effort, "resume": (folder / "unfinished.npz").exists()}
        try:
            distill_picture(pixels, species=species, name=name, out=folder, **options)
        except SrncaError as error:
            return (name, args.species, str(seed), f"none: {error}", *[""] * (len(HEADER) - 4))
        write_text(timing, f"{time.process_time() - began:.0f}")
    law, report = load_rule(folder / "rule.json"), json.loads((folder / "report.json").read_text())
    judge, size = Judge(pixels), pixels.shape[0]
    large = judge.mean(rule_pictures(law, (4 * size, 4 * size), steps=1000, seeds=SEEDS[:1]))
    old = judge.mean(rule_pictures(law, (2 * size, 2 * size), steps=args.long, seeds=SEEDS[:1]))
    found, meaning = report["species"], report["meaning"]
    waves = meaning["wavelength"]["cells"]
    numbers = (report["texture_loss"]["rule"], report["judge"]["rule"], large, old)
    return (
        name, args.species, str(seed), str(len(law.channels)),
        str(found["numbers"]["all"]), str(found["numbers"]["laws"]),
        *("–" if number is None else f"{number:.2f}" for number in numbers),
        meaning["analysis"]["verdict"]["name"],
        *("–" if waves[which] is None else f"{waves[which]:.1f}" for which in ("predicted", "measured")),
        "same" if meaning["half_step"]["same"] else "another",
        f"{meaning['nearest']['model']} {meaning['nearest']['distance']:.2f}",
        timing.read_text() if timing.exists() else "–",
    )  # fmt: skip


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, pixels in pictures(args):
        for seed in args.seeds:
            rows.append(row_of(name, pixels, seed, args))
            lines = [HEADER, ("---",) * len(HEADER), *rows]
            text = "".join(f"| {' | '.join(row)} |\n" for row in lines)
            write_text(args.out / "species.md", text)
            print(" | ".join(rows[-1]), flush=True)


if __name__ == "__main__":
    main()
