"""From plain data to HTML: the Jinja2 templates of `templates/`, and what every text on a page passes through."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from srnca.pages.drawing import COLOURS
from srnca.pages.parts import escape, number, number_or_none, shorten

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **data: Any) -> str:
    """A page. `template` names a file of `templates/` or of `live/assets/`; `data` are the variables that it uses."""
    return environment().get_template(template).render(data)


@functools.cache
def environment() -> Environment:
    """Jinja2 with the templates, their filters and their colours.

    Every value that a template prints goes through our `escape`, so no text can become markup. Only `| safe` leaves
    this out, and templates use it for nothing but what this program writes: SVG, MathML, style, scripts, and JSON
    without `<` and `>`. A template joins (`+`, `~`) only plain strings: joined to markup, a string would be escaped by
    Jinja2's own rules before ours see it.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        return value if hasattr(value, "__html__") else Markup(escape(str(value)))

    made = Environment(
        loader=ChoiceLoader([PackageLoader("srnca.pages"), PackageLoader("srnca.pages.live", "assets")]),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"number": number, "number_or_none": number_or_none, "shorten": shorten, "thousands": "{:,}".format}
    made.globals["colours"] = COLOURS
    return made
