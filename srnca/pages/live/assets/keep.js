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
    this.text(shaderToy(this.app.shown, this.app.shaderText(), this.app.seed), `${this.app.payload.file}-shadertoy.txt`);
  }
}
