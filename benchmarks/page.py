"""Size and speed of live pages in Chromium: kB of the file, steps a second, time of the first step.

    python benchmarks/page.py [--many RULE] [--gpu] [--steps 200]
    python benchmarks/page.py --sizes

Gray-Scott on 512 x 512 cells and a rule of many terms on 256 x 256: 8 channels of 16 terms each unless `--many` names a
rule. Without --gpu WebGL2 runs on the CPU (SwiftShader). Only steps are timed: nothing is drawn between them. With
--sizes only the size of the page of every learned rule and known model is printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has an equations.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from playwright.sync_api import sync_playwright

from equations import Init, Rule, load_rule, models, nca_stencils, parse_infix
from srnca import learned
from srnca.pages.live.builder import build_page
from srnca.pages.live.payload import Start
from srnca.pages.live.presets import preset_words

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CPU = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TIMED = """async (steps) => {
    const start = performance.now();
    await page.run(1);
    const first = performance.now() - start;
    const from = performance.now();
    await page.run(steps);
    return [first, (1000 * steps) / (performance.now() - from)];
}"""


def many_terms() -> Rule:
    """128 terms: 8 channels, each with itself, Laplacians, slopes, absolute values and products."""
    names = tuple(f"c{index}" for index in range(8))
    stencils = nca_stencils(4)
    updates = {}
    for index, name in enumerate(names):
        other, third = names[(index + 1) % 8], names[(index + 3) % 8]
        text = f"-0.2*{name} + 0.3*{name}_lap + 0.01"
        for k, one in enumerate(names[:4]):
            text += f" + 0.0{k + 1}*abs({one}_dx) - 0.0{k + 2}*abs({one}_dy) + 0.00{k + 1}*{one}*{other}"
        text += f" - 0.1*{third}_lap"
        features = tuple(f"{c}_{s.name}" if s.name != "id" else c for c in names for s in stencils)
        updates[name] = parse_infix(text, features)
    init = Init("noise", (0.0,) * 8, (0.5,) * 8)
    return Rule(names, stencils, updates, clamp=(-1, 1), update_rate=0.5, init=init)


def processor_seconds() -> float:
    """Of all processes below this one: unlike the time of day, it says something on a busy machine too."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            stats[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    below, found = {os.getpid()}, {}
    for pid, stat in sorted(stats.items()):  # parents come before their children
        if int(stat[1]) in below:
            below.add(pid)
            found[pid] = int(stat[11]) + int(stat[12])
    return sum(found.values()) / os.sysconf("SC_CLK_TCK")


def print_sizes() -> None:
    """kB of the page of every learned rule, and of every preset of a known model with its menu of presets."""
    for name in learned.names():
        rule = learned.load(name).rule
        size = len(build_page(rule, title=name).encode()) / 1000
        print(f"learned:{name}, {sum(rule.terms().values())} terms: {size:.0f} kB")
    for name in models.names():
        model, sizes = models.load(name), []
        for preset in model.presets:
            title, about = preset_words(model, preset)
            sizes.append(len(build_page(model.rule(preset), title=title, about=about).encode()) / 1000)
        print(f"{name}, {len(sizes)} presets: {min(sizes):.0f} to {max(sizes):.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", help="a rule.json in place of the 128 terms")
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--sizes", action="store_true")
    chosen = parser.parse_args()
    if chosen.sizes:
        print_sizes()
        return
    many = load_rule(chosen.many) if chosen.many else many_terms()
    jobs = [("Gray-Scott", models.get("gray-scott:coral"), 512), ("many terms", many, 256)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *([] if chosen.gpu else CPU)]
        )
        for name, rule, size in jobs:
            path = Path(folder) / "page.html"
            path.write_text(build_page(rule, title=name, start=Start(size)), encoding="utf-8")
            tab = browser.new_page(viewport={"width": 640, "height": 480})
            tab.goto(f"{path.as_uri()}#paused=1")
            tab.wait_for_selector("html[data-check=checked]", state="attached", timeout=300_000)
            before = processor_seconds()
            first, rate = tab.evaluate(TIMED, chosen.steps)
            spent = processor_seconds() - before
            facts = f"{sum(rule.terms().values())} terms, {size}²: {path.stat().st_size / 1000:.0f} kB"
            speed = f"{rate:.1f} steps/s, {(chosen.steps + 1) / spent:.1f} steps per processor second"
            print(f"{name}, {facts}, {speed}, first step {first:.0f} ms")
            tab.close()
        browser.close()


if __name__ == "__main__":
    main()
