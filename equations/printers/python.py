"""A rule as a stand-alone Python script: needs NumPy alone, and gives the reference backend's states."""

from __future__ import annotations

from equations import guards, mask
from equations.init import Init
from equations.printers.code import NUMPY, print_trees
from equations.rule import Rule
from equations.stencils import feature_name
from equations.tree import to_tree

_TEMPLATE = '''"""A local update rule as a stand-alone simulator.

    python rule.py --steps 200 --size 128 --seed 0 --out state.npy

Writes the final state, float32 (channel, height, width), channels {channels}.
"""

import argparse

import numpy as np

CHANNELS = {channel_list!r}
DT = {dt!r}
CLAMP = {clamp!r}  # None or (low, high)
THRESHOLD = {threshold}  # a cell updates iff its hash is below this; 2**32 means always
MASK_PER_CHANNEL = {per_channel}
BACKGROUND, AMPLITUDE = {background!r}, {amplitude!r}
SQUARE, SQUARE_FRACTION = {square!r}, {fraction!r}


def mix(h):
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32({mix_1})
    h = h ^ (h >> np.uint32(15))
    h = h * np.uint32({mix_2})
    return h ^ (h >> np.uint32(16))


def cell_hash(seed, step, h, w, per_channel):
    """A 32-bit hash of (seed, step, y, x[, channel]); all arithmetic is modulo 2**32."""
    y, x = np.arange(h, dtype=np.uint32)[:, None], np.arange(w, dtype=np.uint32)[None, :]
    golden = np.uint32({golden})
    key = mix(mix(np.array([seed], np.uint32) + golden) ^ np.uint32(step))
    cell = mix(mix(key ^ y) ^ x)
    if not per_channel:
        return cell
    return mix(cell + np.arange(1, len(CHANNELS) + 1, dtype=np.uint32)[:, None, None] * golden)


def start(h, w, seed):
    """The initial state (channel, h, w)."""
    state = np.empty((len(CHANNELS), h, w), np.float32)
    state[:] = np.asarray(BACKGROUND, np.float32)[:, None, None]
    if SQUARE:
        (top, bottom), (left, right) = span(h), span(w)
        state[:, top:bottom, left:right] = np.asarray(SQUARE, np.float32)[:, None, None]
    if any(AMPLITUDE):
        drawn = cell_hash(seed, {init_step}, h, w, True) >> np.uint32(8)
        noise = drawn.astype(np.float32) * np.float32(2.0**-24) * np.float32(2) - np.float32(1)
        state += np.asarray(AMPLITUDE, np.float32)[:, None, None] * noise
    return state


def span(length):
    side = max(1, int(np.floor(length * SQUARE_FRACTION + 0.5)))
    return (length - side) // 2, (length - side) // 2 + side


def reciprocal(x):
    """1/x, with |x| kept at or above {floor}."""
    x = np.asarray(x)
    floor = x.dtype.type({floor})
    return x.dtype.type(1) / np.where(np.abs(x) < floor, np.where(x < 0, -floor, floor), x)


def update(s):
    """The rule: change per unit of time of every channel, from the state (channel, h, w)."""
    p = np.pad(s, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    h, w = s.shape[1:]

    def at(channel, dy, dx):
        return p[channel, 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]

    out = np.empty_like(s)
{body}
    return out


def step(s, index, seed):
    with np.errstate(all="ignore"):
        moved = s + DT * update(s)
    if THRESHOLD < 2**32:
        drawn = cell_hash(seed, index, *s.shape[1:], MASK_PER_CHANNEL)
        moved = np.where(drawn < np.uint32(THRESHOLD), moved, s)
    return moved if CLAMP is None else np.clip(moved, *CLAMP)


def main():
    parser = argparse.ArgumentParser(description="Simulate the rule in this file.")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="state.npy")
    options = parser.parse_args()
    state = start(options.size, options.size, options.seed)
    for index in range(options.steps):
        state = step(state, index, options.seed)
    np.save(options.out, state)


if __name__ == "__main__":
    main()
'''


def print_rule(rule: Rule) -> str:
    """The script; its `update`, mask and initial state repeat the reference operation by operation."""
    count = len(rule.channels)
    init = rule.init or Init("noise", background=(0.0,) * count, amplitude=(0.1,) * count)
    return _TEMPLATE.format(
        channels=", ".join(rule.channels),
        channel_list=list(rule.channels),
        dt=rule.dt,
        clamp=rule.clamp,
        threshold=mask.threshold(rule.update_rate),
        per_channel=rule.mask == "channel",
        background=init.background,
        amplitude=init.amplitude,
        square=init.square if init.kind == "square" else (),
        fraction=init.square_fraction,
        mix_1=hex(mask.MIX_1),
        mix_2=hex(mask.MIX_2),
        golden=hex(mask.GOLDEN),
        init_step=hex(mask.INIT_STEP),
        floor=guards.RECIPROCAL_FLOOR,
        body="\n".join(f"    {line}" for line in _body(rule)),
    )


def _body(rule: Rule) -> list[str]:
    lines = []
    used = set(rule.used_features)
    for index, channel in enumerate(rule.channels):
        for stencil in rule.stencils:
            name = feature_name(channel, stencil.name)
            if name in used:
                lines.append(f"v_{name} = {_response(index, stencil.groups)}")
    names = {name: f"v_{name}" for name in rule.feature_names}
    code = print_trees([to_tree(expr) for expr in rule.expressions], NUMPY, names)
    return [*lines, *code.lines, *(f"out[{index}] = {result}" for index, result in enumerate(code.results))]


def _response(channel: int, groups: tuple[tuple[float, tuple[tuple[int, int, int], ...]], ...]) -> str:
    parts = []
    for weight, cells in groups:
        text = ""
        for sign, dy, dx in cells:
            joint = "" if not text else " + " if sign > 0 else " - "
            text += f"{joint}at({channel}, {dy}, {dx})"
        parts.append(f"({text})" if weight == 1 else f"{weight!r} * ({text})")
    return " + ".join(parts) if parts else f"np.zeros_like(s[{channel}])"
