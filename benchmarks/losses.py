"""Do texture losses tell control pictures from other pieces of the same texture, and how fast are they?

    python benchmarks/losses.py --photos DIR --size 64 --out outputs/losses
    python benchmarks/losses.py --only wavelet judge          # some of the measures; speed is one of them
    python benchmarks/losses.py --table                       # tables of what is measured already; nothing is run

Targets are the four samples (seed 0), a quarter of each photo in DIR, and a quarter of photos that scikit-image
carries. The other three quarters (of samples: seeds 1, 2 and 3) are the same texture; the control pictures of
srnca/texture/controls.py are not, and a good measure puts all of them further from the target. `--uneven` names
targets whose quarters differ to the eye: they are shown, and left out of the median and the count.
Measured values are kept in OUT/measured-SIZE.json, and the tables in OUT/losses-SIZE.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
import torch
from PIL import Image

from benchmarks.distill import random_vgg
from equations.files import write_text
from srnca.media.images import resize
from srnca.media.samples import SAMPLES, make_sample
from srnca.texture.controls import Picture, control_pictures
from srnca.texture.evaluate import texture_loss
from srnca.texture.judge import Judge
from srnca.texture.loss import GramLoss, TextureLoss, build_loss
from srnca.texture.patches import PatchDistance, balanced

SKIMAGE = ("gravel", "grass", "brick", "immunohistochemistry")  # CC0, and in the wheel
PHASES = ("random phases", "random phases, same histogram")
ROUNDS, CALLS = 15, 4  # of the speed: in a round each loss is called this often
PATCHES = "multiscale with patches"
BANKS = ("wavelet", "multiscale", PATCHES, "vgg16")
MEASURES = (*BANKS, "judge", "speed")
SIZES = (64, 48)  # pixels, of the speed
Measure = Callable[[Picture], float]


def targets(photos: Path | None, size: int) -> dict[str, list[Picture]]:
    """The target of each texture, and three other pieces of it."""
    from skimage import data

    found = {name: [make_sample(name, size, seed) for seed in range(4)] for name in SAMPLES}
    for path in sorted(photos.iterdir()) if photos else ():
        if path.suffix.lower() in {".png", ".jpg", ".jpeg"}:
            found[path.stem] = quarters(np.asarray(Image.open(path).convert("RGB")), size)
    for name in SKIMAGE:
        pixels = getattr(data, name)()
        found[name] = quarters(np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels, size)
    return found


def quarters(pixels: np.ndarray, size: int) -> list[Picture]:
    """The four quarters of a photo's upper left square, averaged down to size × size pixels."""
    half = min(pixels.shape[:2]) // 2
    return [resize(pixels[y : y + half, x : x + half], size) for y in (0, half) for x in (0, half)]


def make_measure(bank: str, target: Picture) -> Measure:
    """The distance of one picture from the target, by a loss or the judge."""
    if bank == "judge":
        return Judge(target)
    loss = make_loss(bank, target)
    if bank != PATCHES:
        return lambda picture: texture_loss(loss, picture[None])
    patches = PatchDistance(target)
    return lambda picture: float(balanced(loss(batch(picture)), patches(batch(picture))).exp())


def make_loss(bank: str, target: Picture) -> TextureLoss:
    return GramLoss(random_vgg(), target) if bank == "vgg16" else build_loss(bank.split()[0], target)


def batch(*pictures: Picture) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())


def measure(bank: str, pieces: list[Picture]) -> dict[str, Any]:
    """The distances of the other pieces of a texture and of its control pictures."""
    distance = make_measure(bank, pieces[0])
    controls = {name: distance(picture) for name, picture in control_pictures(pieces[0]).items()}
    return {"others": [distance(piece) for piece in pieces[1:]], **controls}


def trained_by(bank: str, target: Picture, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """What training follows with this bank, before its logarithm."""
    loss = make_loss(bank, target).to(device)
    if bank != PATCHES:
        return loss
    patches, random = PatchDistance(target).to(device), torch.Generator().manual_seed(0)
    return lambda rgb: loss(rgb) + patches(rgb, random)


def speeds(size: int, device: str) -> dict[str, float]:
    """Median milliseconds of value and gradient of two pictures; the losses take turns."""
    target, random = make_sample("snake", size), torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, size, size, generator=random).to(device).requires_grad_()
    losses = {bank: trained_by(bank, target, device) for bank in BANKS}
    clock = time.process_time if device == "cpu" else time.perf_counter
    times: dict[str, list[float]] = {bank: [] for bank in BANKS}
    for _ in range(ROUNDS):
        for bank, loss in losses.items():
            for call in range(CALLS + 1):
                began = clock()
                torch.autograd.grad(loss(pictures).sum(), pictures)
                if device != "cpu":
                    torch.cuda.synchronize()
                if call:  # the first fills the caches after another loss
                    times[bank].append(1000 * (clock() - began))
    return {bank: statistics.median(values) for bank, values in times.items()}


def table(found: dict[str, dict[str, Any]], uneven: list[str]) -> str:
    """A row for each target: distances, random phases over the worst other piece, and what is not seen."""
    controls = [name for name in next(iter(found.values())) if name != "others"]
    head = ["target", "other pieces", *controls, "random phases / worst other piece", "closer than that piece"]
    lines, ratios, blind = [head, ["---"] * len(head)], [], 0
    for name, values in found.items():
        worst = max(values["others"])
        ratio = min(values[control] for control in PHASES) / worst
        missed = [control for control in controls if values[control] <= worst]
        if name not in uneven:
            ratios.append(ratio)
            blind += bool(missed)
        row = [name + " (uneven)" * (name in uneven), f"{min(values['others']):.3f}–{worst:.3f}"]
        row += [f"{values[control]:.3f}" for control in controls]
        lines.append([*row, f"{ratio:.1f}", ", ".join(missed) or "none"])
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    middle = f"median of random phases / worst other piece {statistics.median(ratios):.1f}"
    return f"{text}\nEven targets: {middle}; a control picture is closer in {blind} of {len(ratios)}.\n"


def speed_table(found: dict[str, dict[str, float]]) -> str:
    """A row for each loss, a column for each size and device: the time, and how many times faster than with patches."""
    lines = [["loss", *found], ["---"] * (len(found) + 1)]
    for bank in BANKS:
        cells = [f"{t[bank]:.1f} ms, {t[PATCHES] / t[bank]:.2f} ×" if t else "not measured" for t in found.values()]
        lines.append([bank, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photos (PNG or JPEG)")
    parser.add_argument("--uneven", nargs="*", default=["immunohistochemistry"], help="targets left out of the summary")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--only", nargs="*", choices=MEASURES, default=MEASURES)
    parser.add_argument("--table", action="store_true", help="only write the tables of what is measured")
    parser.add_argument("--out", type=Path, default=Path("outputs/losses"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    kept = args.out / f"measured-{args.size}.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    if not args.table:
        textures = targets(args.photos, args.size)
        for name in args.only:
            if name == "speed":
                gpu = torch.cuda.is_available()
                found[name] = {f"{size}², CPU": speeds(size, "cpu") for size in SIZES}
                found[name] |= {f"{size}², GPU": speeds(size, "cuda") if gpu else {} for size in SIZES}
            else:
                found[name] = {texture: measure(name, pieces) for texture, pieces in textures.items()}
            write_text(kept, json.dumps(found, indent=1) + "\n")
    parts = [
        f"**{name}**\n\n{speed_table(found[name]) if name == 'speed' else table(found[name], args.uneven)}"
        for name in MEASURES
        if name in found
    ]
    write_text(args.out / f"losses-{args.size}.md", "\n".join(parts))
    print("\n".join(parts))


if __name__ == "__main__":
    main()
