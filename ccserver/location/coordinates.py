"""Coordinates as people type or read them out, in every spelling that is common in Latvia.

``56,9496 24,1052``, ``56°56'58"N 24°6'18"E``, ``N 56° 56.97' E 24° 6.31'``, ``LKS 312000 506000``.
What can be meant in two ways gives two candidates, the likelier first, and a person chooses.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ccserver.location.lks92 import from_lks92
from ccserver.location.values import LocationInvalid, Position

TEXT_CHARS_MAX = 100
"""The longest spelling has some fifty."""


class CoordinateSystem(StrEnum):
    """What the numbers were taken for."""

    WGS84 = "wgs84"
    LKS92 = "lks92"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One meaning of what was typed.

    ``swapped``: the first number was taken for what usually comes second, the longitude, or the
    easting of LKS-92 (which many maps write first).
    """

    position: Position
    system: CoordinateSystem
    swapped: bool = False


_LATVIA = ((55.6, 58.15), (20.5, 28.3))
"""With its territorial sea; candidates in it come first."""

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")

_SIGNS = str.maketrans("º˚′’‘ʹ´`″”“ʺ−–", "°°''''''\"\"\"\"--")
"""Look-alikes, from keyboards and web pages, of the signs below."""

_NUMBER = r"\d{1,9}(?:[.,]\d{1,12})?"

_ANGLE = re.compile(
    rf"""
    (?P<before>[NSEWZAD])?\s*
    (?P<sign>[+-])?\s*
    (?P<degrees>{_NUMBER})\s*(?:°\s*
        (?:(?P<minutes>{_NUMBER})\s*'\s*
            (?:(?P<seconds>{_NUMBER})\s*(?:"|''))?
        )?
    )?\s*
    (?P<after>[NSEWZAD](?![A-Z]))?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

_PLANE = re.compile(
    r"(?:LKS(?:[ -]?92)?)?[ :]*(?P<first>\d{3} ?\d{3}(?:[.,]\d{1,6})?)[ ,;/]+"
    r"(?P<second>\d{3} ?\d{3}(?:[.,]\d{1,6})?)",
    re.IGNORECASE | re.ASCII,
)
"""Six digits before the point: all northings and eastings in Latvia."""

_LATITUDE_LETTERS = {"N": 1, "S": -1, "Z": 1, "D": -1}
_LONGITUDE_LETTERS = {"E": 1, "W": -1, "A": 1}
"""Also Latvian: Z and D for north and south, A for east. West is R, which nobody here needs."""


def parse_coordinates(text: str) -> tuple[Candidate, ...]:
    """Everything that the text can mean, the likeliest first; at least one.

    Raises `LocationInvalid` with a sentence for people where it means no place.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise LocationInvalid(f"Coordinates have at most {TEXT_CHARS_MAX} characters.")
    clean = _SPACES.sub(" ", text.translate(_SIGNS)).strip().strip("()[]")
    plane = _PLANE.fullmatch(clean)
    if plane is not None:
        found = _lks(*(plane[name].replace(" ", "") for name in ("first", "second")))
    else:
        found = _geographic(clean)
    return tuple(sorted(found, key=lambda candidate: not _in_latvia(candidate.position)))


def _lks(first: str, second: str) -> list[Candidate]:
    a, b = _value(first), _value(second)
    return _both_ways(CoordinateSystem.LKS92, lambda: from_lks92(a, b), lambda: from_lks92(b, a))


def _geographic(text: str) -> list[Candidate]:
    first, second = _two_angles(text)
    axes = {first.axis, second.axis} - {None}
    if len(axes) == 1 and first.axis == second.axis:
        raise LocationInvalid("One of the two must be a latitude and the other a longitude.")
    straight = first.axis != "longitude" and second.axis != "latitude"
    if axes:
        latitude, longitude = (first, second) if straight else (second, first)
        position = Position(latitude.degrees, longitude.degrees)
        return [Candidate(position, CoordinateSystem.WGS84, swapped=not straight)]
    return _both_ways(
        CoordinateSystem.WGS84,
        lambda: Position(first.degrees, second.degrees),
        lambda: Position(second.degrees, first.degrees),
    )


def _both_ways(
    system: CoordinateSystem, straight: Callable[[], Position], swapped: Callable[[], Position]
) -> list[Candidate]:
    """The candidates that are places; the first refusal where none is."""
    found: list[Candidate] = []
    refusal: LocationInvalid | None = None
    for build, is_swapped in ((straight, False), (swapped, True)):
        try:
            found.append(Candidate(build(), system, is_swapped))
        except LocationInvalid as error:
            refusal = refusal or error
    if not found and refusal is not None:
        raise refusal
    return found


@dataclass(frozen=True, slots=True)
class _Angle:
    degrees: float
    axis: str | None
    """``latitude``, ``longitude``, or ``None`` where no letter says it."""


def _two_angles(text: str) -> tuple[_Angle, _Angle]:
    """Cut the text into two: at the only place where both halves are angles."""
    # A comma is a decimal point in Latvian: "56,9496, 24,1052", "56,9496 24,1052", "56.9,24.1".
    cuts = [text.partition(sign) for sign in (";", "/", " / ", ", ") if text.count(sign) == 1]
    if text.count(",") == 1 and "." in text:
        cuts.append(text.partition(","))
    if text.count(",") == 3:
        a, b, c, d = text.split(",")
        cuts.append((f"{a},{b}", ",", f"{c},{d}"))
    cuts += [(text[:at], "", text[at:]) for at in _borders(text)]
    found = {
        (first, second)
        for left, _, right in cuts
        if (first := _angle(left)) is not None and (second := _angle(right)) is not None
    }
    if len(found) != 1:
        raise LocationInvalid(
            "Write two coordinates, like 56.9496 24.1052, 56°56'58\"N 24°6'18\"E or "
            "LKS 312000 506000."
        )
    return next(iter(found))


def _borders(text: str) -> list[int]:
    """Where one angle may end and the next begin: at blanks, and between a letter and a number."""
    letters = "".join((*_LATITUDE_LETTERS, *_LONGITUDE_LETTERS))
    glued = rf"(?<=[{letters}])(?=[+-]?\d)|(?<=[\d'\"°])(?=[{letters}])"
    places = [found.start() for found in re.finditer(rf" |{glued}", text, re.IGNORECASE)]
    return [at for at in places if 0 < at < len(text)]


def _angle(text: str) -> _Angle | None:
    found = _ANGLE.fullmatch(text.strip())
    if found is None or (found["before"] and found["after"]):
        return None
    minutes, seconds = _value(found["minutes"] or "0"), _value(found["seconds"] or "0")
    if minutes >= 60 or seconds >= 60:
        return None
    degrees = _value(found["degrees"]) + minutes / 60 + seconds / 3600
    letter = (found["before"] or found["after"] or "").upper()
    if letter and found["sign"]:
        return None
    sign = -1 if found["sign"] == "-" else 1
    if letter in _LATITUDE_LETTERS:
        return _Angle(degrees * _LATITUDE_LETTERS[letter], "latitude")
    if letter in _LONGITUDE_LETTERS:
        return _Angle(degrees * _LONGITUDE_LETTERS[letter], "longitude")
    return _Angle(degrees * sign, None)


def _value(digits: str) -> float:
    return float(digits.replace(",", "."))


def _in_latvia(position: Position) -> bool:
    (south, north), (west, east) = _LATVIA
    return south <= position.latitude <= north and west <= position.longitude <= east
