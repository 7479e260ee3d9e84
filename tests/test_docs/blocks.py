"""The code blocks of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A code block of a page. language: what stands behind ```; "" for a bare fence or an indented block."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read_blocks(text: str, page: str) -> list[Block]:
    """All fenced and indented code blocks of a Markdown text."""
    tokens = MarkdownIt().enable("table").parse(text)
    return [
        Block(page, token.map[0] + 1, token.info.strip(), token.content)
        for token in tokens
        if token.type in ("fence", "code_block") and token.map
    ]


def all_blocks(*languages: str) -> Iterator[Block]:
    """The blocks of README.md, CONTRIBUTING.md and docs/, of these languages or of all."""
    for path in PAGES:
        for block in read_blocks(path.read_text(encoding="utf-8"), path.name):
            if not languages or block.language in languages:
                yield block
