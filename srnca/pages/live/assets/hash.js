// The counter hash of equations/rule/mask.py and the first states of equations/rule/init.py, bit for bit.

const GOLDEN = 0x9e3779b9;
const INIT_STEP = 0xffffffff; // the step number of the initial noise

function mix32(h) {
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

function stepKey(seed, step) {
  return mix32(mix32((seed + GOLDEN) >>> 0) ^ step);
}

// A multiple of 2^-24 in [0, 1) from the hash of a cell, which comes from mix32(row ^ x).
function uniformOf(cell, channel) {
  return (mix32((cell + Math.imul(channel + 1, GOLDEN)) >>> 0) >>> 8) * 2 ** -24;
}

// The first state, planar (channel, y, x). `init` has the fields of the Init of a rule.
function makeState(init, width, height, seed) {
  const cells = width * height;
  const channels = init.background.length;
  const state = new Float32Array(channels * cells);
  for (let c = 0; c < channels; c++) state.fill(init.background[c], c * cells, (c + 1) * cells);
  const fill = (c, y, x0, x1) => state.fill(init.square[c], c * cells + y * width + x0, c * cells + y * width + x1);
  if (init.kind === "square") {
    const [y0, y1] = squareSpan(height, init.square_fraction);
    const [x0, x1] = squareSpan(width, init.square_fraction);
    for (let c = 0; c < channels; c++) for (let y = y0; y < y1; y++) fill(c, y, x0, x1);
  } else if (init.kind === "spots") {
    for (const [y, x] of spotCells(init, width, height, seed)) for (let c = 0; c < channels; c++) fill(c, y, x, x + 1);
  } else if (init.kind === "cross") {
    for (let c = 0; c < channels; c++) {
      const even = c % 2 === 0;
      const rows = even ? height : Math.floor(height / 2);
      for (let y = 0; y < rows; y++) fill(c, y, 0, even ? Math.floor(width / 2) : width);
    }
  }
  if (init.amplitude.some((value) => value !== 0)) addNoise(state, init, width, height, seed);
  return state;
}

function addNoise(state, init, width, height, seed) {
  const cells = width * height;
  const key = stepKey(seed, INIT_STEP);
  const amplitude = Float32Array.from(init.amplitude);
  for (let y = 0, at = 0; y < height; y++) {
    const row = mix32(key ^ y);
    for (let x = 0; x < width; x++, at++) {
      const cell = mix32(row ^ x);
      for (let c = 0; c < amplitude.length; c++) {
        const drawn = uniformOf(cell, c) * 2 - 1; // exact
        state[c * cells + at] += Math.fround(amplitude[c] * drawn);
      }
    }
  }
}

function squareSpan(length, fraction) {
  const side = Math.max(1, Math.floor(length * fraction + 0.5));
  const start = Math.floor((length - side) / 2);
  return [start, start + side];
}

function* spotCells(init, width, height, seed) {
  const row = mix32(stepKey(seed, INIT_STEP) ^ 0);
  const radius = Math.max(1, Math.floor((init.square_fraction * Math.min(height, width)) / 2 + 0.5));
  for (let k = 0; k < init.spots; k++) {
    const cell = mix32(row ^ k);
    const y = Math.floor(Math.fround(uniformOf(cell, 0) * height));
    const x = Math.floor(Math.fround(uniformOf(cell, 1) * width));
    for (let dy = -radius; dy <= radius; dy++) {
      const half = Math.floor(Math.sqrt(radius * radius - dy * dy));
      for (let dx = -half; dx <= half; dx++) yield [modulo(y + dy, height), modulo(x + dx, width)];
    }
  }
}

function modulo(a, n) {
  return ((a % n) + n) % n;
}

// FNV-1a over the bytes of numbers, for the comparison with the state that the reference computed.
function checksum(numbers) {
  let h = 0x811c9dc5;
  for (const byte of new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)) {
    h = Math.imul(h ^ byte, 0x01000193);
  }
  return h >>> 0;
}
