"""Which other cards may be about the same incident: scored by place, time, type and number. Pure.

A proposal is only ever shown: a person decides. So a wrong one costs a glance, and a missing one a
second fire engine; what may fit is shown, what fits best comes first.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

RECENT = timedelta(hours=2)
"""Between the last contacts of both: within it nearly all who see one fire or crash have called.
Open cards are compared however old they are."""
SAME_NUMBER = timedelta(hours=24)
"""The same caller within a day mostly calls about the same matter again."""
NEAR_M = 1_000.0
"""How far from one another two people place what both see, besides how sure each of them is: at a
motorway the caller's fix is where the car came to a stop."""
RADIUS_MAX_M = 5_000.0
"""Of a larger area (a cell in the country) only so much counts, or all of a county were near."""
ELSEWHERE_M = 20_000.0
"""Of one caller, incidents so far apart are two: shown among the earlier ones, not proposed."""
PROPOSALS_MAX = 5
"""More is no help to somebody on the telephone."""

PLACE_WEIGHT = 4.0
TIME_WEIGHT = 2.0
TYPE_WEIGHT = 2.0
NUMBER_WEIGHT = 7.0
"""Who calls again outweighs what is near by and alike."""
OTHER_TYPE = -1.5
"""Both types are known, and differ: still shown, as a fire and a crash may be one incident."""

DEGREE_M = 111_320.0
"""Of latitude; a little more than its shortest, so a band in degrees is never too narrow."""
SHORTEST_DEGREE_M = 110_500.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an incident is, in degrees of WGS84, and within how many metres."""

    latitude: float
    longitude: float
    radius_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is compared of a card. ``branch`` is the top of its type's tree."""

    incident_id: str
    last_contact_at: datetime
    open: bool
    place: Place | None = None
    branch: str | None = None
    callers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Likeness:
    """How another card is like this one; ``distance_m`` is between the centres."""

    incident_id: str
    score: float
    last_contact_at: datetime
    distance_m: float | None
    minutes: int
    same_type: bool
    same_number: bool


def proposals(card: Facts, others: Iterable[Facts]) -> list[Likeness]:
    """Return the cards most like this one, the newer first of two that are equally so."""
    found = [like for other in others if (like := likeness(card, other)) is not None]
    found.sort(key=_order, reverse=True)
    return found[:PROPOSALS_MAX]


def likeness(card: Facts, other: Facts) -> Likeness | None:
    """Return how the other card is like this one; ``None`` if nothing says that it may be the same.

    It may if it is near in place and time, or of the same caller within a day and not far away.
    """
    if other.incident_id == card.incident_id:
        return None
    apart = abs(card.last_contact_at - other.last_contact_at)
    distance = _distance(card.place, other.place)
    same_number = not card.callers.isdisjoint(other.callers) and apart <= SAME_NUMBER
    recent = apart <= RECENT or (card.open and other.open)
    near = distance is not None and distance <= _reach(card.place, other.place)
    elsewhere = distance is not None and distance > ELSEWHERE_M
    if not ((same_number and not elsewhere) or (near and recent)):
        return None
    same_type = card.branch is not None and card.branch == other.branch
    score = TIME_WEIGHT * max(0.0, 1 - apart / RECENT)
    if near and distance is not None:
        score += PLACE_WEIGHT * _closeness(distance, card.place, other.place)
    if same_type:
        score += TYPE_WEIGHT
    elif card.branch is not None and other.branch is not None:
        score += OTHER_TYPE
    if same_number:
        score += NUMBER_WEIGHT
    return Likeness(
        other.incident_id,
        score,
        other.last_contact_at,
        None if distance is None else round(distance),
        round(apart.total_seconds() / 60),
        same_type,
        same_number,
    )


def _order(like: Likeness) -> tuple[float, datetime, str]:
    return like.score, like.last_contact_at, like.incident_id


def latitudes(place: Place, metres: float) -> tuple[float, float]:
    """Return the band of latitudes in which everything within ``metres`` lies."""
    margin = metres / SHORTEST_DEGREE_M
    return place.latitude - margin, place.latitude + margin


def reach_max(place: Place) -> float:
    """Return beyond how many metres nothing is near, however unsure it is."""
    return NEAR_M + _radius(place) + RADIUS_MAX_M


def distance_m(one: Place, other: Place) -> float:
    """Return metres on the sphere: within 0.6 % of the ellipsoid, and cheap for hundreds of cards.

    >>> round(distance_m(Place(56.95, 24.1), Place(56.96, 24.1)))
    1113
    """
    north = math.radians(other.latitude - one.latitude)
    east = math.radians(other.longitude - one.longitude)
    middle = math.cos(math.radians(one.latitude)) * math.cos(math.radians(other.latitude))
    half = math.sin(north / 2) ** 2 + middle * math.sin(east / 2) ** 2
    return 2 * math.degrees(math.asin(min(1.0, math.sqrt(half)))) * DEGREE_M


def _distance(one: Place | None, other: Place | None) -> float | None:
    return None if one is None or other is None else distance_m(one, other)


def _radius(place: Place | None) -> float:
    return 0.0 if place is None else min(max(place.radius_m, 0.0), RADIUS_MAX_M)


def _reach(one: Place | None, other: Place | None) -> float:
    return NEAR_M + _radius(one) + _radius(other)


def _closeness(distance: float, one: Place | None, other: Place | None) -> float:
    """1 for the same spot, 0 at the edge; two large areas that overlap say little."""
    unsure = _radius(one) + _radius(other)
    beyond = max(0.0, distance - unsure)
    return (1 - beyond / NEAR_M) * NEAR_M / (NEAR_M + unsure / 2)
