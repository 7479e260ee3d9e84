"""Live pages in a real browser: Chromium by Playwright, with WebGL2 on the CPU (SwiftShader)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.rule.rule import Rule
from srnca.pages.live.builder import build_page
from srnca.pages.live.payload import Start
from tests.test_equations.awkward import reference

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
PATIENCE = 120_000  # ms: the machine may be busy
SIZE, SEED, STEPS = 24, 7, 20


@contextmanager
def browser() -> Iterator[Any]:
    """A browser, or a skipped test with the reason."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("needs playwright: pip install -e .[page]")
    if CHROMIUM is None:
        pytest.skip("needs a browser: chromium, chromium-browser or google-chrome")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


class Live:
    """A page that is open: paused at step 0."""

    def __init__(self, browser: Any, path: Path, link: str = "", **context: Any) -> None:
        context.setdefault("viewport", {"width": 900, "height": 360})
        self.context = browser.new_context(**context)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(PATIENCE)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.goto(f"{path.as_uri()}#paused=1{link}")
        self.wait("state", "ready")
        self.wait("building", "no")

    def wait(self, name: str, value: object) -> None:
        self.tab.wait_for_selector(f'html[data-{name}="{value}"]', state="attached")

    def ask(self, expression: str, argument: object = None) -> Any:
        return self.tab.evaluate(expression, argument)

    def change(self, expression: str) -> None:
        """An edit, and the wait for its shader."""
        self.ask(f"() => {{ {expression}; }}")
        self.wait("building", "no")

    def state(self, kind: str = "rule") -> np.ndarray:
        """The present state (channel, h, w)."""
        found = self.ask(f"async () => {{ const s = await page.read('{kind}'); return {{...s, data: [...s.data]}}; }}")
        shape = (len(found["channels"]), found["height"], found["width"])
        return np.array(found["data"], np.float32).reshape(shape)

    def run(self, steps: int, kind: str = "rule") -> np.ndarray:
        """The state after so many steps from the first one."""
        self.ask(f"() => {{ page.reset(); page.advance({steps}); }}")
        self.wait("step", steps)
        return self.state(kind)

    def close(self) -> None:
        self.context.close()


def write(folder: Path, rule: Rule, **parts: Any) -> Path:
    """The page of a rule, SIZE² cells from SEED."""
    path = folder / "page.html"
    parts.setdefault("title", "a rule")
    path.write_text(build_page(rule, start=Start(SIZE, SEED), **parts), encoding="utf-8")
    return path


def close(got: np.ndarray, rule: Rule, rtol: float = 1e-5) -> None:
    """The state is that of the reference after STEPS steps."""
    wanted = reference(rule, (SIZE, SIZE), STEPS, SEED)
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-5 * max(1, np.abs(wanted).max()))
