"""Notes are HTML fragments in an EIDO and plain text on a card.

The panel shows plain text as text, so nothing here guards it: this is for reading alone.
"""

import html
import re

_SILENT = re.compile(r"<(script|style|template|head|title)\b.*?(?:</\1\s*>|\Z)", re.I | re.S)
_BREAK = re.compile(r"<br\b[^>]*>|</(?:p|div|li|tr|h[1-6]|ul|ol|table)\s*>(?!\s*\Z)", re.I)
_TAG = re.compile(r"<[a-z/!?][^>]*(?:>|\Z)", re.I)


def to_html(text: str) -> str:
    """Plain text as a fragment that shows it."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def to_text(fragment: str) -> str:
    """What a fragment shows, as plain text; never an error."""
    shown = _SILENT.sub("", fragment)
    shown = _TAG.sub("", _BREAK.sub("\n", shown))
    return html.unescape(shown)
