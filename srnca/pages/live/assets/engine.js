// The graphics context: float textures, programs that are linked without stalling, and passes over all cells.

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

class Engine {
  // forceHalf: use 16-bit floats even where 32-bit ones could be drawn.
  constructor(canvas, forceHalf) {
    this.canvas = canvas;
    this.forceHalf = forceHalf;
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, powerPreference: "high-performance" });
    if (!this.gl) throw new Error("This page needs WebGL2, which this browser does not offer.");
    this.prepare();
  }

  // Everything that a lost context takes with it.
  prepare() {
    const gl = this.gl;
    this.parallel = gl.getExtension("KHR_parallel_shader_compile");
    gl.getExtension("EXT_color_buffer_float");
    gl.getExtension("EXT_color_buffer_half_float");
    const kinds = [[gl.RGBA32F, false], [gl.RGBA16F, true]];
    const usable = kinds.find(([format, half]) => half >= this.forceHalf && this.canDraw(format));
    if (!usable) throw new Error("This page needs textures of floats that can be drawn into, which are missing here.");
    [this.format, this.half] = usable;
    gl.bindVertexArray(gl.createVertexArray());
    gl.disable(gl.DITHER);
  }

  canDraw(format) {
    this.format = format;
    const set = this.makeSet(4, 4, 4);
    const gl = this.gl;
    const complete = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE;
    this.freeSet(set);
    while (gl.getError());
    return complete;
  }

  makeTexture(width, height, format) {
    const gl = this.gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    return texture;
  }

  // `count` textures, and a framebuffer that draws into them.
  makeSet(width, height, count, format = this.format) {
    const gl = this.gl;
    const textures = Array.from({ length: count }, () => this.makeTexture(width, height, format));
    const buffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    const places = textures.map((_, index) => gl.COLOR_ATTACHMENT0 + index);
    textures.forEach((texture, index) => gl.framebufferTexture2D(gl.FRAMEBUFFER, places[index], gl.TEXTURE_2D, texture, 0));
    gl.drawBuffers(places);
    return { textures, buffer, width, height };
  }

  freeSet(set) {
    set.textures.forEach((texture) => this.gl.deleteTexture(texture));
    this.gl.deleteFramebuffer(set.buffer);
  }

  // A program, once the driver has it; the page goes on meanwhile. Throws the driver's message where it refuses.
  async link(fragment) {
    const gl = this.gl;
    const program = gl.createProgram();
    const shaders = [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]].map(([kind, text]) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      return shader;
    });
    gl.linkProgram(program);
    while (this.parallel && !gl.isContextLost() && !gl.getProgramParameter(program, this.parallel.COMPLETION_STATUS_KHR)) {
      await sleep(15);
    }
    if (gl.isContextLost()) throw new Error("The graphics context was lost.");
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const logs = [...shaders.map((shader) => gl.getShaderInfoLog(shader)), gl.getProgramInfoLog(program)];
      throw new Error(`The graphics driver refused a shader: ${logs.filter(Boolean).join(" ")}`);
    }
    shaders.forEach((shader) => gl.deleteShader(shader));
    return { program, places: new Map() };
  }

  use(linked) {
    this.linked = linked;
    this.gl.useProgram(linked.program);
  }

  place(name) {
    const { program, places } = this.linked;
    if (!places.has(name)) places.set(name, this.gl.getUniformLocation(program, name));
    return places.get(name);
  }

  // The textures of a set as `prefix`0, `prefix`1, …, on the units from `first`.
  bind(set, prefix = "state", first = 0) {
    const gl = this.gl;
    set.textures.forEach((texture, index) => {
      gl.activeTexture(gl.TEXTURE0 + first + index);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(this.place(prefix + index), first + index);
    });
  }

  // Run the program in use over every texel of a set, or of the canvas (null).
  drawInto(set, left = 0, bottom = 0, width = set.width, height = set.height) {
    const gl = this.gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, set ? set.buffer : null);
    gl.viewport(left, bottom, width, height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // The numbers of a set or of a part of it, one array of texels per texture, without stalling the loop.
  async readSet(set, x = 0, y = 0, width = set.width, height = set.height) {
    const gl = this.gl;
    const bytes = width * height * 16;
    const packs = set.textures.map((_, index) => {
      const pack = gl.createBuffer();
      gl.bindFramebuffer(gl.FRAMEBUFFER, set.buffer);
      gl.readBuffer(gl.COLOR_ATTACHMENT0 + index);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, pack);
      gl.bufferData(gl.PIXEL_PACK_BUFFER, bytes, gl.STREAM_READ);
      gl.readPixels(x, y, width, height, gl.RGBA, gl.FLOAT, 0);
      return pack;
    });
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    await this.done();
    return packs.map((pack) => {
      const texels = new Float32Array(bytes / 4);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, pack);
      gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, texels);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
      gl.deleteBuffer(pack);
      return texels;
    });
  }

  // Until all that was asked of the graphics device is done.
  async done() {
    const gl = this.gl;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    while (!gl.isContextLost() && gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) await sleep(4);
    gl.deleteSync(fence);
    if (gl.isContextLost()) throw new Error("The graphics context was lost.");
  }
}
