"""Stencils: named 3×3 kernels with their scale included, and a catalogue of the common ones.

Cross-correlation convention: `kernel[1 + dy][1 + dx]` weighs `s[y + dy, x + dx]`; y grows downwards, x to the
right. So `dx` is positive where the state grows to the right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from equations.errors import InputError, shorten
from equations.rule.mask import hash_u32
from equations.rule.symbols import NAME

Kernel = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
MAX_STENCILS = 20
MAX_WEIGHT = 1e30  # a Laplacian on cells of 1e-9, a nanometre in metres, has weights of 1e18


@dataclass(frozen=True)
class Stencil:
    """A named 3×3 kernel of finite numbers. Raises InputError otherwise."""

    name: str
    kernel: Kernel

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.match(self.name):
            raise InputError(f"expected a stencil name of letters, digits and _, got {shorten(self.name)}")
        try:
            rows = tuple(tuple(float(weight) for weight in row) for row in self.kernel)
        except (TypeError, ValueError, OverflowError):
            rows = ()
        finite = all(math.isfinite(weight) and abs(weight) <= MAX_WEIGHT for row in rows for weight in row)
        if len(rows) != 3 or any(len(row) != 3 for row in rows) or not finite:
            raise InputError(f'stencil "{self.name}": expected 3 rows of 3 finite numbers, got {shorten(self.kernel)}')
        object.__setattr__(self, "kernel", rows)

    @cached_property
    def groups(self) -> tuple[tuple[float, tuple[tuple[int, int, int], ...]], ...]:
        """The cells grouped by the size of their weight: `(weight, ((sign, dy, dx), …))`, zeros left out.

        Response = Σ weight · (Σ sign · s[y+dy, x+dx]). Every backend evaluates it in this order, so that all round
        alike; a nine-point kernel costs two or three multiplications.
        """
        found: dict[float, list[tuple[int, int, int]]] = {}
        signs: dict[float, float] = {}
        for dy, row in zip((-1, 0, 1), self.kernel, strict=True):
            for dx, weight in zip((-1, 0, 1), row, strict=True):
                if weight != 0:
                    first = signs.setdefault(abs(weight), weight)
                    found.setdefault(first, []).append((1 if weight == first else -1, dy, dx))
        return tuple((weight, tuple(cells)) for weight, cells in found.items())


def divided(rows: tuple[tuple[float, ...], ...], divisor: float) -> Kernel:
    """The kernel with these rows, each weight divided by `divisor`."""
    a, b, c = ((row[0] / divisor, row[1] / divisor, row[2] / divisor) for row in rows)
    return a, b, c


def _random_kernel(number: int) -> Kernel:
    """A random kernel with zero mean and unit norm, drawn from the counter hash: it never changes."""
    drawn = [int(hash_u32(number, 0, y, x)) / 2**32 for y in range(3) for x in range(3)]
    mean = math.fsum(drawn) / 9
    norm = math.sqrt(math.fsum((value - mean) ** 2 for value in drawn))
    flat = [(value - mean) / norm for value in drawn]
    return divided((tuple(flat[0:3]), tuple(flat[3:6]), tuple(flat[6:9])), 1.0)


ID = Stencil("id", divided(((0, 0, 0), (0, 1, 0), (0, 0, 0)), 1))
LAP = Stencil("lap", divided(((1, 2, 1), (2, -12, 2), (1, 2, 1)), 16))  # isotropic to second order
DX = Stencil("dx", divided(((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), 8))  # Sobel
DY = Stencil("dy", divided(((-1, -2, -1), (0, 0, 0), (1, 2, 1)), 8))
MOORE = Stencil("moore", divided(((1, 1, 1), (1, 0, 1), (1, 1, 1)), 8))  # mean of the eight neighbours
LAP5 = Stencil("lap5", divided(((0, 1, 0), (1, -4, 1), (0, 1, 0)), 1))  # five-point, grid spacing 1
# Karl Sims, "Reaction-Diffusion Tutorial": weights -1, 0.2 (edges), 0.05 (corners)
LAP9SIMS = Stencil("lap9sims", divided(((0.05, 0.2, 0.05), (0.2, -1.0, 0.2), (0.05, 0.2, 0.05)), 1))

STENCILS: dict[str, Stencil] = {s.name: s for s in (ID, LAP, DX, DY, MOORE, LAP5, LAP9SIMS)}
STENCILS |= {f"f{n}": Stencil(f"f{n}", _random_kernel(n)) for n in range(5, MAX_STENCILS)}

_NCA_ORDER = ("id", "lap", "dx", "dy", "moore", *(f"f{n}" for n in range(5, MAX_STENCILS)))


def nca_stencils(n: int) -> tuple[Stencil, ...]:
    """The first `n` (1…20) of id, lap, dx, dy, moore, f5 … f19: the perception of an NCA with `n` filters."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_STENCILS:
        raise InputError(f"expected 1 to {MAX_STENCILS} filters, got {shorten(n)}")
    return tuple(STENCILS[name] for name in _NCA_ORDER[:n])


def feature_name(channel: str, stencil: str) -> str:
    """The name of a channel's response to a stencil: `u_lap` for `u` and `lap`, just `u` for `id`."""
    return channel if stencil == "id" else f"{channel}_{stencil}"


def feature_names(channels: tuple[str, ...], stencils: tuple[Stencil, ...]) -> tuple[str, ...]:
    """All feature names, channel-major: index = channel · filters + filter."""
    return tuple(feature_name(channel, stencil.name) for channel in channels for stencil in stencils)
