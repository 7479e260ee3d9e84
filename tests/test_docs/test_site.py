"""The site's pages: every document is in one list, every public name in the reference, every link leads somewhere."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs.blocks import ROOT, all_blocks

DOCS = ROOT / "docs"
ELSEWHERE = {"equations": "api-equations.md", "distill": "api-distill.md", "srnca": "api-srnca.md"}


def listed() -> list[str]:
    """The documents in the lists ({toctree}) of all pages, in order."""
    return [
        line.strip()
        for block in all_blocks("{toctree}")
        for line in block.text.splitlines()
        if line.strip() and not line.startswith(":")
    ]


def test_every_document_is_in_exactly_one_list_of_the_site() -> None:
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    names = listed()
    assert sorted(pages - set(names)) == [], "add each of these documents to a {toctree} of docs/index.md"
    assert sorted(set(names) - pages) == ["gallery/index"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("package", sorted(ELSEWHERE))
def test_the_reference_has_every_public_name_with_an_example(package: str) -> None:
    text = (DOCS / ELSEWHERE[package]).read_text(encoding="utf-8")
    sections = set(re.findall(r"^### (\S+)$", text, re.MULTILINE))
    elsewhere = {"InputError", "MissingPartError", "SrncaError", "__version__"} if package == "srnca" else set()
    public = set(importlib.import_module(package).__all__)
    assert sections == public - elsewhere
    assert all(f"`{name}`" in text for name in elsewhere)
    code = "\n".join(block.text for block in all_blocks("pycon", "python") if block.page == ELSEWHERE[package])
    assert [name for name in sorted(sections) if not re.search(rf"\b{name}\b", code)] == []


@pytest.mark.parametrize("package", sorted(ELSEWHERE))
def test_every_public_name_has_a_docstring_of_its_own(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing):
            assert thing.__doc__, f"{package}.{name}"
            assert not thing.__doc__.startswith(f"{name}("), f"{package}.{name} has the docstring of a bare dataclass"


def test_links_between_documents_lead_to_files_and_headings() -> None:
    headings: dict[Path, set[str]] = {}
    wrong = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|gallery/)([^)\s]+)\)", text):
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not path.exists():
                wrong.append(f"{page.name}: {target}")
            elif anchor and path.suffix == ".md":
                if path not in headings:
                    headings[path] = anchors(path)
                if anchor not in headings[path]:
                    wrong.append(f"{page.name}: {target}")
    assert wrong == []


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.slow
def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    pytest.importorskip("sphinx_gallery")
    words = ["-W", "-q", "-b", "html", "-D", "plot_gallery=0", str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, cwd=ROOT, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "gallery" / "read_a_law.html").is_file()
    assert "equations.simulate" in (tmp_path / "site" / "api-equations.html").read_text(encoding="utf-8")
