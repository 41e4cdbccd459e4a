"""Emergency-call control documents (RFC 8147 §9): what a car can do, did, or is asked for.

Names are compared without their case and namespaces: 3GPP's own texts spell them in three ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from ccserver.location.xml import Element, XMLRefused, local_name, read_xml, writable

CONTENT_TYPE: Final = "application/EmergencyCallData.Control+xml"
NAMESPACE: Final = "urn:ietf:params:xml:ns:EmergencyCallData:control"
MSD_DATATYPE: Final = "eCall.MSD"
SEND_DATA: Final = "send-data"

ROOTS: Final = frozenset(
    {"emergencycalldata.control", "emergencycalldata.ecall.control", "emergencycalldatacontrol"}
)
"""The second is that of the drafts before the RFC."""

ITEMS_MAX: Final = 50
"""Of each kind; a car has a handful of actions."""

VALUE_CHARS_MAX: Final = 300


class ControlInvalid(ValueError):
    """This is no control document; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of an action that was asked for (RFC 8147 §9.1.1.1)."""

    action: str
    success: bool | None
    """``None``: neither a yes nor a no."""
    reason: str = ""
    """``damaged``, ``data-unsupported``, ``security-failure``, ``unable``, ``unsupported``."""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement of data or of a request."""

    ref: str
    """Content-ID of what is acknowledged, without brackets."""
    received: bool | None
    """``None``: not told, as in an acknowledgement of a request."""
    results: tuple[ActionResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """An action that is asked for, or can be (RFC 8147 §9.1.2)."""

    action: str
    datatype: str = ""
    supported_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """One document."""

    acks: tuple[Ack, ...] = ()
    requests: tuple[Request, ...] = ()
    capabilities: tuple[Request, ...] = ()
    """What the sender can be asked for."""
    action_results: tuple[ActionResult, ...] = ()
    """All of them, also those within acknowledgements."""

    @property
    def can_send_msd(self) -> bool:
        """Whether the sender says that it can send another MSD."""
        return any(
            one.action.lower() == SEND_DATA
            and MSD_DATATYPE.lower() in {value.lower() for value in one.supported_values}
            for one in self.capabilities
        )


def parse(data: bytes) -> Control:
    """Read a document; what is unknown in it is passed over. Raises `ControlInvalid`, no other."""
    try:
        root = read_xml(data)
    except XMLRefused as error:
        raise ControlInvalid(str(error)) from None
    if local_name(root).lower() not in ROOTS:
        raise ControlInvalid(f"This is {_short(local_name(root))}, and no control document.")
    capabilities = [request for one in _named(root, "capabilities") for request in _requests(one)]
    return Control(
        acks=tuple(_ack(one) for one in _named(root, "ack")),
        requests=tuple(_requests(root)),
        capabilities=tuple(capabilities[:ITEMS_MAX]),
        action_results=tuple(_result(one) for one in _named(root, "actionresult", below=True)),
    )


def ack_xml(ref: str, received: bool) -> bytes:
    """Say whether the data with this Content-ID was received and can be read."""
    return _document(f"<ack{_attributes(received=_told(received), ref=bare_id(ref))}/>")


def request_xml(datatype: str = MSD_DATATYPE) -> bytes:
    """Ask for data: a fresh MSD."""
    return _document(f"<request{_attributes(action=SEND_DATA, datatype=datatype)}/>")


def capabilities_xml(*datatypes: str) -> bytes:
    """Say what may be asked for, as a car does in its INVITE; an MSD if nothing is named."""
    values = ";".join(datatypes or (MSD_DATATYPE,))
    attributes = {"action": SEND_DATA, "supported-values": values}
    return _document(f"<capabilities><request{_attributes(**attributes)}/></capabilities>")


def result_xml(ref: str, *, reason: str = "", action: str = SEND_DATA) -> bytes:
    """Say what became of the request with this Content-ID: done, or not for ``reason``."""
    attributes = {"action": action, "success": _told(not reason)}
    if reason:
        attributes["reason"] = reason
    result = f"<actionResult{_attributes(**attributes)}/>"
    return _document(f"<ack{_attributes(ref=bare_id(ref))}>{result}</ack>")


def bare_id(ref: str) -> str:
    """A Content-ID without the brackets and the ``cid:`` that some write around it (RFC 2392)."""
    text = ref.strip().removeprefix("<").removesuffix(">").strip()
    return unquote(text[4:]) if text[:4].lower() == "cid:" else text


def _document(content: str) -> bytes:
    name = "EmergencyCallData.Control"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{name} xmlns="{NAMESPACE}">{content}</{name}>\n'.encode()


def _attributes(**attributes: str) -> str:
    return "".join(f" {name}={quoteattr(writable(value))}" for name, value in attributes.items())


def _told(yes: bool) -> str:
    return "true" if yes else "false"


def _named(element: Element, name: str, *, below: bool = False) -> Iterator[Element]:
    """The children (or all below) of this name, up to their bound."""
    count = 0
    for found in element.iter() if below else element:
        if local_name(found).lower() == name and count < ITEMS_MAX:
            count += 1
            yield found


def _attribute(element: Element, name: str) -> str:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2].lower() == name:
            return _short(value)
    return ""


def _short(text: str) -> str:
    return " ".join(text.split())[:VALUE_CHARS_MAX]


def _boolean(element: Element, name: str) -> bool | None:
    """XML Schema's two spellings of each."""
    values = {"true": True, "1": True, "false": False, "0": False}
    return values.get(_attribute(element, name).lower())


def _ack(element: Element) -> Ack:
    results = tuple(_result(one) for one in _named(element, "actionresult"))
    ref = bare_id(_attribute(element, "ref"))
    return Ack(ref, _boolean(element, "received"), results)


def _result(element: Element) -> ActionResult:
    return ActionResult(
        _attribute(element, "action"),
        _boolean(element, "success"),
        _attribute(element, "reason"),
        _attribute(element, "details"),
    )


def _requests(element: Element) -> Iterator[Request]:
    for one in _named(element, "request"):
        values = _attribute(one, "supported-values").replace(",", ";").split(";")
        supported = tuple(value.strip() for value in values if value.strip())
        yield Request(_attribute(one, "action"), _attribute(one, "datatype"), supported)
