"""A local page that shows a training as it runs: loss, newest picture, progress.

The server answers on 127.0.0.1 only, at a random port, and only to addresses that begin with a random token. It reads
what the training reports and changes nothing of it; all drawing happens when a browser asks.
"""

from __future__ import annotations

import hmac
import io
import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import urlsplit

from distill.engines.exact import form_of
from distill.teacher import compose
from equations.errors import InputError, SrncaError
from srnca.pages.live.beside import MOST_NUMBERS
from srnca.pages.live.builder import ASSETS, build_page, hash_of, join_scripts
from srnca.pages.rendering import render
from srnca.visible import visible

if TYPE_CHECKING:
    from PIL.Image import Image

    from srnca.automata.stepping import Network

SCRIPTS = ("panels/parts.js", "panels/charts.js", "training.js")
STYLES = ("page.css", "panels/panels.css", "training.css")
COPY_EVERY_S = 2.0  # seconds between two copies of the network
POINTS = 600  # of the curve of the loss
Draw: TypeAlias = "Callable[[], Image]"


@dataclass
class Training:
    """What is known of a training; filled by `see`, read by the server's threads.

    name: of what is learned.
    history: losses of the iterations before.
    """

    name: str
    history: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    iteration: int = 0
    iterations: int = 0
    detail: str = ""
    version: int = 0  # of the picture
    copied: float = -math.inf  # when the network was copied
    _network: tuple[int, Network] | None = None  # and the iteration that it is from
    _page: tuple[int, bytes] = (0, b"")
    _draw: Draw | None = None
    _drawn: tuple[int, bytes] = (0, b"")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def see(
        self,
        iteration: int,
        iterations: int,
        loss: float,
        detail: str,
        draw: Draw | None,
        network: Callable[[], Network] | None = None,
    ) -> None:
        """Take in an iteration.

        draw: makes its picture, if a browser asks for it; None where there is no new one.
        network: copies its network, which is done every few seconds; None where there is none.
        """
        with self._lock:
            if network is not None and time.monotonic() - self.copied >= COPY_EVERY_S:
                self._network, self.copied = (iteration, network()), time.monotonic()
            self.iteration, self.iterations, self.detail = iteration, iterations, detail
            self.history.append(loss)
            if draw is not None:
                self._draw = draw
                self.version += 1

    def state(self) -> dict[str, Any]:
        """Plain data for the page; losses that are not finite are null."""
        with self._lock:
            losses = thinned(self.history)
            return {
                "name": visible(self.name),
                "iteration": self.iteration,
                "iterations": self.iterations,
                "detail": visible(self.detail),
                "seconds": time.monotonic() - self.started,
                "losses": losses,
                "picture": self.version,
                "network": None if self._network is None else self._network[0],
            }

    def picture(self) -> bytes | None:
        """The newest picture as PNG; None before the first."""
        with self._lock:
            draw, version, drawn = self._draw, self.version, self._drawn
        if draw is None:
            return None
        if drawn[0] != version:
            buffer = io.BytesIO()
            draw().save(buffer, "PNG")
            drawn = (version, buffer.getvalue())
            with self._lock:
                self._drawn = drawn
        return drawn[1]

    def network_page(self) -> bytes | None:
        """The page that runs the newest network, as its exact algebra; None where there is no network.

        Raises InputError for a network that is too large for a page.
        """
        with self._lock:
            newest, page = self._network, self._page
        if newest is None:
            return None
        iteration, network = newest
        if page[0] != iteration:
            numbers = sum(weight.numel() for weight in network.nca.parameters())
            if numbers > MOST_NUMBERS:
                raise InputError(f"The network has {numbers:,} numbers; a page runs at most {MOST_NUMBERS:,}.")
            rule = compose(network, form_of(network))
            page = (iteration, build_page(rule, title=f"{visible(self.name)}, iteration {iteration}").encode())
            with self._lock:
                self._page = page
        return page[1]


def thinned(losses: Sequence[float], most: int = POINTS) -> list[tuple[int, float | None]]:
    """(iteration, mean loss of its share of the iterations), at most `most` points; null for no finite loss."""
    count, found = min(most, len(losses)), []
    for index in range(count):
        low, high = index * len(losses) // count, (index + 1) * len(losses) // count
        finite = [loss for loss in losses[low:high] if math.isfinite(loss)]
        found.append((high, sum(finite) / len(finite) if finite else None))
    return found


@contextmanager
def serving(training: Training) -> Iterator[str]:
    """Serve the page while the block runs; gives its address, which holds the token."""
    token = secrets.token_urlsafe(24)
    page = training_page()

    class Handler(_Handler):
        secret, html, source = token, page, training

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{token}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """A silent server: a tab that is closed while it loads is no news for whoever watches the training."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: the browser sees that its request failed."""


class _Handler(BaseHTTPRequestHandler):
    """Answers GET below /TOKEN/; everything else is refused with 403, so that nothing can be learned by asking."""

    secret: str
    html: bytes
    source: Training
    server_version = "srnca"
    sys_version = ""
    timeout = 10  # seconds

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        token, _, name = path.removeprefix("/").partition("/")
        if not self._is_local() or not hmac.compare_digest(token.encode(), self.secret.encode()):
            self._answer(403, "text/plain; charset=utf-8", b"403: use the address that srnca train printed\n")
        elif name == "" and path.endswith("/"):
            self._answer(200, "text/html; charset=utf-8", self.html)
        elif name == "now.json":
            self._answer(200, "application/json", json.dumps(self.source.state(), allow_nan=False).encode())
        elif name == "network.html":
            self._answer_network()
        elif name == "picture.png" and (picture := self.source.picture()) is not None:
            self._answer(200, "image/png", picture)
        else:
            self._answer(404, "text/plain; charset=utf-8", b"404: there is no such page\n")

    def _answer_network(self) -> None:
        try:
            page = self.source.network_page()
        except SrncaError as error:
            self._answer(200, "text/plain; charset=utf-8", visible(str(error)).encode())
            return
        if page is None:
            self._answer(404, "text/plain; charset=utf-8", b"404: there is no network yet\n")
        else:
            self._answer(200, "text/html; charset=utf-8", page)

    def _is_local(self) -> bool:
        """Whether the browser asked for this machine: another name that leads here is a foreign site's trick."""
        port = cast("ThreadingHTTPServer", self.server).server_port
        return self.headers.get("Host") in (f"127.0.0.1:{port}", f"localhost:{port}")

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "SAMEORIGIN",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the library is silent."""


def training_page() -> bytes:
    """The page as HTML; it asks its own address for numbers and pictures, and may ask no other."""
    script = join_scripts(ASSETS / name for name in SCRIPTS)
    policy = (
        f"default-src 'none'; script-src '{hash_of(script)}'; style-src 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
    )
    style = "".join((ASSETS / name).read_text("utf-8") for name in STYLES)
    return render("training.html", policy=policy, style=style, script=script).encode()
