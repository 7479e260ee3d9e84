// What can be kept: pictures, films, links, the rule with its edits, shaders.

const MOST_PIXELS = 8192; // a side of a picture that is saved

class Keep {
  // app: the page's parts; note(text): tells the person what happened.
  constructor(app, note) {
    this.app = app;
    this.note = note;
    this.recorder = null;
  }

  name(ending) {
    const { payload, seed, worlds } = this.app;
    return `${payload.file}-${seed}-${worlds.rule.steps}.${ending}`;
  }

  save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    this.note(`Saved ${name}`);
  }

  text(text, name, kind = "text/plain") {
    this.save(new Blob([text], { type: kind }), name);
  }

  // The whole grid as it is shown, `times` pixels for each cell.
  async picture(times) {
    const { engine, view, worlds } = this.app;
    const world = worlds.rule;
    const limit = Math.min(MOST_PIXELS, engine.gl.getParameter(engine.gl.MAX_TEXTURE_SIZE));
    const n = Math.max(1, Math.min(times, Math.floor(limit / Math.max(world.width, world.height))));
    const [width, height] = [world.width * n, world.height * n];
    const { gl } = engine;
    const set = engine.makeSet(width, height, 1, gl.RGBA8);
    view.paint(world, "rule", set, [0, 0, width, height], [world.width / 2, world.height / 2, 1 / n]);
    const pixels = new Uint8ClampedArray(width * height * 4);
    gl.bindFramebuffer(gl.FRAMEBUFFER, set.buffer);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    engine.freeSet(set);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const row = width * 4;
    for (let y = 0; y < height; y++) image.data.set(pixels.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
    context.putImageData(image, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    this.save(blob, this.name("png"));
  }

  // Start or end the recording of what is seen; says whether it is recording now.
  film() {
    if (this.recorder) {
      this.recorder.stop();
      return false;
    }
    const kinds = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
    const kind = window.MediaRecorder && kinds.find((one) => MediaRecorder.isTypeSupported(one));
    if (!kind) {
      this.note("This browser cannot record a canvas.");
      return false;
    }
    const parts = [];
    const recorder = new MediaRecorder(this.app.engine.canvas.captureStream(30), { mimeType: kind, videoBitsPerSecond: 12e6 });
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      this.recorder = null;
      this.save(new Blob(parts, { type: kind }), this.name(kind.includes("mp4") ? "mp4" : "webm"));
    };
    recorder.start(1000);
    this.recorder = recorder;
    this.note("Recording what is seen");
    return true;
  }

  async copyLink() {
    const link = linkOf(this.app);
    try {
      await navigator.clipboard.writeText(link);
      this.note("Link copied");
    } catch {
      this.note(`Copy this link: ${link}`);
    }
  }

  rule() {
    const { edits, payload } = this.app;
    this.text(`${JSON.stringify(edits.applied(payload.rule))}\n`, `${payload.file}.json`, "application/json");
  }

  shader() {
    this.text(this.app.shaderText(), this.name("frag"));
  }

  shaderToy() {
    const text = shaderToy(this.app.payload, this.app.shaderText(), this.app.seed);
    if (text) this.text(text, `${this.app.payload.file}-shadertoy.txt`);
    else this.note("ShaderToy has four textures of four channels; this rule does not fit.");
  }
}

// The tabs of a ShaderToy: Common, one buffer for every four channels, and the image.
function shaderToy(payload, shader, seed) {
  const count = Math.ceil(payload.channels.length / 4);
  const body = shader.slice(shader.indexOf("void main()"));
  const last = `out vec4 next${count - 1};`;
  const helpers = shader.slice(shader.indexOf(last) + last.length, shader.indexOf("void main()"));
  const outputs = Array.from({ length: count }, (_, i) => `next${i}`);
  const vec = (numbers, i) => `vec4(${[0, 1, 2, 3].map((c) => literal(numbers[4 * i + c] ?? 0)).join(", ")})`;
  const { init } = payload;
  const noise = (i) => `vec4(${[0, 1, 2, 3].map((c) => `rand(here, ${4 * i + c})`).join(", ")}) * 2.0 - 1.0`;
  const first = outputs.map((name, i) => `    ${name} = ${vec(init.background, i)};
    if (inside) ${name} = ${vec(init.square.length ? init.square : init.background, i)};
    ${name} += ${vec(init.amplitude, i)} * (${noise(i)});`);
  const define = outputs.map((_, i) => `#define state${i} iChannel${i}`).join("\n");
  const step = body.replace("void main()", "void advance(ivec2 here)").replace("    ivec2 here = ivec2(gl_FragCoord.xy);\n", "")
    .replaceAll("textureSize(state0, 0)", "ivec2(iResolution.xy)");
  const buffer = (i) => `// ---- Buffer ${"ABCD"[i]}: iChannel0 to iChannel${count - 1} are Buffer A to Buffer ${"ABCD"[count - 1]}
${define}
#define seed ${seed}u
#define steps_done uint(iFrame - 1)
vec4 ${outputs.join(", ")};
${helpers}
float rand(ivec2 cell, int c)
{
    uint h = uint(cell.x) * 747796405u ^ uint(cell.y) * 2891336453u ^ uint(c) * 277803737u ^ seed;
    h ^= h >> 16; h *= 0x7feb352du; h ^= h >> 15; h *= 0x846ca68bu; h ^= h >> 16;
    return float(h >> 8) / 16777216.0;
}
${step}
void mainImage(out vec4 result, in vec2 pixel)
{
    ivec2 here = ivec2(pixel);
    if (iFrame > 0) {
        advance(here);
    } else {
        vec2 away = abs(pixel / iResolution.xy - 0.5);
        bool inside = max(away.x, away.y) < ${literal(init.square_fraction / 2)};
${first.join("\n")}
    }
    result = next${i};
}
`;
  const { channel, low, gain } = payload.display;
  const index = Math.max(0, payload.channels.indexOf(channel));
  const value = `texelFetch(state${index >> 2}, cell, 0)[${index & 3}]`;
  const grey = `vec4 colour(ivec2 cell) { return vec4((${value} - ${literal(low ?? 0)}) * ${literal(gain ?? 1)}); }`;
  const image = `// ---- Image: the same channels
${define}
${payload.colours || grey}
void mainImage(out vec4 result, in vec2 pixel) { result = vec4(colour(ivec2(pixel)).rgb, 1.0); }
`;
  return [...outputs.map((_, i) => buffer(i)), image].join("\n");
}
