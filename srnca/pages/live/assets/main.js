// Ties the controls of the page to the app, and calls the panels.

const element = (id) => document.getElementById(id);
const TABS = [["equations", "Equations"], ["scales", "Scales"], ["probe", "Probe"], ["about", "About"]];
const FRAMED = location.protocol === "about:"; // a document without an address, in the frame of a notebook
const SPEEDS = [1, 2, 4, 8, 16, 32, 64, 128, 256]; // steps a frame; keys 1 to 9

async function main() {
  const [payload, trouble] = await choosePreset(JSON.parse(element("payload").textContent));
  showWords(payload);
  const overlay = element("overlay");
  const app = new App(payload, element("picture"), overlay, element("stage"));
  const page = makePage(app, overlay);
  const tools = new Tools(app, overlay, element("ring"));
  const keep = new Keep(app, (text) => app.say(text));
  globalThis.page = page; // for the console
  connectMessages(app);
  connectRun(app, payload);
  connectTools(app, tools, payload);
  connectView(app, tools, payload);
  connectKeep(app, keep);
  connectKeys(app, tools, keep);
  connectTabs(page, payload);
  element("keep-link").hidden = FRAMED;
  if (!FRAMED) app.on("link", () => history.replaceState(null, "", hashOf(app)));
  addEventListener("hashchange", () => location.reload());
  if (trouble) app.say(trouble);
  await app.start();
}

function fail(error) {
  document.documentElement.dataset.state = "error";
  element("trouble").hidden = false;
  element("trouble").textContent = error.message;
}

function connectMessages(app) {
  let hiding = 0;
  app.on("note", (text) => {
    element("note").textContent = text;
    element("note").hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => (element("note").hidden = true), 6000);
  });
  app.on("failed", fail);
  app.on("diverged", (step) => {
    const limit = app.payload.limit.toExponential(0);
    element("trouble").textContent = `Diverged by step ${step}: a number beyond ${limit}, or none at all. Undo edits or reset.`;
    element("trouble").hidden = false;
  });
  app.on("reset", () => (element("trouble").hidden = true));
  app.on("checked", ({ state, text, title }) => {
    const badge = element("badge");
    badge.dataset.check = state;
    badge.textContent = { checked: "Checked", failed: "Differs", unchecked: "Not checked" }[state];
    badge.title = title;
    element("check-text").textContent = text;
    document.documentElement.dataset.check = state;
  });
  app.on("ready", () => {
    document.documentElement.dataset.precision = app.engine.half ? "half" : "single";
    if (app.engine.half) app.say("This device draws 16-bit floats only: fine to look at, but not the reference's numbers.");
  });
}

function connectRun(app, payload) {
  const [play, speed, seed, size] = ["play", "speed", "seed", "size"].map(element);
  const show = () => {
    play.innerHTML = icon(app.playing ? "pause" : "play");
    play.setAttribute("aria-label", app.playing ? "Pause" : "Play");
    play.setAttribute("aria-pressed", String(app.playing));
  };
  element("step").innerHTML = icon("step");
  element("reset").innerHTML = icon("reset");
  play.addEventListener("click", () => app.setPlaying(!app.playing));
  element("step").addEventListener("click", () => app.step(1));
  element("reset").addEventListener("click", () => app.reset());
  app.setSpeed = (index) => {
    speed.value = index;
    app.speed = SPEEDS[index];
    speed.setAttribute("aria-valuetext", `${app.speed} steps a frame`);
    element("speed-text").textContent = app.speed;
  };
  speed.addEventListener("input", () => app.setSpeed(Number(speed.value)));
  app.setSpeed(SPEEDS.indexOf(payload.speed));
  seed.addEventListener("change", () => {
    const value = Number(seed.value);
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) app.setSeed(value);
    seed.value = app.seed;
  });
  element("dice").addEventListener("click", () => {
    app.setSeed(mix32((app.seed + Date.now()) >>> 0) % 100000);
    seed.value = app.seed;
  });
  size.addEventListener("change", () => app.setSize(Number(size.value)));
  app.on("ready", () => {
    seed.value = app.seed;
    const listed = [...size.options].some((option) => Number(option.value) === app.size[0]);
    if (!listed) size.add(new Option(`${app.size[0]}²`, app.size[0]));
    size.value = app.size[0];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    app.setPlaying(!still && !app.still);
  });
  app.on("playing", show);
  app.on("frame", () => (element("count").textContent = app.worlds.rule.steps.toLocaleString("en")));
  app.on("rate", (rate) => (element("rate").textContent = app.playing ? `${rate.toLocaleString("en")} steps/s` : "paused"));
  app.on("playing", (playing) => (element("rate").textContent = playing ? "" : "paused"));
  show();
}

function connectTools(app, tools, payload) {
  const choose = (name) => {
    tools.tool = name;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    }
    element("paint-options").hidden = name !== "paint";
    element("radius-options").hidden = !BRUSHES.includes(name);
    element("overlay").style.cursor = name === "move" ? "grab" : "crosshair";
  };
  app.chooseTool = choose;
  for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => choose(button.dataset.tool));
  const radius = element("radius");
  const showRadius = () => {
    radius.value = Math.log2(tools.radius);
    radius.setAttribute("aria-valuetext", `${tools.radius} cells`);
    element("radius-text").textContent = tools.radius;
  };
  app.setRadius = (value) => {
    tools.setRadius(value >= 4 ? Math.round(value) : Math.round(2 * value) / 2);
    showRadius();
  };
  radius.addEventListener("input", () => app.setRadius(2 ** Number(radius.value)));
  const [species, value] = [element("species"), element("value")];
  const usual = (name) => payload.init.square[payload.channels.indexOf(name)] ?? 1;
  for (const name of payload.channels) species.add(new Option(name, name));
  species.value = payload.display.channel;
  value.value = tools.paint.value = usual(species.value);
  species.addEventListener("change", () => {
    value.value = usual(species.value);
    tools.paint = { channel: species.value, value: usual(species.value) };
  });
  value.addEventListener("change", () => {
    if (value.value !== "" && Number.isFinite(Number(value.value))) tools.paint.value = Number(value.value);
    value.value = tools.paint.value;
  });
  choose("lesion");
  app.setRadius(Math.max(2, payload.size / 16));
}

function connectView(app, tools, payload) {
  const { view } = app;
  const [what, map] = ["view", "map"].map(element);
  what.add(new Option("picture", "picture"));
  for (const name of payload.channels) what.add(new Option(name, name));
  what.add(new Option("change |Δ|", "change"));
  for (const name of Object.keys(payload.maps)) map.add(new Option(name, name));
  map.value = view.map;
  const inColour = () => view.what === "picture" && payload.colours !== "";
  const showMap = () => (element("map-options").hidden = inColour());
  what.addEventListener("change", () => {
    view.what = what.value;
    showMap();
    app.surveyed = -Infinity;
    app.touch();
  });
  map.addEventListener("change", () => {
    view.map = map.value;
    app.touch();
  });
  element("smooth").addEventListener("change", (event) => {
    view.smooth = event.target.checked;
    app.touch();
  });
  app.zoom = (factor) => {
    const pane = view.main;
    view.zoomBy(factor, pane.left + pane.side / 2, pane.top + pane.side / 2);
    app.touch();
  };
  element("closer").addEventListener("click", () => app.zoom(1.5));
  element("farther").addEventListener("click", () => app.zoom(1 / 1.5));
  element("fit").addEventListener("click", () => {
    view.fit(...app.size);
    app.touch();
  });
  showMap();
  connectPanes(app, payload);
  if (payload.front?.length) connectFront(app, payload);
}

// The slider of the other rules of a distillation, which go on with the same state.
function connectFront(app, payload) {
  const front = element("front");
  front.max = payload.front.length;
  const show = () => {
    const chosen = payload.front[Number(front.value) - 1];
    const text = chosen ? chosen.title : payload.front_own;
    element("front-text").textContent = text;
    front.setAttribute("aria-valuetext", text);
  };
  front.addEventListener("input", () => {
    app.setFront(Number(front.value) ? Number(front.value) - 1 : null);
    show();
  });
  app.on("edit", () => {
    front.value = 0;
    show();
  });
  show();
}

function connectPanes(app, payload) {
  const kinds = ["photo", "network", "rule"].filter((kind) => kind === "rule" || payload[kind]);
  const boxes = kinds.map((kind) => document.querySelector(`[data-pane="${kind}"]`));
  const layOut = () => {
    const shown = kinds.filter((_, index) => kinds.length === 1 || boxes[index].checked);
    app.view.layOut(shown.length ? shown : ["rule"]);
    for (const label of document.querySelectorAll(".pane-label")) {
      const pane = kinds.length > 1 && app.view.panes.find((one) => one.kind === label.dataset.label);
      label.hidden = !pane;
      if (pane) label.style.transform = `translate(${pane.left + 8}px, ${pane.top + 8}px)`;
    }
    const photo = element("photo");
    const pane = photo && app.view.panes.find((one) => one.kind === "photo");
    if (photo) photo.hidden = !pane;
    if (photo?.naturalWidth) {
      document.querySelector('[data-label="photo"]').textContent = `photo, ${photo.naturalWidth} cells wide`; // its scale is its own
    }
    if (pane) {
      photo.style.width = photo.style.height = `${pane.side - 4}px`;
      photo.style.transform = `translate(${pane.left + 2}px, ${pane.top + 2}px)`;
    }
    app.touch();
  };
  for (const box of boxes) box?.addEventListener("change", layOut);
  app.on("layout", layOut);
  element("photo")?.addEventListener("load", layOut);
  new ResizeObserver(layOut).observe(element("stage"));
  layOut();
}

main().catch(fail);
