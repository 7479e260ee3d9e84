// The running page: worlds, edits, the loop, and the `page` object that the panels of the right side use.

const SURVEY_EVERY = 400; // ms between looks for divergence and for the range of what is shown
const BAKE_AFTER = 4000; // ms after the last edit, constants become literals again, which is faster
const SLOW_LINK = 1500; // ms: a shader that takes longer to compile is left as it is
const RUN = 32; // steps that are asked of the device at a time
const FRAME = [80, 250]; // ms: after a frame longer than the second, the device is asked for fewer steps a frame

class App {
  constructor(payload, canvas, overlay, stage) {
    this.payload = payload;
    this.listeners = {};
    this.playing = false;
    this.owed = 0;
    this.speed = 8;
    this.most = 256;
    this.rate = { steps: 0, since: performance.now(), value: 0 };
    this.front = null;
    this.seed = payload.seed;
    this.size = [payload.size, payload.size];
    this.edits = new Edits(payload, (names) => this.edited(names));
    this.recent = [];
    const asked = new URLSearchParams(location.hash.slice(1)); // before the link is rewritten
    [this.half, this.still] = [asked.has("half"), asked.has("paused")];
    this.engine = new Engine(canvas, this.half);
    this.view = new View(this.engine, payload, stage, overlay);
    this.worlds = {};
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.lost = true;
      this.say("The graphics context was lost; waiting for the browser to give it back.");
    });
    canvas.addEventListener("webglcontextrestored", () => this.recover());
  }

  on(event, listener) {
    (this.listeners[event] ||= []).push(listener);
  }

  emit(event, ...values) {
    for (const listener of this.listeners[event] || []) listener(...values);
  }

  say(text) {
    this.emit("note", text);
  }

  // Something changed that is seen: draw at the next frame.
  touch() {
    this.dirty = true;
  }

  async start() {
    readLink(this);
    await this.prepare();
    this.reset();
    document.documentElement.dataset.state = "ready";
    requestAnimationFrame(() => this.frame());
    this.emit("ready");
    this.check();
  }

  // All that lives in the graphics context.
  async prepare() {
    const { engine, payload } = this;
    const sources = { rule: payload, ...(payload.network && { network: payload.network }) };
    this.worlds = {};
    for (const [kind, source] of Object.entries(sources)) this.worlds[kind] = new World(engine, source, ...this.size);
    this.worlds.rule.constants = this.edits.constants;
    const counts = Object.values(this.worlds).map((world) => world.count);
    const [survey, , ...brushes] = await Promise.all([
      engine.link(surveyShader(counts[0])),
      this.view.prepare(this.worlds),
      ...counts.map((count) => engine.link(brushShader(count))),
    ]);
    this.survey = survey;
    this.brushes = Object.fromEntries(counts.map((count, index) => [count, brushes[index]]));
    makeSurveySet(this);
    await Promise.all([this.rebuild(), this.worlds.network?.build(payload.network.shader)]);
    this.view.fit(...this.size);
  }

  async recover() {
    this.engine.prepare();
    this.surveySet = null;
    this.fence = null;
    await this.prepare();
    this.lost = false;
    this.reset();
    this.say("The graphics context was lost and is back; the run began anew at step 0.");
  }

  async check() {
    try {
      this.emit("checked", await checkPage(this.engine, this.payload));
    } catch (error) {
      this.emit("checked", { state: "unchecked", text: error.message, title: error.message });
    }
  }

  reset() {
    for (const world of Object.values(this.worlds)) world.reset(this.seed);
    this.diverged = false;
    document.documentElement.dataset.step = 0;
    if (document.documentElement.dataset.state === "diverged") document.documentElement.dataset.state = "ready";
    this.owed = 0;
    this.surveyed = -Infinity;
    this.touch();
    this.emit("reset");
  }

  setSeed(seed) {
    this.seed = seed >>> 0;
    this.reset();
    this.emit("link");
  }

  setSize(size) {
    this.size = [size, size];
    for (const world of Object.values(this.worlds)) world.resize(size, size);
    makeSurveySet(this);
    this.view.fit(size, size);
    this.reset();
    this.emit("link");
  }

  setPlaying(playing) {
    this.playing = playing && !this.diverged;
    this.rate = { steps: 0, since: performance.now(), value: 0 };
    this.emit("playing", this.playing);
  }

  // Do `count` steps at the next frames.
  async step(count = 1) {
    this.owed += count;
  }

  // Do `count` steps at once, without drawing between them.
  async run(count) {
    for (let left = count; left > 0; left -= RUN) {
      for (const world of Object.values(this.worlds)) world.step(Math.min(RUN, left));
      await this.engine.done();
    }
    this.touch();
  }

  // --- edits -------------------------------------------------------------------------------------------------------

  edited(names) {
    const constants = names.filter((name) => Object.hasOwn(this.edits.found, name));
    const uniform = constants.length === names.length && constants.every((name) => this.worlds.rule?.hot.includes(name));
    const running = this.front === null && uniform;
    this.recent = [...this.recent.filter((name) => !constants.includes(name)), ...constants].slice(-MOST_HOT);
    this.front = null;
    if (this.worlds.rule && !running) this.rebuild();
    clearTimeout(this.baking);
    this.baking = setTimeout(() => this.bake(), BAKE_AFTER);
    this.emit("edit");
    this.emit("link");
  }

  bake() {
    if (!this.recent.length || this.linkTime > SLOW_LINK || this.front !== null) return;
    this.recent = [];
    this.rebuild();
  }

  // Shader and colours of the rule that runs: the page's own, or one of the front.
  get shown() {
    return { ...this.payload, ...(this.front !== null && this.payload.front[this.front]) };
  }

  shaderText(hot = []) {
    return fillShader(this.shown.shader, this.edits.constants, this.edits.gates, hot);
  }

  // The rule's program with the present edits; the former one runs until it is there.
  async rebuild() {
    const hot = this.front === null ? [...this.recent] : [];
    const start = performance.now();
    this.building = true;
    document.documentElement.dataset.building = "yes";
    try {
      const { rule } = this.worlds;
      const [built] = await Promise.all([rule.build(this.shaderText(hot), hot), this.view.recolour("rule", rule.count, this.shown.colours)]);
      if (built) {
        this.linkTime = performance.now() - start;
        this.building = false;
        document.documentElement.dataset.building = "no";
        this.touch();
      }
    } catch (error) {
      if (!this.engine.gl.isContextLost()) this.emit("failed", error);
    }
  }

  // Another rule of the front on the same state; null: the page's own rule, with its edits.
  setFront(index) {
    this.front = index;
    this.rebuild();
    this.emit("front");
  }

  // --- the loop ----------------------------------------------------------------------------------------------------

  frame() {
    requestAnimationFrame(() => this.frame());
    const { gl } = this.engine;
    if (this.lost || gl.isContextLost() || this.pause) return;
    if (this.fence) {
      if (gl.getSyncParameter(this.fence, gl.SYNC_STATUS) !== gl.SIGNALED) return;
      gl.deleteSync(this.fence);
      this.fence = null;
      this.adapt(performance.now() - this.sent);
    }
    const wanted = this.owed || (this.playing ? this.speed : 0);
    const count = Math.min(wanted, Math.max(1, Math.floor(this.most)));
    const steps = this.worlds.rule.program && !this.diverged ? count : 0;
    if (!steps && !this.dirty) return;
    this.dirty = false;
    for (const world of Object.values(this.worlds)) world.step(steps);
    this.owed = Math.max(0, this.owed - steps);
    this.view.draw(this.worlds);
    this.sent = performance.now();
    this.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    this.count(steps);
    this.emit("frame");
    document.documentElement.dataset.step = this.worlds.rule.steps;
    if (this.sent - this.surveyed > SURVEY_EVERY && !this.looking) look(this);
  }

  adapt(took) {
    if (took > FRAME[1] && this.most <= 2 && this.view.lower()) this.emit("layout");
    else if (took > FRAME[1]) this.most = Math.max(2, Math.min(this.most, this.speed) * 0.6);
    else if (took < FRAME[0]) this.most = Math.min(256, this.most * 1.25);
  }

  count(steps) {
    const now = performance.now();
    this.rate.steps += steps;
    if (now - this.rate.since < 500) return;
    this.rate = { steps: 0, since: now, value: Math.round((1000 * this.rate.steps) / (now - this.rate.since)) };
    this.emit("rate", this.rate.value);
  }
}
