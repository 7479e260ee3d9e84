"""Makes text of unknown origin (from file names, files, studies, headers) safe to show on a terminal or a page."""

from __future__ import annotations

import re

# control characters (C0, delete, C1), line and paragraph separators, marks that change the direction of writing,
# and lone surrogates, with which Python represents bytes of a file name that are no UTF-8
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, keep: str = "") -> str:
    """`text` with every harmful character written out, as `\\x1b` or `\\u202e`, except for those in `keep`."""
    return _HARMFUL.sub(lambda match: match[0] if match[0] in keep else _written(match[0]), text)


def escape_json(text: str) -> str:
    """JSON text with harmful characters as JSON escapes; line ends stay."""
    return _HARMFUL.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def _written(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is no UTF-8
        code -= 0xDC00
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
