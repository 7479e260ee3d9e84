"""Published texture automata beside ours: equal processor time, the same pictures, the same judge.

    python -m benchmarks.recipes skimage:gravel photo.png sample:snake --minutes 2 --out outputs/recipes

What is compared (automata.py, losses.py, training.py have the details):

sot-*               Self-Organising Textures (Niklasson et al. 2021) with the Gram loss of a VGG16 of random weights
                    (trained ones are not at hand offline) or of our multiscale bank, or with our wavelet loss
munca-N             μNCA (Mordvintsev & Niklasson 2021) with N numbers and optimal transport between patches;
                    munca-588-wavelet with our wavelet loss
PRESET[-multiscale] `srnca train --preset PRESET`; with --bank multiscale
former              the preset default before there were wavelet losses and maps of the colours
COLOURS-N           `srnca train --colours COLOURS --channels N`
PRESET-unmapped     presets before they had a map of the colours; PRESET-N: with another number of channels

Each training gets the same processor time; its learning rate falls as the share of that time that is used grows.
Then pictures are grown from 4 fresh seeds: 400 steps at the target's size, and 1,600 at twice the size. What is in
DIR/SIZE-MINUTES is not run again. Written there: TARGET/RECIPE-SEED.pt, .npz, .json; TARGET.png; table.md.

    python -m benchmarks.recipes --page page.jpg --recipes munca-588 default --out outputs/recipes

draws all targets that are there: photo, and what each recipe grew at its size and at 256 x 256.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.photos import picture_file
from benchmarks.recipes.measuring import Measures, Place, run
from benchmarks.recipes.pictures import page, sheet
from benchmarks.recipes.tables import table
from benchmarks.recipes.training import RECIPES
from equations.files import write_text
from srnca.media.images import load_target
from srnca.texture.evaluate import SEEDS

USUAL = tuple(RECIPES)[: tuple(RECIPES).index("quality")]  # which is meant for half an hour


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recipes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="*", help="sample:NAME, skimage:NAME or image files")
    parser.add_argument("--minutes", type=float, default=2.0, help="processor time of one training (default: 2)")
    parser.add_argument("--whole", action="store_true",
                        help="presets train for as many iterations as they say, in place of --minutes")  # fmt: skip
    parser.add_argument("--recipes", nargs="+", choices=tuple(RECIPES), default=USUAL, metavar="NAME")
    parser.add_argument("--size", type=int, choices=(64, 128), default=64, help="side of the pictures (default: 64)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of training (default: 0)")
    parser.add_argument("--large", type=int, choices=range(1, len(SEEDS) + 1), default=len(SEEDS), metavar="1-4",
                        help="pictures of twice the size that are judged; they take long (default: 4)")  # fmt: skip
    parser.add_argument("--threads", type=int, default=1, help="one wastes no processor time on waiting (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("outputs/recipes"))
    parser.add_argument("--table", action="store_true", help="only print what is there")
    parser.add_argument("--page", type=Path, help="only draw what is there into this JPEG")
    args = parser.parse_args()
    if not args.minutes > 0 or args.threads < 1:
        parser.error("expected --minutes above 0 and at least one thread")
    if not args.targets and not args.table and not args.page:
        parser.error(f"expected targets; recipes are {', '.join(RECIPES)}")
    return args


def stem(name: str) -> str:
    return Path(name.split(":")[-1]).stem


def train_all(args: argparse.Namespace, out: Path) -> None:
    minutes = None if args.whole else args.minutes
    for name in args.targets:
        folder = out / stem(name)
        folder.mkdir(parents=True, exist_ok=True)
        target = load_target(picture_file(name, out), args.size)
        measures = Measures(target.pixels)
        for seed in args.seeds:
            for recipe in args.recipes:
                found = run(Place(folder, recipe, seed), target, minutes, args.large, measures)
                judged = f"judge {found['judge']:.3g}, {found['judge_large']:.3g} at 2x"
                print(f"{folder.name}  {recipe}  seed {seed}: {found['iterations']} iterations, {judged}", flush=True)
                sheet(folder, out / f"{folder.name}.png")


def _folders(out: Path) -> list[Path]:
    return sorted(path for path in out.glob("*") if path.is_dir())


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    out = args.out / f"{args.size}px-{'whole' if args.whole else f'{args.minutes:g}min'}"
    if args.page:
        page([out / stem(name) for name in args.targets] or _folders(out), args.recipes, args.page)
        return
    if not args.table:
        train_all(args, out)
    text = table(_folders(out))
    print(text)
    if not args.table:
        write_text(out / "table.md", text + "\n")


if __name__ == "__main__":
    main()
