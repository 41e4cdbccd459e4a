"""What the centre knows of one AML message until it is on the card of its call."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccserver.aml.data_sms import text_of
from ccserver.location import Location, LocationSource, shape_from_json
from ccserver.location.aml import TEXT_CHARS_MAX, AMLInvalid, AMLMessage
from ccserver.location.aml_form import AMLForm, Trust
from ccserver.location.aml_values import device_of
from ccserver.types import PhoneNumber

KEY_PREFIX = "aml-"
"""Of the keys by which a card knows what AML told."""

COUNTRY_CODE = "371"
"""Latvia's, as `PhoneNumber` reads national numbers."""

DIGITS_MAX = 40
"""As `ccserver.types.DIGITS_MAX`: what is longer is no number."""


DOUBTS: Mapping[Trust, str] = {
    Trust.UNSIGNED: "signature_missing",
    Trust.WRONG: "signature_wrong",
}
"""How a position is marked that anybody may have sent."""

_SUBSCRIBER = re.compile(r"(\b(?:si|ei|device_(?:imsi|imei|iccid))=)[^;&]*", re.IGNORECASE)
"""What names the phone or its card, where a text is shown to people."""


class Transport(StrEnum):
    """How it came."""

    SMS = "sms"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One message of one phone.

    ``key`` is made of what it says and of who sent it: the same message again is the same one,
    whatever it came by. ``digits`` and ``device`` (see `device_of`) are what its call is found by.
    """

    key: str
    transport: Transport
    digits: str
    """The phone's number in international form without the plus; empty where nobody told it."""
    device: str | None
    received_at: datetime
    location: Location | None = None
    unreadable: str | None = None
    """The text itself, where a position was told that cannot be read."""

    @property
    def tells(self) -> bool:
        """Whether there is something to put on a card."""
        return self.location is not None or self.unreadable is not None

    @property
    def is_nameless(self) -> bool:
        """Whether nothing says whose it is; it is never given to a call by guess."""
        return not self.digits and self.device is None


def digits_of(number: str | None) -> str:
    """What numbers are compared by; empty for what is none: a name, an anonymous caller."""
    parsed = PhoneNumber.parse(number or "")
    return "" if parsed is None else parsed.value.removeprefix("+").removeprefix("00")[:DIGITS_MAX]


def spellings_of(digits: str) -> frozenset[str]:
    """The digits as cards may have kept them, by what the trunk delivered."""
    national = digits.removeprefix(COUNTRY_CODE)
    local = {national} if digits_of(national) == digits else set()
    return frozenset({digits, f"00{digits}", *local})


def of_text(text: str, octets: bytes, *, sender: str, received_at: datetime) -> Sighting:
    """What an AML text message says; ``octets`` are looked at where the text is none.

    What cannot be read at all is kept as a text that somebody has to look at.
    """
    digits = digits_of(sender)
    key = _key(digits.encode(), b"\0", text.strip().encode("utf-8", "replace") or octets)
    message = _read(text)
    if message is None:
        text = text_of(octets) or text
        message = _read(text)
    if message is None:
        shown = _shown(text)
        return Sighting(key, Transport.SMS, digits, None, received_at, unreadable=shown)
    return Sighting(
        key,
        Transport.SMS,
        digits,
        device_of(message.imei),
        received_at,
        message.location(received_at),
        _shown(text) if message.is_unreadable else None,
    )


def of_form(body: bytes, trusted: Trust, *, received_at: datetime) -> Sighting:
    """What a form says; one that none of our keys has signed says so on the card."""
    form = AMLForm.parse(body)
    location = form.location(received_at)
    if location is not None and trusted in DOUBTS:
        location = _marked(location, DOUBTS[trusted])
    unreadable = None
    if form.message.is_unreadable:
        unreadable = _shown(body.decode("utf-8", "replace"))
    return Sighting(
        _key(body),
        Transport.HTTPS,
        digits_of(form.number),
        device_of(form.message.imei),
        received_at,
        location,
        unreadable,
    )


def _read(text: str) -> AMLMessage | None:
    try:
        return AMLMessage.parse(text)
    except AMLInvalid:
        return None


def _shown(text: str) -> str:
    """The text as people see it: without what names the phone, which tells nobody a place."""
    return _SUBSCRIBER.sub(r"\1…", text[:TEXT_CHARS_MAX])


def _key(*parts: bytes) -> str:
    return KEY_PREFIX + hashlib.sha256(b"".join(parts)).hexdigest()[:40]


def _marked(location: Location, oddity: str) -> Location:
    known = location.data.get("oddities")
    oddities = [*known, oddity] if isinstance(known, list) else [oddity]
    return Location(
        location.shape,
        location.source,
        received_at=location.received_at,
        observed_at=location.observed_at,
        confidence=location.confidence,
        data={**location.data, "oddities": oddities},
    )


def as_json(sighting: Sighting) -> dict[str, object]:
    """What has to be kept of a sighting until its call is found, beside its key and its owner."""
    kept: dict[str, object] = {}
    if sighting.unreadable is not None:
        kept["unreadable"] = sighting.unreadable
    if (location := sighting.location) is not None:
        kept["location"] = {
            "shape": location.shape.as_json(),
            "source": location.source.value,
            "observed_at": location.observed_at.isoformat() if location.observed_at else None,
            "confidence": location.confidence,
            "data": dict(location.data),
        }
    return kept


def location_of(kept: Mapping[str, object], received_at: datetime) -> Location | None:
    """The location in what `as_json` made."""
    told = kept.get("location")
    if not isinstance(told, dict):
        return None
    observed_at = told["observed_at"]
    return Location(
        shape_from_json(told["shape"]),
        LocationSource(told["source"]),
        received_at=received_at,
        observed_at=datetime.fromisoformat(observed_at) if observed_at else None,
        confidence=told["confidence"],
        data=told["data"],
    )
