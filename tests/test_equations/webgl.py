"""Printed shaders in a browser: one page that steps them in WebGL2, in headless Chromium."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

PAGE = """<!doctype html><meta charset="utf-8"><pre id="out">not run</pre><script>
const jobs = JOBS, out = document.getElementById("out");
const gl = document.createElement("canvas").getContext("webgl2");
function compiled(kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw gl.getShaderInfoLog(shader);
  return shader;
}
function target(job) {  // one set of textures and a framebuffer that draws into them
  const textures = job.texels.map((values) => {
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, job.w, job.h);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, job.w, job.h, gl.RGBA, gl.FLOAT, new Float32Array(values));
    return texture;
  });
  const buffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
  textures.forEach((texture, index) =>
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + index, gl.TEXTURE_2D, texture, 0));
  gl.drawBuffers(textures.map((_, index) => gl.COLOR_ATTACHMENT0 + index));
  if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) throw "framebuffer";
  return {textures, buffer};
}
function run(job) {
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl.VERTEX_SHADER, `#version 300 es
    void main() { gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }`));
  gl.attachShader(program, compiled(gl.FRAGMENT_SHADER, job.shader));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw gl.getProgramInfoLog(program);
  gl.useProgram(program);
  gl.viewport(0, 0, job.w, job.h);
  gl.uniform1ui(gl.getUniformLocation(program, "seed"), job.seed);
  job.texels.forEach((_, index) => gl.uniform1i(gl.getUniformLocation(program, "state" + index), index));
  let source = target(job), drain = target(job);
  for (let step = 0; step < job.steps; step++) {
    gl.uniform1ui(gl.getUniformLocation(program, "steps_done"), step);
    source.textures.forEach((texture, index) => {
      gl.activeTexture(gl.TEXTURE0 + index);
      gl.bindTexture(gl.TEXTURE_2D, texture);
    });
    gl.bindFramebuffer(gl.FRAMEBUFFER, drain.buffer);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    [source, drain] = [drain, source];
  }
  gl.bindFramebuffer(gl.FRAMEBUFFER, source.buffer);
  let text = "";
  job.texels.forEach((_, index) => {
    const values = new Float32Array(job.w * job.h * 4);
    gl.readBuffer(gl.COLOR_ATTACHMENT0 + index);
    gl.readPixels(0, 0, job.w, job.h, gl.RGBA, gl.FLOAT, values);
    for (const byte of new Uint8Array(values.buffer)) text += String.fromCharCode(byte);
  });
  if (gl.getError()) throw "WebGL error";
  return btoa(text);
}
try {
  if (!gl.getExtension("EXT_color_buffer_float")) throw "no float textures";
  out.textContent = "done:" + jobs.map(run).join(":") + ":";
} catch (error) { out.textContent = "failed:" + error; }
</script>"""


def run_in_browser(jobs: list[dict[str, Any]], folder: Path) -> list[bytes]:
    """The last texels of each job: {"shader", "w", "h", "steps", "seed", "texels": [numbers of each texture]}.

    Chromium runs WebGL2 on the CPU here, by SwiftShader.
    """
    (folder / "page.html").write_text(PAGE.replace("JOBS", json.dumps(jobs)), encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
        "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", f"--user-data-dir={folder / 'profile'}", "--dump-dom", f"file://{folder / 'page.html'}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    result = done.stdout.partition('<pre id="out">')[2].partition("</pre>")[0]
    assert result.startswith("done:"), (result or done.stderr)[-500:]
    return [base64.b64decode(text) for text in result.split(":")[1:-1]]
