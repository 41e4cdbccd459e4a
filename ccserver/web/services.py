"""Services: sending them, what they tell back, their desks' lists and their units."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec
from aiohttp import web

from ccserver.accounts import Right, Role
from ccserver.services import (
    CallSignTaken,
    IncidentMerged,
    InvolvementId,
    KeyTaken,
    ReasonNeeded,
    Reported,
    ServiceState,
    Source,
    StepRefused,
    TooMany,
    UnitBusy,
    UnitFacts,
    UnitInactive,
    UnknownIncident,
    UnknownInvolvement,
    UnknownService,
    UnknownUnit,
)
from ccserver.services.values import (
    CALL_SIGN_CHARS_MAX,
    CAPACITY_MAX,
    KEY_CHARS_MAX,
    KIND_CHARS_MAX,
    NOTE,
    NOTE_CHARS_MAX,
    SERVICES_MAX,
    UNITS_AT_ONCE_MAX,
)
from ccserver.types import IncidentId, ServiceCode, UnitId
from ccserver.web.access import EDIT_CARDS, READ_CARDS, Access, Principal, Route, signed_in
from ccserver.web.errors import (
    APIError,
    bad_request,
    check_text,
    json_response,
    not_found,
    path_id,
    read_body,
)
from ccserver.web.ports import JSONObject

CURSOR_LENGTH_MAX = 128
"""A cursor is a time and a UUID, some seventy characters; it is only handed through."""
LIMIT_DEFAULT = 50
LIMIT_MAX = 100
"""Of one page; the panel asks for the next when it is scrolled to."""

Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]{1,64}$")]
Key = Annotated[str, msgspec.Meta(pattern=rf"^[A-Za-z0-9_.:-]{{1,{KEY_CHARS_MAX}}}$")]
Note = Annotated[str, msgspec.Meta(max_length=NOTE_CHARS_MAX)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


WITH_UNITS = frozenset(
    {
        ServiceState.ACCEPTED,
        ServiceState.DISPATCHED,
        ServiceState.EN_ROUTE,
        ServiceState.ON_SCENE,
        ServiceState.CLEARED,
    }
)
OF_CENTRE = frozenset({ServiceState.WITHDRAWN.value})
"""What the centre tells of a service, and the service does not."""


class ServicesPort(Protocol):
    """Services as JSON; `ccserver.services.ServiceDesk` fits, and says what is raised."""

    async def of_incident(self, incident_id: IncidentId) -> Sequence[JSONObject]:
        """All that were ever sent to the incident."""

    async def service_of(self, involvement_id: InvolvementId) -> ServiceCode | None:
        """Whose involvement it is."""

    async def unfinished(self, service: ServiceCode) -> Sequence[JSONObject]:
        """What the service has still to do with: unread first, then the newest."""

    async def everything(
        self, service: ServiceCode, *, limit: int, before: str | None
    ) -> tuple[Sequence[JSONObject], str | None]:
        """Whatever was sent to the service, newest first; and the ``before`` of the next page."""

    async def involve(
        self,
        incident_id: IncidentId,
        services: Sequence[ServiceCode],
        *,
        by: str,
        note: str = "",
        key: str | None = None,
    ) -> Sequence[JSONObject]:
        """Send the incident to all of the services, or to none; durable when it returns."""

    async def report(self, involvement_id: InvolvementId, told: Reported) -> JSONObject:
        """Take a step of the service; durable when it returns."""

    async def report_unit(
        self, involvement_id: InvolvementId, unit_id: UnitId, told: Reported
    ) -> JSONObject:
        """Take a step of a unit; durable when it returns."""

    async def units(self, service: ServiceCode) -> Sequence[JSONObject]:
        """The units of the service by call sign."""

    async def add_unit(
        self, service: ServiceCode, facts: UnitFacts, *, unit_id: UnitId
    ) -> JSONObject:
        """Add a unit; repeating it under its id adds no second one."""

    async def change_unit(
        self, service: ServiceCode, unit_id: UnitId, facts: UnitFacts
    ) -> JSONObject:
        """Change what a unit is."""

    async def retire_unit(self, service: ServiceCode, unit_id: UnitId) -> JSONObject:
        """Take the unit out of service; what it did stays."""


class Involving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/cards/{incident_id}/services``."""

    services: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=SERVICES_MAX)]
    note: Note = ""
    key: Key | None = None


class _Telling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What both kinds of step have."""

    key: Key
    reason: Code | None = None
    note: Note = ""
    happened_at: Moment | None = None
    confirm: bool = False


class ServiceStep(_Telling, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /api/involvements/{involvement_id}/steps``."""

    state: Literal[
        "received",
        "seen",
        "accepted",
        "refused",
        "dispatched",
        "en_route",
        "on_scene",
        "cleared",
        "closed",
        "reopened",
        "withdrawn",
        "note",
    ]
    units: Annotated[list[Id], msgspec.Meta(max_length=UNITS_AT_ONCE_MAX)] = []


class UnitStepBody(_Telling, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /api/involvements/{involvement_id}/units/{unit_id}/steps``."""

    state: Literal[
        "assigned",
        "dispatched",
        "en_route",
        "delayed",
        "on_scene",
        "patient_contact",
        "hospital",
        "cleared",
    ]


class UnitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /api/desk/units`` and ``PUT /api/desk/units/{unit_id}``."""

    call_sign: Annotated[str, msgspec.Meta(min_length=1, max_length=CALL_SIGN_CHARS_MAX)]
    kind: Annotated[str, msgspec.Meta(max_length=KIND_CHARS_MAX)] = ""
    capacity: Annotated[int, msgspec.Meta(ge=0, le=CAPACITY_MAX)] | None = None
    active: bool = True
    unit_id: Id | None = None


DESK = Access(Right.DESK)
REPORT = Access(Right.INVOLVEMENTS_WRITE)


def may_act_for(principal: Principal, service: ServiceCode) -> bool:
    """Whether this one tells steps, and sees the desk, of the service.

    Its own people and keys may; supervisors for all, because a service may report by telephone.
    """
    return principal.may(Right.DESK) and principal.account.service in (None, service)


class ServicesAPI:
    """Handlers of services, involvements, desks and units."""

    def __init__(self, services: ServicesPort) -> None:
        self._services = services

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        card, one = "/api/cards/{incident_id}/services", "/api/involvements/{involvement_id}"
        unit = "/api/desk/units/{unit_id}"
        return (
            Route("GET", card, self.of_card, READ_CARDS),
            Route("POST", card, self.involve, EDIT_CARDS),
            Route("POST", f"{one}/steps", self.report, REPORT),
            Route("POST", f"{one}/units/{{unit_id}}/steps", self.report_unit, REPORT),
            Route("GET", "/api/desk/incidents", self.desk, DESK),
            Route("GET", "/api/desk/units", self.units, DESK),
            Route("POST", "/api/desk/units", self.add_unit, DESK),
            Route("PUT", unit, self.change_unit, DESK),
            Route("DELETE", unit, self.retire_unit, DESK),
        )

    # -- the card ---------------------------------------------------------------------------------

    async def of_card(self, request: web.Request) -> web.Response:
        """``GET /api/cards/{incident_id}/services``."""
        incident_id = IncidentId(path_id(request, "incident_id", "card"))
        try:
            return json_response({"involvements": await self._services.of_incident(incident_id)})
        except Exception as error:
            raise _told(error) from None

    async def involve(self, request: web.Request) -> web.Response:
        """``POST /api/cards/{incident_id}/services``: to all of them at once, or to none."""
        incident_id = IncidentId(path_id(request, "incident_id", "card"))
        body = await read_body(request, Involving)
        services = [ServiceCode(code) for code in dict.fromkeys(body.services)]
        note = check_text(body.note, "note").strip()
        by = signed_in(request).account.login
        try:
            sent = await self._services.involve(
                incident_id, services, by=by, note=note, key=body.key
            )
        except Exception as error:
            raise _told(error) from None
        return json_response({"involvements": sent})

    # -- steps ------------------------------------------------------------------------------------

    async def report(self, request: web.Request) -> web.Response:
        """``POST /api/involvements/{involvement_id}/steps``."""
        involvement_id = InvolvementId(path_id(request, "involvement_id", "involvement"))
        body = await read_body(request, ServiceStep)
        if body.units and body.state not in WITH_UNITS:
            raise bad_request("Units are named with accepted, dispatched … cleared only.")
        if body.state == NOTE and not body.note.strip():
            raise bad_request("A note has a text.")
        source = await self._source(request, involvement_id, by_centre=body.state in OF_CENTRE)
        told = _reported(request, body, body.state, source, tuple(map(UnitId, body.units)))
        try:
            involvement = await self._services.report(involvement_id, told)
        except Exception as error:
            raise _told(error) from None
        return json_response({"involvement": involvement})

    async def report_unit(self, request: web.Request) -> web.Response:
        """``POST /api/involvements/{involvement_id}/units/{unit_id}/steps``."""
        involvement_id = InvolvementId(path_id(request, "involvement_id", "involvement"))
        unit_id = UnitId(path_id(request, "unit_id", "unit"))
        body = await read_body(request, UnitStepBody)
        source = await self._source(request, involvement_id, by_centre=False)
        told = _reported(request, body, body.state, source, ())
        try:
            involvement = await self._services.report_unit(involvement_id, unit_id, told)
        except Exception as error:
            raise _told(error) from None
        return json_response({"involvement": involvement})

    async def _source(
        self, request: web.Request, involvement_id: InvolvementId, *, by_centre: bool
    ) -> Source:
        """As whom the person tells it; raises 403 for somebody else's."""
        service = await self._services.service_of(involvement_id)
        if service is None:
            raise not_found("There is no such involvement.")
        principal = signed_in(request)
        if by_centre:
            if principal.account.service is not None:
                raise _not_yours()
            return Source.CENTRE
        if not may_act_for(principal, service):
            raise _not_yours()
        return Source.API if principal.account.role is Role.INTEGRATOR else Source.DESK

    # -- the desk ---------------------------------------------------------------------------------

    async def desk(self, request: web.Request) -> web.Response:
        """``GET /api/desk/incidents?service=&state=open|all&limit=&before=``."""
        service = _service(request)
        state = request.query.get("state", "open")
        if state not in {"open", "all"}:
            raise bad_request("The parameter state is open or all.")
        if state == "open":
            lines = await self._services.unfinished(service)
            return json_response({"service": service, "incidents": lines, "next": None})
        before = check_text(request.query.get("before", ""), "before")
        if len(before) > CURSOR_LENGTH_MAX:
            raise bad_request(f"The parameter before holds at most {CURSOR_LENGTH_MAX} characters.")
        lines, cursor = await self._services.everything(
            service, limit=_limit(request), before=before or None
        )
        return json_response({"service": service, "incidents": lines, "next": cursor})

    async def units(self, request: web.Request) -> web.Response:
        """``GET /api/desk/units?service=``."""
        service = _service(request)
        return json_response({"service": service, "units": await self._services.units(service)})

    async def add_unit(self, request: web.Request) -> web.Response:
        """``POST /api/desk/units?service=``; with a ``unit_id`` repeating it is harmless."""
        service, body = _service(request), await read_body(request, UnitBody)
        unit_id = UnitId(body.unit_id or str(uuid.uuid4()))
        try:
            unit = await self._services.add_unit(service, _facts(body), unit_id=unit_id)
        except Exception as error:
            raise _told(error) from None
        return json_response({"unit": unit})

    async def change_unit(self, request: web.Request) -> web.Response:
        """``PUT /api/desk/units/{unit_id}?service=``."""
        service, body = _service(request), await read_body(request, UnitBody)
        unit_id = UnitId(path_id(request, "unit_id", "unit"))
        try:
            unit = await self._services.change_unit(service, unit_id, _facts(body))
        except Exception as error:
            raise _told(error) from None
        return json_response({"unit": unit})

    async def retire_unit(self, request: web.Request) -> web.Response:
        """``DELETE /api/desk/units/{unit_id}?service=``."""
        service, unit_id = _service(request), UnitId(path_id(request, "unit_id", "unit"))
        try:
            return json_response({"unit": await self._services.retire_unit(service, unit_id)})
        except Exception as error:
            raise _told(error) from None


def _reported(
    request: web.Request, body: _Telling, state: str, source: Source, units: tuple[UnitId, ...]
) -> Reported:
    return Reported(
        state=state,
        key=body.key,
        by=signed_in(request).account.login,
        source=source,
        reason=body.reason,
        note=check_text(body.note, "note").strip(),
        units=units,
        happened_at=body.happened_at,
        confirm=body.confirm,
    )


def _facts(body: UnitBody) -> UnitFacts:
    call_sign = check_text(body.call_sign, "call_sign").strip()
    if not call_sign:
        raise bad_request("The field call_sign must not be empty.")
    kind = check_text(body.kind, "kind").strip()
    return UnitFacts(call_sign, kind, body.capacity, body.active)


def _service(request: web.Request) -> ServiceCode:
    """The service whose desk it is; raises `APIError` 400 or 403."""
    principal = signed_in(request)
    code = request.query.get("service", principal.account.service or "")
    if not re.fullmatch(r"[a-z0-9_.-]{1,64}", code):
        raise bad_request("The parameter service is the code of a service.")
    if not may_act_for(principal, ServiceCode(code)):
        raise _not_yours()
    return ServiceCode(code)


def _not_yours() -> APIError:
    return APIError(403, "other_service", "You do not act for this service.")


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIMIT_DEFAULT))
    if not (re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= LIMIT_MAX):
        raise bad_request(f"The parameter limit is a whole number from 1 to {LIMIT_MAX}.")
    return int(text)


def _told(error: Exception) -> Exception:
    """What the client is told; an error that is none of this subject's goes on as it is."""
    status, code, message = next(
        (told for kind, told in REFUSALS.items() if isinstance(error, kind)), (0, "", "")
    )
    if not code:
        return error
    return APIError(status, code, message, extra=_extra(error))


REFUSALS: Mapping[type[Exception], tuple[int, str, str]] = {
    UnknownIncident: (404, "not_found", "There is no such card."),
    UnknownInvolvement: (404, "not_found", "There is no such involvement."),
    UnknownUnit: (404, "unknown_unit", "The service has no such unit."),
    UnknownService: (422, "unknown_service", "The catalogue has no such service."),
    ReasonNeeded: (422, "reason_code_needed", "This needs one of the reasons."),
    IncidentMerged: (409, "merged", "The card has become a part of another."),
    StepRefused: (409, "not_allowed_now", "The state of the involvement does not allow this."),
    KeyTaken: (409, "key_taken", "The key belongs to another step."),
    TooMany: (409, "too_many", "There are too many already."),
    UnitBusy: (409, "unit_busy", "Another incident binds the unit."),
    UnitInactive: (409, "unit_inactive", "The unit is out of service."),
    CallSignTaken: (409, "call_sign_taken", "The service has a unit of this call sign."),
}


def _extra(error: Exception) -> JSONObject:
    extra: JSONObject = {}
    match error:
        case UnknownUnit(unit_id=unit_id) | UnitInactive(unit_id=unit_id):
            extra = {"unit_id": unit_id}
        case UnknownService(services=services):
            extra = {"services": services}
        case ReasonNeeded(reasons=reasons):
            extra = {"reasons": reasons}
        case IncidentMerged(into=into):
            extra = {"incident_id": into}
        case StepRefused(state=state, allowed=allowed):
            extra = {"state": state, "allowed": allowed}
        case UnitBusy(busy=busy):
            extra = {"units": {one: [b.incident_id for b in bound] for one, bound in busy.items()}}
    return extra
