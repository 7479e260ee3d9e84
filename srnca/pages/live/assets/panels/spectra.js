// Fourier transforms of any length, and the radial power spectrum of a picture under a Hann window.
const spectra = (() => {
  const isPower = (n) => (n & (n - 1)) === 0;

  // In place, n a power of two; sign −1 forwards, +1 backwards without 1/n.
  function radix2(re, im, sign) {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i += 1) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let length = 2; length <= n; length <<= 1) {
      const half = length >> 1, angle = (sign * 2 * Math.PI) / length;
      for (let k = 0; k < half; k += 1) {
        const c = Math.cos(angle * k), s = Math.sin(angle * k);
        for (let i = k; i < n; i += length) {
          const j = i + half;
          const x = re[j] * c - im[j] * s, y = re[j] * s + im[j] * c;
          re[j] = re[i] - x;
          im[j] = im[i] - y;
          re[i] += x;
          im[i] += y;
        }
      }
    }
  }

  // Bluestein's algorithm: a transform of any length as a convolution (IEEE Trans. Audio 18 (1970) 451).
  const chirps = new Map();
  function chirpOf(n) {
    if (chirps.has(n)) return chirps.get(n);
    let m = 1;
    while (m < 2 * n) m *= 2;
    const c = new Float64Array(n), s = new Float64Array(n), re = new Float64Array(m), im = new Float64Array(m);
    for (let i = 0; i < n; i += 1) {
      const angle = (Math.PI * ((i * i) % (2 * n))) / n;
      c[i] = Math.cos(angle);
      s[i] = Math.sin(angle);
      re[i] = re[(m - i) % m] = c[i];
      im[i] = im[(m - i) % m] = s[i];
    }
    radix2(re, im, -1);
    chirps.set(n, { m, c, s, re, im });
    return chirps.get(n);
  }

  function bluestein(re, im) {
    const n = re.length, { m, c, s, re: fr, im: fi } = chirpOf(n);
    const ar = new Float64Array(m), ai = new Float64Array(m);
    for (let i = 0; i < n; i += 1) {
      ar[i] = re[i] * c[i] + im[i] * s[i];
      ai[i] = im[i] * c[i] - re[i] * s[i];
    }
    radix2(ar, ai, -1);
    for (let i = 0; i < m; i += 1) [ar[i], ai[i]] = [ar[i] * fr[i] - ai[i] * fi[i], ar[i] * fi[i] + ai[i] * fr[i]];
    radix2(ar, ai, 1);
    for (let i = 0; i < n; i += 1) {
      re[i] = (ar[i] * c[i] + ai[i] * s[i]) / m;
      im[i] = (ai[i] * c[i] - ar[i] * s[i]) / m;
    }
  }

  const forward = (re, im) => (isPower(re.length) ? radix2(re, im, -1) : bluestein(re, im));

  // |F|² of a real field (h·w), row by row.
  function power2d(field, width, height) {
    const re = Float64Array.from(field), im = new Float64Array(re.length);
    for (let y = 0; y < height; y += 1) forward(re.subarray(y * width, (y + 1) * width), im.subarray(y * width, (y + 1) * width));
    const columnRe = new Float64Array(height), columnIm = new Float64Array(height), out = new Float64Array(re.length);
    for (let x = 0; x < width; x += 1) {
      for (let y = 0; y < height; y += 1) {
        columnRe[y] = re[y * width + x];
        columnIm[y] = im[y * width + x];
      }
      forward(columnRe, columnIm);
      for (let y = 0; y < height; y += 1) out[y * width + x] = columnRe[y] ** 2 + columnIm[y] ** 2;
    }
    return out;
  }

  const hann = (n) => Float64Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (n + 1)));
  const frequency = (i, n) => (i < n / 2 ? i : i - n) / n;

  // {frequency: cycles per cell, power: density}, averaged over rings; the same as `windowed_spectrum` in Python.
  function radial(field, width, height) {
    const across = hann(width), down = hann(height), side = Math.min(width, height);
    const tapered = new Float64Array(field.length);
    let weight = 0, mean = 0, square = 0;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const window = down[y] * across[x];
        weight += window;
        square += window * window;
        mean += window * field[y * width + x];
      }
    }
    mean /= weight;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) tapered[y * width + x] = (field[y * width + x] - mean) * down[y] * across[x];
    }
    const power = power2d(tapered, width, height), rings = Math.floor(side / 2);
    const sum = new Float64Array(rings + 1), count = new Float64Array(rings + 1);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const ring = Math.round(Math.hypot(frequency(y, height), frequency(x, width)) * side);
        if (ring < 1 || ring > rings) continue;
        sum[ring] += power[y * width + x] / square;
        count[ring] += 1;
      }
    }
    const found = { frequency: [], power: [] };
    for (let ring = 1; ring <= rings; ring += 1) {
      found.frequency.push(ring / side);
      found.power.push(sum[ring] / count[ring]);
    }
    return found;
  }

  return { power2d, radial };
})();
