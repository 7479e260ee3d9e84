// The distance of the picture's statistics from those before the lesion, step by step.
function makeRecovery(page) {
  const { make, text } = parts;
  const PAUSE = 600, BUSY_PART = 10, MOST = 600; // ms between looks; a look takes at most this part of the time
  const root = make("section", { "aria-label": "Recovery after a lesion" }, make("h3", { text: "Recovery after a lesion" }));
  root.append(charts.legend([{ name: "distance from before", kind: "now" }, { name: "its own change before", kind: "photo" }]));
  const chart = charts.chart(root, "Distance of statistics from before the lesion", 180);
  const summary = make("p", { class: "summary", text: "Wound the picture with a brush while it runs." });
  const hint = make("p", { class: "hint", text: "Distance: root mean square change of each channel’s mean, deviation and differences between cells 1 to 16 apart, in units of its deviation before." });
  root.append(summary, hint);
  let latest = null, earlier = null, before = null, own = 0, lesions = [], curve = [], busy = false, next = 0;

  async function look() {
    const now = performance.now();
    if (busy || now < next || page.step === latest?.step) return;
    busy = true;
    try {
      const state = await page.read(), start = performance.now();
      if (!state.data.every(Number.isFinite)) return;
      earlier = latest;
      latest = { step: state.step, values: statistics.measure(state) };
      if (before) follow();
      next = performance.now() + Math.max(PAUSE, BUSY_PART * (performance.now() - start));
    } finally {
      busy = false;
    }
  }

  function wound() {
    if (!latest) return;
    const healed = curve.length && curve.at(-1)[1] < 2 * own;
    if (!before || healed) {
      before = latest.values;
      own = earlier ? statistics.distance(latest.values, earlier.values) : 0;
      [lesions, curve] = [[], [[latest.step, 0]]];
    }
    lesions.push(page.step);
    next = 0;
  }

  function follow() {
    curve.push([latest.step, statistics.distance(latest.values, before)]);
    if (curve.length > MOST) curve = curve.filter((_, i) => i % 2 === 0 || i === curve.length - 1);
    const top = curve.reduce((a, b) => (b[1] > a[1] ? b : a)), end = curve.at(-1);
    const told = `${text(end[1], 2)} now, ${text(top[1], 2)} at most (step ${top[0]}).`;
    summary.textContent = told;
    if (!parts.visible(root)) return;
    const span = [curve[0][0], Math.max(end[0], curve[0][0] + 1)];
    chart.draw({
      x: { label: "step", span },
      y: { label: "distance", span: [0, 1.1 * Math.max(top[1], own, 1e-6)] },
      lines: [...(own ? [{ points: [[span[0], own], [span[1], own]], kind: "photo" }] : []), { points: curve, kind: "now" }],
      marks: lesions.slice(0, 1).map((x) => ({ x, text: "lesion" })),
      summary: told,
    });
  }

  page.on("frame", look);
  page.on("lesion", wound);
  page.on("reset", () => {
    [latest, earlier, before, own, lesions, curve] = [null, null, null, 0, [], []];
    summary.textContent = "Wound the picture with a brush while it runs.";
    chart.svg.replaceChildren();
  });
  return { root };
}
