// What is seen: panes side by side (photo, network, rule), one camera for all, colours and colour maps.

const MOST_ZOOM = 64;

class View {
  // payload: display, maps, shaders. worlds: {rule, network}.
  constructor(engine, payload, stage, overlay) {
    this.engine = engine;
    this.payload = payload;
    this.stage = stage;
    this.overlay = overlay;
    this.camera = { x: 0, y: 0, zoom: 1 };
    this.smooth = false;
    this.quality = 1;
    this.what = "picture";
    this.map = payload.display.colormap;
    this.ranges = {};
    this.panes = [];
  }

  async prepare(worlds) {
    const { engine } = this;
    this.programs = {};
    this.colours = {};
    await Promise.all(Object.entries(worlds).map(([kind, { count, source }]) => this.recolour(kind, count, source.colours)));
    const gl = engine.gl;
    this.mapTexture = engine.makeTexture(256, 1, gl.RGBA8);
    this.mapShown = "";
  }

  // Show a world in these colours (the text of a shader); the former ones stay until it is compiled.
  async recolour(kind, count, colours) {
    if (this.colours[kind] === colours) return;
    this.colours[kind] = colours;
    const program = await this.engine.link(displayShader(count, colours));
    if (this.colours[kind] === colours) this.programs[kind] = program;
  }

  showMap(name) {
    if (this.mapShown === name) return;
    const gl = this.engine.gl;
    const colours = Uint8Array.from(atob(this.payload.maps[name]), (c) => c.charCodeAt(0));
    const texels = new Uint8Array(1024).fill(255);
    for (let i = 0; i < 256; i++) texels.set(colours.subarray(3 * i, 3 * i + 3), 4 * i);
    gl.bindTexture(gl.TEXTURE_2D, this.mapTexture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    this.mapShown = name;
  }

  // Place `kinds` (photo, network, rule) side by side, as large as the stage allows.
  layOut(kinds) {
    const style = getComputedStyle(this.stage);
    const width = this.stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    let side = 0;
    let columns = 1;
    for (let count = 1; count <= kinds.length; count++) {
      const fits = Math.floor(Math.min(width / count, height / Math.ceil(kinds.length / count)));
      if (fits > side) [side, columns] = [fits, count];
    }
    side = Math.max(32, side);
    const rows = Math.ceil(kinds.length / columns);
    this.panes = kinds.map((kind, index) => ({ kind, left: (index % columns) * side, top: Math.floor(index / columns) * side, side }));
    const scale = Math.min(2, window.devicePixelRatio || 1) * this.quality;
    this.engine.canvas.style.imageRendering = this.quality < 1 ? "pixelated" : "";
    for (const canvas of [this.engine.canvas, this.overlay]) {
      canvas.style.width = `${columns * side}px`;
      canvas.style.height = `${rows * side}px`;
    }
    this.scale = scale;
    [this.engine.canvas.width, this.engine.canvas.height] = [Math.round(columns * side * scale), Math.round(rows * side * scale)];
    [this.overlay.width, this.overlay.height] = [columns * side, rows * side];
  }

  // For slow devices: fewer pixels, down to about one for each cell. False where there are no fewer.
  lower() {
    if (this.quality < 0.2 || this.scale * this.panes[0].side < 1.5 * Math.max(this.width, this.height)) return false;
    this.quality *= 0.7;
    return true;
  }

  fit(width, height) {
    [this.width, this.height] = [width, height];
    this.camera = { x: width / 2, y: height / 2, zoom: 1 };
  }

  // Cells per CSS pixel.
  cellsPerPixel() {
    const side = this.panes.length ? this.panes[0].side : 1;
    return Math.max(this.width, this.height) / side / this.camera.zoom;
  }

  // Zoom by a factor; the cell under the point (CSS pixels of the overlay) stays where it is.
  zoomBy(factor, px, py) {
    const pane = this.paneAt(px, py);
    const [dx, dy] = pane ? [px - pane.left - pane.side / 2, py - pane.top - pane.side / 2] : [0, 0];
    const before = this.cellsPerPixel();
    this.camera.zoom = Math.min(MOST_ZOOM, Math.max(1, this.camera.zoom * factor));
    const gained = before - this.cellsPerPixel();
    this.moveBy(dx * gained, dy * gained);
    if (this.camera.zoom === 1) this.fit(this.width, this.height);
  }

  // Move the camera by cells; the grid is a torus.
  moveBy(dx, dy) {
    this.camera.x = modulo(this.camera.x + dx, this.width);
    this.camera.y = modulo(this.camera.y + dy, this.height);
  }

  paneAt(px, py) {
    return this.panes.find((p) => px >= p.left && px < p.left + p.side && py >= p.top && py < p.top + p.side);
  }

  get main() {
    return this.panes.find((pane) => pane.kind === "rule") || this.panes[0];
  }

  // CSS pixels of the overlay -> cell (x, y), not rounded; in whichever pane the point is.
  toCell(px, py) {
    const pane = this.paneAt(px, py) || this.main;
    const z = this.cellsPerPixel();
    return [
      modulo(this.camera.x + (px - pane.left - pane.side / 2) * z, this.width),
      modulo(this.camera.y + (py - pane.top - pane.side / 2) * z, this.height),
    ];
  }

  // The middle of a cell in the rule's pane -> CSS pixels of the overlay; of its images on the torus the nearest.
  toPixel(x, y, pane = this.main) {
    const z = this.cellsPerPixel();
    const nearest = (d, n) => d - n * Math.round(d / n);
    return [
      pane.left + pane.side / 2 + nearest(x + 0.5 - this.camera.x, this.width) / z,
      pane.top + pane.side / 2 + nearest(y + 0.5 - this.camera.y, this.height) / z,
    ];
  }

  // {view, channel, map, low, gain} for a world.
  mode(world) {
    const { source } = world;
    const { display } = source;
    if (this.what === "picture" && source.colours) return { view: 0, channel: 0, low: 0, gain: 1 };
    if (this.what === "change") return { view: 2, channel: 0, ...this.rangeOf("change", 0) };
    const name = this.what === "picture" ? display.channel : this.what;
    const channel = Math.max(0, source.channels.indexOf(name));
    if (this.what === "picture" && !display.auto) return { view: 1, channel, low: display.low, gain: display.gain };
    return { view: 1, channel, ...this.rangeOf(name) };
  }

  rangeOf(name, low) {
    const [least, most] = this.ranges[name] || [0, 1];
    const start = low ?? least;
    return { low: start, gain: 1 / Math.max(most - start, 1e-12) };
  }

  draw(worlds) {
    const { gl } = this.engine;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, this.engine.canvas.width, this.engine.canvas.height);
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g);
    gl.clearColor(red / 255, green / 255, blue / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    for (const { kind, left, top, side } of this.panes) {
      if (!worlds[kind]) continue;
      const s = this.scale;
      const bottom = this.engine.canvas.height / s - top - side;
      const gap = this.panes.length > 1 ? 2 : 0;
      const box = [left + gap, bottom + gap, side - 2 * gap, side - 2 * gap].map((v) => Math.round(v * s));
      const { x, y } = this.camera;
      this.paint(worlds[kind], kind, null, box, [x, y, this.cellsPerPixel() / s]);
    }
  }

  // One world into a box of the canvas (target null) or of a set. camera: [x, y, cells per pixel].
  paint(world, kind, target, box, camera) {
    const { engine } = this;
    const { gl } = engine;
    const mode = this.mode(world);
    this.showMap(this.map);
    engine.use(this.programs[kind]);
    engine.bind(world.sets[0]);
    engine.bind(world.sets[1], "past", world.count);
    gl.activeTexture(gl.TEXTURE0 + 2 * world.count);
    gl.bindTexture(gl.TEXTURE_2D, this.mapTexture);
    gl.uniform1i(engine.place("map"), 2 * world.count);
    gl.uniform4f(engine.place("camera"), ...camera, this.smooth ? 1 : 0);
    gl.uniform4f(engine.place("pane"), ...box);
    gl.uniform1i(engine.place("view"), mode.view);
    gl.uniform1i(engine.place("channel"), mode.channel);
    gl.uniform2f(engine.place("range"), mode.low, mode.gain);
    engine.drawInto(target, ...box);
  }
}
