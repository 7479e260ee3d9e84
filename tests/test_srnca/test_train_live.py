"""`srnca train --live`: the page answers only who knows its address, and changes nothing of the training."""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from PIL import Image

from srnca.pages.live.training import Training, serving, thinned
from tests.test_srnca.browser import browser
from tests.test_srnca.command import run
from tests.test_srnca.tiny import shorten_training

TINY = ["--channels", "4", "--hidden", "6", "--size", "16", "--max-ca-steps", "3", "--iterations", "4", "--seed", "3"]


def ask(address: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """GET `path` from the server of `address`: the code, the headers, the body."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def training() -> Training:
    made = Training("<b>snake</b>\x1b[2J.pt", [0.5])
    made.see(2, 8, 0.25, "loss 0.25", lambda: Image.new("RGB", (9, 7), (255, 0, 0)))
    made.see(3, 8, float("nan"), "loss –", None)
    return made


def test_only_the_address_with_the_token_is_answered() -> None:
    with serving(training()) as address:
        token = urlsplit(address).path
        other = token[:-2] + ("A" if token[-2] != "A" else "B") + "/"
        for path in ("/", "/now.json", "/picture.png", f"{other}now.json", "/../" + token.strip("/"), "/x" + token):
            code, _, body = ask(address, path)
            assert code == 403, path
            assert token.strip("/").encode() not in body
        assert ask(address, f"{token}now.json", Host="evil.example")[0] == 403  # a name that was made to lead here
        assert ask(address, f"{token}none.json")[0] == 404
        assert ask(address, token)[0] == 200
    assert len(token) > 24


def test_tokens_and_ports_differ_from_run_to_run_and_nothing_listens_beyond_this_machine() -> None:
    with serving(training()) as first, serving(training()) as second:
        assert urlsplit(first).path != urlsplit(second).path
        assert urlsplit(first).port != urlsplit(second).port
        assert urlsplit(first).hostname == "127.0.0.1"
        port = urlsplit(first).port
        with pytest.raises(OSError, match="refused"):  # another address of this machine
            socket.create_connection(("127.0.0.2", int(port or 0)), timeout=5)


def test_numbers_and_picture_are_those_of_the_training() -> None:
    with serving(training()) as address:
        path = urlsplit(address).path
        code, headers, body = ask(address, f"{path}now.json")
        found = json.loads(body)
        assert code == 200
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert (found["iteration"], found["iterations"], found["picture"]) == (3, 8, 1)
        assert found["losses"] == [[1, 0.5], [2, 0.25], [3, None]]
        assert found["name"] == "<b>snake</b>\\x1b[2J.pt"
        image = Image.open(io.BytesIO(ask(address, f"{path}picture.png")[2]))
        assert (image.size, image.getpixel((3, 3))) == ((9, 7), (255, 0, 0))
        page = ask(address, path)[2].decode()
        assert "default-src &#x27;none&#x27;; script-src &#x27;sha256-" in page
        assert "http" not in re.sub(r"http://www\.w3\.org/\S+|http-equiv", "", page)


def test_a_browser_that_goes_away_leaves_no_word_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Training("x")) as address:
        port = int(urlsplit(address).port or 0)
        for request in (b"GET http://[x/ HTTP/1.1\r\n\r\n", b"GET / HT"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(request)
                client.settimeout(5)
                if request.endswith(b"\n"):
                    client.recv(100)
    assert capsys.readouterr() == ("", "")


def test_the_server_ends_with_the_training_also_where_that_fails() -> None:
    found: list[str] = []

    def fail() -> None:
        with serving(training()) as address:
            found.append(address)
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    with pytest.raises(OSError, match="refused"):
        ask(found[0], "/")
    assert not [thread for thread in threading.enumerate() if "serve_forever" in thread.name]


def test_a_long_history_is_thinned_to_means_that_keep_the_last_iteration() -> None:
    found = thinned([float(i) for i in range(1000)], most=10)
    assert len(found) == 10
    assert found[0] == (100, 49.5)
    assert found[-1] == (1000, 949.5)
    assert thinned([]) == []


def test_training_with_the_page_gives_the_same_weights_and_the_page_shows_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_training(monkeypatch)
    seen: list[dict[str, Any]] = []
    original = Training.see

    def see(self: Training, *values: Any) -> None:
        original(self, *values)
        seen.append(self.state())
        assert (self.picture() or b"").startswith(b"\x89PNG")  # drawn while the training runs
        if self.iteration in (1, 4):
            pages.append((self.network_page() or b"").decode())

    pages: list[str] = []
    monkeypatch.setattr("srnca.pages.live.training.COPY_EVERY_S", 0.0)
    monkeypatch.setattr(Training, "see", see)
    plain, live = tmp_path / "plain.pt", tmp_path / "live.pt"
    assert run(capsys, "train", "sample:snake", *TINY, "--out", plain, "--quiet")[0] == 0
    assert not seen
    code, _, err = run(capsys, "train", "sample:snake", *TINY, "--out", live, "--quiet", "--live")
    assert code == 0
    address = re.search(r"live: (http://127\.0\.0\.1:\d+/[\w-]{32}/)", err)
    assert address is not None
    with pytest.raises(OSError, match="refused"):
        ask(address[1], urlsplit(address[1]).path)
    assert [state["iteration"] for state in seen] == list(range(1, 5))
    assert seen[-1]["name"] == "live.pt"
    assert [state["network"] for state in seen] == [1, 2, 3, 4]
    assert ["live.pt, iteration 1" in pages[0], "live.pt, iteration 4" in pages[1]] == [True, True]
    checks = [re.findall(r'"check": (\{.*?\})', page)[0] for page in pages]
    assert checks[0] != checks[1]  # states of other weights
    first, second = (torch.load(path, weights_only=True) for path in (plain, live))
    assert torch.equal(first["history"], second["history"])
    for name, weights in first["weights"].items():
        assert torch.equal(weights, second["weights"][name]), name


def test_a_browser_shows_loss_and_picture_and_asks_nobody_else() -> None:
    with browser() as chromium, serving(training()) as address:
        tab = chromium.new_page()
        asked: list[str] = []
        errors: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda message: errors.append(message.text))
        tab.goto(address)
        tab.wait_for_selector('html[data-state="ready"]', state="attached")
        tab.wait_for_selector("#picture[src='picture.png?1']")
        assert "iteration 3 of 8" in tab.inner_text("#status")
        assert tab.inner_text("#name") == "<b>snake</b>\\x1b[2J.pt"
        assert tab.locator("#loss path.line").get_attribute("d").startswith("M")
        assert tab.is_hidden("#running")  # there is no network
        assert all(url.startswith((address, "data:")) for url in asked)
        assert errors == []
