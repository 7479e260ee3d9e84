"""Messages about poor results and missing parts lead to a section of the page by symptom that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from equations.errors import MissingPartError
from srnca import help as helping
from srnca.cli.app import _explain
from tests.test_srnca.command import run

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"


def anchors() -> set[str]:
    """The anchors of the page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_section_that_messages_name_is_there() -> None:
    assert {*helping.SECTIONS} <= anchors()
    assert helping.PAGE.endswith("/docs/troubleshooting.md")


def test_the_page_lists_each_of_its_symptoms() -> None:
    listed = set(re.findall(r"\]\(#([\w-]+)\) \|", PAGE.read_text(encoding="utf-8")))
    assert listed == anchors() - {"something-else"}


@pytest.mark.parametrize(
    ("message", "section"),
    [
        ("engine pysr: Julia is not ready", "julia-is-missing"),
        ("--device cuda: there is no GPU here", "no-gpu"),
        ("zarr is not installed: pip install zarr", "something-is-not-installed"),
    ],
)
def test_a_missing_part_leads_to_its_own_section(message: str, section: str) -> None:
    assert _explain(MissingPartError(message)) == (4, f"{message} (help: {helping.PAGE}#{section})")


def test_a_simulation_that_diverges_leads_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from equations import models, save_rule

    save_rule(models.get("gray-scott").replace(dt=5.0), tmp_path / "rule.json")
    words = (tmp_path, "--size", 24, "--steps", 400, "--backend", "reference", "--out", tmp_path / "a.png")
    code, _, said = run(capsys, "simulate", *words)
    assert code == 1
    assert said.rstrip().endswith(f"(help: {helping.PAGE}#it-runs-away)")
