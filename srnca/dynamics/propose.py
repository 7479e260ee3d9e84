"""Terms proposed by regressing the recording on a library, along the network's rollouts.

The difference between a frame and an earlier state is dt times the sum of the rate over all steps in between. The
network gives these states, so the sum of every term of a library is known, and the recorded difference is regressed on
these sums. Nothing is differentiated, and errors of the network's rate matter little as long as its states are right.
"""

from __future__ import annotations

import numpy as np
import torch
from sympy import Expr

from distill.identify.windows import cleanest, gather
from distill.regression.greedy import Problem, sparsity_path
from distill.regression.library import full_library
from equations.expressions import build
from equations.rule.stencils import feature_names
from srnca.dynamics.teacher import RecordingNCATeacher

TERMS = 8  # proposed for each channel
WINDOWS, CELLS = 24, 12_000
LONGEST, NOISY = 4, 12  # most frames of a window, without and with noise


def propose_terms(teacher: RecordingNCATeacher, seed: int) -> dict[str, Expr]:
    """For each channel up to eight terms of the library that fit best together, with their weights."""
    footage, config = teacher.checkpoint.footage, teacher.checkpoint.config
    frames = max(1, min(NOISY if teacher.checkpoint.gain < 1 else LONGEST, footage.longest // 5))
    random = torch.Generator().manual_seed(seed)
    names = feature_names(teacher.channels, teacher.stencils)
    with torch.no_grad():
        states = cleanest(footage, lambda s: teacher.bounds(teacher.forecast(s)), teacher.nca.begin)[0]
        batches = gather(footage, states, footage.draw(frames, WINDOWS, random), frames, torch.device("cpu"))
        seen = teacher.nca.perceive(batches[0].first).T.numpy()
        places = [names.index(channel) for channel in teacher.channels]
        library = full_library(names, places, seen)
        count, channels = len(library.terms), len(teacher.channels)
        gram = np.zeros((channels, count, count))
        moment, power = np.zeros((channels, count)), np.zeros(channels)
        for batch in batches:
            state, grid = batch.first, batch.first[0].numel()
            chosen = torch.randperm(grid, generator=random)[: CELLS // len(batches)]
            root = batch.weight.expand(state[0].shape).flatten()[chosen].sqrt().numpy()
            sums = np.zeros((len(chosen), count))
            for k, wanted in enumerate(batch.later, 1):
                for _ in range(config.stride):
                    perceived = teacher.nca.perceive(state)
                    sums += config.dt * library.evaluate(perceived[:, chosen].T.numpy())
                    rate = teacher.nca.update(perceived).view(state.shape)
                    state = teacher.bounds(state + config.dt * rate)
                moved = (wanted - batch.first).flatten(1)[:, chosen].numpy() * root
                rows = sums * root[:, None]
                for c, unit in enumerate(footage.change_over(k).tolist()):
                    gram[c] += rows.T @ rows / unit**2
                    moment[c] += rows.T @ moved[c] / unit**2
                    power[c] += float(moved[c] @ moved[c]) / unit**2
    order = [len(term) for term in library.terms]
    found = {}
    for c, channel in enumerate(teacher.channels):
        path = sparsity_path(Problem(gram[c], moment[c], power[c], order), TERMS)
        chosen_terms = list(path[-1]) if path else []
        weights = _weights(gram[c], moment[c], chosen_terms)
        terms = [build.multiply(build.number(w), library.expr(i)) for i, w in zip(chosen_terms, weights, strict=True)]
        found[channel] = build.add(*terms)
    return found


def _weights(gram: np.ndarray, moment: np.ndarray, chosen: list[int]) -> list[float]:
    norm = np.sqrt(np.maximum(np.diag(gram)[chosen], 1e-300))
    scaled = gram[np.ix_(chosen, chosen)] / np.outer(norm, norm)
    found = np.linalg.lstsq(scaled, moment[chosen] / norm, rcond=1e-12)[0] / norm
    return [float(w) for w in found]
