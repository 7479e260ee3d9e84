"""Small pictures of known patterns, and a short search, which these tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from distill.refine import Objective
from distill.result import Distillation
from distill.species import distill_species
from distill.species.search import SETTINGS

torch.set_num_threads(1)

DARK, LIGHT = np.array([0.1, 0.2, 0.15]), np.array([0.9, 0.7, 0.3])
SHORT = {
    "least_iterations": 2, "iterations": 1, "side": 16, "steps": (4, 8), "pool": 6, "judge_seeds": 1, "ages": (40, 60),
    "trial_steps": 5, "final_seeds": 2, "late_ages": (80,), "damage_interval": 5, "large_seeds": 1, "large_lots": 1,
    "judged_at": (1.0,), "spent": float("inf"),
}  # fmt: skip


def waves(size: int, wavelength: float, degrees: float) -> npt.NDArray[np.float32]:
    """Soft stripes, (size, size, 3); degrees: of their wave vector, from the x to the y axis, which points down."""
    y, x = np.mgrid[:size, :size]
    angle = np.radians(degrees)
    height = 0.5 + 0.5 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wavelength)
    return (DARK + height[..., None] * (LIGHT - DARK)).astype(np.float32)


def spots(size: int, spacing: int, radius: float) -> npt.NDArray[np.float32]:
    """Light discs on a dark ground, on a lattice."""
    y, x = (np.mod(axis, spacing) - spacing / 2 + 0.5 for axis in np.mgrid[:size, :size])
    inside = (np.hypot(x, y) < radius)[..., None]
    return np.where(inside, LIGHT, DARK).astype(np.float32)


def contrast_of(picture: npt.NDArray[np.float32]) -> Objective:
    """Mean colour and contrast: quick, and enough to tell a pattern from none."""
    pixels = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    mean, spread = pixels.mean(dim=(1, 2)), pixels.std(dim=(1, 2))

    def measure(rgb: Tensor) -> Tensor:
        return (rgb.mean(dim=(2, 3)) - mean).square().sum(dim=1) + (rgb.std(dim=(2, 3)) - spread).square().sum(dim=1)

    def train(rgb: Tensor, random: Generator) -> Tensor:
        return (measure(rgb) + 1e-4).log()

    return Objective(train=train, judge=lambda rgb: measure(rgb) + 1e-3, measure=measure)


def short_search(picture: npt.NDArray[np.float32], **options: Any) -> Distillation:
    settings = replace(SETTINGS, **{**SHORT, **options.pop("settings", {})})
    return distill_species(picture, contrast_of(picture), **{"species": 2, "settings": settings, **options})
