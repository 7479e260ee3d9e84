"""`srnca page` without a browser: what is in the file, and clear words for what cannot become one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations import models, save_rule
from equations.rule.init import make_state
from equations.rule.stencils import nca_stencils
from equations.simulation import first_init
from srnca.pages.live import beside, builder
from srnca.pages.live.beside import front_payload, load_errors, load_front, network_payload
from srnca.pages.live.builder import build_page, join_scripts, page_scripts
from srnca.pages.live.parameters import parameter_panel
from srnca.pages.live.payload import Start, check_payload, file_stem, fnv1a
from srnca.texture.teacher import NCATeacher
from tests.test_equations.awkward import AWKWARD
from tests.test_equations.helpers import make_rule
from tests.test_srnca.command import run
from tests.test_srnca.tiny import checkpoint

EVIL = '</script><script>alert("1")</script>&\u2028'


def payload_of(text: str) -> Any:
    return json.loads(re.findall(r'<script type="application/json" id="payload">(.*?)</script>', text, re.S)[0])


def test_the_page_is_one_file_that_can_load_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "new" / "coral.html"
    code, out, _ = run(capsys, "page", "gray-scott:coral", "--size", 64, "--out", path)
    assert code == 0
    assert "coral.html: " in out
    text = path.read_text("utf-8")
    assert len(text.encode()) < 300_000
    policy = unescape(re.findall(r'Content-Security-Policy" content="(.*?)"', text)[0])
    script = text.rpartition("<script>")[2].rpartition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "eval(" not in join_scripts(page_scripts())
    data = payload_of(text)
    assert (data["size"], data["seed"], data["constants"]["u.0"]) == (64, 0, 0.055)
    assert data["title"] == "Gray-Scott: coral"


def test_text_of_any_origin_stays_text() -> None:
    text = build_page(AWKWARD["signs"], title=EVIL, about=EVIL, notes=[EVIL])
    assert text.count("<script") == 2
    assert text.count("</script") == 2
    assert payload_of(text)["title"] == EVIL
    assert payload_of(text)["file"] == file_stem(EVIL) == "script-script-alert-1-script"
    assert file_stem("日本") == "rule"


def test_the_check_is_what_the_reference_computes() -> None:
    rule = models.get("gray-scott:coral")
    check = check_payload(rule)
    assert check is not None
    first = make_state(first_init(rule), 2, (64, 64), 0)
    assert check["first"] == fnv1a(first.astype("<f4").tobytes())
    assert fnv1a(b"foobar") == 0xBF9CF968  # from the authors of the hash
    assert len(check["cells"]) > 60
    assert len(check["values"][0]) == len(check["cells"])
    assert check_payload(make_rule({"u": "u^3"}, init=rule.init and first_init(make_rule({"u": "1000*u"})))) is None


def test_a_rule_of_very_many_numbers_runs_but_cannot_be_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    from srnca.pages.live import payload

    monkeypatch.setattr(payload, "MOST_CONSTANTS", 3)
    data = payload_of(build_page(AWKWARD["signs"], title="t"))
    assert data["terms"] == []
    assert "⟦" not in data["shader"]
    assert "void main()" in data["shader"]


def test_the_network_beside_the_rule_is_exact_or_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = NCATeacher(checkpoint())
    found, note = network_payload(teacher)
    assert note is None
    assert found is not None
    assert found["channels"] == list(teacher.channels)
    assert found["shader"].startswith("#version 300 es")
    monkeypatch.setattr(beside, "MOST_NUMBERS", 10)
    assert network_payload(teacher)[0] is None
    assert "at most 10" in str(network_payload(teacher)[1])
    wide = NCATeacher(checkpoint(channels=17, hidden=4, filters=1))
    monkeypatch.setattr(beside, "MOST_NUMBERS", 10_000)
    assert network_payload(wide) == (None, "The network has 17 channels, more than the 16 of a page.")


def test_the_front_goes_from_many_terms_to_few_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = make_rule({"u": "0.1*u_lap - 0.2*u + 0.01*v", "v": "-v"})
    others = {n: make_rule({"u": f"0.{n}*u_lap - 0.2*u", "v": "-v"}) for n in (1, 2, 3)}
    others |= {9: rule, 8: make_rule({"w": "-w"})}
    assert [one["title"] for one in front_payload(rule, others)] == ["3 terms", "2 terms", "1 terms"]
    monkeypatch.setattr(beside, "MOST_FRONT", 2500)
    assert len(front_payload(rule, others)) == 1
    others[3] = make_rule({"u": " + ".join(f"0.{n}*exp(0.{n}*u)" for n in range(1, 90)), "v": "-v"})  # alone too long
    assert [one["title"] for one in front_payload(rule, others)] == ["2 terms"]


def test_only_files_named_by_their_terms_are_the_front(tmp_path: Path) -> None:
    rule = make_rule({"u": "-u"})
    (tmp_path / "front").mkdir()
    for name in ("0007.json", "0007 (copy).json"):
        save_rule(rule, tmp_path / "front" / name)
    assert load_front(tmp_path) == {7: rule}


def test_a_preset_that_is_no_text_makes_a_page_without_parameters() -> None:
    rule = models.get("gray-scott:coral")
    odd = rule.replace(provenance={**rule.provenance, "preset": ["coral"]})
    assert parameter_panel(odd) is None
    assert parameter_panel(rule) is not None


def test_errors_of_a_recorded_law_come_with_its_constants(tmp_path: Path) -> None:
    rule = make_rule({"u": "0.25*u_lap - 0.5*u", "v": "0.25*v"})
    law: Any = {
        "u": {"u_lap": {"value": 0.25, "error": 0.01}, "u": {"value": -0.5, "error": None}},
        "v": {"v": {"value": 0.25, "error": 0.02}, "u": {"value": 0.25, "error": float("nan")}},
    }
    (tmp_path / "report.json").write_text(json.dumps({"constants": law}))
    found = load_errors(tmp_path, rule)
    data = payload_of(build_page(rule, title="t", errors=found))
    assert sorted(found.values()) == [0.01, 0.02]
    assert {name: data["constants"][name] for name in found} == dict.fromkeys(found, 0.25)
    assert data["errors"] == found
    assert load_errors(tmp_path / "none", rule) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{wide}"], "expected at most 16 channels"),
        (["gray-scott", "--out", "{folder}"], "expected a file"),
        (["gray-scott", "--out", "x.png"], "expected a file ending in .html"),
        (["gray-scot"], "did you mean"),
        (["gray-scott", "--checkpoint", "{wide}"], "expected a .pt file"),
        (["gray-scott", "--update-rate", "0.5"], "expected it with --checkpoint"),
        (["gray-scott", "--size", "5000"], "1024"),
    ],
)
def test_what_cannot_be_a_page_says_why(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wide, folder = tmp_path / "wide.json", tmp_path / "folder.html"
    channels = [f"c{index}" for index in range(17)]
    save_rule(make_rule({channel: f"-{channel}" for channel in channels}, nca_stencils(1)), wide)
    folder.mkdir()
    code, _, err = run(capsys, "page", *(word.format(wide=wide, folder=folder) for word in words))
    assert code == 2
    assert message in err
    assert not list(tmp_path.glob("*.htm*/*"))


def test_a_rule_without_display_is_shown_by_what_there_is() -> None:
    data = payload_of(build_page(AWKWARD["spots"], title="t", start=Start(32)))
    assert data["display"]["auto"] is True
    assert data["colours"] == ""
    assert np.isfinite(data["display"]["low"])


def test_a_page_that_would_be_too_large_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, said = AWKWARD["signs"], list[str]()
    teacher = NCATeacher(checkpoint())
    network, _ = network_payload(teacher)
    parts: Any = {"title": "t", "network": network, "front": [{"title": "1 terms", "shader": "x" * 1000}]}
    assert 'data-pane="network"' in build_page(rule, note=said.append, **parts)
    assert said == []
    for limit, words in ((len(build_page(rule, **parts).encode()) - 500, 1), (1000, 2)):
        monkeypatch.setattr(builder, "LARGEST", limit)
        text = build_page(rule, note=said.append, **parts)
        assert len(said) == words
        assert all(sentence in text for sentence in said)
        said.clear()
    assert "network" not in payload_of(text)
    assert 'id="front"' not in text
