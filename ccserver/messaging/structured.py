"""Reading texts that an app made, by the layouts of the centre's document. Pure.

A layout is plain: a beginning, what stands between values, and the values by their places or by
their names. There are no patterns in it, so reading takes time in proportion to the text alone,
whatever an administrator wrote and whatever an app sends. What fits no layout is a text as any
other, and what stands in one beside the known values is what the citizen wrote: nothing is lost,
for the text itself is kept and shown too.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ccserver.location import Circle, Location, LocationInvalid, LocationSource, Point, Position
from ccserver.location.coordinates import TEXT_CHARS_MAX as POSITION_CHARS_MAX
from ccserver.location.coordinates import CoordinateSystem, parse_coordinates
from ccserver.messaging.document import Template, TemplateField
from ccserver.messaging.values import FoundField, FoundFields

PARSED_CHARS_MAX = 4_000
"""Of a text; an app's layout fits into a few parts of an SMS. What comes after it is the rest."""
PIECES_MAX = 200
"""Of a text; more separators than this are no layout, and the rest stays in one piece."""
VALUE_CHARS_MAX = 500
RADIUS_M_MAX = 100_000.0
"""A phone that knows no more than this does not know where it is."""
NAMED = {"newline": "\n", "tab": "\t", "space": " "}
"""Separators that cannot be typed, or not be seen."""

NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,12})?")


def found_fields(templates: Iterable[Template], text: str) -> FoundFields | None:
    """What the first template that the text is of finds in it; ``None`` where it is of none."""
    for template in templates:
        found = _read(template, text) if template.active else None
        if found is not None:
            return found
    return None


def location_of(
    found: FoundFields, received_at: datetime, source: LocationSource = LocationSource.HTTPS
) -> Location | None:
    """The place that the app told, if it told one."""
    if found.latitude is None or found.longitude is None:
        return None
    position = Position(found.latitude, found.longitude)
    shape = Point(position) if found.radius_m is None else Circle(position, found.radius_m)
    return Location(shape, source, received_at, data={"template": found.template})


def _read(template: Template, text: str) -> FoundFields | None:
    begun = _without_prefix(template, text.lstrip("\ufeff \t\r\n"))
    if begun is None:
        return None
    pieces, beyond = _pieces(template, begun)
    read = _by_place if template.layout == "ordered" else _by_key
    values, rest = read(template, pieces)
    required = {one.name for one in template.fields if one.required}
    if not values or not required <= values.keys():
        return None
    place = _place(template.fields, values)
    separator = NAMED.get(template.separator, template.separator)
    return FoundFields(
        template.code,
        tuple(
            FoundField(one.name, values[one.name], _titles(one))
            for one in template.fields
            if one.name in values
        ),
        latitude=place.latitude,
        longitude=place.longitude,
        radius_m=place.radius_m,
        rest=(separator.join(rest) + beyond).strip(),
    )


def _without_prefix(template: Template, text: str) -> str | None:
    # The texts are compared piece by piece, because small letters may be longer than capitals.
    head = text[: len(template.prefix)]
    if head.casefold() != template.prefix.casefold():
        return None
    rest = text[len(template.prefix) :].lstrip(" \t")
    separator = NAMED.get(template.separator, template.separator)
    return rest.removeprefix(separator) if template.prefix else rest


def _pieces(template: Template, text: str) -> tuple[list[str], str]:
    """The text between the separators, and what was too much of it."""
    read, beyond = text[:PARSED_CHARS_MAX], text[PARSED_CHARS_MAX:]
    if template.separator == "newline":
        read = read.replace("\r\n", "\n").replace("\r", "\n")
    separator = NAMED.get(template.separator, template.separator)
    return read.split(separator or ";", PIECES_MAX), beyond


def _by_place(template: Template, pieces: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    for one, piece in zip(template.fields, pieces, strict=False):
        _keep(values, one, piece)
    return values, [piece for piece in pieces[len(template.fields) :] if piece.strip()]


def _by_key(template: Template, pieces: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    rest: list[str] = []
    keys = {one.key.strip().casefold(): one for one in reversed(template.fields) if one.key.strip()}
    for piece in pieces:
        key, value = _split(template.assignment, piece, keys)
        one = keys.get(key)
        if one is None or one.name in values:
            rest += [piece] if piece.strip() else []
        else:
            _keep(values, one, value)
    return values, rest


def _split(assignment: str, piece: str, keys: Iterable[str]) -> tuple[str, str]:
    """A piece's key and its value; without an assignment the value follows the key at once."""
    if assignment:
        key, _, value = piece.partition(NAMED.get(assignment, assignment))
        return key.strip().casefold(), value
    stripped = piece.strip()
    glued = [key for key in keys if stripped[: len(key)].casefold() == key]
    key = max(glued, key=len, default="")
    return key, stripped[len(key) :]


def _keep(values: dict[str, str], field: TemplateField, piece: str) -> None:
    value = piece.strip()[:VALUE_CHARS_MAX]
    if value:
        values[field.name] = value


def _titles(field: TemplateField) -> dict[str, str]:
    titles = field.titles
    return {"lv": titles.lv, "ru": titles.ru, "en": titles.en}


@dataclass(frozen=True, slots=True)
class _Place:
    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None


def _place(fields: Sequence[TemplateField], values: dict[str, str]) -> _Place:
    """Where the phone is: all of it, or nothing where it cannot be read."""
    position = next(_positions(fields, values), None)
    # An app without a fix tells 0, 0, which is a place in the Atlantic.
    if position is None or (position.latitude == 0 and position.longitude == 0):
        return _Place()
    radius = NUMBER.fullmatch(_value(fields, values, "radius_m"))
    metres = float(radius[0].replace(",", ".")) if radius else 0.0
    known = metres if 0 < metres <= RADIUS_M_MAX else None
    return _Place(position.latitude, position.longitude, known)


def _positions(fields: Sequence[TemplateField], values: dict[str, str]) -> Iterator[Position]:
    whole = _value(fields, values, "position")
    latitude, longitude = (_value(fields, values, kind) for kind in ("latitude", "longitude"))
    if whole and len(whole) <= POSITION_CHARS_MAX:
        with contextlib.suppress(LocationInvalid):
            yield parse_coordinates(whole)[0].position
    if latitude and longitude and len(latitude + longitude) < POSITION_CHARS_MAX:
        try:
            candidates = parse_coordinates(f"{latitude};{longitude}")
        except LocationInvalid:
            return
        for one in candidates:
            # The layout says which is which.
            if not one.swapped and one.system is CoordinateSystem.WGS84:
                yield one.position


def _value(fields: Sequence[TemplateField], values: dict[str, str], kind: str) -> str:
    return next((values[one.name] for one in fields if one.kind == kind and one.name in values), "")
