"""CMA-ES against random search: the best loss with the same number of trials, on two samples, for several seeds.

python benchmarks/sweep.py [--trials 27] [--iterations 150] [--size 24] [--seeds 3] [--workers 2] [--json FILE]

Each of the studies (a sampler, a sample, a seed) is an ordinary one of `srnca sweep`, without pruning. If the script
is started again, it continues with unfinished studies. The space is that of sweep.toml beside this file. Both samplers
get the same budget: trials × iterations on the same picture.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from equations.files import write_text
from srnca.provenance import provenance
from srnca.studies.storage.results import list_results, open_study
from srnca.studies.storage.schema import DONE

SAMPLERS = ("cmaes", "random")
SAMPLES = ("snake", "orchid")


def run_study(name: str, sampler: str, sample: str, seed: int, options: argparse.Namespace) -> None:
    """One study to its end, in its own process."""
    words = [sys.executable, "-m", "srnca", "sweep", f"sample:{sample}", "--study", name, "--sampler", sampler]
    words += ["--seed", str(1000 * seed), "--prune", "0", "--trials", str(options.trials)]
    words += ["--iterations", str(options.iterations), "--size", str(options.size), "--device", options.device]
    words += ["--workers", str(options.workers), "--json", "--quiet"]
    words += ["--space", str(options.space.resolve())]
    subprocess.run(words, check=True, cwd=options.folder, stdout=subprocess.DEVNULL)


def measure(name: str, folder: Path) -> dict[str, Any]:
    """The best loss of a study, the best loss after each trial, and the number of trials without a loss."""
    storage = f"journal:{folder / f'{name}.study' / 'journal.log'}"
    results = list_results(open_study(name, storage))
    losses = [r.value for r in results if r.status == DONE and r.value is not None]
    best = itertools.accumulate((r.value if r.status == DONE and r.value else math.inf for r in results), min)
    return {
        "best": min(losses),
        "median": statistics.median(losses),
        "curve": [None if math.isinf(x) else x for x in best],
        "without_loss": len(results) - len(losses),
        "time_s": sum(r.time_s or 0 for r in results),
        "params": min((r for r in results if r.status == DONE), key=lambda r: r.value or math.inf).params,
    }


def main() -> None:
    options = _arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for seed, sample, sampler in itertools.product(range(options.seeds), SAMPLES, SAMPLERS):
        name = f"{sampler}-{sample}-{seed}-t{options.trials}-i{options.iterations}-s{options.size}"
        run_study(name, sampler, sample, seed, options)
        found[f"{sample} {seed} {sampler}"] = result = measure(name, options.folder)
        print(
            f"{sample}  seed {seed}  {sampler:6}  best {result['best']:.4g}  median {result['median']:.4g}", flush=True
        )
    print(f"\nbest loss of {options.trials} trials of {options.iterations} iterations at size {options.size}")
    print("| sample | seed | CMA-ES | random | CMA-ES / random |\n|---|---|---|---|---|")
    ratios = []
    for sample, seed in itertools.product(SAMPLES, range(options.seeds)):
        ours, theirs = (found[f"{sample} {seed} {sampler}"]["best"] for sampler in SAMPLERS)
        ratios.append(ours / theirs)
        print(f"| {sample} | {seed} | {ours:.4g} | {theirs:.4g} | {ours / theirs:.2f} |")
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    won = sum(ratio < 1 for ratio in ratios)
    print(f"\ngeometric mean of the ratios {mean:.3f}; CMA-ES was better in {won} of {len(ratios)}")
    if options.json:
        setup = {k: str(v) for k, v in vars(options).items()}
        data = {"studies": found, "ratio": mean, "won": won, "setup": setup, "provenance": provenance()}
        write_text(options.json, json.dumps(data, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=27)  # three generations of CMA-ES
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--size", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--space", type=Path, default=Path(__file__).with_suffix(".toml"))
    parser.add_argument("--folder", type=Path, default=Path("outputs/sweep"))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
