// Probe: the species of one cell over time, two species against each other with nullclines, recovery after a lesion.
panels.probe = (element, page) => {
  const { make } = parts;
  element.classList.add("probe");
  const series = makeSeries(page);
  const phase = makePhase(page, series);
  const recovery = makeRecovery(page);
  element.append(series.root, phase.root, recovery.root);
  marks.add("probe", (context) => series.drawOn(context), page);
};

const SPECIES_KINDS = 8; // line styles of panels.css

function makeSeries(page) {
  const { make, text } = parts;
  const MOST = 1200; // points; beyond this every second one is dropped
  const root = make("section", { "aria-label": "One cell over time" }, make("h3", { text: "One cell over time" }));
  const shown = page.channels.slice(0, SPECIES_KINDS);
  root.append(charts.legend(shown.map((name, i) => ({ name, kind: `species-${i}` }))));
  const chart = charts.chart(root, "Species of one cell over time", 180);
  const values = make("p", { class: "summary" });
  const middle = make("button", { type: "button", text: "Cell in the middle" });
  root.append(values, make("div", { class: "panel-bar" }, middle, make("button", { type: "button", text: "Clear", onclick: clear })));
  let cell = null, points = [], every = 1, seen = 0, busy = false;

  function clear() {
    points = [];
    every = 1;
    seen = 0;
  }

  function pick(x, y) {
    cell = [x, y];
    clear();
    take();
    marks.redraw();
  }

  async function take() {
    if (busy || !parts.visible(root)) return;
    cell ??= page.size.map((n) => Math.floor(n / 2));
    const step = page.step;
    if (points.length && step < points.at(-1)[0]) clear();
    if (points.length && step === points.at(-1)[0]) return;
    busy = true;
    try {
      const own = cell, found = await page.cell(...own);
      if (own !== cell) return;
      seen += 1;
      if (seen % every === 0) points.push([step, found]);
      if (points.length > MOST) {
        points = points.filter((_, i) => i % 2 === 0);
        every *= 2;
      }
      draw(found);
    } finally {
      busy = false;
    }
  }

  function draw(found) {
    values.textContent = `Cell (${cell.join(", ")}): ${shown.map((name, i) => `${name} = ${text(found[i])}`).join(", ")}. With the tool “probe”, a click on the picture chooses another.`;
    const lines = shown.map((_, i) => ({ kind: `species-${i}`, points: points.map(([step, all]) => [step, all[i]]) }));
    const steps = points.map(([step]) => step);
    chart.draw({
      x: { label: "step", span: steps.length > 1 ? [steps[0], steps.at(-1)] : [0, 1] },
      y: { label: "value", span: charts.spanOf(lines.flatMap((line) => line.points.map(([, v]) => v))) },
      lines,
      summary: values.textContent,
    });
  }

  function drawOn(context) {
    if (cell === null || !parts.visible(root)) return;
    const [x, y] = page.toPixel(...cell);
    for (const [width, colour] of [[4, "rgba(0, 0, 0, 0.7)"], [1.8, "#fff"]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, 6, 0, 2 * Math.PI);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 6 * dx, y + 6 * dy);
        context.lineTo(x + 11 * dx, y + 11 * dy);
      }
      context.stroke();
    }
  }

  middle.addEventListener("click", () => pick(...page.size.map((n) => Math.floor(n / 2))));
  page.on("pick", pick);
  page.on("frame", take);
  parts.whenShown(root, () => { take(); marks.redraw(); });
  page.on("reset", () => { clear(); cell = cell && page.size.every((n, i) => cell[i] < n) ? cell : null; });
  return { root, drawOn, get points() { return points; } };
}

// Cells in the plane of two species, the way of the chosen cell, and where one of the species does not change.
function makePhase(page, series) {
  const { make, text } = parts;
  const EVERY = 700, MOST = 1500, LATTICE = 81;
  const root = make("section", { "aria-label": "Two species" });
  if (page.channels.length < 2) return { root };
  const { law, scales } = page.payload;
  const two = page.channels.length === 2 && law !== null;
  root.append(make("h3", { text: two ? "Two species, with nullclines" : "Two species" }));
  const axes = [0, 1].map((at) => {
    const menu = make("select", { "aria-label": at ? "species upwards" : "species to the right" });
    page.channels.forEach((name, c) => menu.append(new Option(name, c, false, c === at)));
    return menu;
  });
  if (!two) root.append(make("div", { class: "panel-bar" }, axes[0], " and ", axes[1]));
  const kinds = [{ name: "cells", kind: "cloud-key" }, { name: "chosen cell", kind: "now" }];
  root.append(charts.legend(two ? [...kinds, ...page.channels.map((name, i) => ({ name: `Δ${name} = 0`, kind: `species-${i} null` }))] : kinds));
  const chart = charts.chart(root, "Two species against each other", 260);
  let last = 0, busy = false, stale = true, drawn = -1;

  async function look() {
    if (busy || !parts.visible(root) || performance.now() - last < EVERY || (page.step === drawn && !stale)) return;
    busy = true;
    try {
      const state = await page.read();
      [drawn, stale] = [state.step, false];
      if (state.data.every(Number.isFinite)) draw(state);
    } finally {
      busy = false;
      last = performance.now();
    }
  }

  function draw({ width, height, data }) {
    const cells = width * height, [a, b] = axes.map((menu) => Number(menu.value));
    const stride = Math.max(1, Math.floor(cells / MOST) | 1), cloud = [];
    for (let i = 0; i < cells; i += stride) cloud.push([data[a * cells + i], data[b * cells + i]]);
    const way = series.points.map(([, all]) => [all[a], all[b]]);
    const rest = two ? scales.points.map((point) => point.values).filter((p) => p.every((v) => Math.abs(v) < 1e3)) : [];
    const span = [0, 1].map((i) => charts.spanOf([...cloud, ...way, ...rest].map((p) => p[i]), 0.12));
    const dots = (px, py) => cloud.map(([u, v]) => `M${px(u).toFixed(1)} ${py(v).toFixed(1)}h1.6`).join("");
    const shapes = [{ path: dots, kind: "cloud" }];
    if (two) nullclines(span).forEach((segments, i) => shapes.push({ path: (px, py) => segments.map(([p, q]) => `M${px(p[0]).toFixed(1)} ${py(p[1]).toFixed(1)}L${px(q[0]).toFixed(1)} ${py(q[1]).toFixed(1)}`).join(""), kind: `line species-${i} null` }));
    chart.draw({
      x: { label: page.channels[a], span: span[0] },
      y: { label: page.channels[b], span: span[1] },
      lines: [{ points: way, kind: "now" }],
      shapes,
      summary: `${text(cloud.length)} cells`,
    });
  }

  // Where the update of each channel changes sign on a lattice of uniform states: segments, by marching squares.
  function nullclines(span) {
    const n = LATTICE, columns = { ...page.constants }, sums = law.stencils.map(([, kernel]) => kernel.flat().reduce((p, q) => p + q, 0));
    const at = (i, axis) => span[axis][0] + ((span[axis][1] - span[axis][0]) * i) / (n - 1);
    const states = [new Float64Array(n * n), new Float64Array(n * n)];
    for (let j = 0; j < n; j += 1) for (let i = 0; i < n; i += 1) [states[0][j * n + i], states[1][j * n + i]] = [at(i, 0), at(j, 1)];
    law.features.forEach((name, f) => {
      const sum = sums[f % sums.length], factor = Math.abs(sum) > 1e-9 ? sum : 0;
      columns[name] = states[Math.floor(f / sums.length)].map((value) => value * factor);
    });
    const updates = [new Float64Array(n * n), new Float64Array(n * n)];
    for (const [id, channel, program] of law.terms) {
      if (page.gates[id] === false) continue;
      programs.column(program, columns, n * n).forEach((value, i) => { updates[channel][i] += value; });
    }
    return updates.map((f) => segmentsOf(f, n, at));
  }

  page.on("frame", look);
  parts.whenShown(root, look);
  page.on("edit", () => { stale = true; setTimeout(look, EVERY); });
  for (const menu of axes) menu.addEventListener("change", () => { stale = true; last = 0; look(); });
  return { root };
}

function segmentsOf(f, n, at) {
  const found = [];
  for (let j = 0; j < n - 1; j += 1) {
    for (let i = 0; i < n - 1; i += 1) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], crossings = [];
      for (let k = 0; k < 4; k += 1) {
        const [p, q] = [corners[k], corners[(k + 1) % 4]], a = f[p[1] * n + p[0]], b = f[q[1] * n + q[0]];
        if (a < 0 === b < 0 || !Number.isFinite(a - b)) continue;
        const t = a / (a - b);
        crossings.push([at(p[0] + t * (q[0] - p[0]), 0), at(p[1] + t * (q[1] - p[1]), 1)]);
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) found.push([crossings[k], crossings[k + 1]]);
    }
  }
  return found;
}
