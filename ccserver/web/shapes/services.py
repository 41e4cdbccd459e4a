"""Services: what they were sent, what they tell, their units."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ccserver.services import ServiceState, Source
from ccserver.web.describe import Operation, Operations, Parameter, Shape, before, limit
from ccserver.web.services import Involving, ServiceStep, UnitBody, UnitStepBody


class EIDOUnitState(Shape, frozen=True):
    """The unit's state in the words of an EIDO."""

    primary: str
    secondary: str | None


class Step(Shape, frozen=True):
    """One thing that was told of a service; `at` is when, `happened_at` since when it holds."""

    state: str
    at: datetime
    happened_at: datetime | None
    key: str
    author: str | None
    source: Source
    reason: str | None
    note: str
    out_of_order: bool


class UnitStep(Shape, frozen=True):
    """One thing that was told of a unit."""

    state: str
    at: datetime
    happened_at: datetime | None
    key: str
    author: str | None
    source: Source
    reason: str | None
    note: str


class AssignedUnit(Shape, frozen=True):
    """A crew or vehicle, and where it stands in this incident."""

    unit_id: str
    call_sign: str
    kind: str
    state: str
    since: datetime | None
    delayed: bool
    eido: EIDOUnitState
    steps: list[UnitStep]


class Involvement(Shape, frozen=True):
    """One service in one incident, with everything that was told of it."""

    involvement_id: str
    incident_id: str
    service: str
    state: ServiceState
    sent_at: datetime
    sent_by: str | None
    note: str
    seen_at: datetime | None
    due_at: datetime | None
    overdue: bool
    alarms: int
    revision: int
    allowed: list[str]
    steps: list[Step]
    units: list[AssignedUnit]


class Involvements(Shape, frozen=True):
    """Services in one incident."""

    involvements: list[Involvement]


class OneInvolvement(Shape, frozen=True):
    """The involvement as it is now."""

    involvement: Involvement


class IncidentLine(Shape, frozen=True):
    """An incident at a glance."""

    incident_id: str
    number: str
    opened_at: datetime
    type: str | None
    priority: int | None
    address: str | None
    lat: float | None
    lon: float | None
    caller_number: str | None


class DeskLine(Shape, frozen=True):
    """One line of a desk's list."""

    involvement: Involvement
    incident: IncidentLine | None


class Desk(Shape, frozen=True):
    """What a service was sent."""

    service: str
    incidents: list[DeskLine]
    next: str | None


class Binding(Shape, frozen=True):
    """An incident that binds a unit."""

    involvement_id: str
    incident_id: str
    state: str
    since: datetime | None
    delayed: bool
    eido: EIDOUnitState


class Unit(Shape, frozen=True):
    """A crew or vehicle of a service."""

    unit_id: str
    service: str
    call_sign: str
    kind: str
    capacity: int | None
    active: bool
    involved_in: list[Binding]


class Units(Shape, frozen=True):
    """The units of a service, by call sign."""

    service: str
    units: list[Unit]


class OneUnit(Shape, frozen=True):
    """The unit as it is now."""

    unit: Unit


SERVICE = Parameter(
    "service",
    Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]{1,64}$")],
    "Whose desk, by the service's code; for those of a service it is their own.",
)
OTHER = {403: ("other_service",)}
STEP_REFUSED = {
    **OTHER,
    404: ("unknown_unit",),
    409: ("not_allowed_now", "key_taken", "unit_busy", "unit_inactive", "too_many"),
    422: ("reason_code_needed",),
}
UNIT_REFUSED = {**OTHER, 404: ("unknown_unit",), 409: ("call_sign_taken", "too_many")}

OPERATIONS: Operations = {
    ("GET", "/api/cards/{incident_id}/services"): Operation(
        Involvements, summary="The services in an incident."
    ),
    ("POST", "/api/cards/{incident_id}/services"): Operation(
        Involvements,
        bodies=(Involving,),
        errors={409: ("merged", "too_many"), 422: ("unknown_service",)},
        summary="Send the incident to services: to all of them at once, or to none.",
    ),
    ("POST", "/api/involvements/{involvement_id}/steps"): Operation(
        OneInvolvement,
        bodies=(ServiceStep,),
        errors=STEP_REFUSED,
        summary="Tell how far a service is.",
    ),
    ("POST", "/api/involvements/{involvement_id}/units/{unit_id}/steps"): Operation(
        OneInvolvement,
        bodies=(UnitStepBody,),
        errors=STEP_REFUSED,
        summary="Tell how far a unit is.",
    ),
    ("GET", "/api/desk/incidents"): Operation(
        Desk,
        parameters=(
            SERVICE,
            Parameter("state", Literal["open", "all"], "What is to be done, or all by pages."),
            before(),
            limit(),
        ),
        errors=OTHER,
        summary="What a service was sent.",
    ),
    ("GET", "/api/desk/units"): Operation(
        Units, parameters=(SERVICE,), errors=OTHER, summary="The units of a service."
    ),
    ("POST", "/api/desk/units"): Operation(
        OneUnit,
        bodies=(UnitBody,),
        parameters=(SERVICE,),
        errors=UNIT_REFUSED,
        summary="Add a unit; with an own id repeating it is harmless.",
    ),
    ("PUT", "/api/desk/units/{unit_id}"): Operation(
        OneUnit,
        bodies=(UnitBody,),
        parameters=(SERVICE,),
        errors=UNIT_REFUSED,
        summary="Change what a unit is.",
    ),
    ("DELETE", "/api/desk/units/{unit_id}"): Operation(
        OneUnit,
        parameters=(SERVICE,),
        errors=UNIT_REFUSED,
        summary="Take a unit out of service; what it did stays.",
    ),
}
