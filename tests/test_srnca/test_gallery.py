"""`srnca gallery`: pages and thumbnails of results, of pages made before, of the known models."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equations import models, save_rule, simulate
from equations.rule.display import render
from equations.rule.rule import Rule
from srnca.pages.live.builder import build_page
from srnca.pages.live.gallery import make_gallery
from srnca.pages.live.gallery_entries import Entry, model_entries
from tests.test_srnca.command import run


def small(name: str = "fisher-kpp", **changes: object) -> Rule:
    """A rule that no longer says which model it is, and notes a short run."""
    return models.get(name).replace(provenance={"steps": 30, "size": 32, "seed": 5, **changes})


def save(rule: Rule, folder: Path) -> Path:
    folder.mkdir(parents=True)
    save_rule(rule, folder / "rule.json")
    return folder


def test_results_and_pages_become_a_folder_with_an_index_of_thumbnails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rule = small()
    save(rule, tmp_path / "all" / "coral")
    nasty = tmp_path / "all" / 'a"<script>alert(1)<'
    save(small("allen-cahn"), nasty)
    (tmp_path / "all" / "page-of-mine.html").write_text(build_page(small(), title="Mine <b>&</b>"), "utf-8")
    (tmp_path / "all" / "other.html").write_text("<html>no page of ours</html>", "utf-8")
    out = tmp_path / "all" / "shown"  # inside what is shown: its own pages must not come in
    for _ in range(2):
        code, said, _ = run(capsys, "gallery", tmp_path / "all", "--out", out, "--json", "--quiet")
        assert code == 0
    found = json.loads(said)
    assert [page["title"] for page in found["pages"]] == ['a"<script>alert(1)<', "coral", "Mine <b>&</b>"]
    assert found["left_out"] == {}
    index = (out / "index.html").read_text("utf-8")
    links = re.findall(r'href="([^"#]+)"', index) + re.findall(r'src="([^"]+)"', index)
    assert len(links) == 6
    assert all((out / link).is_file() for link in links)
    assert "<script" not in index
    assert "a&quot;&lt;script&gt;" in index
    assert "Mine &lt;b&gt;" in index
    page = next(page for page in found["pages"] if page["title"] == "coral")
    picture = np.asarray(Image.open(out / page["thumbnail"]))
    np.testing.assert_array_equal(picture, render(rule, simulate(rule, size=32, steps=30, seed=5)[-1]))
    assert '"size": 32' in (out / page["page"]).read_text("utf-8")


def test_a_page_beside_its_rule_is_taken_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = save(small(), tmp_path / "coral")
    page = build_page(small(), title="With all that belongs to it")
    (folder / "page.html").write_text(page, "utf-8")
    (folder / "report.html").write_text(page, "utf-8")
    assert run(capsys, "gallery", folder, "--out", tmp_path / "g", "--quiet")[0] == 0
    assert (tmp_path / "g" / "coral.html").read_text("utf-8") == page
    assert len(list((tmp_path / "g").glob("*.html"))) == 2  # the index, and one page


def test_what_cannot_be_shown_is_left_out_with_the_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save(small(), tmp_path / "all" / "good")
    (tmp_path / "all" / "broken").mkdir()
    (tmp_path / "all" / "broken" / "rule.json").write_text("{", "utf-8")
    names = tuple(f"c{i}" for i in range(17))
    many = Rule(channels=names, stencils=small().stencils, updates={name: small().updates["u"] * 0 for name in names})
    save(many, tmp_path / "all" / "many")
    diverging = small(steps=400).replace(updates={"u": small().updates["u"] * 1e9})
    save(diverging, tmp_path / "all" / "wild")
    code, said, err = run(capsys, "gallery", tmp_path / "all", "--out", tmp_path / "g", "--json", "--quiet")
    found = json.loads(said)
    assert code == 0
    assert set(found["left_out"]) == {"broken", "many"}
    assert "16 channels" in found["left_out"]["many"]
    assert "left out: broken" in err
    assert [(page["title"], page["thumbnail"] is None) for page in found["pages"]] == [("good", False), ("wild", True)]
    assert "diverges" in (tmp_path / "g" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("make", "words", "message"),
    [
        (None, [], "expected folders of results or pages, or --models"),
        (None, ["missing"], "expected a folder of results or pages, got nothing of that name"),
        ("empty", ["empty"], "expected rule.json files, or pages that srnca page made"),
        ("file", ["file"], "expected a folder of results or pages, got a file"),
        ("good", ["good", "--out", "taken"], "expected a folder to write, got a file"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: str | None,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine", "utf-8")
    if make == "file":
        Path("file").write_text("", "utf-8")
    elif make == "empty":
        Path("empty").mkdir()
    elif make:
        save(small(), Path(make))
    code, said, err = run(capsys, "gallery", *words)
    assert (code, said) == (2, "")
    assert message in err
    assert Path("taken").read_text("utf-8") == "mine"


def test_a_folder_without_a_rule_leaves_the_others_their_pages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save(small(), tmp_path / "good")
    (tmp_path / "empty").mkdir()
    code, said, err = run(capsys, "gallery", tmp_path / "empty", tmp_path / "good", "--out", tmp_path / "g", "--json")
    assert code == 0
    assert [page["title"] for page in json.loads(said)["pages"]] == ["good"]
    assert "left out: empty" in err


def test_two_entries_of_one_name_have_a_page_each(tmp_path: Path) -> None:
    one, two, three = (Entry(name, "same", "", "here", small()) for name in ("a", "A", "index"))
    broken = [Entry("x", "same", "", "here", None, trouble=f"trouble {n}") for n in (1, 2)]
    made = make_gallery([one, two, three, *broken], tmp_path, title="g")
    assert [page for _, page, _ in made.pages] == ["a.html", "A-2.html", "index-2.html"]
    assert list(made.left_out.values()) == ["trouble 1", "trouble 2"]


def test_the_catalogue_has_a_page_for_every_preset() -> None:
    entries = list(model_entries())
    assert len({entry.name for entry in entries}) == len(entries)
    assert {f"{name}-{preset}" for name in models.names() for preset in models.load(name).presets} == {
        entry.name for entry in entries
    }
    assert all(entry.about and entry.rule is not None for entry in entries)


@pytest.mark.slow  # 60 pages and pictures: minutes
def test_the_catalogue_is_written_by_one_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said, _ = run(capsys, "gallery", "--models", "--out", tmp_path / "g", "--json", "--quiet")
    found = json.loads(said)
    assert code == 0
    assert found["left_out"] == {}
    assert len(found["pages"]) == sum(len(models.load(name).presets) for name in models.names())
    for page in found["pages"]:
        picture = np.asarray(Image.open(tmp_path / "g" / page["thumbnail"]), float)
        assert picture.std() > 2, page["title"]  # a pattern, not one colour
        assert (tmp_path / "g" / page["page"]).stat().st_size < 300_000
