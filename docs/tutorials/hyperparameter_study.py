"""
A study of hyperparameters
==========================

Which settings make good automata for your pictures? A search with any number of workers, ratings by eye, and a page
that says what mattered.
"""

# sphinx_gallery_thumbnail_path = 'images/first-study.png'

# %%
# A space to search
# -----------------
#
# The study's file says which settings are searched, and where. All others keep the values of `--preset`. It needs
# `pip install 'srnca[sweep]'`.

import subprocess
import sys
from pathlib import Path

from srnca.studies.storage.results import list_results, open_study

TRIALS = 20
ITERATIONS = 600
SIZE = 48

Path("space.toml").write_text(
    """\
channels = [4, 6, 8]
hidden = [32, 64]
learning_rate = { low = 3e-4, high = 1e-2, log = true }
"""
)

# %%
# The search
# ----------
#
# Two pictures, so that settings win that suit more than one of them. Run the same command in a second terminal, or on
# a second machine with the same folder, to add a worker. Ctrl-C saves, and the next call continues.

command = [
    "sweep",
    "sample:snake",
    "sample:orchid",
    "--study",
    "plants",
    "--space",
    "space.toml",
    "--sampler",
    "random",
]
command += ["--trials", str(TRIALS), "--iterations", str(ITERATIONS), "--size", str(SIZE), "--seed", "0"]
subprocess.run([sys.executable, "-m", "srnca", *command, "--quiet"], check=True)

# %%
# The trials
# ----------
#
# A trial that was worse than most at the same point of its training was stopped early (`pruned`). The loss is the
# texture loss: 0 is the picture, 1 a flat colour.

for trial in sorted(list_results(open_study("plants")), key=lambda t: sum(t.losses.values()) if t.losses else 9.0):
    print(trial.number, trial.status, {k: round(v, 3) for k, v in (trial.losses or {}).items()}, trial.params)

# %%
# Which settings mattered
# -----------------------
#
# `srnca rate plants` shows the pictures without their settings, and you press 0 to 5. `srnca explore plants --out
# report` writes a page: how much each setting explains, with intervals, the loss over each setting, maps of the
# trials, and sets to try next. With 12 rated pictures it also learns a score from your ratings, and says whether that
# score can be trusted.
#
# How many trials?
# ----------------
#
# `random` for a few dozen, `cmaes` for a hundred or more. Short trainings mislead: the loss rises before it falls,
# and with too few iterations those settings win with which nothing is learned. Check whether the best sets lie at the
# ends of their ranges; then extend the ranges.
#
# What a run gave
# ---------------
#
# This page was not run when the site was built: 20 trials of two trainings take an hour or two. The tests run it with
# two trials of two iterations on 16 × 16 cells. The first study of this project, 14 sets on four pictures, 56
# trainings, took 20 minutes on two cores, and is shown with its report in `docs/benchmarks.md`.
