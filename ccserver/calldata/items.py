"""What each part of a call's message is, and what it says (RFC 8147, RFC 6442, RFC 7852).

Names are matched without regard to case, and ``cid:`` with and without brackets and escapes: the
standards themselves spell them in several ways. An item that cannot be read keeps its octets and
says why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ccserver.calldata import faults
from ccserver.calldata.additional import block_of, fields_of
from ccserver.calldata.faults import Fault
from ccserver.calldata.message import Reference, SIPMessage, content_key
from ccserver.calldata.parts import Part, parts_of
from ccserver.ecall import control, msd
from ccserver.ecall.control import Control, ControlInvalid
from ccserver.ecall.values import DecodedMSD, MSDInvalid
from ccserver.location.oddities import Oddity
from ccserver.location.pidf import PIDFLO, PIDFLOInvalid
from ccserver.location.xml import XMLRefused

ITEMS_MAX: Final = 100
"""Of one message."""

URI_CHARS_MAX: Final = 1_000
FETCHED: Final = frozenset({"http", "https", "sip", "sips", "pres", "sub"})
"""Schemes of addresses by which a place can be asked for."""


class ItemKind(StrEnum):
    """What an item is."""

    MSD = "msd"
    LOCATION = "location"
    LOCATION_REFERENCE = "location_reference"
    CONTROL = "control"
    ADDITIONAL = "additional"
    IDENTIFIER = "identifier"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was told. ``octets`` are as sent; of what stands in a header, its text.

    ``detail``: what it says in simple words, as JSON. ``fault``: why it could not be read.
    """

    kind: ItemKind
    octets: bytes
    content_type: str = ""
    content_id: str = ""
    purpose: str = ""
    msd: DecodedMSD | None = None
    location: PIDFLO | None = None
    control: Control | None = None
    detail: Mapping[str, object] | None = None
    oddities: tuple[Oddity, ...] = field(default=())
    fault: Fault | None = None

    @property
    def error(self) -> str | None:
        """The same in the reader's own words."""
        return None if self.fault is None else self.fault.text


def items_of(message: SIPMessage) -> tuple[Item, ...]:
    """Everything that a message tells beside its session description; never raises."""
    parts = parts_of(message)
    calls = [Reference.of(one) for one in message.listed("call-info")[:ITEMS_MAX]]
    places = [Reference.of(one) for one in message.listed("geolocation")[:ITEMS_MAX]]
    purposes = {content_key(one.uri): one.parameters.get("purpose", "") for one in calls}
    located = {content_key(one.uri) for one in places if one.scheme == "cid"}
    found = [
        *_of_parts(parts, purposes, located),
        *_of_places(parts, places),
        *_of_call_info(calls),
    ]
    return tuple(found[:ITEMS_MAX])


def item_of_document(content_type: str, octets: bytes, *, detail: Mapping[str, object]) -> Item:
    """A document that came by itself: what was fetched from an address."""
    return _located(Part(content_type=content_type, octets=octets), "", detail)


def item_of_msd(octets: bytes) -> Item:
    """An MSD that came by itself, from another system."""
    return _msd(Part(content_type="application/emergencycalldata.ecall.msd", octets=octets), "")


def _of_parts(
    parts: tuple[Part, ...], purposes: Mapping[str, str], located: set[str]
) -> Iterator[Item]:
    for part in parts:
        key = content_key(part.content_id)
        purpose = purposes.get(key, "") if key else ""
        name = _name_of(part.content_type) or _name_of(purpose)
        if part.content_type == "application/sdp":
            continue
        if name == "ecall.msd":
            yield _msd(part, purpose)
        elif part.content_type == "application/pidf+xml" or (key and key in located):
            yield _located(part, purpose, None)
        elif name == "control":
            yield _control(part, purpose)
        elif name:
            yield _additional(part, purpose, name)
        else:
            yield _item(ItemKind.OTHER, part, purpose)


def _name_of(told: str) -> str:
    """The block's name in small letters, of a media type or a purpose; empty for all others.

    >>> _name_of("application/emergencyCallData.eCall.MSD")
    'ecall.msd'
    """
    name = told.strip().lower().removeprefix("application/").partition("+")[0]
    for prefix in ("emergencycalldata.", "emergencycall."):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return ""


def _item(kind: ItemKind, part: Part, purpose: str) -> Item:
    return Item(
        kind,
        part.octets,
        content_type=part.content_type,
        content_id=part.content_id,
        purpose=purpose,
        oddities=part.oddities,
    )


def _msd(part: Part, purpose: str) -> Item:
    item = _item(ItemKind.MSD, part, purpose)
    try:
        decoded = msd.decode(part.octets)
    except MSDInvalid as error:
        return replace(item, fault=faults.of_msd(part.octets, str(error)))
    return replace(item, msd=decoded, oddities=(*item.oddities, *decoded.oddities))


def _located(part: Part, purpose: str, detail: Mapping[str, object] | None) -> Item:
    item = _item(ItemKind.LOCATION, part, purpose)
    try:
        read = PIDFLO.parse(part.octets)
    except PIDFLOInvalid as error:
        return replace(
            item,
            detail=detail,
            oddities=(*item.oddities, *error.oddities),
            fault=faults.of_place(part.octets, str(error)),
        )
    places = [
        {
            "shape": None if place.shape is None else place.shape.as_json(),
            "civic": dict(place.civic),
            "confidence": place.confidence,
            "method": place.method,
            "provided_by": place.provided_by,
            "container": place.container,
        }
        for place in read.places
    ]
    return replace(
        item,
        location=read,
        detail={**(detail or {}), "places": places},
        oddities=(*item.oddities, *read.oddities),
    )


def _control(part: Part, purpose: str) -> Item:
    item = _item(ItemKind.CONTROL, part, purpose)
    try:
        read = control.parse(part.octets)
    except ControlInvalid as error:
        return replace(item, fault=faults.of_control(part.octets, str(error)))
    return replace(item, control=read)


def _additional(part: Part, purpose: str, name: str) -> Item:
    item = _item(ItemKind.ADDITIONAL, part, purpose)
    try:
        told = fields_of(part.octets)
    except XMLRefused as error:
        fault = faults.of_xml(part.octets, str(error))
        return replace(item, fault=fault, detail={"block": block_of(name)})
    return replace(item, detail={"block": block_of(name), "fields": told})


def _of_places(parts: tuple[Part, ...], places: list[Reference]) -> Iterator[Item]:
    there = {content_key(part.content_id) for part in parts if part.content_id}
    for place in places:
        uri = place.uri[:URI_CHARS_MAX]
        if place.scheme in FETCHED:
            yield Item(ItemKind.LOCATION_REFERENCE, uri.encode(), detail={"uri": uri})
        elif place.scheme != "cid":
            yield Item(ItemKind.OTHER, uri.encode(), purpose="Geolocation", detail={"uri": uri})
        elif content_key(place.uri) not in there:
            fault = faults.of_missing_part(uri)
            yield Item(ItemKind.LOCATION, b"", content_id=uri, fault=fault)


def _of_call_info(calls: list[Reference]) -> Iterator[Item]:
    for told in calls:
        purpose = told.parameters.get("purpose", "")
        uri = told.uri[:URI_CHARS_MAX]
        plain = purpose.lower().removeprefix("emergency-").removeprefix("nena-")
        if plain in ("callid", "incidentid"):
            detail: dict[str, object] = {"value": uri}
            yield Item(ItemKind.IDENTIFIER, uri.encode(), purpose=purpose, detail=detail)
        elif told.scheme != "cid" and (name := _name_of(purpose)):
            detail = {"block": block_of(name), "uri": uri}
            yield Item(ItemKind.ADDITIONAL, uri.encode(), purpose=purpose, detail=detail)
