"""Recordings of Gray-Scott, and how far a network is from its law."""

from __future__ import annotations

import numpy as np
import torch

from distill.identify.footage import Footage
from srnca.dynamics.network import RecordingNCA
from tests.test_distill.recorded import gray_scott_rates
from tests.test_srnca.recorded import record

torch.set_num_threads(1)
TINY = {"hidden": 3, "filters": 2, "iterations": 6, "batch_size": 2, "max_ca_steps": 2}


def footage(frames: int = 14, every: int = 1, dt: float = 1.0) -> Footage:
    return Footage([record(frames, every)[1]], ("u", "v"), dt)


def relative_error(nca: RecordingNCA, frames: np.ndarray) -> float:
    states = torch.from_numpy(frames).double().transpose(0, 1)
    with torch.no_grad():
        got, true = nca.update(nca.perceive(states)).view(states.shape), gray_scott_rates(states)
    return float((got - true).norm() / true.norm())
