"""XML from strangers: read within bounds, without DTD and entities, by local names.

Senders bind the namespaces of PIDF-LO to whatever address their draft had, or to none; the names
within are the same. So elements are looked for by their local names.
"""

from collections.abc import Iterator
from typing import TypeAlias
from xml.etree.ElementTree import Element as _Element
from xml.etree.ElementTree import ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

Element: TypeAlias = _Element

BYTES_MAX = 128 * 1024
"""A polygon of `VERTICES_MAX` corners, each in an element of its own, has half as many."""

DEPTH_MAX = 32
"""A PIDF-LO is twelve deep, within a HELD answer fourteen."""

ELEMENTS_MAX = 4_000
"""Some polygons of `VERTICES_MAX` corners; the rest of a document has a hundred elements."""


class XMLRefused(ValueError):
    """This is not XML, or more of it than is read; the message says what."""


class _BoundedBuilder(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > DEPTH_MAX:
            raise XMLRefused(f"The XML is more than {DEPTH_MAX} elements deep.")
        if self._elements > ELEMENTS_MAX:
            raise XMLRefused(f"The XML has more than {ELEMENTS_MAX} elements.")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def read_xml(data: bytes) -> Element:
    """The document's root element; raises `XMLRefused`, and nothing else."""
    if len(data) > BYTES_MAX:
        raise XMLRefused(f"The document is larger than {BYTES_MAX} bytes.")
    parser = DefusedXMLParser(
        target=_BoundedBuilder(), forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    try:
        # A line break before the XML declaration is what many a MIME library leaves there.
        parser.feed(data.lstrip(b" \t\r\n"))
        root = parser.close()
    except XMLRefused:
        raise
    except DefusedXmlException:
        raise XMLRefused("The XML has a DTD or entities, which are not read.") from None
    except (ParseError, ValueError, LookupError) as error:
        # ValueError and LookupError: encodings that Python or expat do not read.
        raise XMLRefused(f"This is not XML: {error}.") from None
    if not isinstance(root, _Element):
        raise XMLRefused("This is not XML: there is no element.")
    return root


def local_name(element: Element) -> str:
    """The name without its namespace."""
    # Comments and processing instructions have functions in place of names.
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.rpartition("}")[2]


def children(element: Element, *names: str) -> Iterator[Element]:
    """The child elements of these names, in order."""
    return (child for child in element if local_name(child) in names)


def child(element: Element, *names: str) -> Element | None:
    """The first of them."""
    return next(children(element, *names), None)


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """All elements of these names below the element, in document order."""
    return (
        found for found in element.iter() if found is not element and local_name(found) in names
    )


def text_of(element: Element | None) -> str:
    """The text directly in the element, with white space as single blanks; never ``None``."""
    return "" if element is None else " ".join((element.text or "").split())


def writable(text: str) -> str:
    """The text without what no XML document can hold: control characters and half characters."""
    return "".join(
        character
        for character in text
        if character in "\t\n"
        or " " <= character < "\ud800"
        or "\ue000" <= character < "\ufffe"
        or character > "\uffff"
    )
