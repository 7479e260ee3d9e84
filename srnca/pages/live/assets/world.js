// One rule (or network) that runs: its state in two sets of textures, which change places with every step.

class World {
  // source: {channels, init, shader}. `shader` is the text of its step, with placeholders where it can be edited.
  constructor(engine, source, width, height) {
    this.engine = engine;
    this.source = source;
    this.count = Math.ceil(source.channels.length / 4);
    this.hot = [];
    this.constants = {};
    this.wanted = 0;
    this.resize(width, height);
  }

  resize(width, height) {
    for (const set of this.sets || []) this.engine.freeSet(set);
    [this.width, this.height] = [width, height];
    this.sets = [0, 1].map(() => this.engine.makeSet(width, height, this.count));
    this.steps = 0;
  }

  free() {
    for (const set of this.sets) this.engine.freeSet(set);
    if (this.program) this.engine.gl.deleteProgram(this.program.program);
  }

  // Replace the step's program; the old one runs until the new one is there. False where a later call overtook it.
  async build(text, hot = []) {
    const ticket = ++this.wanted;
    const program = await this.engine.link(text);
    if (ticket !== this.wanted) {
      this.engine.gl.deleteProgram(program.program);
      return false;
    }
    if (this.program) this.engine.gl.deleteProgram(this.program.program);
    [this.program, this.hot] = [program, hot];
    return true;
  }

  reset(seed) {
    this.seed = seed;
    this.write(makeState(this.source.init, this.width, this.height, seed));
    this.steps = 0;
  }

  // Upload a state, planar (channel, y, x).
  write(state) {
    const { gl } = this.engine;
    const cells = this.width * this.height;
    const channels = this.source.channels.length;
    for (let index = 0; index < this.count; index++) {
      const texels = new Float32Array(cells * 4);
      for (let part = 0; part < 4 && 4 * index + part < channels; part++) {
        const start = (4 * index + part) * cells;
        for (let at = 0; at < cells; at++) texels[4 * at + part] = state[start + at];
      }
      for (const set of this.sets) {
        gl.bindTexture(gl.TEXTURE_2D, set.textures[index]);
        gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, this.width, this.height, gl.RGBA, gl.FLOAT, texels);
      }
    }
  }

  step(count) {
    const { engine } = this;
    const { gl } = engine;
    if (!this.program || !count) return;
    engine.use(this.program);
    gl.uniform1ui(engine.place("seed"), this.seed);
    if (this.hot.length) {
      const values = new Float32Array(MOST_HOT);
      this.hot.forEach((name, index) => (values[index] = this.constants[name]));
      gl.uniform1fv(engine.place("k"), values);
    }
    for (let done = 0; done < count; done++) {
      gl.uniform1ui(engine.place("steps_done"), this.steps);
      engine.bind(this.sets[0]);
      engine.drawInto(this.sets[1]);
      this.sets.reverse();
      this.steps += 1;
    }
  }

  // Run another program over the state, as a brush does; no step is counted.
  pass(program, uniforms) {
    this.engine.use(program);
    uniforms(this.engine.gl, (name) => this.engine.place(name));
    this.engine.bind(this.sets[0]);
    this.engine.drawInto(this.sets[1]);
    this.sets.reverse();
  }

  async read() {
    const { width, height, steps } = this;
    const channels = this.source.channels;
    const cells = width * height;
    const textures = await this.engine.readSet(this.sets[0]);
    const data = new Float32Array(channels.length * cells);
    channels.forEach((_, c) => {
      const texels = textures[c >> 2];
      for (let at = 0; at < cells; at++) data[c * cells + at] = texels[4 * at + (c & 3)];
    });
    return { step: steps, width, height, channels, data };
  }
}
