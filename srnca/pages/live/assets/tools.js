// Pointer, touch and keys on the picture: brushes, probe, camera.

const LEAST_RADIUS = 0.5;
const MOST_RADIUS = 128;
const BRUSHES = ["lesion", "noise", "damage", "paint"];

class Tools {
  // app: {view, worlds, payload, brush(program uniforms), emit, touch()}; element: the overlay canvas.
  constructor(app, element, ring) {
    this.app = app;
    this.element = element;
    this.ring = ring;
    this.tool = "lesion";
    this.radius = 8;
    this.paint = { channel: app.payload.display.channel, value: 1 };
    this.pointers = new Map();
    this.strokes = 0;
    this.cross = null;
    this.listen();
  }

  listen() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, (event) => this.up(event));
    element.addEventListener("pointerleave", () => (this.ring.hidden = true));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.app.view.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0015)), event.offsetX, event.offsetY);
      this.showRing(event.offsetX, event.offsetY);
      this.app.touch();
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("blur", () => (this.ring.hidden = true));
  }

  down(event) {
    this.element.setPointerCapture?.(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.pointers.size === 2) {
      this.stroke = null;
      return;
    }
    if (this.pointers.size > 2) return;
    const [x, y] = this.app.view.toCell(event.offsetX, event.offsetY);
    if (event.button === 1 || this.tool === "move") this.stroke = { pan: true };
    else if (this.app.view.paneAt(event.offsetX, event.offsetY)?.kind === "photo") return;
    else if (this.tool === "probe") this.app.emit("pick", Math.floor(x), Math.floor(y));
    else {
      this.stroke = { at: [x, y], negative: event.button === 2 };
      this.dab([x, y], [x, y], this.stroke.negative, true);
    }
  }

  move(event) {
    const here = [event.offsetX, event.offsetY];
    if (event.pointerType !== "touch") this.showRing(...here);
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, here);
    this.pointers.set(event.pointerId, here);
    if (this.pointers.size !== 1 || !this.stroke) return;
    if (this.stroke.pan) this.pan(before, here);
    else {
      const to = this.app.view.toCell(...here);
      this.dab(this.stroke.at, to, this.stroke.negative, false);
      this.stroke.at = to;
    }
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.stroke = null;
  }

  pan(before, here) {
    const z = this.app.view.cellsPerPixel();
    this.app.view.moveBy((before[0] - here[0]) * z, (before[1] - here[1]) * z);
    this.app.touch();
  }

  // Two fingers: zoom by the change of their distance, move by that of their middle.
  pinch(id, before, here) {
    const other = [...this.pointers].find(([key]) => key !== id)[1];
    const distance = (a) => Math.max(8, Math.hypot(a[0] - other[0], a[1] - other[1]));
    const middle = [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2];
    this.app.view.zoomBy(distance(here) / distance(before), ...middle);
    this.pan([(before[0] + other[0]) / 2, (before[1] + other[1]) / 2], middle);
  }

  // Keys while the picture has the focus: arrows move the brush (or the camera), Enter uses it.
  key(event) {
    const { view } = this.app;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const pane = view.main;
    this.cross ||= [pane.left + pane.side / 2, pane.top + pane.side / 2];
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key].map((v) => (v * pane.side) / 32);
      if (this.tool === "move") this.pan([dx, dy], [0, 0]);
      else this.cross = [clampTo(this.cross[0] + dx, pane.left, pane.side), clampTo(this.cross[1] + dy, pane.top, pane.side)];
    } else if (event.key === "Enter") {
      const [x, y] = view.toCell(...this.cross);
      if (this.tool === "probe") this.app.emit("pick", Math.floor(x), Math.floor(y));
      else if (this.tool !== "move") this.dab([x, y], [x, y], event.shiftKey, true);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.showRing(...this.cross);
  }

  showRing(px, py) {
    const brush = BRUSHES.includes(this.tool);
    this.ring.hidden = this.tool === "move";
    const size = brush ? Math.max(4, (2 * this.radius) / this.app.view.cellsPerPixel()) : 12;
    this.ring.style.width = this.ring.style.height = `${size}px`;
    this.ring.style.transform = `translate(${px - size / 2}px, ${py - size / 2}px)`;
  }

  setRadius(radius) {
    this.radius = Math.min(MOST_RADIUS, Math.max(LEAST_RADIUS, radius));
  }

  // One dab or stroke from cell to cell, on the rule and on the network beside it.
  dab(from, to, negative, first) {
    if (first) this.strokes += 1;
    for (const world of Object.values(this.app.worlds)) {
      const { mode, value, touched } = this.effect(world.source, negative);
      const pad = (numbers) => Float32Array.from({ length: 4 * world.count }, (_, c) => numbers[c] ?? 0);
      world.pass(this.app.brushes[world.count], (gl, place) => {
        gl.uniform4f(place("stroke"), ...from, ...to);
        gl.uniform1f(place("radius"), this.radius);
        gl.uniform1i(place("mode"), mode);
        gl.uniform1ui(place("draw"), mix32(this.strokes));
        gl.uniform4fv(place("value"), pad(value));
        gl.uniform4fv(place("touched"), pad(touched));
      });
    }
    if (first) this.app.emit("lesion", { x: from[0], y: from[1], radius: this.radius, tool: this.tool });
    this.app.touch();
  }

  // What a brush does to each channel. The right button paints the negative, or plants what the first state has.
  effect({ init, channels }, negative) {
    const all = channels.map(() => 1);
    if (this.tool === "noise") {
      const height = (c) => Math.abs((init.square[c] ?? init.background[c]) - init.background[c]);
      const sizes = channels.map((_, c) => Math.max(init.amplitude[c], height(c) / 2));
      return { mode: 1, value: sizes.map((size) => size || Math.max(...sizes) || 0.1), touched: all };
    }
    if (this.tool === "paint") {
      const index = channels.indexOf(this.paint.channel);
      const value = channels.map(() => (negative ? -this.paint.value : this.paint.value));
      return { mode: 0, value, touched: channels.map((_, c) => (c === index ? 1 : 0)) };
    }
    const seeded = negative && init.square.length ? init.square : init.background;
    return { mode: this.tool === "damage" ? 2 : 0, value: seeded, touched: all };
  }
}

function clampTo(value, start, length) {
  return Math.min(start + length - 1, Math.max(start, value));
}
