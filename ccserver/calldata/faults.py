"""Why something that came with a call cannot be read: a code, for which every language has words.

What the readers themselves say is kept beside it, for people who know the standards. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ccserver.calldata.third_party import HandOverInvalid
from ccserver.ecall.msd import VERSIONS
from ccserver.location.xml import BYTES_MAX, XMLRefused, local_name, read_xml

NAME_CHARS_MAX = 80
"""Of a name that a stranger gave, in a sentence."""


class FaultCode(StrEnum):
    """Each has a text in the panel, by this name."""

    MSD_EMPTY = "msd_empty"
    MSD_VERSION = "msd_version"
    """``version`` is none that is known."""
    MSD_CUT = "msd_cut"
    """It ends before its position, after ``octets`` octets."""
    XML_TOO_LARGE = "xml_too_large"
    """``octets`` octets."""
    XML_UNREADABLE = "xml_unreadable"
    """This is no XML, or XML with what is not read: a DTD, entities, thousands of elements."""
    NO_PLACE = "no_place"
    """A location document without a location; its oddities say why."""
    NO_CONTROL = "no_control"
    """XML, but no control document: its root is ``name``."""
    PART_MISSING = "part_missing"
    """A header names a part, ``name``, that the message does not have."""
    NO_SIP = "no_sip"
    HAND_OVER = "hand_over"
    """A car that was handed over; ``name`` is what is wrong in its document."""
    READER_FAILED = "reader_failed"
    """Our own fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``text``: the reader's own words, in English. ``params``: what the code's sentence names."""

    code: FaultCode
    text: str
    params: Mapping[str, str | int] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """As the API tells it."""
        return {"code": self.code.value, "params": dict(self.params)}


def of_msd(octets: bytes, text: str) -> Fault:
    """Of octets that `ccserver.ecall.msd` does not read."""
    if not octets:
        return Fault(FaultCode.MSD_EMPTY, text)
    if octets[0] not in VERSIONS:
        return Fault(FaultCode.MSD_VERSION, text, {"version": octets[0]})
    return Fault(FaultCode.MSD_CUT, text, {"octets": len(octets)})


def of_xml(octets: bytes, text: str) -> Fault:
    """Of octets that `ccserver.location.xml` does not read."""
    if len(octets) > BYTES_MAX:
        return Fault(FaultCode.XML_TOO_LARGE, text, {"octets": len(octets)})
    return Fault(FaultCode.XML_UNREADABLE, text)


def of_place(octets: bytes, text: str) -> Fault:
    """Of a document that is no PIDF-LO."""
    if _root_of(octets) is None:
        return of_xml(octets, text)
    return Fault(FaultCode.NO_PLACE, text)


def of_control(octets: bytes, text: str) -> Fault:
    """Of a document that is no control document."""
    root = _root_of(octets)
    if root is None:
        return of_xml(octets, text)
    return Fault(FaultCode.NO_CONTROL, text, {"name": root[:NAME_CHARS_MAX]})


def of_missing_part(uri: str) -> Fault:
    """Of a part that is named and not there."""
    text = "The message has no part of this Content-ID."
    return Fault(FaultCode.PART_MISSING, text, {"name": uri[:NAME_CHARS_MAX]})


def of_hand_over(error: HandOverInvalid) -> Fault:
    """Of a document that hands no car over."""
    return Fault(FaultCode.HAND_OVER, str(error), {"name": error.path[:NAME_CHARS_MAX]})


def _root_of(octets: bytes) -> str | None:
    """Asked only of what could not be read: it may be read a second time."""
    try:
        return local_name(read_xml(octets))
    except XMLRefused:
        return None
