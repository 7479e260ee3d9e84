"""The text for ShaderToy, run as ShaderToy runs it: the same first state and steps as everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations import models
from srnca.pages.live.builder import build_page
from srnca.pages.live.payload import Start
from tests.test_equations.awkward import AWKWARD, reference
from tests.test_srnca.browser import Live, browser

SEED = 7
TOYS = ("spots", "large spots", "small square", "cross", "channel mask", "sixteen channels", "awkward names")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.mark.parametrize("label", ["coral", *TOYS])
def test_shadertoy_has_the_same_first_state_and_steps(label: str, chromium: Any, tmp_path: Path) -> None:
    """On a window that is not square, as theirs are; tiles of four channels share it."""
    rule = models.get("gray-scott:coral") if label == "coral" else AWKWARD[label]
    path = tmp_path / "page.html"
    path.write_text(build_page(rule, title="a rule", start=Start(24, SEED)), encoding="utf-8")
    live = Live(chromium, path)
    try:
        with live.tab.expect_download() as saved:
            live.tab.click("#keep summary")
            live.tab.click("#keep-toy")
        buffer, _, image = Path(saved.value.path()).read_text("utf-8").partition("// ---- Image")
        count = -(-len(rule.channels) // 4)
        across, down = (1, 1) if count == 1 else (2, 1) if count == 2 else (2, 2)
        for steps in (0, 5):
            pixels = live.ask(TOY, [buffer, f"//{image}", 36 * across, 20 * down, steps + 1])
            drawn = np.array(pixels, np.float32).reshape(down, 20, across, 36, 4).transpose(0, 2, 4, 1, 3)
            got = drawn.reshape(-1, 20, 36)[: len(rule.channels)]
            wanted = reference(rule, (20, 36), steps, SEED)
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6 * max(1, np.abs(wanted).max()))
        assert np.ptp(got) > 0
        wrong = live.ask(TOY, [buffer.replace("advance(here)", "advanced(here)"), f"//{image}", 36, 20, 1])
        assert "advanced" in wrong
    finally:
        live.close()


TOY = """([buffer, image, width, height, frames]) => {
    const gl = document.createElement("canvas").getContext("webgl2");
    gl.getExtension("EXT_color_buffer_float");
    const program = (text) => {
        const made = gl.createProgram();
        const vertex = `#version 300 es
            void main() { gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }`;
        const fragment = `#version 300 es
            precision highp float; precision highp int; precision highp sampler2D;
            uniform vec3 iResolution; uniform int iFrame; uniform sampler2D iChannel0, iChannel1, iChannel2, iChannel3;
            out vec4 shown_pixel;
            ${text}
            void main() { mainImage(shown_pixel, gl_FragCoord.xy); }`;
        for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
            const shader = gl.createShader(kind);
            gl.shaderSource(shader, source);
            gl.compileShader(shader);
            if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw gl.getShaderInfoLog(shader);
            gl.attachShader(made, shader);
        }
        gl.linkProgram(made);
        return made;
    };
    try {
        program(image);
        const step = program(buffer), place = (name) => gl.getUniformLocation(step, name);
        const sets = [0, 1].map(() => {
            const texture = gl.createTexture(), target = gl.createFramebuffer();
            gl.bindTexture(gl.TEXTURE_2D, texture);
            gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, width, height);
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
            gl.bindFramebuffer(gl.FRAMEBUFFER, target);
            gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
            return { texture, target };
        });
        gl.useProgram(step);
        gl.uniform3f(place("iResolution"), width, height, 1);
        gl.viewport(0, 0, width, height);
        for (let frame = 0; frame < frames; frame++) {
            gl.uniform1i(place("iFrame"), frame);
            gl.bindTexture(gl.TEXTURE_2D, sets[0].texture);
            gl.bindFramebuffer(gl.FRAMEBUFFER, sets[1].target);
            gl.drawArrays(gl.TRIANGLES, 0, 3);
            sets.reverse();
        }
        gl.bindFramebuffer(gl.FRAMEBUFFER, sets[0].target);
        const pixels = new Float32Array(4 * width * height);
        gl.readPixels(0, 0, width, height, gl.RGBA, gl.FLOAT, pixels);
        return [...pixels];
    } catch (error) {
        return String(error);
    }
}"""
