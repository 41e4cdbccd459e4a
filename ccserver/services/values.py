"""What the involvement of a service is, as the other rooms see it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from sqlalchemy.orm import Session

from ccserver.services.states import OVER, ServiceState, UnitPosition, UnitState
from ccserver.types import IncidentId, ServiceCode, UnitId

InvolvementId = NewType("InvolvementId", str)
"""One service sent to one incident; a version 4 UUID."""

SEEN_TIMEOUT_S = 30.0
"""A message that nobody has read by then is chased; the catalogue may say otherwise. Twice it is
the minute in which help has to be sent out."""
SERVICES_MAX = 20
"""Of one request: more than a country has kinds of service."""
INVOLVEMENTS_MAX = 200
"""Of one incident: a disaster that every municipality is called to, some of them twice."""
STEPS_MAX = 2_000
"""Of one involvement: a reporter that repeats itself without end is stopped."""
UNITS_MAX = 2_000
"""Of one service: the State Fire and Rescue Service has some 700 vehicles."""
UNITS_AT_ONCE_MAX = 50
"""In one step: a whole battalion."""
NOTE_CHARS_MAX = 2_000
"""A few sentences; the rest belongs on the card."""
KEY_CHARS_MAX = 64
CALL_SIGN_CHARS_MAX = 32
KIND_CHARS_MAX = 32
CAPACITY_MAX = 1_000

NOTE = "note"
"""The ``state`` of a step that only says something."""


class Source(StrEnum):
    """Who told a step."""

    CENTRE = "centre"
    DESK = "desk"
    API = "api"
    UNITS = "units"
    """It follows from what the service's units did."""


class StoryTag(StrEnum):
    """What the card's timeline tells of services."""

    SENT = "service_sent"
    RECEIVED = "service_received"
    SEEN = "service_seen"
    ACCEPTED = "service_accepted"
    REFUSED = "service_refused"
    DISPATCHED = "service_dispatched"
    EN_ROUTE = "service_en_route"
    ON_SCENE = "service_on_scene"
    CLEARED = "service_cleared"
    CLOSED = "service_closed"
    WITHDRAWN = "service_withdrawn"
    REOPENED = "service_reopened"
    OVERDUE = "service_overdue"
    NOTE = "service_note"
    UNIT_ASSIGNED = "unit_assigned"
    UNIT_STATUS = "unit_status"


@dataclass(frozen=True, slots=True)
class Told:
    """One entry for the card's timeline, and for whoever outside follows it.

    ``key`` is unique in all incidents.
    """

    incident_id: IncidentId
    involvement_id: InvolvementId
    service: ServiceCode
    tag: StoryTag
    key: str
    at: datetime
    author: str | None
    data: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Incident:
    """What this room and the desks need of a card at a glance."""

    incident_id: IncidentId
    number: str
    opened_at: datetime
    type_code: str | None = None
    priority: int | None = None
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    caller_number: str | None = None
    merged_into: IncidentId | None = None


class Incidents(Protocol):
    """The cards, given by the composition root; both work within the caller's transaction."""

    def find(
        self, session: Session, incident_ids: Collection[str], *, lock: bool = False
    ) -> Mapping[str, Incident]:
        """The cards with these ids, as far as they exist; ``lock`` until the transaction ends."""

    def tell(self, session: Session, entries: Sequence[Told]) -> None:
        """Write on the timelines of cards; a key that is there changes nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the catalogue says of a service."""

    seen_timeout_s: float = SEEN_TIMEOUT_S


class Book(Protocol):
    """The catalogue in force, as far as services are concerned; never waits."""

    def terms(self, service: ServiceCode) -> Terms | None:
        """``None``: there is no such service, or it takes no messages any more."""

    def refusal_reasons(self) -> Collection[str]:
        """The codes with which a service may refuse."""

    def delay_reasons(self) -> Collection[str]:
        """The codes with which a unit may tell that it is late."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something told of an involvement. ``state`` is a `ServiceState`, or ``note``."""

    state: str
    at: datetime
    key: str
    source: Source
    author: str | None
    reason: str | None = None
    note: str = ""
    happened_at: datetime | None = None
    out_of_order: bool = False


@dataclass(frozen=True, slots=True)
class UnitStep:
    """Something told of a unit within an involvement."""

    state: UnitState
    at: datetime
    key: str
    source: Source
    author: str | None
    reason: str | None = None
    note: str = ""
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AssignedUnit:
    """A unit that was sent, with everything that was told of it."""

    unit_id: UnitId
    call_sign: str
    kind: str
    position: UnitPosition
    steps: tuple[UnitStep, ...]


@dataclass(frozen=True, slots=True)
class Involvement:
    """One service in one incident.

    ``due_at``: when somebody of the service should have seen it; ``None`` once somebody has, and
    when nobody is going to be alarmed any more. ``alarms`` were raised because nobody had.
    ``moved_from`` are the cards that it was on before they were merged, oldest first.
    """

    involvement_id: InvolvementId
    incident_id: IncidentId
    service: ServiceCode
    state: ServiceState
    sent_at: datetime
    sent_by: str
    note: str
    due_at: datetime | None
    alarms: int
    seen_at: datetime | None
    revision: int
    moved_from: tuple[IncidentId, ...] = ()
    steps: tuple[Step, ...] = ()
    units: tuple[AssignedUnit, ...] = ()

    @property
    def overdue(self) -> bool:
        """Nobody has seen it in time, and nobody has yet."""
        return self.alarms > 0 and self.seen_at is None and self.state not in OVER

    @property
    def cursor(self) -> str:
        """Where the next page of a list begins, given as its ``before``."""
        return f"{self.sent_at.isoformat()}~{self.involvement_id}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A crew or vehicle; ``involved_in`` are the involvements that bind it now."""

    unit_id: UnitId
    service: ServiceCode
    call_sign: str
    kind: str
    capacity: int | None
    active: bool
    involved_in: tuple["UnitBusyWith", ...] = ()


@dataclass(frozen=True, slots=True)
class UnitBusyWith:
    """An incident that binds a unit."""

    involvement_id: InvolvementId
    incident_id: IncidentId
    position: UnitPosition


@dataclass(frozen=True, slots=True)
class Reported:
    """What somebody tells of an involvement or of a unit.

    ``key`` is the reporter's own and makes repeating harmless. ``confirm``: bind units that are
    bound already.
    """

    state: str
    key: str
    by: str
    source: Source
    reason: str | None = None
    note: str = ""
    units: tuple[UnitId, ...] = ()
    happened_at: datetime | None = None
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What a write did: the involvement as it now is, and the states told of for the first time."""

    involvement: Involvement
    incident: Incident
    news: tuple[ServiceState, ...] = ()
    first: bool = False
    """The incident's first involvement of any service."""
    moved: bool = False
    """The first word that the service moves."""
    repeated: bool = False
    """It was done before; nothing was changed."""
    units: tuple[Unit, ...] = ()
    """Those that were told of, with what binds them now."""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What is asked for of a new unit, or of a changed one."""

    call_sign: str
    kind: str = ""
    capacity: int | None = None
    active: bool = True


class UnknownIncident(LookupError):
    """There is no such card."""


class IncidentMerged(Exception):
    """The card has become a part of another."""

    def __init__(self, into: IncidentId) -> None:
        super().__init__("the card was merged")
        self.into = into


class UnknownInvolvement(LookupError):
    """There is no such involvement."""


class UnknownUnit(LookupError):
    """There is no such unit of this service."""

    def __init__(self, unit_id: str) -> None:
        super().__init__("there is no such unit")
        self.unit_id = unit_id


class UnknownService(LookupError):
    """The catalogue has no such service."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__("there is no such service")
        self.services = services


class ReasonNeeded(ValueError):
    """It takes a reason; ``reasons`` are the codes there are."""

    def __init__(self, reasons: Collection[str]) -> None:
        super().__init__("a reason is needed")
        self.reasons = sorted(reasons)


class KeyTaken(Exception):
    """The key belongs to another step of this involvement."""


class TooMany(Exception):
    """A bound is reached; ``limit`` says which number."""

    def __init__(self, limit: int) -> None:
        super().__init__("too many")
        self.limit = limit


class UnitBusy(Exception):
    """Units that other incidents bind; nothing was changed."""

    def __init__(self, busy: Mapping[UnitId, Sequence[UnitBusyWith]]) -> None:
        super().__init__("the unit is busy")
        self.busy = busy


class UnitInactive(Exception):
    """The unit is out of service."""

    def __init__(self, unit_id: UnitId) -> None:
        super().__init__("the unit is out of service")
        self.unit_id = unit_id


class CallSignTaken(Exception):
    """The service has a unit of that call sign."""
