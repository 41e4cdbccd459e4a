"""What is known of the car that calls: its MSDs in their order, and what it was asked for. Pure.

The newest MSD counts: that with the highest number, as the car counts them (EN 15722, one more for
each). Every other is kept, and told of on the card.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ccserver.ecall import vin
from ccserver.ecall.urn import ECallKind, ecall_kind
from ccserver.ecall.values import MSD, DecodedMSD, Energy
from ccserver.location import Location, LocationInvalid, Position
from ccserver.location.devices import MAS_PER_DEGREE, RECENT_LOCATION_MAS, from_msd
from ccserver.location.oddities import Oddity

CLOCK: Final = "clock"
"""The car's clock has failed, or is more than a day from ours."""

TEST_CALL: Final = "test_call"
"""The car says that it is a test, and the call does not: somebody may need help."""

CLOCK_MAX: Final = timedelta(days=1)
IDENTIFIERS: Final = 256
"""The number of an MSD is an octet: after 255 comes 0."""

HEX_BYTES_MAX: Final = 512
"""Of an MSD that are shown: the standard ends at 140."""

ADDITIONAL_HEX_BYTES_MAX: Final = 140


class DataState(StrEnum):
    """What is known of the car's data."""

    RECEIVED = "received"
    UNREADABLE = "unreadable"
    NONE = "none"
    """No data came."""


class RequestState(StrEnum):
    """What became of the last request for a new MSD."""

    ASKED = "asked"
    RECEIVED = "received"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    """The request did not reach the car."""


@dataclass(frozen=True, slots=True)
class ReceivedMSD:
    """One MSD that could be read."""

    decoded: DecodedMSD
    octets: bytes
    received_at: datetime

    @property
    def msd(self) -> MSD:
        """The message."""
        return self.decoded.msd

    @property
    def kind(self) -> ECallKind:
        """How the car says that it began."""
        if self.msd.test_call:
            return ECallKind.TEST
        automatic = self.msd.automatic_activation
        return ECallKind.AUTOMATIC if automatic else ECallKind.MANUAL


@dataclass(frozen=True, slots=True)
class Request:
    """A new MSD was asked for."""

    state: RequestState
    at: datetime
    reason: str | None = None

    def as_json(self) -> dict[str, object]:
        """As the API tells it."""
        return {"state": self.state.value, "at": iso(self.at), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Vehicle:
    """The car of one contact. ``unreadable`` counts what should have been an MSD."""

    service: str | None = None
    newest: ReceivedMSD | None = None
    count: int = 0
    unreadable: int = 0
    request: Request | None = None

    def with_msd(self, received: ReceivedMSD) -> "Vehicle":
        """One more MSD has come; the newest in the car's own order counts from now on."""
        newer = self.newest is None or _is_newer(received, self.newest)
        newest = received if newer else self.newest
        return replace(self, newest=newest, count=self.count + 1)

    @property
    def kind(self) -> ECallKind:
        """How the eCall began: as the call says, and where it does not, as the car does.

        A call is a test only if it says so itself: whatever a car writes into its data, a call to
        the emergency service is one.
        """
        told = ecall_kind(self.service)
        if told not in (None, ECallKind.UNKNOWN) or self.newest is None:
            return told or ECallKind.UNKNOWN
        automatic = self.newest.msd.automatic_activation
        return ECallKind.AUTOMATIC if automatic else ECallKind.MANUAL

    @property
    def data(self) -> DataState:
        """What is known of its data."""
        if self.newest is not None:
            return DataState.RECEIVED
        return DataState.UNREADABLE if self.unreadable else DataState.NONE

    def as_json(self, *, now: datetime, can_request: bool) -> dict[str, object]:
        """As panels and the API tell it."""
        test_called = ecall_kind(self.service) is ECallKind.TEST
        return {
            "kind": self.kind.value,
            "data": self.data.value,
            "can_request": can_request,
            "request": None if self.request is None else self.request.as_json(),
            "count": self.count,
            "msd": None
            if self.newest is None
            else view_of(self.newest, now=now, test_called=test_called),
        }


def _is_newer(one: ReceivedMSD, other: ReceivedMSD) -> bool:
    """By the car's own count, which begins anew after 255; of the same number what came later."""
    ahead = (one.msd.message_identifier - other.msd.message_identifier) % IDENTIFIERS
    if ahead == 0:
        return one.received_at >= other.received_at
    return ahead < IDENTIFIERS // 2


def clock_is_odd(msd: MSD, received_at: datetime) -> bool:
    """Whether the car's clock cannot be trusted."""
    told = msd.observed_at
    return told is None or abs(received_at - told) > CLOCK_MAX


def oddities_of(received: ReceivedMSD, *, test_called: bool) -> tuple[Oddity, ...]:
    """What is odd about an MSD, also beside the call that it came with."""
    found = list(received.decoded.oddities)
    if clock_is_odd(received.msd, received.received_at):
        found.append(Oddity(CLOCK, str(received.msd.timestamp)))
    if received.msd.test_call and not test_called:
        found.append(Oddity(TEST_CALL))
    return tuple(found)


def view_of(received: ReceivedMSD, *, now: datetime, test_called: bool) -> dict[str, object]:
    """One MSD as panels and the API show it."""
    msd = received.msd
    latitude, longitude = msd.position or (None, None)
    sent_at = msd.observed_at
    return {
        "received_at": iso(received.received_at),
        "sent_at": None if sent_at is None else iso(sent_at),
        "age_s": None if sent_at is None else round((now - sent_at).total_seconds(), 1),
        "message_identifier": msd.message_identifier,
        "version": msd.version,
        "automatic": msd.automatic_activation,
        "test": msd.test_call,
        "trusted": msd.position_can_be_trusted,
        "lat": latitude,
        "lon": longitude,
        "direction_deg": msd.direction_deg,
        "recent": trail_of(msd),
        "vin": msd.vin,
        "make": vin.make_of(msd.vin),
        "model_year": vin.model_year(msd.vin),
        "vehicle_type": None if msd.vehicle_type is None else msd.vehicle_type.value,
        "energy": [energy.value for energy in Energy if energy in msd.propulsion],
        "occupants": msd.occupants,
        "additional": _additional(msd),
        "oddities": oddities_json(oddities_of(received, test_called=test_called)),
        "hex": received.octets[:HEX_BYTES_MAX].hex(),
    }


def location_of(received: ReceivedMSD) -> Location | None:
    """Where the car is, with its direction and trail; ``None`` where it does not know."""
    msd = received.msd
    if msd.position is None:
        return None
    told = msd.observed_at
    return from_msd(
        msd.position_latitude,
        msd.position_longitude,
        trusted=msd.position_can_be_trusted,
        received_at=received.received_at,
        # The time is that of the incident's first message, in every one that follows: of those it
        # does not say when the car was there.
        observed_at=told
        if msd.message_identifier <= 1 and not clock_is_odd(msd, received.received_at)
        else None,
        direction_deg=msd.direction_deg,
        recent=msd.recent_locations,
    )


def trail_of(msd: MSD) -> list[list[float]]:
    """Where the car came from, the latest first, in degrees."""
    if msd.position is None:
        return []
    latitude, longitude = msd.position_latitude, msd.position_longitude
    trail: list[list[float]] = []
    for north, east in msd.recent_locations:
        latitude += north * RECENT_LOCATION_MAS
        longitude += east * RECENT_LOCATION_MAS
        try:
            place = Position(latitude / MAS_PER_DEGREE, longitude / MAS_PER_DEGREE)
        except LocationInvalid:
            break
        trail.append(place.as_json())
    return trail


def oddities_json(oddities: tuple[Oddity, ...]) -> list[dict[str, str]]:
    """As the API tells them."""
    return [{"code": one.code, "detail": one.detail} for one in oddities]


def _additional(msd: MSD) -> Mapping[str, object] | None:
    more = msd.additional
    if more is None:
        return None
    return {
        "oid": more.oid,
        "decoded": more.decoded,
        "hex": more.data[:ADDITIONAL_HEX_BYTES_MAX].hex(),
        "cut": more.cut,
    }


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as everywhere in the API."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
