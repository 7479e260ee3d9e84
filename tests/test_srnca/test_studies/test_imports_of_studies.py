"""Folders of srnca/studies import one way, and none of them imports what draws a study's report."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3] / "srnca" / "studies"
LAYERS = ("storage", "search", "ratings", "workers", "explore")  # each may import those before it
IMPORT = re.compile(r"(?:from|import) srnca\.(studies\.)?(\w+)")


def wrong_imports(root: Path) -> list[str]:
    wrong = []
    for path in sorted(root.rglob("*.py")):
        own = path.parent.name
        allowed = {*LAYERS[: LAYERS.index(own) + 1], "estimates"} if own in LAYERS else set()
        for inside, name in IMPORT.findall(path.read_text(encoding="utf-8")):
            if (inside and name not in allowed) or (not inside and name in ("pages", "cli")):
                wrong.append(f"{path.relative_to(root)} imports {name}")
    return wrong


def test_imports_point_one_way() -> None:
    assert wrong_imports(ROOT) == []


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    for folder, line in (
        ("search", "from srnca.studies.workers import trials"),
        ("explore", "import srnca.pages.parts"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "new.py").write_text(line + "\n")
    assert wrong_imports(tmp_path) == ["explore/new.py imports pages", "search/new.py imports workers"]
