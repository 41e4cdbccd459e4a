"""What an event holds that leaves the centre."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ccserver.types import IncidentId, ServiceCode

Data = str | int | float | bool | None


class EventType(StrEnum):
    """Everything that integrators can hear of: the ``type`` of a CloudEvent, closed and versioned.

    CloudEvents 1.0 §3.1 wants a reverse-DNS prefix, so that types of several sources never clash.
    """

    CARD_CHANGED = "org.ccserver.card.changed.v1"
    """Something on the card is new; ``tag`` says what, as on its timeline."""
    INVOLVEMENT_OPENED = "org.ccserver.involvement.opened.v1"
    """A service got the card."""
    INVOLVEMENT_CHANGED = "org.ccserver.involvement.changed.v1"
    """A service, or one of its units, reported a step."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """Something happened to an incident at ``at`` (aware).

    ``key`` is unique: recording an event again changes nothing. ``service``: only this service is
    told; without it every service that is involved. ``data`` says what to look at (ids, codes),
    never what it holds: personal data is read with a key's own rights from the API.
    """

    type: EventType
    key: str
    incident_id: IncidentId
    at: datetime
    service: ServiceCode | None = None
    data: Mapping[str, Data] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as stored. ``seq`` grows in the order of commits; ``event_id`` is for the world."""

    seq: int
    event_id: str
    type: EventType
    incident_id: IncidentId
    at: datetime
    service: ServiceCode | None
    data: Mapping[str, Data]

    def concerns(self, service: ServiceCode | None, involved: Collection[ServiceCode]) -> bool:
        """Whether ``service`` may hear of it, if ``involved`` are those of the incident.

        ``None`` stands for a listener of the whole centre.
        """
        if service is None:
            return True
        return service in involved if self.service is None else service == self.service
