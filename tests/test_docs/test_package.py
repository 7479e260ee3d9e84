"""The package as others get it: metadata, the readme on the index, what wheel and sdist hold."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs.blocks import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOOK = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
RAW = "https://raw.githubusercontent.com/srnca/srnca/main/"


def on_the_index(text: str) -> str:
    """README.md as the hook rewrites it for the package index."""
    for substitution in HOOK["substitutions"]:
        text = re.sub(substitution["pattern"], substitution["replacement"], text)
    return text


def test_the_readme_has_only_absolute_links_on_the_index() -> None:
    shown = on_the_index((ROOT / "README.md").read_text(encoding="utf-8"))
    links = re.findall(r'(?:\]\(|\b(?:src|srcset|href)=")([^)"\s]+)', shown)
    assert len(links) > 10
    assert [link for link in links if not link.startswith(("https://", "#", "mailto:"))] == []
    pictures = re.findall(r'(?:!\[[^\]]*\]\(|src=")([^)"\s]+)', shown)
    assert pictures
    for picture in pictures:
        assert picture.startswith(RAW)
        assert (ROOT / picture.removeprefix(RAW)).is_file()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('<img src="docs/images/a.png" width="9">', f'<img src="{RAW}docs/images/a.png" width="9">'),
        (
            "[![a](docs/b.png)](docs/c.md)",
            f"[![a]({RAW}docs/b.png)](https://github.com/srnca/srnca/blob/main/docs/c.md)",
        ),
        ("[a](#b) [c](https://d.e/f.png)", "[a](#b) [c](https://d.e/f.png)"),
    ],
)
def test_pictures_become_files_and_links_become_pages(text: str, shown: str) -> None:
    assert on_the_index(text) == shown


def test_the_page_on_installing_lists_every_extra() -> None:
    extras = set(PROJECT["project"]["optional-dependencies"])
    listed = set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == extras - {"benchmark"}


def test_the_sdist_holds_what_the_makefile_uses() -> None:
    included = {name.strip("/") for name in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    assert [name for name in included if not (ROOT / name).exists()] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    used = {
        *re.findall(r"\b(scripts|docs|constraints\.txt)\b", makefile),
        *PROJECT["tool"]["pytest"]["ini_options"]["testpaths"],
    }
    assert used <= included
    assert {"equations", "distill", "srnca", "README.md", "benchmarks"} <= included


def test_classifiers_exist() -> None:
    known = pytest.importorskip("trove_classifiers").classifiers
    assert set(PROJECT["project"]["classifiers"]) <= known


@pytest.mark.slow
def test_wheel_and_sdist_are_built_and_hold_what_they_should(tmp_path: Path) -> None:
    for name in ("build", "hatchling", "hatch_fancy_pypi_readme", "twine", "check_wheel_contents"):
        pytest.importorskip(name)

    def run(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, cwd=ROOT, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run("build", "--no-isolation", "--outdir", str(tmp_path), ".")
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    run("twine", "check", "--strict", str(wheel), str(sdist))
    run("check_wheel_contents", "--toplevel", "equations,distill,srnca", str(wheel))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "scripts/environment.sh", "tests/conftest.py", "docs/conf.py", ".ci/run", "LICENSE"} <= names
    assert not any(name.startswith(("docs/gallery", "build/", ".venv")) for name in names)
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(archive.read(name) for name in archive.namelist() if name.endswith("METADATA")).decode()
    assert f"]({RAW}docs/images/" in metadata
