"""
Read a law
==========

Why does this equation make spots, and of what size? The uniform state, small waves on it, and Turing's answer, first by
hand and then by `srnca analyze`.
"""

# %%
# A law as mathematics
# --------------------
#
# A rule's updates are SymPy expressions. `u_lap` is the Laplacian of u. Schnakenberg's model (1979) is a small one:

import matplotlib.pyplot as plt
import numpy as np
import sympy

from equations import models, render, simulate
from equations.analysis import analyze, peak_wavelength
from srnca import widget

SIDE = 64
STEPS = 6000

rule = models.get("schnakenberg")
rule

# %%
# Where it rests
# --------------
#
# In a uniform state the Laplacians are 0, and nothing changes if the reaction is 0.

symbols = {s.name: s for expr in rule.expressions for s in expr.free_symbols}
u, v, u_lap, v_lap = (symbols[name] for name in ("u", "v", "u_lap", "v_lap"))
reaction = [expr.subs({u_lap: 0, v_lap: 0}) for expr in rule.expressions]
((u0, v0),) = sympy.solve(reaction, [u, v])
print(f"u = {float(u0):.3f}, v = {float(v0):.3f}")

# %%
# Small waves
# -----------
#
# A small wave exp(ikx) on that state sees the Laplacian as −k². So it grows at the rate Re λ, where λ is an
# eigenvalue of the matrix J − k² D: J has the slopes of the reaction, D the diffusion coefficients. This is the
# **dispersion relation** (Turing 1952; Murray, Mathematical Biology II, chapter 2).

slopes = sympy.Matrix(reaction).jacobian([u, v]).subs({u: u0, v: v0})
J = np.array(slopes, dtype=float)
D = np.array([[float(expr.coeff(lap)) for lap in (u_lap, v_lap)] for expr in rule.expressions])
waves = np.linspace(0, 1.2, 200)
growth = np.array([np.linalg.eigvals(J - k**2 * D).real.max() for k in waves])
fastest = waves[growth.argmax()]
print(f"J = {J.tolist()}, D = {D.tolist()}")
print(f"growth at k = 0: {growth[0]:.3f}; fastest wave: {2 * np.pi / fastest:.2f} cells, rate {growth.max():.3f}")

plt.plot(waves, growth)
plt.axhline(0, color="grey", lw=0.8)
plt.xlabel("wave number k")
plt.ylabel("growth rate Re λ")
plt.show()

# %%
# Without waves (k = 0) everything decays; waves of about 13 cells grow. That is **Turing's instability**: v spreads
# 20 times as fast as u, so a spot of u starves its surroundings of v, and feeds on what flows in.
#
# Does it come true?
# ------------------

frames = simulate(rule, size=SIDE, steps=STEPS, seed=0, every=STEPS)
plt.imshow(render(rule, frames[-1]))
plt.axis("off")
plt.show()
wavelength = peak_wavelength(frames[-1][0])
print(f"wavelength of the pattern: {wavelength:.1f} cells" if wavelength else "no pattern yet")

# %%
# The pattern begins with the fastest wave. Far from the onset it may settle at another length, since spots have to be
# packed.
#
# All at once
# -----------
#
# `srnca analyze schnakenberg` does this for any rule, with kinks, masks and clamps, on the grid that is really used.
# In Python:

found = analyze(rule, size=SIDE, steps=STEPS // 3)
print(found.verdict.name, "-", found.verdict.reason)
print(f"predicted {found.predicted:.2f} cells")

# %%
# Change a parameter and the verdict changes. If v spreads only as fast as u, there is no pattern:

slow = rule.replace(updates={"u": rule.updates["u"], "v": reaction[1] + v_lap})
print(analyze(slow, size=SIDE, steps=0).verdict.name)

# %%
# Touch it
# --------
#
# `widget(rule)` is the rule as a page that runs, in a frame of the notebook. Press play, cut a piece out of the
# pattern, or drag a constant under *Equations* and see when the spots go. In a browser without WebGL2 it stays empty.
# `widget(rule).save("spots.html")` writes the page into a file of its own; so does `srnca page schnakenberg`.

widget(rule, title="Schnakenberg's spots")

# %%
# This page ran when the site was built. What stands above is its output.
