"""
Use a rule elsewhere
====================

A rule as a Python script without SRNCA, as a C program, as a shader for the browser, and as a module of torch.
"""

# sphinx_gallery_thumbnail_path = 'images/models/gray-scott-mitosis.png'

# %%
# One rule, one state to compare with
# -----------------------------------
#
# Any `rule.json` will do: `rule = load_rule("leaf-rule/rule.json")`. Here it is a model of the catalogue. The backend
# `reference` is the plain NumPy definition that all others are compared with.

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from equations import models, print_rule, simulate

SIDE = 64
STEPS = 200

rule = models.get("gray-scott:mitosis")
expected = simulate(rule, size=SIDE, steps=STEPS, seed=0, every=STEPS, backend="reference")[-1]
folder = Path(tempfile.mkdtemp())

# %%
# Python without SRNCA
# --------------------
#
# The script needs NumPy and nothing else. `srnca show gray-scott:mitosis --format python > rule.py` writes the same
# file.

script = print_rule(rule, "python")
(folder / "rule.py").write_text(script)
print("\n".join(script.splitlines()[:12]), "\n…")

command = [sys.executable, "rule.py", "--steps", str(STEPS), "--size", str(SIDE), "--seed", "0", "--out", "state.npy"]
subprocess.run(command, cwd=folder, check=True)
print("largest difference:", np.abs(np.load(folder / "state.npy") - expected).max())

# %%
# C -
#
# A C99 program without dependencies. It writes a picture, and with `--state` the numbers.

(folder / "rule.c").write_text(print_rule(rule, "c"))
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
if compiler is None:
    print("there is no C compiler here")
else:
    subprocess.run([compiler, "-O3", "-o", "rule", "rule.c", "-lm"], cwd=folder, check=True)
    subprocess.run(["./rule", *command[2:-2], "--out", "rule.ppm", "--state", "rule.f32"], cwd=folder, check=True)
    state = np.fromfile(folder / "rule.f32", np.float32).reshape(expected.shape)
    print("largest difference:", np.abs(state - expected).max())

# %%
# A shader
# --------
#
# GLSL ES 3.00, for WebGL2: one draw of a triangle is one step. `docs/export.md` lists the textures and uniforms, with
# the JavaScript around it.

shader = print_rule(rule, "glsl")
print("\n".join(shader.splitlines()[:8]), "\n…")

# %%
# torch
# -----
#
# As a module, a rule is differentiable in its constants and in its state, and runs on a GPU. This is how constants
# are fitted to something.

import torch

from equations.backends.torch.module import TorchRule

module = TorchRule(models.load("gray-scott"), "mitosis")
start = simulate(rule, size=SIDE, steps=0, seed=0)[0]
state = module(torch.tensor(start), steps=20, seed=0)
state.square().mean().backward()
print({name: round(value, 4) for name, value in module.constants().items()})
print("slope of the mean square with respect to F:", f"{module.F.grad.item():.3g}")

# %%
# This page ran when the site was built. Python and C gave the very bits of the reference: the differences above are
# 0. What is guaranteed for each form stands in `docs/export.md`.
