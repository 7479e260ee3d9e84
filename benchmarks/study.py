"""The field's first study again, at a reduced size: random sets of its seven hyperparameters on the plant samples.

    python benchmarks/study.py --out outputs/study [--trials 10] [--iterations 400] [--size 32] [--workers 2] [--quick]

Runs sets 5 and 8 of that study and then `--trials` random sets, each on the four samples, without pruning, and explores
the study. Sets 5 and 8 run as they were (learning rate 1e-5) and once more with 1e-3, which such a short training
needs. There are two workers of one thread each. If it is stopped and started again, it continues, even within trials.

Answers, with intervals: does a set that is good on one texture do well on the others, and is set 5 better than set 8?
`summary.json` has the numbers, `report/report.html` the pictures. `--quick` runs three random sets on two samples for a
few iterations, to see that everything works; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a train.py too
    sys.path[0] = str(ROOT)

from srnca.pages.study_folder import explore, summarise
from srnca.studies.explore.named import PAIR, SHAPE
from srnca.studies.search.space import STUDY
from srnca.studies.storage import schema
from srnca.studies.storage.connect import JOURNAL
from srnca.studies.workers.founding import StudyRequest, join_study
from srnca.texture.config import PRESETS

NAME = "first-study"
SAMPLES = ("sample:snake", "sample:roundleaf", "sample:orchid", "sample:alocasia")
RATES = (1e-5, 1e-3)  # as in the first study, and what a short training needs


def named_sets() -> list[dict[str, Any]]:
    """Sets 5 and 8 with each of the rates."""
    sets = []
    for rate in RATES:
        for name in PAIR:
            shape = {key: getattr(PRESETS[name], key) for key in SHAPE}
            sets.append(STUDY.check({**shape, "max_ca_steps": 40, "batch_size": 2, "learning_rate": rate}))
    return sets


def found(folder: Path, samples: tuple[str, ...], iterations: int, size: int, seed: int) -> tuple[Any, str]:
    """The study, created or joined, with the named sets in its queue."""
    home = folder / f"{NAME}.study"
    home.mkdir(parents=True, exist_ok=True)
    storage = f"{JOURNAL}{home / 'journal.log'}"
    settings = {
        "iterations": iterations, "size": size, "seed": seed, "sampler": "random", "prune": 0.0, "preset": "blog-set5",
    }  # fmt: skip
    study, new = join_study(NAME, storage, StudyRequest(samples, STUDY, settings))
    if new:
        study.set_user_attr(schema.QUEUE, named_sets())
    return study, storage


def run(storage: str, trials: int, workers: int) -> float:
    """Run the study with the command line; returns the seconds it took."""
    began = time.monotonic()
    words = [sys.executable, "-m", "srnca", "sweep", "--study", NAME, "--storage", storage, "--trials", str(trials)]
    words += ["--workers", str(workers), "--threads", "1", "--device", "cpu"]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": path})
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=10, help="random sets, besides the named ones")
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--views", default="pca,umap,autoencoder")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    samples = SAMPLES[:2] if options.quick else SAMPLES
    random, iterations, size = (3, 4, 24) if options.quick else (options.trials, options.iterations, options.size)
    folder = options.out.resolve()
    study, storage = found(folder, samples, iterations, size, options.seed)
    seconds = run(storage, random + len(named_sets()), options.workers)
    views = tuple(filter(None, options.views.split(",")))
    findings = explore(study, folder / f"{NAME}.study", folder / "report", wanted=views, seed=options.seed)
    summary = {**summarise(findings), "seconds_of_this_call": round(seconds), "iterations": iterations, "size": size}
    from srnca.cli.output import plain

    (folder / "summary.json").write_text(json.dumps(plain(summary), indent=1) + "\n", encoding="utf-8")
    print(summary["verdict"])
    for (a, b), (both, line) in findings.across.items():
        print(f"{a} → {b}: Pearson {both.pearson}, Spearman {both.spearman}, slope {line.slope}")
    for duel in findings.named.pairs if findings.named else ():
        rate = duel.how["learning_rate"]
        print(f"set 5 / set 8 on {duel.target} at {rate:g}: {duel.losses[0]:.3f} / {duel.losses[1]:.3f}")
    if findings.named and findings.named.ratio:
        print(f"set 5 over set 8, geometric mean over textures: {findings.named.ratio}")


if __name__ == "__main__":
    main()
