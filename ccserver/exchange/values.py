"""What is exchanged, between the formats and the rooms."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ccserver.location import Location, LocationKind

JSONObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who we are to others: ``agency`` a domain name that is ours (NENA-STA-010 §2.1)."""

    agency: str
    public_url: str = ""
    """Where others reach this server, without a slash at the end; empty: nowhere, and recordings
    are not referred to."""

    @property
    def element(self) -> str:
        """The part of the agency that writes documents."""
        return f"ccserver.{self.agency}"

    def incident_uid(self, incident_id: str) -> str:
        """The tracking identifier of one of our incidents."""
        return f"urn:emergency:uid:incidentid:{incident_id.replace('-', '')}:{self.agency}"

    def call_uid(self, contact_id: str) -> str:
        """The call identifier of one of our contacts."""
        return f"urn:emergency:uid:callid:{contact_id.replace('-', '')}:{self.agency}"


_OWN_ID = re.compile(r"urn:emergency:uid:(?:incident|call)id:([0-9a-f]{32}):(.+)", re.IGNORECASE)


def own_id(uid: str, issuer: Issuer) -> str | None:
    """The UUID in one of our own identifiers; ``None`` for somebody else's."""
    found = _OWN_ID.fullmatch(uid)
    if found is None or found[2].lower() != issuer.agency.lower():
        return None
    digits = found[1].lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@dataclass(frozen=True, slots=True)
class TypeName:
    """An incident type to others: its title, and its code in EIDO's common registry."""

    title: str
    common: str = ""


@dataclass(frozen=True, slots=True)
class ServiceName:
    """A service to others. ``agency_type``: of IANA's urn:emergency:service:responder."""

    title: str
    agency_type: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The catalogue's words, as far as others need them; whatever is missing goes by its code."""

    types: Mapping[str, TypeName] = field(default_factory=dict)
    services: Mapping[str, ServiceName] = field(default_factory=dict)
    dispositions: Mapping[str, str] = field(default_factory=dict)
    """Code of ours to EIDO-CommonDispositionCode."""


@dataclass(frozen=True, slots=True)
class ImportedContact:
    """A call of the other side."""

    call_id: str
    direction: str
    """``inbound`` or ``outbound``."""
    arrived_at: datetime
    answered_at: datetime | None
    ended: bool
    caller_number: str | None
    queue: str


@dataclass(frozen=True, slots=True)
class ImportedLocation:
    """A place that the other side told; ``key`` is its own name of it."""

    key: str
    kind: LocationKind
    location: Location
    call_id: str | None = None
    """The call that it came with."""


@dataclass(frozen=True, slots=True)
class ImportedService:
    """A service that the other side involves; ``state`` as an involvement's."""

    service: str
    state: str
    sent_at: datetime
    key: str
    units: Sequence[JSONObject] = ()


@dataclass(frozen=True, slots=True)
class ImportedIncident:
    """An incident as another system tells it, in our words.

    ``incident_uid`` is the sender's name of the incident: with ``sender`` it says whether we know
    it already. ``fields``: by the names of a card's fields, in their shapes, not yet checked as
    fields are. ``notes``: plain text. ``data``: everything that has no place on a card, as it came,
    by its JSON Pointer.
    """

    sender: str
    incident_uid: str
    updated_at: datetime
    closed: bool
    fields: Mapping[str, object] = field(default_factory=dict)
    locations: Sequence[ImportedLocation] = ()
    contacts: Sequence[ImportedContact] = ()
    notes: str = ""
    services: Sequence[ImportedService] = ()
    merged: Sequence[str] = ()
    """Identifiers of incidents that this one has replaced."""
    merged_into: str | None = None
    parent: str | None = None
    children: Sequence[str] = ()
    oddities: Sequence[str] = ()
    data: Mapping[str, object] = field(default_factory=dict)
