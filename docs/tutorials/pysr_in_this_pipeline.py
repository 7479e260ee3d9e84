"""
PySR in this pipeline
=====================

PySR (Cranmer 2023) searches free-form equations with Julia. Here it is one of four engines, which help each other.
How to install it, how it is seeded, and when to ask for it.
"""

# sphinx_gallery_thumbnail_path = 'images/models/gierer-meinhardt-spots.png'

# %%
# Install
# -------
#
# PySR itself comes with SRNCA; Julia does not. `srnca doctor` says whether it is ready. If it is not, `python -c
# "import pysr"` downloads Julia and its packages once, which needs the network and some minutes. No command of SRNCA
# ever downloads it for you. How to use a Julia that is already installed stands in `docs/cli.md`, under distill.
#
# A missing Julia is an error of its own kind, `MissingPartError`, so a script can go on without it.

from distill import FitOptions, RuleTeacher, get_engine, sample
from equations import MissingPartError, models

EVALUATIONS = 20_000

# %%
# A law with a quotient
# ---------------------
#
# The engine `sparse` chooses from a library of features, their absolute values and products. A quotient is not among
# them. Gierer and Meinhardt's activator (1972) has one, a²/h, and so needs a free-form search: `operon`, or `pysr`.

rule = models.get("gierer-meinhardt")
print(rule.updates["a"])
teacher = RuleTeacher(rule, hide=True)  # hide: the engines see samples, not the law
samples = sample(teacher, rows=2000, size=(32, 32), steps=200, seed=0)

by_sparse = get_engine("sparse").fit(samples, 0, options=FitOptions(max_terms=6))
print("sparse:", by_sparse[-1].expr, f"error {by_sparse[-1].loss:.2g}")

# %%
# Seeds
# -----
#
# `guesses` are equations that the search starts from. `srnca distill --engine auto` does this by itself: each engine
# gets what the others have found, and all compete on one front of error against length. `rivals` are equations
# already on the front: what is worse than one of them need not be returned. `seed` makes a run repeatable.

options = FitOptions(
    seed=0,
    max_terms=6,
    evaluations=EVALUATIONS,
    guesses=[candidate.expr for candidate in by_sparse],
)
try:
    front = get_engine("pysr").fit(samples, 0, options=options)
except MissingPartError as error:
    print(error)
    front = get_engine("operon").fit(samples, 0, options=options)
for candidate in front:
    print(f"{candidate.complexity:3d}  {candidate.loss:.2e}  {candidate.expr}")

# %%
# On the command line
# -------------------
#
# `srnca distill --checkpoint leaf.pt --engine pysr` lets PySR search alone; `--engine auto` takes it into the
# competition where Julia is ready, and Operon otherwise. One Julia serves the whole distillation, in a process of its
# own. Ctrl-C ends it at once and keeps finished channels. The halls of fame (`hall_of_fame_output1.csv`, …) are in
# PySR's format, whichever engine found the equations.
#
# When does it beat the others?
# -----------------------------
#
# - `exact` is unbeatable where it applies: linear and abs networks are closed forms.
# - `sparse` is the first choice for polynomials and absolute values. It is exact on planted laws of that kind, and
#   takes seconds.
# - `operon` and `pysr` are for what is not in that library: quotients, roots, nested functions. Both are genetic
#   searches over the same operators and share the evaluations. Which of the two is better was not measured in this
#   project. PySR costs the start of Julia once.
# - After refinement the question matters less: constants are tuned and terms removed on running rules, whoever found
#   them.
#
# What a run gave
# ---------------
#
# This page was not run when the site was built. A run on 2026-11-30 had no Julia, so Operon took PySR's place: four
# seconds of processor time. `sparse` has an error of 5.1e-8 with six polynomial terms. Operon comes to 2.3e-8 with
# 20,000 evaluations and to 2.0e-8 with 240,000, and did **not** find the quotient in either run: its equations are
# polynomials too. In these samples h varies little, so that a polynomial in h is nearly as good as 1/h. That is a
# lesson for any engine: what the states don't show can't be found. On a recording of the same model with larger
# excursions Operon finds it, with all constants (`docs/recordings.md`). PySR itself was not measured here.
