// Scales: the radial spectrum of the picture beside the photo's, and the dispersion relation with the present numbers.
panels.scales = (element, page) => {
  const { make } = parts;
  element.classList.add("scales");
  const { law, scales } = page.payload;
  const spectrum = makeSpectrum(page, scales);
  const growth = makeGrowth(page, law, scales);
  element.append(spectrum.root, growth.root);
  marks.add("wavelength", (context) => growth.drawOn(context), page);
};

// The grey picture from a state: colours by the payload's programs, clipped to [0, 1], their mean.
function greyOf(programsOfColours, { channels, data }, cells) {
  const columns = Object.fromEntries(channels.map((name, c) => [name, data.subarray(c * cells, (c + 1) * cells)]));
  const grey = new Float64Array(cells);
  for (const program of programsOfColours) {
    const values = programs.column(program, columns, cells);
    for (let i = 0; i < cells; i += 1) grey[i] += Math.min(1, Math.max(0, values[i])) / programsOfColours.length;
  }
  return grey;
}

function makeSpectrum(page, scales) {
  const { make, text } = parts;
  const EVERY = 1000; // ms
  const root = make("section", { "aria-label": "Spectrum" }, make("h3", { text: "How much structure at each scale" }));
  const names = [{ name: "picture now", kind: "now" }, ...(scales.photo ? [{ name: "photo", kind: "photo" }] : [])];
  root.append(charts.legend(names));
  const chart = charts.chart(root, "Radial power spectrum");
  const summary = make("p", { class: "summary", text: "Computed once the rule runs." });
  root.append(summary);
  let busy = false, last = 0, drawnStep = -1;

  async function look() {
    if (busy || !parts.visible(root) || performance.now() - last < EVERY || page.step === drawnStep) return;
    busy = true;
    try {
      const state = await page.read(), cells = state.width * state.height;
      drawnStep = state.step;
      if (state.data.every(Number.isFinite)) draw(spectra.radial(greyOf(page.colours, state, cells), state.width, state.height));
      else summary.textContent = "The picture holds numbers that diverged; it has no spectrum.";
    } finally {
      busy = false;
      last = performance.now();
    }
  }

  const pairs = ({ frequency, power }) => frequency.map((f, i) => [1 / f, power[i]]);
  // Where a spectrum has most structure: power times frequency, the share of each octave.
  function peak({ frequency, power }) {
    const share = power.map((p, i) => p * frequency[i] ** 2), top = share.indexOf(Math.max(...share));
    return 1 / frequency[top];
  }

  function draw(now) {
    const lines = [...(scales.photo ? [{ points: pairs(scales.photo), kind: "photo" }] : []), { points: pairs(now), kind: "now" }];
    const powers = lines.flatMap((line) => line.points.map(([, p]) => p)).filter((p) => p > 0);
    if (!powers.length || Math.max(...now.power) < 1e-14) {
      summary.textContent = "The picture is uniform: it has no structure at any scale.";
      chart.draw({ x: { label: "wavelength, cells", span: [2, 64], log: true }, y: { label: "power", span: [1e-6, 1], log: true } });
      return;
    }
    const high = 2 * Math.max(...powers), low = Math.max(Math.min(...powers) / 2, high * 1e-8);
    const longest = Math.max(...lines.flatMap((line) => line.points.map(([l]) => l)));
    const found = `Most structure at ${text(peak(now), 3)} cells${scales.photo ? `; in the photo at ${text(peak(scales.photo), 3)}` : ""}.`;
    summary.textContent = found;
    chart.draw({ x: { label: "wavelength, cells", span: [2, longest], log: true }, y: { label: "power", span: [low, high], log: true }, lines, summary: found });
  }

  page.on("frame", look);
  page.on("reset", () => { last = 0; drawnStep = -1; });
  parts.whenShown(root, look);
  return { root };
}

// The dispersion relation at a uniform state at rest, followed as numbers and terms change.
function makeGrowth(page, law, scales) {
  const { make, text } = parts;
  const root = make("section", { "aria-label": "Growth of waves" }, make("h3", { text: "Which waves grow from a uniform state" }));
  if (law === null || !scales.points.length) {
    root.append(make("p", { class: "reason", text: scales.reason }));
    return { root, drawOn() {} };
  }
  const choice = make("select", { "aria-label": "Uniform state at rest" });
  const shown = make("input", { type: "checkbox", checked: true });
  if (scales.points.length > 1) root.append(make("label", { class: "preset" }, make("span", { text: "State at rest" }), choice));
  const values = make("p", { class: "summary" });
  root.append(values);
  const chart = charts.chart(root, "Growth rate of waves");
  const verdict = make("p", { class: "summary", role: "status" });
  root.append(verdict, make("label", { class: "check" }, shown, " draw the predicted wavelength on the picture"));
  const points = scales.points.map((point) => ({ ...point, now: point.values }));
  points.forEach((point, i) => choice.append(new Option(point.values.map((v, c) => `${law.channels[c]} = ${text(v, 3)}`).join(", "), i)));
  let wavelength = null, stale = true, waiting = 0, chosen = 0, userChose = false;

  const apart = (a, b) => Math.max(...a.map((x, c) => Math.abs(x - b[c])));

  // Every state at rest moves with the numbers; one that cannot be followed is looked for from where it was found.
  // Where two arrive at the same state, the one that moved farther has vanished.
  function follow() {
    const search = (point, start) => waves.rest(law, start, point.held, page.constants, page.gates);
    const found = points.map((point) => search(point, point.now) ?? search(point, point.values));
    const moved = found.map((rest, i) => (rest ? apart(rest.values, points[i].now) : Infinity));
    const lost = found.map((rest, i) => rest === null || found.some((other, j) => j !== i && other !== null
      && apart(rest.values, other.values) < 1e-6 && (moved[j] < moved[i] || (moved[j] === moved[i] && j < i))));
    found.forEach((rest, i) => { if (!lost[i]) points[i].now = rest.values; });
    return found.map((rest, i) => (lost[i] ? null : rest));
  }

  function compute() {
    waiting = 0;
    if (!parts.visible(root)) return;
    stale = false;
    const found = follow();
    if (!userChose) chosen = pickGrowing(found);
    choice.value = chosen;
    const point = found[chosen];
    if (point === null) {
      wavelength = null;
      values.textContent = "";
      chart.svg.toggleAttribute("hidden", true);
      verdict.textContent = "With these numbers there is no state at rest near the one that was found: it has vanished, or lies beyond a pole.";
    } else show(point, waves.relation(law, point, page.constants, page.gates));
    marks.redraw();
  }

  // The first state from which waves grow and uniform disturbances do not, else from which waves grow, else the first.
  function pickGrowing(found) {
    const relations = found.map((point) => point && waves.relation(law, point, page.constants, page.gates));
    const waving = relations.map((relation, i) => [relation, i]).filter(([relation]) => relation && relation.wavelength !== null);
    const [chosenOne] = [...waving.filter(([{ uniform }]) => uniform[0] <= 1e-9), ...waving];
    return chosenOne ? chosenOne[1] : Math.max(0, found.findIndex((point) => point !== null));
  }

  function show(point, relation) {
    wavelength = relation.wavelength;
    chart.svg.toggleAttribute("hidden", false);
    values.textContent = `at ${point.values.slice(0, 4).map((v, c) => `${law.channels[c]} = ${text(v)}`).join(", ")}${point.values.length > 4 ? ", …" : ""}`;
    const told = tell(relation);
    verdict.textContent = told;
    const rates = relation.rates.map((rate, i) => [relation.numbers[i], rate]);
    const top = Math.max(relation.best.rate, relation.uniform[0]);
    const low = Math.max(Math.min(...relation.rates), -4 * Math.max(Math.abs(top), 1e-6));
    const span = charts.spanOf([0, low, top], 0.08);
    chart.draw({
      x: { label: "wave number, radians per cell", span: [0, Math.PI] },
      y: { label: "growth rate", span },
      lines: [{ points: [[0, relation.uniform[0]], ...rates], kind: "now" }],
      marks: wavelength === null ? [] : [{ x: (2 * Math.PI) / wavelength, text: `${text(wavelength, 3)} cells` }],
      summary: told,
    });
  }

  function tell({ best, uniform, rough, wavelength: length }) {
    const kink = rough ? " The rule has a kink here; the slopes are the middle of both sides." : "";
    if (length !== null && uniform[0] <= 1e-9) return `Waves of ${text(length, 3)} cells grow fastest, at a rate of ${text(best.rate, 3)} per unit of time${best.oscillates ? ", oscillating" : ""}: a ${best.oscillates ? "wave" : "Turing"} instability.${kink}`;
    if (length !== null) return `Waves of ${text(length, 3)} cells grow fastest, but uniform disturbances grow too (rate ${text(uniform[0], 3)}).${kink}`;
    if (uniform[0] > 1e-9) return `Uniform disturbances grow fastest (rate ${text(uniform[0], 3)}${Math.abs(uniform[1]) > 1e-6 ? ", oscillating" : ""}): no wavelength is chosen here.${kink}`;
    return `All small waves decay from here (slowest rate ${text(best.rate, 3)}): a pattern needs a larger push.${kink}`;
  }

  // A bar of one wavelength in the corner of the picture, with two more to compare with.
  function drawOn(context) {
    if (wavelength === null || !shown.checked || !parts.visible(root)) return;
    const [ax] = page.toPixel(1, 0), [bx] = page.toPixel(2, 0), perCell = Math.abs(bx - ax);
    const length = wavelength * perCell, { left, top, side } = page.pane;
    if (!Number.isFinite(length) || length > side - 30) return;
    const x = left + 14.5, y = top + side - 16.5, count = Math.min(3, Math.floor((side - 30) / length)) || 1;
    const words = `predicted ${text(wavelength, 3)} cells`;
    context.font = "12px system-ui, sans-serif";
    const width = Math.max(count * length, context.measureText(words).width);
    context.fillStyle = "rgba(0, 0, 0, 0.55)";
    context.beginPath();
    context.roundRect(x - 8, y - 26, width + 16, 36, 5);
    context.fill();
    context.strokeStyle = context.fillStyle = "#fff";
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + count * length, y);
    for (let i = 0; i <= count; i += 1) {
      context.moveTo(x + i * length, y - 4);
      context.lineTo(x + i * length, y + 4);
    }
    context.stroke();
    context.fillText(words, x, y - 10);
  }

  function soon() {
    stale = true;
    if (!waiting) waiting = setTimeout(compute, 60);
  }
  choice.addEventListener("change", () => {
    chosen = Number(choice.value);
    userChose = true;
    soon();
  });
  shown.addEventListener("change", () => marks.redraw());
  page.on("edit", soon);
  parts.whenShown(root, () => (stale ? soon() : marks.redraw()));
  return { root, drawOn };
}
