"""How good and how short are distilled rules? Trains, distils and measures, and writes tables for docs/benchmarks.md.

    python benchmarks/distill.py skimage:gravel photo.png --preset default --seeds 0 1 --out outputs/distill
    python benchmarks/distill.py skimage:gravel photo.png --tables      # tables of finished runs; nothing is run
    python benchmarks/distill.py skimage:gravel --with filters=2        # the effect of other settings of training
    python benchmarks/distill.py skimage:gravel --with iterations=1     # a negative control: an untrained automaton

What is in DIR already (a checkpoint, a rule with its measurements) is not made again. `skimage:NAME` is a CC0 photo
of scikit-image. --engine and --effort are those of `srnca distill`; without them its defaults are measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
import torch
from scipy.stats import sem
from torch import nn

from benchmarks.photos import enlarged, make_checkpoint, picture_file
from distill.refine.scoring import ratio_of_means
from equations import Rule, load_rule
from equations.backends.torch.threads import one_thread
from equations.errors import DivergenceError
from equations.files import write_text
from equations.simulation import Simulator
from srnca.media.contact_sheet import contact_sheet
from srnca.media.images import load_target
from srnca.media.png import save_png
from srnca.texture.checkpoint import Checkpoint
from srnca.texture.config import TrainConfig, preset
from srnca.texture.distill import distill_checkpoint
from srnca.texture.evaluate import make_loss, nca_pictures, picture_of, rule_pictures, texture_loss
from srnca.texture.features.vgg16 import VGG16
from srnca.texture.loss import GramLoss, TextureLoss
from srnca.texture.patches import PatchDistance

LIMITS = (24, 12, 8)  # terms a channel
LONG, LONG_STEPS, EARLY = 128, 10_000, 400
LONG_SEED, SEED = 77_001, 90_001  # first seeds: of runs of 10,000 steps, and of all other losses
CHOOSING = 501  # first seed for choosing the best rule of a limit; other seeds measure it
LOT, LONG_LOTS, LOTS = 16, 4, 16  # seeds in a lot; most lots of long runs, and of others
ERROR = 0.05  # relative standard error that is small enough; losses of single 64² grids of bands differ by 80 %
WOUNDS = tuple(range(78_001, 78_013))  # seeds of grids on which the values in a disc are multiplied
RADIUS, TIMES, LATER, FAR = 3, 4.0, 150, 3.0  # cells; times a value; steps later; times the largest value before
LENGTHS = (384, 192, 96, 68, 48)  # constants of a whole rule: comparable between automata of different widths
SMALL_RATIO = 1.2  # largest loss, relative to the automaton's, for "fewest constants"


def other_measures(target: np.ndarray) -> dict[str, Any]:
    """Measures that were not used in training: Grams of a VGG architecture with random weights, and patches of 7 × 7
    along other random directions.
    """
    return {"vgg": GramLoss(random_vgg(), target), "patches": PatchDistance(target, patch=7, stream=777)}


def random_vgg() -> VGG16:
    """The VGG architecture with random weights, the same ones every time."""
    torch.manual_seed(12345)
    bank = VGG16()
    for layer in bank.modules():
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return bank


@torch.no_grad()
def measure(measures: dict[str, Any], pictures: np.ndarray) -> dict[str, float]:
    rgb = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    return {name: float(m(rgb).mean()) for name, m in measures.items()}


def stays(rule: Rule, loss: TextureLoss) -> dict[str, float]:
    """Texture loss after 400 and after 10,000 steps on 128 × 128, the standard error of the ratio of the two, and the
    largest |value|, of as many new seeds as the standard error needs.
    """
    losses, largest = list[list[float]](), 0.0
    young = old = error = math.inf
    try:
        while len(losses) < LOT * LONG_LOTS and error > ERROR:
            for _ in range(LOT):
                simulator = Simulator(rule, size=LONG, seed=LONG_SEED + len(losses))
                losses.append([])
                for mark in range(100, LONG_STEPS + 1, 100):
                    simulator.step(100)
                    largest = max(largest, float(np.abs(simulator.state).max()))
                    if mark in (EARLY, LONG_STEPS):
                        losses[-1].append(texture_loss(loss, picture_of(rule, simulator.state)[None]))
            early, late = np.array(losses).T
            young, old = float(early.mean()), float(late.mean())
            _, error = ratio_of_means(late, early)
    except DivergenceError:
        young = old = error = largest = math.inf
    return {"loss_400": young, "loss_10000": old, "error": error, "largest": largest, "grids": len(losses)}


def grown_by(grow: Callable[[tuple[int, ...]], np.ndarray], loss: TextureLoss, first: int) -> tuple[np.ndarray, float]:
    """Pictures of as many seeds as the standard error of their mean texture loss needs, and that mean."""
    pictures, losses = list[np.ndarray](), list[float]()
    for start in range(first, first + LOT * LOTS, LOT):
        pictures += list(grow(tuple(range(start, start + LOT))))
        losses += [texture_loss(loss, picture[None]) for picture in pictures[-LOT:]]
        mean = float(np.mean(losses))
        if not math.isfinite(mean) or sem(losses) <= ERROR * mean:
            break
    return np.stack(pictures), mean


def runs_away(rule: Rule, size: tuple[int, int]) -> int:
    """How many of 12 grids exceed their range by far, some time after the values in a disc were multiplied."""
    count = 0
    y, x = np.ogrid[: size[0], : size[1]]
    disc = (y - size[0] // 2) ** 2 + (x - size[1] // 2) ** 2 <= RADIUS**2
    for seed in WOUNDS:
        simulator = Simulator(rule, size=size, seed=seed)
        try:
            state = simulator.step(EARLY).copy()
            largest = float(np.abs(state).max())
            state[:, disc] *= TIMES
            simulator.state = state
            count += float(np.abs(simulator.step(LATER)).max()) > FAR * largest
        except DivergenceError:
            count += 1
    return count


def run(name: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """One picture, one seed: everything that the tables need, kept in measured.json."""
    stem = Path(name.split(":")[-1]).stem
    folder = args.out / f"{stem}-{kind_of(args)}-{seed}"
    kept = folder / "measured.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    if args.tables:
        return {}
    checkpoint = make_checkpoint(name, args.out / f"{stem}-{automaton_of(args)}.pt", config_of(args))
    if not (folder / "rule.json").exists():
        options: dict[str, Any] = {"states": args.states, "refine": args.refine != "none", "effort": args.effort}
        unfinished = (folder / "unfinished.npz").exists()
        distill_checkpoint(checkpoint, engine=args.engine, seed=seed, out=folder, resume=unfinished, **options)
    result = look(checkpoint, folder, name, args) | {"picture": stem, "seed": seed}
    write_text(kept, json.dumps(result, indent=2) + "\n")
    print(json.dumps({k: v for k, v in result.items() if not isinstance(v, (dict, list))}), flush=True)
    return result


def automaton_of(args: argparse.Namespace) -> str:
    """A name for the automaton: its preset and what was changed."""
    return "-".join([args.preset, *args.changes])


def kind_of(args: argparse.Namespace) -> str:
    """A name for the automaton and how it is distilled."""
    words = [automaton_of(args), args.engine]
    return "-".join(words + ["plain"] * (args.refine == "none") + [f"states={args.states:g}"] * (args.states > 0))


def config_of(args: argparse.Namespace) -> TrainConfig:
    """The preset with the changes that were asked for."""
    changes = dict(change.split("=", 1) for change in args.changes)
    return dataclasses.replace(preset(args.preset), **{key: _value(text) for key, text in changes.items()})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # a word, such as abs


@one_thread()  # beside another distillation an automaton takes 30 times as long on two
def look(checkpoint: Checkpoint, folder: Path, name: str, args: argparse.Namespace) -> dict[str, Any]:
    loss, target = make_loss(checkpoint), checkpoint.target
    measures = other_measures(target)
    channels, size = checkpoint.config.channels, target.shape[:2]
    report = json.loads((folder / "report.json").read_text())
    rules = {int(path.stem): load_rule(path) for path in sorted((folder / "front").glob("*.json"))}

    def grown(rule: Rule, first: int = SEED) -> tuple[np.ndarray, float]:
        return grown_by(lambda seeds: rule_pictures(rule, size, seeds=seeds), loss, first)

    pictures, teacher = grown_by(lambda seeds: nca_pictures(checkpoint, seeds=seeds), loss, SEED)
    known = {terms: grown(rule, CHOOSING)[1] for terms, rule in rules.items()}
    front = {terms: grown(rule) for terms, rule in rules.items()}
    at = {}
    for limit in LIMITS:
        short = [terms for terms in rules if terms <= limit * channels]
        if short:
            best = min(short, key=lambda terms: known[terms])
            at[str(limit)] = {"terms": best, "loss": front[best][1], **measure(measures, front[best][0])}
    small = [terms for terms, (_, value) in front.items() if value <= SMALL_RATIO * teacher]
    rule = load_rule(folder / "rule.json")
    made, value = grown(rule)
    panels = [target, pictures[0], *(rule_pictures(rules[a["terms"]], size, seeds=(1,))[0] for a in at.values())]
    panels.append(rule_pictures(rule, (256, 256), seeds=(1,))[0])
    save_png(folder / "sheet.png", contact_sheet([enlarged(p) for p in panels], columns=len(panels), gap=4))
    return {
        "teacher": teacher,
        "rule": value,
        "seeds": len(made),
        "terms": report["terms"]["total"],
        "channels": len(rule.channels),
        "front": {terms: value for terms, (_, value) in front.items()},
        "at": at,
        "smallest": min(small) if small else None,
        "others_teacher": measure(measures, pictures),
        "others_rule": measure(measures, made),
        "stays": stays(rule, loss),
        "runs_away": runs_away(rule, size),
        "wrong_picture": wrong_picture(name, made, args),
        "time_s": report["time_s"],
    }


def wrong_picture(name: str, grown: np.ndarray, args: argparse.Namespace) -> float | None:
    """A negative control: the rule's pictures measured against the next photo of the list."""
    if len(args.pictures) < 2:
        return None
    other = args.pictures[(args.pictures.index(name) + 1) % len(args.pictures)]
    target = load_target(picture_file(other, args.out), grown.shape[1]).pixels
    from srnca.texture.features import make_bank

    return texture_loss(GramLoss(make_bank("multiscale", target), target), grown)


def tables(results: list[dict[str, Any]]) -> str:
    """Markdown tables: a row for each run, then medians and worst cases."""
    head = ["picture", "seed", "NCA", "rule", "rule / NCA", "constants", *(f"≤ {n} terms" for n in LIMITS)]
    head += [
        "fewest constants at ≤ 1.2",
        "128², 400 → 10,000 steps",
        "change",
        "largest",
        f"run away × {TIMES:g}, of {len(WOUNDS)}",
        "VGG",
        "patches",
        "wrong photo",
        "time",
    ]
    lines = [head, ["---"] * len(head)]
    for r in results:
        at = [f"{r['at'][str(n)]['loss'] / r['teacher']:.2f}" if str(n) in r["at"] else "–" for n in LIMITS]
        s, ours, theirs = r["stays"], r["others_rule"], r["others_teacher"]
        lines.append(
            [r["picture"], str(r["seed"]), f"{r['teacher']:.3f}", f"{r['rule']:.3f}", f"{r['rule'] / r['teacher']:.2f}"]
            + [f"{r['terms']} in {r['channels']}", *at, str(r["smallest"] or "–")]
            + [f"{s['loss_400']:.3f} → {s['loss_10000']:.3f}", change(s), f"{s['largest']:.2f}", str(r["runs_away"])]
            + [f"{ours[k] / theirs[k]:.2f}" for k in ("vgg", "patches")]
            + ["–" if r["wrong_picture"] is None else f"{r['wrong_picture']:.2f}"]
            + [f"{sum(r['time_s'].values()):.0f} s"]
        )
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text += "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in by_length(results))
    for n in LIMITS:
        ratios = [r["at"][str(n)]["loss"] / r["teacher"] for r in results if str(n) in r["at"]]
        if not ratios:
            continue
        text += f"\n\n≤ {n} terms a channel: median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}"
    return text + "\n"


def change(stays: dict[str, float]) -> str:
    """How much the loss changes from 400 to 10,000 steps."""
    return f"{100 * (stays['loss_10000'] / stays['loss_400'] - 1):+.0f} ± {100 * stays['error']:.0f} %"


def by_length(results: list[dict[str, Any]]) -> list[list[str]]:
    """The least texture loss of all rules of at most n constants, for each n of LENGTHS."""
    lines = [["picture", "seed", "NCA", *(f"≤ {n} constants" for n in LENGTHS)], ["---"] * (3 + len(LENGTHS))]
    for r in results:
        least = [min((v for t, v in r["front"].items() if int(t) <= n), default=None) for n in LENGTHS]
        row = [r["picture"], str(r["seed"]), f"{r['teacher']:.3f}"]
        lines.append(row + ["–" if value is None else f"{value:.3f}" for value in least])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("outputs/distill"))
    parser.add_argument("--preset", default="default")
    parser.add_argument("--with", dest="changes", nargs="*", default=[], help="of the preset: filters=2 activation=abs")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--refine", choices=("auto", "none"), default="auto")
    parser.add_argument("--states", type=float, default=0.0, help="as in `srnca distill`")
    parser.add_argument("--effort", type=float, default=1.0, help="as in `srnca distill`")
    parser.add_argument("--tables", action="store_true", help="only write the tables of what has been measured")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    results = [found for name in args.pictures for seed in args.seeds if (found := run(name, seed, args))]
    if results:
        text = tables(results)
        write_text(args.out / f"{kind_of(args)}.md", text)
        print(text)


if __name__ == "__main__":
    main()
