"""Steps a second of Gray-Scott in a live page and in VisualPDE's own page, in turn, in one browser on the CPU.

    git clone https://github.com/Pecnut/visual-pde
    python benchmarks/page_visualpde.py visual-pde [--size 512] [--steps 200] [--rounds 5]

Both do explicit Euler steps with the five-point Laplacian on a periodic grid of float32. Only steps are timed, nothing
is drawn. The clone is served as its site does, with two lines added in passing: its preset Gray-Scott with this many
cells, and a name for the function of its page that does a step.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has an equations.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from playwright.sync_api import sync_playwright

from benchmarks.page import CHROMIUM, CPU, TIMED, processor_seconds
from equations import models
from srnca.pages.live.builder import build_page
from srnca.pages.live.payload import Start

ADDED = {
    "/sim/scripts/RD/main.js": (
        "  function animate() {",
        "  globalThis.theirs = { step: () => timestep(), gl: renderer.getContext(), size: [nXDisc, nYDisc],"
        " scheme: options.timesteppingScheme, edges: options.boundaryConditions_1 };\n  function animate() {",
    ),
    "/sim/scripts/RD/presets.js": (
        'presets["GrayScottGliders"] = {',
        'presets["Sized"] = {{ ...presets["GrayScott"], preset: "Sized", domainScale: "{0}", '
        'squareCanvas: true, runningOnLoad: false }};\n\npresets["GrayScottGliders"] = {{',
    ),
}
THEIRS = """(steps) => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) theirs.step();
    const cell = new Float32Array(4);
    theirs.gl.readPixels(0, 0, 1, 1, theirs.gl.RGBA, theirs.gl.FLOAT, cell);
    if (!cell.every(Number.isFinite)) throw new Error("VisualPDE's numbers diverged");
    return (1000 * steps) / (performance.now() - start);
}"""


def simulation_page(root: Path) -> str:
    """What Jekyll makes of the layout `sim.html`: its includes, and nothing of its templates that is left."""
    text = (root / "_layouts/sim.html").read_text("utf-8")

    def include(match: re.Match[str]) -> str:
        path = root / "_includes" / match[1]
        return path.read_text("utf-8") if path.exists() and "google" not in match[1] else ""

    text = re.sub(r"\{%-?\s*include\s+(\S+)\s*-?%\}", include, text)
    text = re.sub(r"\{\{\s*\"([^\"]+)\"\s*\|\s*relative_url\s*\}\}", r"\1", text)
    return re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.S)


@contextmanager
def served(root: Path, size: int) -> Iterator[str]:
    """The address of the clone's simulation page."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(root))

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path == "/sim/":
                self.answer(simulation_page(root), "text/html")
            elif path in ADDED:
                old, new = ADDED[path]
                text = (root / path[1:]).read_text("utf-8")
                if text.count(old) != 1:
                    raise SystemExit(f"{path}: expected one line {old!r}, as in the version of November 2026")
                self.answer(text.replace(old, new.format(3 * size) if "{0}" in new else new), "text/javascript")
            else:
                super().do_GET()

        def answer(self, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sim/?preset=Sized&nomathjax"
    finally:
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=Path)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    rule, rates = models.get("gray-scott:coral"), {}
    with (
        tempfile.TemporaryDirectory() as folder,
        served(chosen.clone.resolve(), chosen.size) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *CPU])
        path = Path(folder) / "page.html"
        path.write_text(build_page(rule, title="Gray-Scott", start=Start(chosen.size)), encoding="utf-8")
        ours, theirs = (browser.new_page(viewport={"width": 640, "height": 640}) for _ in range(2))
        ours.goto(f"{path.as_uri()}#paused=1")
        ours.wait_for_selector("html[data-check=checked]", state="attached", timeout=300_000)
        theirs.goto(address)
        theirs.locator("#welcome_no").dispatch_event("click", timeout=120_000)  # no tour
        theirs.wait_for_function("globalThis.theirs", timeout=120_000)
        theirs.locator("#erase").dispatch_event("click")  # a first state, in case that it was drawn from too early
        print("VisualPDE:", theirs.evaluate("() => [theirs.size, theirs.scheme, theirs.edges].join(', ')"))
        jobs = {"srnca page": lambda: ours.evaluate(TIMED, chosen.steps)[1]}
        jobs["VisualPDE"] = lambda: theirs.evaluate(THEIRS, chosen.steps)
        for number in range(chosen.rounds + 1):
            for name, job in jobs.items():
                before = processor_seconds()
                rate = job()
                spent = chosen.steps / max(processor_seconds() - before, 1e-3)
                if number:  # the first round compiles shaders
                    rates.setdefault(name, []).append((rate, spent))
        for name, found in rates.items():
            wall, work = (statistics.median(values) for values in zip(*found, strict=True))
            print(f"{name}, {chosen.size}²: {wall:.1f} steps/s, {work:.1f} steps per processor second (medians)")
        browser.close()


if __name__ == "__main__":
    main()
