"""The JavaScript of docs/export.md steps and draws a printed shader in a browser, set up as its text asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from equations.printers import print_rule
from equations.rule.display import render
from tests.test_docs.blocks import all_blocks
from tests.test_equations.awkward import COLOURED, reference
from tests.test_equations.test_printer_glsl import first_state, from_texels, to_texels
from tests.test_srnca.browser import browser

SIZE, STEPS, SEED = (12, 20), 20, 7
RULE = COLOURED["quadratic"]
STEP, PICTURE = (block.text for block in all_blocks("js"))

SET_UP = """
const gl = document.createElement("canvas").getContext("webgl2", { preserveDrawingBuffer: true });
gl.getExtension("EXT_color_buffer_float");
gl.canvas.width = width; gl.canvas.height = height;
const compiled = (kind, text) => {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
};
const makeSet = () => {
  const framebuffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  const textures = texels.map((values, index) => {
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, width, height);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA, gl.FLOAT, new Float32Array(values));
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + index, gl.TEXTURE_2D, texture, 0);
    return texture;
  });
  gl.drawBuffers(textures.map((_, index) => gl.COLOR_ATTACHMENT0 + index));
  return { textures, framebuffer };
};
const program = gl.createProgram();
const start = () => {
  gl.attachShader(program, compiled(gl.VERTEX_SHADER, vertex));
  gl.attachShader(program, compiled(gl.FRAGMENT_SHADER, shader));
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.viewport(0, 0, width, height);
  gl.uniform1ui(gl.getUniformLocation(program, "seed"), seed);
  texels.forEach((_, index) => gl.uniform1i(gl.getUniformLocation(program, `state${index}`), index));
};
const bind = () => source.textures.forEach((texture, i) => {
  gl.activeTexture(gl.TEXTURE0 + i);
  gl.bindTexture(gl.TEXTURE_2D, texture);
});
let source = makeSet(), target = makeSet();
"""
READ = """
gl.bindFramebuffer(gl.FRAMEBUFFER, source.framebuffer);
const state = new Float32Array(4 * width * height);
gl.readPixels(0, 0, width, height, gl.RGBA, gl.FLOAT, state);
bind();
"""
END = """
const pixels = new Uint8Array(4 * width * height);
gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
return { state: [...state], pixels: [...pixels], error: gl.getError() };
"""


def test_the_loop_of_the_page_steps_a_rule_and_its_last_lines_draw_it(tmp_path: Path) -> None:
    (height, width), texels = SIZE, to_texels(first_state(RULE, SIZE, SEED))
    given = {
        "width": width, "height": height, "steps": STEPS, "seed": SEED, "shader": print_rule(RULE, "glsl"),
        "texels": [texture.ravel().tolist() for texture in texels],
    }  # fmt: skip
    before, loop, after = STEP.partition("for (let step")
    script = f"{SET_UP}{before}\nstart();\n{loop}{after}{READ}{PICTURE}{END}"
    with browser() as chromium:
        tab = chromium.new_page()
        found = tab.evaluate(f"({{ {', '.join(given)} }}) => {{ {script} }}", given)
    assert found["error"] == 0
    state = from_texels(np.array(found["state"], "<f4").tobytes(), RULE, SIZE)
    expected = reference(RULE, SIZE, STEPS, SEED)
    assert np.abs(expected - first_state(RULE, SIZE, SEED)).max() > 0.05
    np.testing.assert_allclose(state, expected, rtol=1e-3, atol=1e-3)
    pixels = np.array(found["pixels"], np.uint8).reshape(height, width, 4)[::-1, :, :3]  # WebGL reads from the bottom
    wanted = render(RULE, expected)
    assert len(np.unique(wanted)) > 2
    assert np.abs(pixels.astype(int) - wanted).max() <= 1
