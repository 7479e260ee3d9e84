"""
A recording → its equation
==========================

From frames of something that moves to its partial differential equation, with an error for every coefficient and a
verdict. With noise, in your units, and with a species that nobody sees.
"""

# %%
# A recording
# -----------
#
# Frames are an array (time, channel, height, width). Here they come from a simulation whose law we know. Oscillations
# that wind up into spiral waves:
#
# du/dt = u − (u − v)(u² + v²) + ∇²u and dv/dt = v − (u + v)(u² + v²) + ∇²v.
#
# The simulation takes steps of 0.006 on cells of width 1, and we keep every twentieth: frames are 0.12 apart. It
# starts from a cross with sharp edges, which seeds the spirals. The first five frames are left out, because such
# edges are narrower than a cell.

import matplotlib.pyplot as plt
import numpy as np

from distill import find_equation
from equations import models, simulate

SIDE = 48
FRAMES = 42

rule = models.load("lambda-omega").rule()
rule = rule.replace(dt=rule.dt / 5)
frames = simulate(rule, size=SIDE, steps=20 * (FRAMES + 4), seed=1, every=20)[5:].astype(float)
DT, DX = 20 * rule.dt, rule.dx
print(frames.shape, f"dt = {DT:g}, dx = {DX:g}")

figure, axes = plt.subplots(1, 4, figsize=(10, 2.6))
for axis, index in zip(axes, np.linspace(0, len(frames) - 1, 4).astype(int), strict=True):
    axis.imshow(frames[index, 0], cmap="coolwarm", vmin=-1, vmax=1)
    axis.set(title=f"u at t = {index * DT:.1f}", xticks=[], yticks=[])
plt.show()

# %%
# The equation
# ------------

clean = find_equation(frames, ("u", "v"), dt=DT, dx=DX)
print(clean.text())

# %%
# Exactly the terms of the law, and nothing else. The verdict is `found`. The coefficients of the reaction are within
# 1 % of the true ±1. That of the Laplacian is 0.97, not 1, and its error says ± 0.002: the simulation used the
# five-point Laplacian, which is weaker than ∇² for short waves, and the equation is right about what the data did. An
# error contains noise and chance, not what the recording itself does differently from the law.
#
# On the command line, with the frames in a file that holds dt and dx: `srnca distill --frames waves.npz --time
# continuous`.
#
# Noise
# -----
#
# A camera adds noise. Five percent of each channel's standard deviation:

noise = 0.05 * frames.std(axis=(0, 2, 3), keepdims=True)
noisy = frames + np.random.default_rng(0).normal(size=frames.shape) * noise
found = find_equation(noisy, ("u", "v"), dt=DT, dx=DX)
print(found.text())

# %%
# The same terms; the errors are ten times as large, and say so. Noise averages out: a longer recording of more cells
# helps.
#
# Units
# -----
#
# `dt` and `dx` set the units of the coefficients. If the frames are 0.5 s apart and a cell is 0.2 mm wide, pass
# those: then the Laplacian's coefficient is a diffusion coefficient in mm²/s. The terms are the same whatever the
# units are.

in_seconds = find_equation(frames, ("u", "v"), dt=0.5, dx=0.2)
print(f"D = {in_seconds.coefficients('u')['lap(u)']:.4g} mm²/s")
by_hand = clean.coefficients("u")["lap(u)"] * (DT / 0.5) * (0.2 / DX) ** 2
print(f"the first result, converted by hand: {by_hand:.4g} mm²/s")

# %%
# Partly seen
# -----------
#
# Often only one species is visible. Then the change of u is no function of u, and there is no law to be found:

alone = find_equation(frames[:, :1], ("u",), dt=DT, dx=DX)
print(alone.text())

# %%
# `none`, and the text says how much of the change stays unexplained. A verdict of `partly` or `none` is a result: a
# cause is missing (a channel, a term outside the library, a change with time or place). Do not quote the coefficients
# that stand beside it.
#
# How to record
# -------------
#
# - A transient: start from a random smooth state, and stop before it settles.
# - At least 16 frames of 16 × 16 cells; better 60 of 64 × 64. Neighbouring frames must resemble each other.
# - Numbers rather than colours: a colormap or a gamma curve bends the law.
# - Sharp and steady: blur in time or space shifts coefficients by more than their errors.
#
# This page ran when the site was built. What stands above is its output.
