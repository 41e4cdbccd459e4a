"""AML over HTTPS: the form that Android's and Apple's phones post (TS 103 625, Android ELS).

Every field is optional and may have the name of an older release. A phone cannot mend what it has
sent, so a form is always read: what makes no sense is left out and named in the oddities.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote, unquote_plus

from ccserver.location import aml_values as values
from ccserver.location.aml import AMLMessage, languages, position, radius_of
from ccserver.location.aml_values import METHODS, AMLMethod
from ccserver.location.shapes import ALTITUDE_M_MAX, RADIUS_M_MAX
from ccserver.location.values import Location, LocationSource
from ccserver.types import PhoneNumber

T = TypeVar("T")

FIELDS_MAX = 100
"""Android sends about thirty."""

VALUE_CHARS_MAX = 200
"""Names of telephone models are the longest values; what is beyond is no value of AML's."""

SIGNATURE = b"&hmac="

_POSITION = ("location_latitude", "location_longitude")


class Trust(StrEnum):
    """What the signature of a form says."""

    SIGNED = "signed"
    """By one of our keys."""
    UNSIGNED = "unsigned"
    """There is none, though we have keys."""
    WRONG = "wrong"
    """There is one, and none of our keys made it."""
    UNJUDGED = "unjudged"
    """We have no key."""


class Trigger(StrEnum):
    """What the citizen did."""

    CALL = "CALL"
    SMS = "SMS"


@dataclass(frozen=True, slots=True)
class AMLForm:
    """What one form says."""

    message: AMLMessage
    number: str | None = None
    """The phone's own, in international form where it is told so."""
    trigger: Trigger | None = None
    floor: str | None = None
    bearing_deg: float | None = None
    speed_m_s: float | None = None
    model: str | None = None
    crash_at: datetime | None = None
    """When the car or the phone noticed a crash."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Fields without a meaning here, as told; the signature is none of them."""

    @classmethod
    def parse(cls, body: bytes) -> "AMLForm":
        """Read a body; whatever it is, something is returned.

        Only what stands before the signature is read: nobody has signed the rest.
        """
        signed, _, signature = body.partition(SIGNATURE)
        told = _Fields(signed)
        if b"&" in signature:
            told.odd("after_signature")
        told.take("hmac")  # of a body that is nothing else
        form = cls(
            AMLMessage(1),
            number=_number(told),
            trigger=told.read("source", _trigger, "source_unknown"),
            floor=told.take("location_floor"),
            bearing_deg=told.read("location_bearing", _bearing, "bearing_invalid"),
            speed_m_s=told.read("location_speed", _not_negative, "speed_invalid"),
            model=told.take("device_model"),
            crash_at=told.read("adr_carcrash_time", _milliseconds, "crash_time_invalid"),
        )
        # Last, for it has the oddities of all fields, and the rest is what nobody has taken.
        message = _message(told)
        return replace(form, message=message, more=told.left())

    def location(self, received_at: datetime) -> Location | None:
        """Where the phone is; ``None`` where the form has no position."""
        found = self.message.location(received_at, source=LocationSource.HTTPS)
        if found is None:
            return None
        more: dict[str, object] = {
            "floor": self.floor,
            "bearing_deg": self.bearing_deg,
            "speed_m_s": self.speed_m_s,
        }
        told = {name: value for name, value in more.items() if value is not None}
        return replace(found, data={**found.data, **told})


def trust(body: bytes, keys: Iterable[str]) -> Trust:
    """Whether one of the keys made the signature: HMAC-SHA1, in hex, of all that is before it.

    Takes as long for a wrong signature as for a right one. Without a key none is judged.
    """
    signed, separator, signature = body.partition(SIGNATURE)
    ours = [sign(signed, key).encode() for key in keys]
    if not ours:
        return Trust.UNJUDGED
    if not separator:
        return Trust.UNSIGNED
    given = signature.partition(b"&")[0].strip().lower()
    matches = [hmac.compare_digest(one, given) for one in ours]
    return Trust.SIGNED if any(matches) else Trust.WRONG


def sign(body: bytes, key: str) -> str:
    """The signature of a body that has none. SHA-1 is what phones know, and HMAC bears it."""
    return hmac.new(key.encode(), body, hashlib.sha1).hexdigest()


class _Fields:
    """The fields of a body by their names, each taken once."""

    def __init__(self, body: bytes) -> None:
        self._found: dict[str, str] = {}
        self._conflicts: set[str] = set()
        self.oddities: list[str] = []
        for pair in body.decode("utf-8", "replace").split("&", FIELDS_MAX)[:FIELDS_MAX]:
            name, _, value = pair.partition("=")
            self._add(_clean(unquote_plus(name)).lower(), value)

    def _add(self, name: str, raw: str) -> None:
        # The plus of a number is sent as it is by some phones, where it would mean a space.
        value = _clean(unquote(raw) if name == "device_number" else unquote_plus(raw))
        if not name or not value:
            return
        if self._found.setdefault(name, value) != value:
            self._conflicts.add(name)
            self.odd("field_conflict")

    def odd(self, code: str) -> None:
        if code not in self.oddities:
            self.oddities.append(code)

    def contradicts_itself(self, names: Iterable[str]) -> bool:
        return not self._conflicts.isdisjoint(names)

    def take(self, *names: str) -> str | None:
        """The field by the first of its names that is there; it is not left any more."""
        found = [self._found.pop(name, None) for name in names]
        return next((value for value in found if value is not None), None)

    def read(self, name: str, read: Callable[[str], T | None], code: str) -> T | None:
        """The field as ``read`` reads it; ``code`` is noted where it cannot."""
        text = self.take(name)
        value = None if text is None else read(text)
        if text is not None and value is None:
            self.odd(code)
        return value

    def left(self) -> Mapping[str, str]:
        return dict(self._found)


def _clean(text: str) -> str:
    """What can be shown of a value, cut to its bound."""
    return "".join(filter(str.isprintable, text.strip()[:VALUE_CHARS_MAX])).strip()


def _message(told: _Fields) -> AMLMessage:
    version = told.read("v", values.whole, "version_unknown") or 1
    method = told.read("location_source", lambda text: METHODS.get(text.upper()), "method_unknown")
    latitude, longitude = _position(told, method)
    return AMLMessage(
        version,
        latitude,
        longitude,
        radius_m=_radius_m(told),
        confidence=_confidence(told),
        method=method or AMLMethod.UNKNOWN,
        fix_at=told.read("location_time", _milliseconds, "time_invalid"),
        altitude_m=told.read("location_altitude", _altitude, "altitude_invalid"),
        vertical_radius_m=radius_of(values.number(told.take("location_vertical_accuracy") or "")),
        imei=told.read("device_imei", values.imei, "imei_invalid"),
        imsi=told.read("device_imsi", values.imsi, "imsi_invalid"),
        network=_network(told, "cell_network"),
        home_network=_network(told, "cell_home"),
        emergency_number=told.take("emergency_number"),
        call_began_at=told.read("time", _milliseconds, "call_time_invalid"),
        languages=languages(told.take("device_languages") or ""),
        oddities=tuple(told.oddities),
    )


def _position(told: _Fields, method: AMLMethod | None) -> tuple[float, float] | tuple[None, None]:
    latitude, longitude = (told.take(name) for name in _POSITION)
    if told.contradicts_itself(_POSITION):
        told.odd("position_conflict")
        return None, None
    if latitude is None and longitude is None:
        return None, None
    found = position(latitude or "", longitude or "")
    if found is None:
        told.odd("position_invalid")
        return None, None
    return (None, None) if method is AMLMethod.NONE or found == (0.0, 0.0) else found


def _radius_m(told: _Fields) -> float | None:
    metres = told.read("location_accuracy", _not_negative, "radius_invalid")
    if metres is not None and metres > RADIUS_M_MAX:
        told.odd("radius_huge")
    return None if not metres else min(metres, RADIUS_M_MAX)


def _confidence(told: _Fields) -> float | None:
    """0 to 1; older releases told per cent by another name, and some by this one."""
    part = told.read("location_confidence", _not_negative, "confidence_invalid")
    percent = told.read("location_certainty", _not_negative, "confidence_invalid")
    if part is None:
        part = None if percent is None else percent / 100
    elif part > 1:
        part /= 100
    if part is None or part <= 1:
        return part
    told.odd("confidence_invalid")
    return None


def _trigger(text: str) -> Trigger | None:
    return Trigger(text.upper()) if text.upper() in set(Trigger) else None


def _number(told: _Fields) -> str | None:
    text = told.take("device_number")
    number = None if text is None else PhoneNumber.parse(text)
    return None if number is None else number.value


def _network(told: _Fields, name: str) -> str | None:
    country, own = told.take(f"{name}_mcc"), told.take(f"{name}_mnc")
    if country is None or own is None:
        return None
    return values.network(country + own.rjust(2, "0"))


def _milliseconds(text: str) -> datetime | None:
    elapsed_ms = values.whole(text)
    return None if elapsed_ms is None else values.epoch_time(elapsed_ms / 1000)


def _altitude(text: str) -> float | None:
    metres = values.number(text)
    return None if metres is None or abs(metres) > ALTITUDE_M_MAX else metres


def _bearing(text: str) -> float | None:
    degrees = _not_negative(text)
    return None if degrees is None or degrees > 360 else degrees % 360


def _not_negative(text: str) -> float | None:
    value = values.number(text)
    return None if value is None or value < 0 else value
