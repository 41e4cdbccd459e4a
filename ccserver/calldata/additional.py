"""Additional Data about a call (RFC 7852) and vehicle data (RFC 8148), as simple fields."""

from collections.abc import Iterator
from typing import Final

from ccserver.location.xml import Element, local_name, read_xml, text_of

FIELDS_MAX: Final = 100
"""A vCard in a SubscriberInfo has some thirty."""

TEXT_CHARS_MAX: Final = 500

NAME_CHARS_MAX: Final = 200
"""Of a field's name with those above it. Each field repeats them: without a bound, 48 kB of a
stranger's become 2 MB for every panel."""

BLOCKS: Final = {
    name.lower(): name
    for name in (
        "ProviderInfo",
        "ServiceInfo",
        "DeviceInfo",
        "SubscriberInfo",
        "Comment",
        "VEDS",
        "Control",
    )
}
"""By the name in small letters."""


def block_of(name: str) -> str:
    """The block's name in the standard's own spelling; one that we do not know as it came."""
    return BLOCKS.get(name.lower(), name)


def fields_of(octets: bytes) -> dict[str, list[str]]:
    """What a block says, by the names of its elements from the root down: ``a.b``.

    Raises `ccserver.location.xml.XMLRefused`.
    """
    found: dict[str, list[str]] = {}
    for name, text in _leaves(read_xml(octets), ""):
        if sum(len(values) for values in found.values()) >= FIELDS_MAX:
            break
        found.setdefault(name, []).append(text)
    return found


def _leaves(element: Element, above: str) -> Iterator[tuple[str, str]]:
    for child in element:
        own = local_name(child)
        name = f"{above}.{own}"[:NAME_CHARS_MAX] if above else own[:NAME_CHARS_MAX]
        text = text_of(child)[:TEXT_CHARS_MAX]
        if text:
            yield name, text
        yield from _leaves(child, name)
