"""The site: `make docs` builds it from this folder's Markdown, the tutorials, and the docstrings of public names."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from srnca._version import __version__  # noqa: E402

project = "SRNCA"
author = "SRNCA contributors"
copyright = "SRNCA contributors"
release = version = __version__
REPOSITORY = "https://github.com/srnca/srnca"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["gallery/**/*.ipynb", "gallery/**/*.py", "gallery/**/*.json", "tutorials/*.rst", "_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
default_role = "code"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]  # a function among sphinx-gallery's settings

html_theme = "furo"
html_title = f"SRNCA {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
html_copy_source = False
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80

# Only tutorials of less than a minute run when the site is built; the others say what a run of them gave.
QUICK = ("read_a_law", "recording_to_equation", "use_a_rule_elsewhere")
ORDER = ("own_photo_to_law", "recording_to_equation", "read_a_law", "use_a_rule_elsewhere", "hyperparameter_study")


class TutorialOrder:
    """Sorts tutorials in the order of ORDER; others come last."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> tuple[int, str]:
        stem = Path(name).stem
        return (ORDER.index(stem) if stem in ORDER else len(ORDER), stem)

    def __repr__(self) -> str:  # sphinx-gallery compares it to see whether settings have changed
        return "<TutorialOrder>"


sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "gallery",
    "filename_pattern": rf"({'|'.join(QUICK)})\.py$",
    "abort_on_example_error": True,
    "within_subsection_order": TutorialOrder,
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "plot_gallery": "True",
    "min_reported_time": 3600,
    "write_computation_times": False,
    "capture_repr": ("_repr_html_", "__repr__"),
}

FIELD = re.compile(r"^(\s*)(\w+(?:, \w+)*): (?=\S)")  # "channels: their names." in a docstring


def _to_rst(line: str) -> str:
    """A line of a docstring, which is plain text with code in backticks, as reStructuredText."""
    parts = line.split("`")
    for index in range(0, len(parts), 2):
        text = re.sub(r"([\\*|])", r"\\\1", parts[index])
        parts[index] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", text)
    return "`".join(parts)


def _read_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Each "name: what it is" of a docstring becomes an entry of a list."""
    found: list[str] = []
    inside = False  # an entry, whose further lines are indented
    for line in lines:
        field = FIELD.match(line)
        if field:
            if not inside and found and found[-1].strip():
                found.append("")
            found.append(f"- **{field[2]}**: {_to_rst(line[field.end() :])}")
            inside = True
        elif inside and line.startswith(" "):
            found.append(f"  {_to_rst(line.strip())}")
        else:
            if inside and line.strip():
                found.append("")
            inside = False
            found.append(_to_rst(line))
    lines[:] = found


def _read_source(app: Any, name: str, source: list[str]) -> None:
    """Links to files outside docs/ lead to the repository."""
    source[0] = re.sub(r"\]\(\.\./([^)]+)\)", rf"]({REPOSITORY}/blob/main/\1)", source[0])


def _read_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Types by their last name, and no trace of how a dataclass makes a default."""

    def short(text: str | None) -> str | None:
        return text and re.sub(r"~?\b(?:\w+\.)+(?=[A-Za-z_])", "", text).replace("<factory>", "{}")

    return short(signature), short(returns)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", _read_signature)
    app.connect("autodoc-process-docstring", _read_docstring)
    app.connect("source-read", _read_source)
