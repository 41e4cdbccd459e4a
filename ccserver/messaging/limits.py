"""Bounds of the messaging document's values."""

import re
from collections.abc import Mapping

from ccserver.documents import Part
from ccserver.documents.walk import Range
from ccserver.messaging import document as d

CODE = re.compile(r"[a-z0-9_.-]{1,64}")
QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NUMBER = re.compile(r"\+?[0-9]{1,20}")
"""A number of ours as texts bear it: digits, with a plus if it is international."""

NAME_CHARS_MAX = 200
"""Titles, names, numbers; a panel's column shows some forty."""
TEXT_CHARS_MAX = 320
"""Of a text to a citizen: five parts in Latvian or Russian, more than one reads in need."""
SIGNS_CHARS_MAX = 32
"""Of a layout's beginning, names and separators."""

RANGES: Mapping[tuple[type[Part], str], Range] = {
    (d.Messaging, "unanswered_after_s"): (5, 3_600),
    (d.Messaging, "keep_open_h"): (0.5, 24),
}
"""Lowest and highest value."""

COUNTS: Mapping[tuple[type[Part], str], int] = {
    (d.Messaging, "snippets"): 100,
    (d.Messaging, "templates"): 20,
    (d.Messaging, "languages"): 20,
    (d.Messaging, "queues"): 50,
    (d.Template, "fields"): 40,
}
"""Most items of a list."""
