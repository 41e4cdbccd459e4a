"""How a centre handles texts: what it answers, which layouts it reads, how long it waits.

One document, one version. Decoding refuses only what has the wrong shape (types, unknown keys);
whether the parts fit together is said by `ccserver.messaging.checks`, all problems at once.
"""

from typing import Literal

from ccserver.documents import DocumentKind, Part, Texts

Layout = Literal["ordered", "keyed"]
"""``ordered``: each value has its place. ``keyed``: each value stands behind its name."""

FieldKind = Literal[
    "text", "number", "phone", "name", "address", "type", "language",
    "latitude", "longitude", "position", "radius_m",
]  # fmt: skip
"""What a value is. ``position`` is a latitude and a longitude together, in any usual spelling."""


class Snippet(Part, frozen=True, kw_only=True):
    """A text that call takers send with two keystrokes; ``titles`` are what they choose by."""

    code: str
    titles: Texts = Texts()
    texts: Texts = Texts()


class Acknowledgement(Part, frozen=True, kw_only=True):
    """What a citizen is told by the centre itself, once, when the first text has come."""

    active: bool = False
    texts: Texts = Texts()


class TemplateField(Part, frozen=True, kw_only=True):
    """One value in an app-made text.

    ``key`` is what the app writes before it in a keyed layout. A text without a value that is
    ``required`` is not of this template.
    """

    name: str
    titles: Texts = Texts()
    kind: FieldKind = "text"
    key: str = ""
    required: bool = False


class Template(Part, frozen=True, kw_only=True):
    """The layout of an app's texts.

    A text is of the template if it begins with ``prefix`` and has every required value.
    ``separator`` stands between values, ``assignment`` between a key and its value; ``newline``
    and ``tab`` name what cannot be typed. What is left over is what the citizen wrote.
    """

    code: str
    titles: Texts = Texts()
    active: bool = True
    prefix: str = ""
    layout: Layout = "ordered"
    separator: str = ";"
    assignment: str = "="
    fields: tuple[TemplateField, ...] = ()


class NumberQueue(Part, frozen=True, kw_only=True):
    """Texts to this number of ours stand in this queue of the routing's."""

    number: str
    queue: str


class Messaging(Part, frozen=True, kw_only=True):
    """The whole document.

    ``languages`` are those that a text's language is told from, by their ISO 639-1 codes, the
    centre's own first. ``unanswered_after_s`` is how long a text may stay without an answer until
    everybody sees it. For ``keep_open_h`` after the last text the next one is of the same matter.
    """

    snippets: tuple[Snippet, ...] = ()
    automatic_acknowledgement: Acknowledgement = Acknowledgement()
    templates: tuple[Template, ...] = ()
    languages: tuple[str, ...] = ("lv", "ru", "en")
    queues: tuple[NumberQueue, ...] = ()
    unanswered_after_s: float = 30.0
    keep_open_h: float = 4.0

    @property
    def keep_open_s(self) -> float:
        """In seconds."""
        return self.keep_open_h * 3_600

    def queue_of(self, our_number: str) -> str | None:
        """The queue for texts to this number of ours; ``None``: where calls to it would stand."""
        return next((one.queue for one in self.queues if one.number == our_number), None)


DOCUMENT_BYTES_MAX = 1024 * 1024
"""Some hundred snippets and layouts in three languages are a tenth of it."""

MESSAGING = DocumentKind("messaging", Messaging, DOCUMENT_BYTES_MAX)
