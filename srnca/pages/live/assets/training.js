// The page of a running training: asks its own server for numbers and the newest picture.
const EVERY = 1000; // ms
const TRIES = 5; // requests that fail in a row before the training counts as over
const element = (id) => document.getElementById(id);
const chart = charts.chart(element("loss"), "Loss by iteration", 220);
let shown = 0, newest = null, failed = 0;

element("run").addEventListener("click", () => {
  const frame = element("network");
  frame.src = `network.html?${newest}`;
  frame.hidden = false;
});

function duration(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
}

function show(now) {
  const { iteration, iterations, detail, losses, seconds } = now;
  element("name").textContent = now.name;
  document.title = `${iterations ? Math.floor((100 * iteration) / iterations) : 0} % · ${now.name}`;
  element("status").textContent = `iteration ${iteration} of ${iterations}, ${detail}, ${duration(seconds)}`;
  element("progress").value = iterations ? iteration / iterations : 0;
  const finite = losses.filter(([, loss]) => loss !== null && loss > 0);
  if (finite.length > 1) {
    const values = finite.map(([, loss]) => loss);
    chart.draw({
      x: { label: "iteration", span: [finite[0][0], finite.at(-1)[0]] },
      y: { label: "loss", span: [Math.min(...values) * 0.9, Math.max(...values) * 1.1], log: true },
      lines: [{ points: finite, kind: "now" }],
      summary: element("status").textContent,
    });
  }
  if (now.picture > shown) {
    shown = now.picture;
    element("picture").src = `picture.png?${shown}`;
    element("picture").hidden = false;
    element("none").hidden = true;
  }
  element("running").hidden = now.network === null;
  newest = now.network;
  document.documentElement.dataset.state = "ready";
}

async function ask() {
  let now = null;
  try {
    const answer = await fetch("now.json", { cache: "no-store" });
    if (answer.ok) now = await answer.json();
  } catch {
    // the server is gone, or slow; it is asked again
  }
  failed = now === null ? failed + 1 : 0;
  if (failed < TRIES) setTimeout(ask, EVERY);
  if (now !== null) show(now);
  else if (failed === TRIES) {
    document.documentElement.dataset.state = "ended";
    element("status").textContent += " — the training has ended, or was stopped; this page shows where it was last seen";
  }
}

ask();
