// The `page` object that the panels of the right side use, and the link that names preset, seed, size and edits.

function makePage(app, overlay) {
  return {
    payload: app.payload,
    channels: app.payload.channels,
    get size() { return [...app.size]; },
    get step() { return app.worlds.rule?.steps ?? 0; },
    get seed() { return app.seed; },
    get playing() { return app.playing; },
    constants: app.edits.constants,
    found: app.edits.found,
    gates: app.edits.gates,
    get front() { return app.front; },
    get colours() { return app.shown.programs ?? app.payload.scales.colours; },
    setConstants: (values) => app.edits.setConstants(values),
    setGates: (values) => app.edits.setGates(values),
    undo: () => app.edits.undo(),
    get canUndo() { return app.edits.past.length > 0; },
    resetEdits: () => app.edits.reset(),
    read: (kind = "rule") => app.worlds[kind].read(),
    async cell(x, y) {
      const world = app.worlds.rule;
      const texels = await app.engine.readSet(world.sets[0], modulo(x, world.width), modulo(y, world.height), 1, 1);
      return app.payload.channels.map((_, c) => texels[c >> 2][c & 3]);
    },
    on: (event, listener) => app.on(event, listener),
    overlay,
    toCell: (px, py) => app.view.toCell(px, py),
    toPixel: (x, y) => app.view.toPixel(x, y),
    get pane() { return app.view.main; }, // of the rule: {left, top, side} in pixels of the overlay
    play: (playing) => app.setPlaying(playing),
    advance: (steps) => app.step(steps),
    run: (steps) => app.run(steps),
    reset: () => app.reset(),
    openPreset: (name) => openPreset(app, name),
    say: (text) => app.say(text),
  };
}

function hashOf(app) {
  const preset = app.payload.presets?.chosen;
  const parts = new URLSearchParams({ ...(preset && { preset }), seed: app.seed, size: app.size[0], ...app.edits.link(), ...(app.half && { half: 1 }) });
  return `#${parts.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}

function linkOf(app) {
  return location.href.split("#")[0] + hashOf(app);
}

// Seed, size and edits from the address; what makes no sense is ignored and said.
function readLink(app) {
  const parts = new URLSearchParams(location.hash.slice(1));
  const whole = (name) => (/^\d+$/.test(parts.get(name) ?? "") ? Number(parts.get(name)) : null);
  const [seed, size] = [whole("seed"), whole("size")];
  if (seed !== null && seed < 2 ** 32) app.seed = seed;
  if (size !== null && size >= 16 && size <= 1024) app.size = [size, size];
  if (app.edits.load(parts.get("set"), parts.get("off"))) return;
  app.say("The link names constants or terms that this rule does not have; they are left out.");
}
