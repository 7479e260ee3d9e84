"""A rule as a stand-alone Python script that needs only NumPy and gives the reference backend's states."""

from __future__ import annotations

from equations.expressions import guards
from equations.expressions.tree import to_tree
from equations.printers.cell import identifiers, responses
from equations.printers.code import NUMPY, print_trees
from equations.rule import mask
from equations.rule.display import display_of
from equations.rule.rule import Rule
from equations.simulation import first_init

_TEMPLATE = '''"""A local update rule as a stand-alone simulator.

    python rule.py --steps 200 --size 128 --seed 0 --out state.npy      (--size N or WIDTHxHEIGHT)

Writes the final state, float32 (channel, height, width), channels {channels}.
"""

import argparse

import numpy as np

CHANNELS = {channel_list!r}
DT = {dt!r}
CLAMP = {clamp!r}  # None or (low, high)
THRESHOLD = {threshold}  # a cell updates iff its hash is below this; 2**32 means always
MASK_CHANNELS = {mask_channels}  # 0: one draw per cell
BACKGROUND, AMPLITUDE = {background!r}, {amplitude!r}


def mix(h):
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32({mix_1})
    h = h ^ (h >> np.uint32(15))
    h = h * np.uint32({mix_2})
    return h ^ (h >> np.uint32(16))


def cell_hash(seed, step, h, w, channels):
    """A 32-bit hash of (seed, step, y, x[, channel]); all arithmetic is modulo 2**32."""
    y, x = np.arange(h, dtype=np.uint32)[:, None], np.arange(w, dtype=np.uint32)[None, :]
    golden = np.uint32({golden})
    key = mix(mix(np.array([seed], np.uint32) + golden) ^ np.uint32(step))
    cell = mix(mix(key ^ y) ^ x)
    if not channels:
        return cell
    return mix(cell + np.arange(1, channels + 1, dtype=np.uint32)[:, None, None] * golden)


def uniform(seed, h, w, channels={count}):
    """Random numbers in [0, 1), 24 bits, (channel, h, w)."""
    drawn = cell_hash(seed, {init_step}, h, w, channels) >> np.uint32(8)
    return drawn.astype(np.float32) * np.float32(2.0**-24)


def start(h, w, seed):
    """The initial state (channel, h, w)."""
    state = np.empty((len(CHANNELS), h, w), np.float32)
    state[:] = np.asarray(BACKGROUND, np.float32)[:, None, None]
{marks}
    if any(AMPLITUDE):
        noise = uniform(seed, h, w) * np.float32(2) - np.float32(1)
        state += np.asarray(AMPLITUDE, np.float32)[:, None, None] * noise
    return state


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


{picture}def step(s, index, seed):
    with np.errstate(all="ignore"):
        moved = s + DT * update(s)
        if THRESHOLD < 2**32:
            drawn = cell_hash(seed, index, *s.shape[1:], MASK_CHANNELS)
            moved = np.where(drawn < np.uint32(THRESHOLD), moved, s)
        return moved if CLAMP is None else np.clip(moved, *CLAMP)


def size(text):
    width, _, height = text.partition("x")
    return int(height or width), int(width)


def main():
    parser = argparse.ArgumentParser(description="Simulate the rule in this file.")
    parser.add_argument("--steps", type=int, default=1000, help="whole number (1000)")
    parser.add_argument("--size", type=size, default=(128, 128), help="cells: N or WIDTHxHEIGHT (128)")
    parser.add_argument("--seed", type=int, default=0, help="of the first state and the update mask (0)")
    parser.add_argument("--out", default="state.npy", help="the last state, (channel, height, width) (state.npy)")
    options = parser.parse_args()
    state = start(*options.size, options.seed)
    for index in range(options.steps):
        state = step(state, index, options.seed)
    np.save(options.out, state)


if __name__ == "__main__":
    main()
'''


# where an initial state of each kind is SQUARE instead of the background
_SQUARE = "    square = np.asarray({square}, np.float32)[:, None, None]\n"
_MARKS = {
    "noise": "",
    "square": _SQUARE
    + """    rows, columns = (max(1, int(np.floor(n * {fraction} + 0.5))) for n in (h, w))
    top, left = (h - rows) // 2, (w - columns) // 2
    state[:, top : top + rows, left : left + columns] = square
""",
    "spots": _SQUARE
    + """    radius = max(1, int(np.floor({fraction} * min(h, w) / 2 + 0.5)))
    offsets = np.arange(-radius, radius + 1)
    dy, dx = np.nonzero(offsets[:, None] ** 2 + offsets**2 <= radius**2)
    drawn = uniform(seed, 1, {spots}, 2)[:, 0]
    for y, x in np.floor(drawn * np.array([[h], [w]], np.float32)).astype(int).T:
        state[:, (y + dy - radius) % h, (x + dx - radius) % w] = square[:, 0]
""",
    "cross": _SQUARE
    + """    state[0::2, :, : w // 2] = square[0::2]
    state[1::2, : h // 2, :] = square[1::2]
""",
}


_PICTURE = '''def picture(s):
    """The picture (h, w, 3) of a state, uint8: red, green and blue, clipped to [0, 1]."""
    out = np.empty((3, *s.shape[1:]), s.dtype)
    with np.errstate(all="ignore"):
{body}
    out = np.nan_to_num(np.clip(out, 0, 1), nan=0.0).transpose(1, 2, 0)
    return np.floor(out * 255 + 0.5).astype(np.uint8)


'''


def print_rule(rule: Rule) -> str:
    """The script; its `update`, mask and initial state repeat the reference operation by operation."""
    init = first_init(rule)
    return _TEMPLATE.format(
        channels=", ".join(rule.channels),
        channel_list=list(rule.channels),
        count=len(rule.channels),
        dt=rule.dt,
        clamp=rule.clamp,
        threshold=mask.threshold(rule.update_rate),
        mask_channels=len(rule.channels) if rule.mask == "channel" else 0,
        background=init.background,
        amplitude=init.amplitude,
        marks=_MARKS[init.kind].format(square=init.square, fraction=init.square_fraction, spots=init.spots).rstrip(),
        mix_1=hex(mask.MIX_1),
        mix_2=hex(mask.MIX_2),
        golden=hex(mask.GOLDEN),
        init_step=hex(mask.INIT_STEP),
        floor=guards.RECIPROCAL_FLOOR,
        body="\n".join(f"    {line}" for line in _body(rule)),
        picture=_picture(rule),
    )


def _picture(rule: Rule) -> str:
    """The function `picture`, for a rule that shows red, green and blue; nothing for others."""
    display = display_of(rule)
    if not display.in_colour:
        return ""
    names = dict(zip(rule.channels, identifiers("v", rule.channels), strict=True))
    lines = [f"{names[name]} = s[{rule.channels.index(name)}]" for name in dict.fromkeys(display.channels)]
    code = print_trees(display.trees(), NUMPY, names)
    lines += [*code.lines, *(f"out[{index}] = {result}" for index, result in enumerate(code.results))]
    return _PICTURE.format(body="\n".join(f"        {line}" for line in lines))


def _body(rule: Rule) -> list[str]:
    def read(channel: int, dy: int, dx: int) -> str:
        return f"at({channel}, {dy}, {dx})"

    names = dict(zip(rule.feature_names, identifiers("v", rule.feature_names), strict=True))
    lines = [f"{names[name]} = {text}" for name, text in responses(rule, read, repr, "np.zeros_like(s[0])").items()]
    code = print_trees([to_tree(expr) for expr in rule.expressions], NUMPY, names)
    return [*lines, *code.lines, *(f"out[{index}] = {result}" for index, result in enumerate(code.results))]
