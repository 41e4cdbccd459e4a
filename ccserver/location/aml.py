"""AML text messages (ETSI TS 103 625): what a phone tells of its place by itself during a call.

``A"ML=1;lt=+54.76397;lg=-0.18305;rd=50;top=20130717141935;lc=90;pm=W;…`` is version 1. Version 2
(an experiment of Android's) uses some of the same names for other things: ``lt`` is a latitude in
the one and seconds in the other, ``lg`` a longitude and the languages. So the version is read
first.

A message is read leniently, because it comes once and from somebody in distress: what cannot be
read is left out and named in ``oddities``. A position is never guessed, though. Where two are told,
or one that is none, there is no position, and `AMLMessage.is_unreadable` says that the text itself
is to be looked at.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from ccserver.location import aml_values as values
from ccserver.location.aml_values import METHODS, AMLMethod
from ccserver.location.devices import from_aml
from ccserver.location.shapes import ALTITUDE_M_MAX, RADIUS_M_MAX
from ccserver.location.values import Location, LocationSource

T = TypeVar("T")

TEXT_CHARS_MAX = 1_000
"""A message is about 130 characters long; seven text messages hold no more than this."""

ATTRIBUTES_MAX = 60
"""The standard has twelve."""

NUMBER_CHARS_MAX = 20
"""Of the emergency number that was dialled."""

LANGUAGES_MAX = 8

FIX_AGE_S_MAX = 10_000_000
"""Four months: the offset of a fix in version 2; phones end at 9 999 s."""

_HEADER = re.compile(r"""A["“”″]ML\s*=\s*([0-9]{1,3})""", re.IGNORECASE)
_BEGINNING = re.compile(rf"\s*{_HEADER.pattern}\s*(?:;|$)", re.IGNORECASE).match
_HEADER_ALONE = _HEADER.fullmatch

_KNOWN_1 = frozenset({"lt", "lg", "rd", "top", "lc", "pm", "si", "ei", "mcc", "mnc", "ml"})
_KNOWN_2 = frozenset({"en", "et", "lo", "lt", "lc", "lz", "ls", "ei", "nc", "hc", "lg", "ml", "si"})
_KNOWN = _KNOWN_1 | _KNOWN_2

_PIECE = re.compile(r"\s*([a-z]{2,3})\s*=\s*[^;=\s]*\s*", re.IGNORECASE).fullmatch
_TAIL_PIECES_MIN = 2
"""``lc=90;pm=W`` is the end of a message; one such word a citizen may have written."""

_PADDING = "@\0"
"""NUL fills the last octet of packed septets, and NUL is @ in the alphabet of GSM."""

_DIALLED = re.compile(rf"[+0-9*#]{{1,{NUMBER_CHARS_MAX}}}").fullmatch
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}").fullmatch


class AMLInvalid(ValueError):
    """This is no AML message; the text says why, for people, and quotes nothing."""


def looks_like_aml(text: str) -> bool:
    """Whether a text, or the first part of one, is AML and nothing that a person wrote."""
    return _BEGINNING(text) is not None


def looks_like_aml_tail(text: str) -> bool:
    """Whether a part of a text can only be the middle or the end of an AML message.

    For parts that come before the first one. The first piece may have been cut in its middle.
    """
    pieces = text.strip().rstrip(_PADDING).split(";")
    whole = [_PIECE(piece) for piece in pieces[1:] if piece.strip()]
    known = [match for match in whole if match is not None and match[1].lower() in _KNOWN]
    return len(known) >= _TAIL_PIECES_MIN and len(known) == len(whole) and " " not in pieces[0]


@dataclass(frozen=True, slots=True)
class AMLMessage:
    """What one message says; ``None`` for what it does not say, or not so that it can be read."""

    version: int
    latitude: float | None = None
    """Degrees of WGS84; never 0, 0, which is a phone's way to say that it does not know."""
    longitude: float | None = None
    radius_m: float | None = None
    confidence: float | None = None
    """That the phone is within the radius: 0 to 1."""
    method: AMLMethod = AMLMethod.UNKNOWN
    fix_at: datetime | None = None
    """When the position was true (aware); it may be an old one."""
    altitude_m: float | None = None
    """Above the ellipsoid."""
    vertical_radius_m: float | None = None
    imei: str | None = None
    imsi: str | None = None
    network: str | None = None
    """The network that serves the phone: MCC and MNC."""
    home_network: str | None = None
    emergency_number: str | None = None
    """What was dialled."""
    call_began_at: datetime | None = None
    languages: tuple[str, ...] = ()
    """That the phone is set to, as BCP 47 tags."""
    declared_length: int | None = None
    """``ml``, the text's length as the phone counts; published samples are off by one."""
    oddities: tuple[str, ...] = ()
    """Codes of what was strange."""

    @classmethod
    def parse(cls, text: str) -> "AMLMessage":
        """Read a message; raises `AMLInvalid` where it does not begin as one."""
        stripped = text.strip()
        body = stripped.rstrip(_PADDING)
        if len(body) > TEXT_CHARS_MAX:
            raise AMLInvalid(f"The text is longer than {TEXT_CHARS_MAX} characters.")
        head, *pieces = body.split(";", ATTRIBUTES_MAX)
        header = _HEADER_ALONE(head.strip())
        if header is None:
            raise AMLInvalid('The text does not begin with A"ML= and a version.')
        oddities: list[str] = ["trailing_padding"] if body != stripped else []
        told = _Attributes(pieces, oddities)
        version = int(header[1])
        if version not in (1, 2):
            oddities.append("version_unknown")
        read = _second if version == 2 or (version > 2 and "lo" in told) else _first
        return read(version, told, len(body))

    @property
    def has_position(self) -> bool:
        """Whether there is a place to show."""
        return self.latitude is not None and self.longitude is not None

    @property
    def is_unreadable(self) -> bool:
        """Whether a position was told that cannot be read: somebody has to look at the text."""
        return bool(_POSITION_LOST.intersection(self.oddities))

    def location(
        self, received_at: datetime, *, source: LocationSource = LocationSource.AML
    ) -> Location | None:
        """Where the phone is; ``None`` where the message has no position."""
        if self.latitude is None or self.longitude is None:
            return None
        found = from_aml(
            self.latitude,
            self.longitude,
            received_at=received_at,
            observed_at=self.fix_at,
            radius_m=self.radius_m,
            confidence=self.confidence,
            method=self.method.value,
            source=source,
        )
        more: dict[str, object] = {
            "altitude_m": self.altitude_m,
            "vertical_radius_m": self.vertical_radius_m,
            "oddities": list(self.oddities) or None,
        }
        told = {name: value for name, value in more.items() if value is not None}
        return replace(found, data={**found.data, **told}) if found and told else found


_POSITION_LOST = frozenset({"position_invalid", "position_conflict"})


class _Attributes:
    """The pieces of a message by their names; of two that differ, none."""

    __slots__ = ("conflicts", "found", "oddities")

    def __init__(self, pieces: Iterable[str], oddities: list[str]) -> None:
        found: dict[str, str] = {}
        self.found = found
        self.conflicts: set[str] = set()
        self.oddities = oddities
        for piece in pieces:
            name, is_told, value = piece.partition("=")
            if name in _KNOWN and name not in found:  # nearly all, and this is the fast way
                found[name] = value.strip()
            else:
                self._add(name.strip().lower(), value.strip(), told=bool(is_told))
        for name in self.conflicts:
            del found[name]

    def _add(self, name: str, value: str, *, told: bool) -> None:
        if not told:
            if name:
                self.odd("attribute_unreadable")
        elif name not in self.found:
            self.found[name] = value
        elif self.found[name] == value:
            self.odd("attribute_repeated")
        else:
            self.conflicts.add(name)
            self.odd("attribute_conflict")

    def __contains__(self, name: str) -> bool:
        return name in self.found or name in self.conflicts

    def get(self, name: str) -> str | None:
        return self.found.get(name)

    def odd(self, code: str) -> None:
        if code not in self.oddities:
            self.oddities.append(code)

    def check_names(self, known: frozenset[str]) -> None:
        if not self.found.keys() <= known:
            self.odd("attribute_unknown")


def _first(version: int, told: _Attributes, length: int) -> AMLMessage:
    """Version 1 (TS 103 625 §5)."""
    told.check_names(_KNOWN_1)
    method = _method(told, "pm")
    radius = told.get("rd")
    radius_m = None if radius is None or radius.upper() == "N" else _radius_m(told, radius)
    latitude, longitude = _position(told, "lt", "lg", (told.get("lt"), told.get("lg")), method)
    mcc, mnc = told.get("mcc"), told.get("mnc")
    network = None
    if mcc is not None or mnc is not None:
        network = _told_as(told, (mcc or "") + (mnc or ""), values.network, "network_invalid")
    return AMLMessage(
        version,
        latitude,
        longitude,
        radius_m,
        _confidence(told),
        method,
        _fix_at(told),
        None,
        None,
        _value(told, "ei", values.imei, "imei_invalid"),
        _value(told, "si", values.imsi, "imsi_invalid"),
        network,
        declared_length=_declared_length(told, length),
        oddities=tuple(told.oddities),
    )


def _second(version: int, told: _Attributes, length: int) -> AMLMessage:
    """Version 2, Android's: a triple for the place, and its time counted from the call's."""
    told.check_names(_KNOWN_2)
    method = _method(told, "ls")
    place: Sequence[str | None] = (None, None)
    radius_m = None
    if (lo := told.get("lo")) is not None:
        *place, radius = (*(part.strip() for part in lo.split(",", 2)), "", "")[:3]
        radius_m = _radius_m(told, radius) if radius else None
    latitude, longitude = _position(told, "lo", "lo", place, method)
    call_began_at = None
    if (began := _value(told, "et", values.whole, "call_time_invalid")) is not None:
        call_began_at = values.epoch_time(began)
    altitude_m, vertical_m = _altitude(told)
    return AMLMessage(
        version,
        latitude,
        longitude,
        radius_m,
        _confidence(told),
        method,
        _relative_fix_at(told, call_began_at),
        altitude_m,
        vertical_m,
        _value(told, "ei", values.imei, "imei_invalid"),
        _value(told, "si", values.imsi, "imsi_invalid"),
        _value(told, "nc", values.network, "network_invalid"),
        _value(told, "hc", values.network, "network_invalid"),
        _dialled(told.get("en")),
        call_began_at,
        languages(told.get("lg") or ""),
        _declared_length(told, length),
        tuple(told.oddities),
    )


def _position(
    told: _Attributes,
    latitude_name: str,
    longitude_name: str,
    place: Sequence[str | None],
    method: AMLMethod,
) -> tuple[float, float] | tuple[None, None]:
    """Both, or neither; what is lost is noted, and what the phone did not have is no loss."""
    if told.conflicts and not told.conflicts.isdisjoint((latitude_name, longitude_name)):
        told.odd("position_conflict")
        return None, None
    if place[0] is None or place[1] is None:
        if place[0] is not None or place[1] is not None:
            told.odd("position_invalid")
        return None, None
    found = position(place[0], place[1])
    if found is None:
        told.odd("position_invalid")
        return None, None
    return (None, None) if method is AMLMethod.NONE or found == (0.0, 0.0) else found


def position(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Degrees of latitude and longitude, where both are on Earth."""
    north, east = values.number(latitude), values.number(longitude)
    if north is None or east is None or abs(north) > 90 or abs(east) > 180:
        return None
    return north, east


def languages(text: str) -> tuple[str, ...]:
    """Language tags in a list with commas; what is none is left out."""
    found = [tag.strip() for tag in text.split(",", LANGUAGES_MAX)[:LANGUAGES_MAX]]
    return tuple(tag for tag in found if _LANGUAGE(tag))


def radius_of(metres: float | None) -> float | None:
    """Metres as a circle can have them; 0 is a phone's way to say that it does not know.

    More than a circle can have becomes the most: such a place is shown as hardly one.
    """
    return min(metres, RADIUS_M_MAX) if metres is not None and metres > 0 else None


def _radius_m(told: _Attributes, text: str) -> float | None:
    metres = values.number(text)
    if metres is None or metres < 0:
        told.odd("radius_invalid")
    elif metres > RADIUS_M_MAX:
        told.odd("radius_huge")
    return radius_of(metres)


def _confidence(told: _Attributes) -> float | None:
    """Per cent as a part of 1."""
    text = told.get("lc")
    if text is None:
        return None
    percent = values.number(text)
    if percent is None or not 0 <= percent <= 100:
        told.odd("confidence_invalid")
        return None
    return percent / 100


def _method(told: _Attributes, name: str) -> AMLMethod:
    text = told.get(name)
    if text is None:
        return AMLMethod.UNKNOWN
    method = METHODS.get(text.upper())
    if method is None:
        told.odd("method_unknown")
        return AMLMethod.UNKNOWN
    return method


def _fix_at(told: _Attributes) -> datetime | None:
    return _value(told, "top", values.utc_time, "time_invalid")


def _relative_fix_at(told: _Attributes, call_began_at: datetime | None) -> datetime | None:
    offset_s = _value(told, "lt", values.signed, "time_invalid")
    if offset_s is None or call_began_at is None:
        return None
    if abs(offset_s) > FIX_AGE_S_MAX:
        told.odd("time_invalid")
        return None
    return call_began_at + timedelta(seconds=offset_s)


def _altitude(told: _Attributes) -> tuple[float | None, float | None]:
    """Altitude and its uncertainty, where they are told."""
    text = told.get("lz")
    if text is None:
        return None, None
    above, _, within = text.partition(",")
    altitude_m = values.number(above.strip())
    if altitude_m is None or abs(altitude_m) > ALTITUDE_M_MAX:
        told.odd("altitude_invalid")
        return None, None
    return altitude_m, radius_of(values.number(within.strip()))


def _dialled(text: str | None) -> str | None:
    if text is None or _DIALLED(text):
        return text
    kept = "".join(character for character in text if character in "+0123456789*#")
    return kept[:NUMBER_CHARS_MAX] or None


def _declared_length(told: _Attributes, length: int) -> int | None:
    text = told.get("ml")
    if text is None:
        return None
    declared = values.whole(text)
    if declared != length:
        told.odd("length_mismatch")
    return declared


def _value(told: _Attributes, name: str, read: Callable[[str], T | None], code: str) -> T | None:
    """The attribute as ``read`` reads it; ``code`` is noted where it cannot."""
    text = told.found.get(name)
    if text is None:
        return None
    value = read(text)
    if value is None:
        told.odd(code)
    return value


def _told_as(told: _Attributes, text: str, read: Callable[[str], T | None], code: str) -> T | None:
    value = read(text)
    if value is None:
        told.odd(code)
    return value
