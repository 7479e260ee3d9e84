"""Distances between a picture and its target, in 14 numbers: the inputs of the learned score."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NAMES = (
    *("gram_fine", "gram_middle", "gram_coarse", "patches"),
    *("spectrum_coarse", "spectrum_middle", "spectrum_fine"),
    *("contrast", "colour_mean", "colour_spread", "darkest", "brightest", "too_rough", "too_smooth"),
)  # fmt: skip
FLOOR = 1e-4  # added under every logarithm


class PictureStatistics:
    """Statistics of pictures against one target (h, w, 3) in [0, 1], whose own part is computed once.

    All are distances: a rating falls with each of them.
    gram_*: log relative Gram distance on each level of the `multiscale` bank.
    patches: log sliced Wasserstein distance of patches.
    spectrum_*: mean |log10 ratio of power|, in thirds of the octaves.
    contrast: |log ratio of the standard deviations|.
    colour_mean, colour_spread: log distance of the mean colours and of the colour covariances, in units of the
        target's contrast.
    darkest, brightest: distance of the 2nd and 98th percentiles of grey, in the same units.
    too_rough, too_smooth: log ratio of the mean squared differences of neighbouring pixels: its positive part, and its
        negative part without the sign.
    """

    def __init__(self, target: Array) -> None:
        import torch

        from srnca.texture.features import make_bank
        from srnca.texture.loss import gram
        from srnca.texture.patches import PatchDistance

        self.target = np.asarray(target, np.float32).clip(0, 1)
        self._gram, self._bank, self._patches = gram, make_bank("multiscale", self.target), PatchDistance(self.target)
        with torch.no_grad():
            self._grams = {name: gram(maps)[0] for name, maps in self._bank(_tensor(self.target)).items()}
        self._plain = _plain(self.target)

    def __call__(self, picture: Array) -> Array:
        """(h, w, 3) in [0, 1] -> one number for each of NAMES; the size may differ from the target's."""
        picture = np.nan_to_num(np.asarray(picture, np.float32)).clip(0, 1)
        ours, wanted = _plain(picture), self._plain
        contrast = wanted["deviation"]
        apart = np.abs(_band_ratios(ours["spectrum"], wanted["spectrum"]))
        rough = np.log((ours["roughness"] + FLOOR**2) / (wanted["roughness"] + FLOOR**2))
        covariance = np.linalg.norm(ours["covariance"] - wanted["covariance"]) / contrast**2
        return np.array(
            [
                *self._distances(picture),
                *(band.mean() for band in np.array_split(apart, 3)),
                abs(np.log((ours["deviation"] + FLOOR) / (contrast + FLOOR))),
                _log(np.linalg.norm(ours["mean"] - wanted["mean"]) / contrast),
                _log(covariance),
                abs(ours["darkest"] - wanted["darkest"]) / contrast,
                abs(ours["brightest"] - wanted["brightest"]) / contrast,
                max(rough, 0.0),
                max(-rough, 0.0),
            ],
            float,
        )

    def _distances(self, picture: Array) -> list[float]:
        """Log Gram distance of three levels, the last repeated where a picture is too small for three; log patches."""
        import torch

        from srnca.texture.features.multiscale import MultiScale

        with torch.no_grad():
            levels: dict[str, list[float]] = {}
            for name, maps in self._bank(_tensor(picture)).items():
                wanted = self._grams.get(name)
                if wanted is not None:
                    scale = wanted.square().sum().clamp_min(MultiScale.floor)
                    loss = (self._gram(maps)[0] - wanted).square().sum() / scale
                    levels.setdefault(name.partition("/")[0], []).append(float(loss))
            patches = float(self._patches(_tensor(picture))[0])
        means = [_log(float(np.mean(losses))) for losses in levels.values()]
        return [*(means + means[-1:] * 3)[:3], _log(patches)]


def measure(target: Array, picture: Array) -> Array:
    """The statistics of one picture; the target's part is cached."""
    pixels = np.ascontiguousarray(target, np.float32)
    return _of_target(pixels.tobytes(), pixels.shape)(picture)


@functools.lru_cache(maxsize=16)
def _of_target(data: bytes, shape: tuple[int, ...]) -> PictureStatistics:
    return PictureStatistics(np.frombuffer(data, np.float32).reshape(shape))


def _plain(picture: Array) -> dict[str, Any]:
    from equations.analysis.spectrum import windowed_spectrum

    grey, pixels = picture.mean(axis=2), picture.reshape(-1, 3).astype(float)
    steps = [np.diff(picture, axis=axis) for axis in (0, 1)]
    return {
        "spectrum": windowed_spectrum([grey]),
        "mean": pixels.mean(axis=0),
        "covariance": np.cov(pixels.T),
        "deviation": max(0.02, float(np.sqrt(np.square(pixels - pixels.mean(axis=0)).mean()))),
        "darkest": float(np.quantile(grey, 0.02)),
        "brightest": float(np.quantile(grey, 0.98)),
        "roughness": float(np.mean([np.square(step).mean() for step in steps])),
    }


def _band_ratios(ours: tuple[Array, Array], wanted: tuple[Array, Array]) -> Array:
    """log10 of (power / the target's power) at twelve frequencies, evenly spaced in octaves, coarse to fine."""
    low = max(ours[0][0], wanted[0][0])
    at = np.geomspace(low, 0.5, 12)
    powers = [np.interp(at, frequency, np.log10(power + FLOOR**2)) for frequency, power in (ours, wanted)]
    return np.asarray(powers[0] - powers[1])


def _log(value: float) -> float:
    return float(np.log(max(float(value), 0.0) + FLOOR))


def _tensor(picture: Array) -> Any:
    import torch

    return torch.from_numpy(np.array(picture.transpose(2, 0, 1)[None], np.float32))
