"""Make the rules that come with the package, which `srnca models` lists as learned:NAME.

    python -m benchmarks.learned train snake --out outputs/learned       # trains and distills: ten minutes on two cores
    python -m benchmarks.learned keep snake outputs/learned/snake-rule   # writes srnca/learned/snake.json
    python -m benchmarks.learned sheet docs/images/learned.jpg           # a picture of all of them
    python -m benchmarks.learned rows orchid roundleaf --results outputs/learned --path docs/images/textures.png

`LEARNED` says for every rule what it is learned from, with default options. The photos of scikit-image are CC0.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.photos import WIDE, picture_file, save_rows
from distill.species.report import count_numbers
from equations import load_rule, render, save_rule, simulate
from srnca import learned
from srnca.media.contact_sheet import contact_sheet
from srnca.media.images import load_target
from srnca.texture.checkpoint import load_checkpoint
from srnca.texture.evaluate import nca_pictures

FOLDER = Path(learned.__file__).parent
SAMPLE = "sample:"
STEPS, SEED = 400, 7  # steps of small pictures, and their noise


@dataclass(frozen=True)
class Entry:
    """What one of the rules is learned from, and how.

    title: one line, of what is seen.
    target: sample:NAME or skimage:NAME.
    law: options of a search for a law, without an automaton; None for a rule that is distilled from one.
    """

    title: str
    target: str
    law: str | None = None

    @property
    def picture(self) -> str:
        """The picture and its licence."""
        if self.target.startswith(SAMPLE):
            return f"{self.target}, a plant drawn by srnca itself"
        return f"the photo {self.target.removeprefix('skimage:')!r} of scikit-image (CC0)"

    def commands(self, name: str, picture: str) -> tuple[str, ...]:
        """What to type: training on `picture`, then distillation; or the search for a law."""
        if self.law is not None:
            return (f"srnca distill --image {picture} {self.law} --out {name}",)
        return (
            f"srnca train {picture} --out {name}.pt",
            f"srnca distill --checkpoint {name}.pt --species none --out {name}-rule",
        )


LEARNED = {
    "snake": Entry("light and dark bands", "sample:snake"),
    "roundleaf": Entry("yellow spots on green", "sample:roundleaf"),
    "orchid": Entry("pale cells in a net of magenta", "sample:orchid"),
    "alocasia": Entry("light veins on a dark leaf", "sample:alocasia"),
    "gravel": Entry("gravel", "skimage:gravel"),
    "brick": Entry("joints of a brick wall", "skimage:brick"),
    "grass": Entry("grass from above", "skimage:grass"),
    "tissue": Entry("stained tissue", "skimage:ihc"),
    "roundleaf-law": Entry("yellow spots, by two species", "sample:roundleaf", "--species 2 --terms 22"),
    "snake-law": Entry("light and dark bands, by two species", "sample:snake", "--species 2"),
    "gravel-law": Entry("grains, by two species", "skimage:gravel", "--species 2"),
    "orchid-law": Entry("strokes of magenta, by two species", "sample:orchid", "--species 2"),
}


def make(name: str, out: Path) -> None:
    """Train and distill, or search, as the entry says, in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    picture = picture_file(LEARNED[name].target, out.absolute())
    for command in LEARNED[name].commands(name, picture):
        subprocess.run([sys.executable, "-m", *shlex.split(command)], check=True, cwd=out)


def keep(name: str, result: Path) -> Path:
    """Write the rule of a result into the package: without its fronts, with its origin and how good it is."""
    entry = LEARNED[name]
    report = json.loads((result / "report.json").read_text(encoding="utf-8"))
    rule = load_rule(result / "rule.json")
    picture = entry.target if entry.target.startswith(SAMPLE) else f"{entry.target.removeprefix('skimage:')}.png"
    facts = {
        "title": entry.title,
        "picture": entry.picture,
        "commands": entry.commands(name, picture),
        "numbers": count_numbers(rule)["all"],
    }
    judged = ("rule",) if entry.law else ("teacher", "rule")
    judge = {who: float(f"{report['judge'][who]:.3g}") for who in judged}
    slim = dataclasses.replace(
        rule,
        fronts={},
        provenance={"learned": facts, "seed": report["seed"]},
        metrics={"judge": judge},
    )
    path = FOLDER / f"{name}.json"
    save_rule(slim, path)
    return path


def sheet(path: Path, size: int = 128, steps: int = 1200) -> None:
    """A picture of all learned rules, from noise that none of them was tuned on."""
    found = [learned.load(name) for name in learned.names()]
    states = [simulate(entry.rule, size=size, steps=steps, seed=7, every=steps)[-1] for entry in found]
    pictures = [render(entry.rule, state) for entry, state in zip(found, states, strict=True)]
    labels = [f"learned:{entry.name}, {entry.numbers} numbers" for entry in found]
    Image.fromarray(contact_sheet(pictures, labels, columns=4, scale=2)).save(path, quality=88)


def rows(names: Sequence[str], results: Path, path: Path) -> None:
    """For each name a row: the picture, what its automaton grows if there is one, and its rule on 64 and 256 cells."""
    lines = []
    for name in names:
        entry, rule = LEARNED[name], learned.load(name).rule
        if entry.law is None:
            automaton = load_checkpoint(results / f"{name}.pt")
            before = [automaton.target, nca_pictures(automaton, steps=STEPS, seeds=(SEED,))[0]]
        else:
            before = [load_target(picture_file(entry.target, path.parent), 64).pixels]
        small = simulate(rule, size=64, steps=STEPS, seed=SEED, every=STEPS)[-1]
        wide = simulate(rule, size=WIDE, steps=3 * STEPS, seed=SEED, every=3 * STEPS)[-1]
        lines.append([*before, render(rule, small), render(rule, wide)])
    save_rows(lines, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train")
    train.add_argument("names", nargs="+", choices=tuple(LEARNED))
    train.add_argument("--out", type=Path, default=Path("outputs/learned"))
    kept = commands.add_parser("keep")
    kept.add_argument("name", choices=tuple(LEARNED))
    kept.add_argument("result", type=Path)
    drawn = commands.add_parser("sheet")
    drawn.add_argument("path", type=Path)
    shown = commands.add_parser("rows")
    shown.add_argument("names", nargs="+", choices=tuple(LEARNED))
    shown.add_argument("--results", type=Path, default=Path("outputs/learned"), help="where `train` put its results")
    shown.add_argument("--path", type=Path, required=True)
    args = parser.parse_args()
    if args.command == "rows":
        rows(args.names, args.results, args.path)
    elif args.command == "train":
        for name in args.names:
            make(name, args.out)
    elif args.command == "keep":
        print(keep(args.name, args.result))
    else:
        sheet(args.path)


if __name__ == "__main__":
    main()
