"""A stand-in for the services room."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ccserver.services import InvolvementId, Reported, UnitFacts
from ccserver.types import IncidentId, ServiceCode, UnitId
from ccserver.web.ports import JSONObject

INVOLVEMENT = "7b7e2f0c-91e5-4b5f-9f1d-6f0f3d7d2a11"
UNIT = "b9a3c0de-3a34-4c53-8df7-0d6c3ad51c77"


@dataclass
class FakeServices:
    """One involvement of the fire service; notes what is asked, fails where told to."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    fails: Exception | None = None

    def _note(self, *what: object) -> None:
        if self.fails:
            raise self.fails
        self.asked.append(what)

    async def of_incident(self, incident_id: IncidentId) -> list[JSONObject]:
        self._note("of_incident", incident_id)
        return [{"involvement_id": INVOLVEMENT}]

    async def service_of(self, involvement_id: InvolvementId) -> ServiceCode | None:
        return ServiceCode("vugd") if involvement_id == INVOLVEMENT else None

    async def unfinished(self, service: ServiceCode) -> list[JSONObject]:
        self._note("unfinished", service)
        return [{"involvement": {"involvement_id": INVOLVEMENT}, "incident": None}]

    async def everything(
        self, service: ServiceCode, *, limit: int, before: str | None
    ) -> tuple[list[JSONObject], str | None]:
        self._note("everything", service, limit, before)
        return [], "next~one"

    async def involve(
        self,
        incident_id: IncidentId,
        services: Sequence[ServiceCode],
        *,
        by: str,
        note: str = "",
        key: str | None = None,
    ) -> list[JSONObject]:
        self._note("involve", incident_id, tuple(services), by, note, key)
        return [{"service": service} for service in services]

    async def report(self, involvement_id: InvolvementId, told: Reported) -> JSONObject:
        self._note("report", involvement_id, told)
        return {"involvement_id": involvement_id}

    async def report_unit(
        self, involvement_id: InvolvementId, unit_id: UnitId, told: Reported
    ) -> JSONObject:
        self._note("report_unit", involvement_id, unit_id, told)
        return {"involvement_id": involvement_id}

    async def units(self, service: ServiceCode) -> list[JSONObject]:
        self._note("units", service)
        return [{"unit_id": UNIT}]

    async def add_unit(
        self, service: ServiceCode, facts: UnitFacts, *, unit_id: UnitId
    ) -> JSONObject:
        self._note("add_unit", service, facts, unit_id)
        return {"unit_id": unit_id}

    async def change_unit(
        self, service: ServiceCode, unit_id: UnitId, facts: UnitFacts
    ) -> JSONObject:
        self._note("change_unit", service, unit_id, facts)
        return {"unit_id": unit_id}

    async def retire_unit(self, service: ServiceCode, unit_id: UnitId) -> JSONObject:
        self._note("retire_unit", service, unit_id)
        return {"unit_id": unit_id}
