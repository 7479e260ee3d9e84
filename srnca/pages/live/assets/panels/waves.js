// Uniform states at rest, and how fast waves grow on them: the dispersion relation of the law with the present numbers.
// One step multiplies a wave a·exp(i k·x) by 1 + dt·G(k), where G(k) = rate · Σ slope · symbol of the stencil at k.
const waves = (() => {
  const ROUNDING = 1e-9, NUMBERS = 96, DIRECTIONS = 8, ROUNDS = 60;

  // Gaussian elimination with pivoting: x of a·x = b, null where a is singular. Rows are arrays.
  function solve(a, b) {
    const n = b.length, rows = a.map((row, i) => [...row, b[i]]);
    for (let i = 0; i < n; i += 1) {
      let pivot = i;
      for (let j = i + 1; j < n; j += 1) if (Math.abs(rows[j][i]) > Math.abs(rows[pivot][i])) pivot = j;
      if (!(Math.abs(rows[pivot][i]) > 1e-14)) return null;
      [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
      for (let j = i + 1; j < n; j += 1) {
        const factor = rows[j][i] / rows[i][i];
        for (let k = i; k <= n; k += 1) rows[j][k] -= factor * rows[i][k];
      }
    }
    const x = new Array(n).fill(0);
    for (let i = n - 1; i >= 0; i -= 1) {
      let rest = rows[i][n];
      for (let k = i + 1; k < n; k += 1) rest -= rows[i][k] * x[k];
      x[i] = rest / rows[i][i];
    }
    return x;
  }

  // The eigenvalues [[re, im], …] of a complex matrix n × n, by QR steps with Wilkinson's shift on its Hessenberg form
  // (B. N. Parlett, The Symmetric Eigenvalue Problem, 1980; G. H. Golub, C. F. Van Loan, Matrix Computations, 7.5).
  function eigenvalues(matrix) {
    const n = matrix.length, a = matrix.map((row) => row.map(([re, im]) => [re, im])), found = [];
    const mul = (p, q) => [p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]];
    const sub = (p, q) => [p[0] - q[0], p[1] - q[1]];
    const div = (p, q) => {
      const size = q[0] * q[0] + q[1] * q[1];
      return [(p[0] * q[0] + p[1] * q[1]) / size, (p[1] * q[0] - p[0] * q[1]) / size];
    };
    const abs = (p) => Math.hypot(p[0], p[1]);
    const root = (p) => {
      const r = Math.sqrt(abs(p)), angle = Math.atan2(p[1], p[0]) / 2;
      return [r * Math.cos(angle), r * Math.sin(angle)];
    };
    for (let k = 0; k < n - 2; k += 1) {
      let pivot = k + 1;
      for (let i = k + 2; i < n; i += 1) if (abs(a[i][k]) > abs(a[pivot][k])) pivot = i;
      if (abs(a[pivot][k]) === 0) continue;
      [a[k + 1], a[pivot]] = [a[pivot], a[k + 1]];
      for (const row of a) [row[k + 1], row[pivot]] = [row[pivot], row[k + 1]];
      for (let i = k + 2; i < n; i += 1) {
        const factor = div(a[i][k], a[k + 1][k]);
        if (abs(factor) === 0) continue;
        for (let j = k; j < n; j += 1) a[i][j] = sub(a[i][j], mul(factor, a[k + 1][j]));
        for (const row of a) row[k + 1] = [row[k + 1][0] + mul(factor, row[i])[0], row[k + 1][1] + mul(factor, row[i])[1]];
      }
    }
    const pair = (p, q, r, s) => { // of [[p, q], [r, s]]
      const half = [(p[0] + s[0]) / 2, (p[1] + s[1]) / 2];
      const spread = root([...sub(mul(half, half), sub(mul(p, s), mul(q, r)))]);
      return [[half[0] + spread[0], half[1] + spread[1]], sub(half, spread)];
    };
    let last = n - 1, tries = 0;
    while (last >= 0) {
      let first = last;
      while (first > 0 && abs(a[first][first - 1]) > 1e-15 * (abs(a[first][first]) + abs(a[first - 1][first - 1]))) first -= 1;
      if (first === last || tries > 200) {
        found.push(a[last][last]);
        last -= 1;
        tries = 0;
        continue;
      }
      if (first === last - 1) {
        found.push(...pair(a[first][first], a[first][last], a[last][first], a[last][last]));
        last -= 2;
        tries = 0;
        continue;
      }
      const both = pair(a[last - 1][last - 1], a[last - 1][last], a[last][last - 1], a[last][last]);
      let shift = abs(sub(both[0], a[last][last])) < abs(sub(both[1], a[last][last])) ? both[0] : both[1];
      tries += 1;
      if (tries % 11 === 10) shift = [shift[0] + abs(a[last][last - 1]), shift[1]];
      for (let i = first; i <= last; i += 1) a[i][i] = sub(a[i][i], shift);
      const turns = [];
      for (let k = first; k < last; k += 1) {
        const x = a[k][k], y = a[k + 1][k], size = Math.hypot(abs(x), abs(y)) || 1;
        const c = [x[0] / size, x[1] / size], s = [y[0] / size, y[1] / size];
        const cc = [c[0], -c[1]], sc = [s[0], -s[1]];
        turns.push([c, s, cc, sc]);
        for (let j = k; j <= last; j += 1) {
          const p = a[k][j], q = a[k + 1][j], u = mul(cc, p), v = mul(sc, q), w = mul(s, p), z = mul(c, q);
          a[k][j] = [u[0] + v[0], u[1] + v[1]];
          a[k + 1][j] = [z[0] - w[0], z[1] - w[1]];
        }
      }
      turns.forEach(([c, s, cc, sc], place) => {
        const k = first + place;
        for (let i = first; i <= Math.min(k + 1, last); i += 1) {
          const p = a[i][k], q = a[i][k + 1], u = mul(p, c), v = mul(q, s), w = mul(p, sc), z = mul(q, cc);
          a[i][k] = [u[0] + v[0], u[1] + v[1]];
          a[i][k + 1] = [z[0] - w[0], z[1] - w[1]];
        }
      });
      for (let i = first; i <= last; i += 1) a[i][i] = [a[i][i][0] + shift[0], a[i][i][1] + shift[1]];
    }
    return found;
  }

  // The update of every channel at a uniform state, with slopes by feature: {f, slope, size, rough, pole}.
  function linearise(law, state, constants, gates) {
    const channels = law.channels.length, features = law.features.length, values = { ...constants }, unit = {};
    const sums = stencilSums(law);
    law.features.forEach((name, i) => {
      values[name] = state[Math.floor(i / sums.length)] * sums[i % sums.length];
      unit[name] = i;
    });
    const f = new Array(channels).fill(0), size = new Array(channels).fill(0);
    const slope = Array.from({ length: channels }, () => new Float64Array(features));
    let rough = false, pole = false;
    for (const [id, channel, program] of law.terms) {
      if (gates[id] === false) continue;
      const jet = programs.jet(program, values, unit, features);
      f[channel] += jet.x;
      size[channel] += jet.size;
      jet.d.forEach((d, i) => { slope[channel][i] += d; });
      rough ||= jet.rough;
      pole ||= jet.pole;
    }
    return { f, size, slope, rough, pole };
  }

  function stencilSums(law) {
    return law.stencils.map(([, kernel]) => {
      const weights = kernel.flat(), total = weights.reduce((a, b) => a + b, 0);
      return Math.abs(total) > ROUNDING * weights.reduce((a, b) => a + Math.abs(b), 0) ? total : 0;
    });
  }

  // The state at rest nearest to `start` by Newton's method: {values, held} or null.
  function rest(law, start, held, constants, gates) {
    const n = start.length, sums = stencilSums(law), reach = Math.max(1, ...start.map(Math.abs));
    let state = [...start];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { f, size, slope, pole } = linearise(law, state, constants, gates);
      if (f.every((x, c) => held[c] || Math.abs(x) <= 1e-12 * Math.max(size[c], 1e-9))) return pole ? null : { values: state, held };
      const jacobian = f.map((_, c) => state.map((__, d) => {
        if (held[c]) return c === d ? 1 : 0;
        return sums.reduce((total, sum, s) => total + slope[c][d * sums.length + s] * sum, 0);
      }));
      const move = solve(jacobian, f.map((x, c) => (held[c] ? 0 : -x)));
      if (move === null || !move.every(Number.isFinite)) return null;
      const shrink = Math.min(1, reach / Math.max(...move.map(Math.abs), 1e-300));
      const next = state.map((x, c) => x + shrink * move[c]);
      if (next.every((x, c) => x === state[c])) break;
      state = next;
    }
    const { f, size, pole } = linearise(law, state, constants, gates);
    const still = f.every((x, c) => held[c] || Math.abs(x) <= 1e-9 * Math.max(size[c], 1e-9));
    const inside = law.clamp === null || state.every((x) => x >= law.clamp[0] - 1e-9 && x <= law.clamp[1] + 1e-9);
    return still && inside && !pole ? { values: state, held } : null;
  }

  // Growth: eigenvalues of G(k) for k along an angle. `linear` from `linearise`.
  function growth(law, linear, held, number, angle) {
    const kx = number * Math.cos(angle), ky = number * Math.sin(angle), n = law.channels.length;
    const symbols = law.stencils.map(([, kernel]) => {
      let re = 0, im = 0;
      kernel.forEach((row, y) => row.forEach((weight, x) => {
        const phase = kx * (x - 1) + ky * (y - 1);
        re += weight * Math.cos(phase);
        im += weight * Math.sin(phase);
      }));
      return [re, im];
    });
    const matrix = Array.from({ length: n }, (_, c) => Array.from({ length: n }, (__, d) => {
      if (held[c]) return [c === d ? -law.rate / law.dt : 0, 0];
      let re = 0, im = 0;
      symbols.forEach(([sr, si], s) => {
        const slope = law.rate * linear.slope[c][d * symbols.length + s];
        re += slope * sr;
        im += slope * si;
      });
      return [re, im];
    }));
    return eigenvalues(matrix).reduce((best, value) => (value[0] > best[0] ? value : best));
  }

  // The relation over wave numbers up to π: {numbers, rates, uniform, best: {number, rate, oscillates} or null,
  // wavelength (mean over directions, in cells) or null, rough}.
  function relation(law, point, constants, gates) {
    const linear = linearise(law, point.values, constants, gates);
    const numbers = Array.from({ length: NUMBERS }, (_, i) => (Math.PI * (i + 1)) / NUMBERS);
    const rates = new Array(NUMBERS).fill(-Infinity), uniform = growth(law, linear, point.held, 0, 0), tops = [];
    for (let d = 0; d < DIRECTIONS; d += 1) {
      const angle = (Math.PI * d) / DIRECTIONS, own = numbers.map((k) => growth(law, linear, point.held, k, angle));
      own.forEach((value, i) => { rates[i] = Math.max(rates[i], value[0]); });
      tops.push(vertex(law, linear, point.held, numbers, own, angle));
    }
    const best = tops.reduce((a, b) => (b.rate > a.rate ? b : a));
    const like = tops.filter((top) => top.rate >= best.rate - 0.01 * Math.abs(best.rate));
    const grows = best.rate > Math.max(0, uniform[0]) * (1 + 1e-3) + 1e-9;
    const mean = like.reduce((sum, top) => sum + top.number, 0) / like.length;
    return { numbers, rates, uniform, best, wavelength: grows ? (2 * Math.PI) / mean : null, rough: linear.rough };
  }

  // The maximum along one direction, refined by golden sections between the neighbours of the highest number.
  function vertex(law, linear, held, numbers, values, angle) {
    const top = values.reduce((best, value, i) => (value[0] > values[best][0] ? i : best), 0);
    let low = top > 0 ? numbers[top - 1] : 0, high = numbers[Math.min(top + 1, numbers.length - 1)];
    const ratio = (Math.sqrt(5) - 1) / 2, at = (k) => growth(law, linear, held, k, angle)[0];
    for (let i = 0; i < 24; i += 1) {
      const a = high - ratio * (high - low), b = low + ratio * (high - low);
      if (at(a) > at(b)) high = b;
      else low = a;
    }
    const number = (low + high) / 2, [rate, frequency] = growth(law, linear, held, number, angle);
    return { number, rate, oscillates: Math.abs(frequency) > 1e-6 * Math.hypot(rate, frequency) };
  }

  return { solve, eigenvalues, linearise, rest, relation };
})();
