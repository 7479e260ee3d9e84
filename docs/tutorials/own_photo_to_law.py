"""
Your own photo → law
====================

From a photo of leaves, fur, bark, sand or stone to equations that make its pattern on a grid of any size.
"""

# sphinx_gallery_thumbnail_path = 'images/textures.png'

# %%
# What to photograph
# ------------------
#
# A rule makes a **texture**: something that looks the same everywhere. So:
#
# - One pattern fills the picture. No border, no second thing in a corner, no single object.
# - Look straight at it. A surface that recedes has large elements in front and small ones behind.
# - Even light. A shadow, or a corner that is darker, is a part of the statistics too.
# - At least four elements (spots, stripes, pebbles) along each side, and each of them at least four cells wide.
#
# The picture is scaled to 64 × 64 cells, whatever its size was. A photo of 4000 pixels with pebbles of 50 pixels has
# pebbles smaller than a cell: crop it, so that the crop has four to ten elements along a side.
#
# `PHOTO` is the path of your photo; here a built-in picture stands for it. `CROP` is (left, top, side) in pixels of
# the photo, or None for the largest centred square.

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from equations import render, simulate
from srnca import Judge, NCATeacher, distill_checkpoint, load_target, preset, train, widget

PHOTO = "sample:roundleaf"
CROP = None
SIZE = 64
ITERATIONS = 900
EFFORT = 0.7

target = load_target(PHOTO, SIZE, crop=CROP)
print(target.name, target.pixels.shape, *target.notes, sep="\n")

# %%
# The notes say what was done to the picture: cropped, enlarged, transparent parts filled. Look at what is left: this
# is all that will be learned.

plt.imshow(target.pixels)
plt.axis("off")
plt.show()

# %%
# Train an automaton
# ------------------
#
# A neural cellular automaton grows from noise, and is trained until its statistics are those of the picture. On two
# free cores 900 iterations take about 2.5 minutes. On the command line this is `srnca train leaf.jpg --crop 0,0,1200
# --out photo.pt --preview now.png`, and `now.png` shows how it goes.

config = replace(preset("default"), size=SIZE, iterations=ITERATIONS)
checkpoint = train(target, config, out=Path("photo.pt"))
print(f"texture loss {checkpoint.history[0]:.2f} -> {checkpoint.history[-1]:.3f}; 0 is the picture, 1 a flat colour")

# %%
# Is it good?
# -----------
#
# The texture loss is what was trained, so it flatters. The judge is another measure, on which nothing is trained. Up
# to 0.1 it is excellent, up to 0.2 good, up to 0.4 fair, and beyond that poor.

teacher = NCATeacher(checkpoint)
state = teacher.rollout(size=(SIZE, SIZE), steps=400, seed=1, every=400)[-1]
picture = teacher.pictures(state[None])[0]  # (h, w, 3)
judge = Judge(target.pixels)
print(f"judge: automaton {judge(picture):.2f}, flat colour {judge(np.full_like(picture, 0.5)):.2f}")

figure, axes = plt.subplots(1, 2)
for axis, shown, title in zip(axes, (target.pixels, picture), ("picture", "automaton"), strict=True):
    axis.imshow(shown.clip(0, 1))
    axis.set(title=title, xticks=[], yticks=[])
plt.show()

# %%
# A poor automaton has no good rule, so go on only when this picture pleases you. What helps, in this order: a better
# crop (the most frequent cause), more iterations, another seed, `preset("quality")`, which needs half an hour.
#
# Find the rule
# -------------
#
# Equations are fitted to the automaton's steps, then tuned while they run, and shortened. `EFFORT = 1` is the usual
# work. A folder is written with `rule.json`, `report.html` and `figure.png`.

result = distill_checkpoint(checkpoint, effort=EFFORT, out=Path("photo-rule"))
print("terms of each channel:", result.rule.terms())
print("judge:", {who: round(value, 2) for who, value in result.report["judge"].items() if value is not None})
print(result.report["shortfall"] or "the rule is about as good as its automaton")
result  # in a notebook: the front, number of terms against texture loss, and the chosen rule as equations

# %%
# Run it, larger than anything it was trained on.

frames = simulate(result.rule, size=(2 * SIZE, 4 * SIZE), steps=1000, seed=0, every=1000)
plt.imshow(render(result.rule, frames[-1]))
plt.axis("off")
plt.show()

# %%
# A page that runs it
# -------------------
#
# `photo-rule/page.html` is one file that runs the rule in any browser, also on a phone, without Python or network:
# damage it, drag a constant, drop a term. Send it to whoever took the photo. In a notebook `widget` shows it in a
# frame.

widget(result.rule, title="my photo")

# %%
# A law for a sheet of paper
# --------------------------
#
# The rule above follows the photo closely and has dozens of terms. `distill_checkpoint(checkpoint, species=2)`
# instead finds a reaction-diffusion law of two species with about 20 numbers. It makes a simpler picture: spots,
# stripes or a labyrinth in the photo's colours, with its wavelength and direction. It takes about six minutes.
#
# What a run gave
# ---------------
#
# This page was not run when the site was built; with two iterations on 16 × 16 cells the tests run it, to see that
# every line works. Runs at full size were measured on 2026-11-30 for the built-in pictures. With the default
# settings, the judge of the round leaf's automaton is 0.16; for the snake plant the automaton has 0.22 and its rule,
# of 72 terms in six channels, 0.25. The law of two species for the round leaf has 18 numbers and 0.38: clean yellow
# dots and worms on green, about half of each. On real photos (six of them, in `docs/benchmarks.md`) results range
# from good to poor.
#
# **Good**: the eye takes a piece of the result for a piece of the photo. The judge of the rule is below 0.2, and the
# picture at 1000 steps looks like the one at 400.
#
# **Bad**: a flat colour (train longer), coloured grain without form (the elements were smaller than two cells: crop),
# worms where there were spots (more effort, another seed), or a picture that bleaches or explodes after a thousand
# steps (another seed). The page "When it goes wrong" has each of these with what to do.
