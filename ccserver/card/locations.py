"""Locations of a card: what was told, and which of them is the incident's place now. Pure.

Nothing that was told is ever dropped or changed. Which location counts follows from all of them
(`ccserver.location.choice`), unless a person has pinned one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ccserver.card.values import TimelineTag
from ccserver.location import (
    Known,
    Location,
    LocationKind,
    LocationSource,
    current_location,
    shape_from_json,
)
from ccserver.types import ContactId, IncidentId, LocationId

PINNED = "pinned"
"""Why the place is this one: a person said that this location counts."""


class UnknownLocation(LookupError):
    """The card has no such location."""


@dataclass(frozen=True, slots=True)
class LocationTold:
    """Somebody or something told where a contact is; for the journal, as JSON can keep it.

    ``key`` is unique per contact, so telling it again changes nothing. Times are aware.
    """

    contact_id: ContactId
    key: str
    kind: LocationKind
    source: LocationSource
    shape: Mapping[str, object]
    received_at: datetime
    observed_at: datetime | None = None
    confidence: float | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    author: str | None = None

    @classmethod
    def of(
        cls,
        contact_id: ContactId,
        key: str,
        location: Location,
        *,
        kind: LocationKind = LocationKind.CALLER,
        author: str | None = None,
    ) -> "LocationTold":
        """Return what is to be kept of a location."""
        return cls(
            contact_id=contact_id,
            key=key,
            kind=kind,
            source=location.source,
            shape=location.shape.as_json(),
            received_at=location.received_at,
            observed_at=location.observed_at,
            confidence=location.confidence,
            data=location.data,
            author=author,
        )

    @property
    def tag(self) -> TimelineTag:
        """How the timeline calls it."""
        return TimelineTag.LOCATION_ADDED

    @property
    def location(self) -> Location:
        """What was told; raises `ccserver.location.LocationInvalid` if no place on Earth was."""
        return Location(
            shape=shape_from_json(self.shape),
            source=self.source,
            received_at=self.received_at,
            observed_at=self.observed_at,
            confidence=self.confidence,
            data=self.data,
        )


@dataclass(frozen=True, slots=True)
class CardLocation:
    """A location as the card shows it; one of a contact goes with the contact."""

    location_id: LocationId
    incident_id: IncidentId
    contact_id: ContactId | None
    kind: LocationKind
    location: Location
    author: str | None


@dataclass(frozen=True, slots=True)
class Pin:
    """A person said at that moment that this location counts; ``None``: that none is pinned."""

    location_id: LocationId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where the incident is, why there, and which locations cannot both be true."""

    current: CardLocation | None
    why: str
    conflicts: tuple[tuple[LocationId, LocationId], ...] = ()


def place_of(incident_id: str, history: Sequence[CardLocation], pin: Pin | None) -> Place:
    """Choose the incident's place from all that was told on its card and those in it, in any order.

    A pin holds until a person chooses a place anew. It depends on the history alone, so the place
    that lists and maps keep is the same that the card shows.
    """
    history = _without_others_choices(incident_id, history)
    by_id = {one.location_id: one for one in history}
    # As of the last time that anything was told: later than that, nothing can have been seen.
    now = max((one.location.received_at for one in history), default=None)
    if now is None:
        return Place(None, "none")
    choice = current_location(
        [Known(one.location_id, one.kind, one.location, one.contact_id) for one in history], now
    )
    pinned = None if pin is None or pin.location_id is None else by_id.get(pin.location_id)
    if pin is not None and pinned is not None and pin.at >= _last_chosen(history, pin.at):
        return Place(pinned, PINNED, choice.conflicts)
    current = None if choice.current is None else by_id[choice.current.location_id]
    return Place(current, choice.why.value, choice.conflicts)


def _without_others_choices(
    incident_id: str, history: Sequence[CardLocation]
) -> Sequence[CardLocation]:
    """What is compared: of places that people chose, the card's own stand before those of a card
    that it has absorbed, as its fields do.
    """
    if not any(_is_chosen(one) and one.incident_id == incident_id for one in history):
        return history
    return [one for one in history if not _is_chosen(one) or one.incident_id == incident_id]


def _is_chosen(one: CardLocation) -> bool:
    return one.kind is LocationKind.INCIDENT and one.location.source.is_human


def _last_chosen(history: Sequence[CardLocation], default: datetime) -> datetime:
    """When a person last chose a place of the incident."""
    return max((one.location.received_at for one in history if _is_chosen(one)), default=default)
