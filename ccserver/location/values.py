"""A position on Earth, and a location: where somebody or something is, as one source told it.

Latitudes and longitudes are degrees of WGS84, always in this order; distances are metres, angles
degrees clockwise from north. GeoJSON alone (`ccserver.location.shapes.Outline`) has longitudes
first.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccserver.location.shapes import Shape


class LocationInvalid(ValueError):
    """This is no place on Earth, or no shape; the message says what is wrong, for people."""


class LocationSource(StrEnum):
    """Who told the location."""

    PIDF_LO = "pidf_lo"
    AML = "aml"
    MSD = "msd"
    NETWORK_CELL = "network_cell"
    HTTPS = "https"
    ADDRESS = "address"
    MAP = "map"
    CALL_TAKER = "call_taker"

    @property
    def is_human(self) -> bool:
        """Whether a person of the centre chose the place, and no device or network told it."""
        return self in _HUMAN_SOURCES


_HUMAN_SOURCES = frozenset({LocationSource.ADDRESS, LocationSource.MAP, LocationSource.CALL_TAKER})


class LocationKind(StrEnum):
    """What is there."""

    CALLER = "caller"
    INCIDENT = "incident"
    INITIAL = "initial"
    """Where the incident was said to be at first, where another centre tells both."""
    UNIT = "unit"


def finite(value: float, name: str) -> float:
    """``value`` as a float; raises `LocationInvalid` for anything that is no finite number."""
    # bool is an int, and a JSON document may hold one where a number is meant.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise LocationInvalid(f"{name} is not a number.")
    try:
        number = float(value)
    except OverflowError:
        raise LocationInvalid(f"{name} is not a finite number.") from None
    if not math.isfinite(number):
        raise LocationInvalid(f"{name} is not a finite number.")
    return number


@dataclass(frozen=True, slots=True)
class Position:
    """A point on the ellipsoid of WGS84; raises `LocationInvalid` outside −90…90, −180…180."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        latitude = finite(self.latitude, "The latitude")
        longitude = finite(self.longitude, "The longitude")
        if not -90 <= latitude <= 90:
            raise LocationInvalid(f"The latitude {latitude:g} is not between -90 and 90.")
        if not -180 <= longitude <= 180:
            raise LocationInvalid(f"The longitude {longitude:g} is not between -180 and 180.")
        object.__setattr__(self, "latitude", latitude)
        object.__setattr__(self, "longitude", longitude)

    def as_json(self) -> list[float]:
        """``[latitude, longitude]``."""
        return [self.latitude, self.longitude]


@dataclass(frozen=True, slots=True)
class Location:
    """A place as one source told it; kept as it came, and never overwritten by a later one.

    ``observed_at``: when it was true (the time of the fix), where that was told; ``received_at``:
    when we learned it. Both are aware. ``confidence``: the probability, 0 to 1, that the place is
    within ``shape``; ``None`` where nobody said. ``data``: what else was told, as JSON.
    """

    shape: "Shape"
    source: LocationSource
    received_at: datetime
    observed_at: datetime | None = None
    confidence: float | None = None
    data: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.confidence is not None and not 0 <= finite(self.confidence, "The confidence") <= 1:
            raise LocationInvalid(f"The confidence {self.confidence:g} is not between 0 and 1.")
        for at in (self.received_at, self.observed_at):
            if at is not None and at.tzinfo is None:
                raise LocationInvalid("A time without its time zone is no time.")
