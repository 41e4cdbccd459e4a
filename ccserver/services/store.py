"""Involvements and units in the database. Every method may raise `ccserver.db.DatabaseUnavailable`.

Every write is idempotent, because after an unclear answer it is done again: requests and steps
carry a key of whoever makes them.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ccserver.db import Database, clean_text
from ccserver.services import passing, reading, writing
from ccserver.services.models import InvolvementRow, UnitRow
from ccserver.services.values import (
    UNITS_MAX,
    CallSignTaken,
    Change,
    Incident,
    Incidents,
    Involvement,
    InvolvementId,
    Reported,
    TooMany,
    Unit,
    UnitFacts,
    UnknownIncident,
    UnknownUnit,
)
from ccserver.types import IncidentId, ServiceCode, UnitId

T = TypeVar("T")
LIMIT_MAX = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """An involvement with its incident, as the desk's list shows it."""

    involvement: Involvement
    incident: Incident | None


class ServiceStore:
    """``cards`` works within our transactions, so that a step and the card's entry are one."""

    def __init__(self, db: Database, cards: Incidents) -> None:
        self._db = db
        self._cards = cards

    # -- reading ----------------------------------------------------------------------------------

    async def of_incident(self, incident_id: IncidentId) -> list[Involvement]:
        """All that were ever sent to the incident; raises `UnknownIncident`."""
        key = clean_text(incident_id)

        def work(session: Session) -> list[Involvement]:
            if key not in self._cards.find(session, [key]):
                raise UnknownIncident("there is no such card")
            return reading.of_incident(session, key)

        return await self._db.read(work)

    async def listed_of_incident(self, incident_id: IncidentId) -> list[Listed]:
        """The same as the desks' lists show it; none for an unknown card."""
        key = clean_text(incident_id)
        return await self._db.read(
            lambda session: self._listed(session, reading.of_incident(session, key))
        )

    async def services_of(self, incident_ids: Iterable[IncidentId]) -> frozenset[ServiceCode]:
        """The services that any of these cards was ever sent to: who may read it."""
        keys = [clean_text(one) for one in incident_ids]
        return await self._db.read(lambda session: reading.services_of(session, keys))

    async def service_of(self, involvement_id: InvolvementId) -> ServiceCode | None:
        """Whose involvement it is; this never changes."""

        def work(session: Session) -> ServiceCode | None:
            row = session.get(InvolvementRow, clean_text(involvement_id))
            return None if row is None else ServiceCode(row.service)

        return await self._db.read(work)

    async def unfinished(self, service: ServiceCode) -> list[Listed]:
        """What the service has still to do with: unread first, then the newest."""
        key = clean_text(service)
        return await self._db.read(
            lambda session: self._listed(session, reading.unfinished_of_service(session, key))
        )

    async def everything(
        self, service: ServiceCode, *, limit: int, before: str | None = None
    ) -> list[Listed]:
        """Whatever was sent to the service, newest first.

        ``before`` is the `Involvement.cursor` of the last one seen; any other text is no error and
        begins anew.
        """
        key, bounded = clean_text(service), max(1, min(limit, LIMIT_MAX))
        place = reading.cursor_of(before)
        return await self._db.read(
            lambda session: self._listed(
                session, reading.all_of_service(session, key, limit=bounded, before=place)
            )
        )

    async def next_due(self) -> datetime | None:
        """When the next involvement will be overdue."""
        return await self._db.read(passing.next_due)

    async def overdue(self, *, limit: int) -> list[Listed]:
        """Those for whom alarms were raised, and whom nobody has seen since; newest first."""
        return await self._db.read(
            lambda session: self._listed(session, reading.overdue(session, limit))
        )

    def _listed(self, session: Session, involvements: Sequence[Involvement]) -> list[Listed]:
        ids = {one.incident_id for one in involvements}
        incidents = self._cards.find(session, ids) if ids else {}
        return [Listed(one, incidents.get(one.incident_id)) for one in involvements]

    # -- writing ----------------------------------------------------------------------------------

    async def involve(
        self,
        incident_id: IncidentId,
        timeouts: Mapping[ServiceCode, float],
        *,
        by: str,
        note: str = "",
        key: str | None = None,
        at: datetime,
    ) -> list[Change]:
        """Send the incident to all these services at once, or to none; in the order given.

        ``timeouts``: how long each may take to see it, in seconds. Raises `UnknownIncident`,
        `IncidentMerged`, `TooMany`.
        """
        incident = clean_text(incident_id)
        return await self._write(
            lambda session: writing.involve(
                session, self._cards, incident, timeouts, by=by, note=note, key=key, at=at
            )
        )

    async def report(self, involvement_id: InvolvementId, told: Reported, at: datetime) -> Change:
        """Take a step of the service and of the units named with it.

        Raises `UnknownInvolvement`, `StepRefused`, `KeyTaken`, `UnknownUnit`, `UnitBusy`,
        `UnitInactive`, `TooMany`.
        """
        key = clean_text(involvement_id)
        return await self._write(
            lambda session: writing.report(session, self._cards, key, told, at)
        )

    async def report_unit(
        self, involvement_id: InvolvementId, unit_id: UnitId, told: Reported, at: datetime
    ) -> Change:
        """Take a step of one unit; raises as `report` does."""
        key, unit = clean_text(involvement_id), UnitId(clean_text(unit_id))
        return await self._write(
            lambda session: writing.report_unit(session, self._cards, key, unit, told=told, at=at)
        )

    async def fall_due(self, now: datetime) -> list[Change]:
        """Raise the alarms that are due; some may be left, which are due still."""
        return await self._write(lambda session: passing.fall_due(session, self._cards, now))

    # -- units ------------------------------------------------------------------------------------

    async def units(self, service: ServiceCode) -> list[Unit]:
        """The units of the service by call sign, those out of service too."""
        key = clean_text(service)
        return await self._db.read(lambda session: reading.units_of_service(session, key))

    async def add_unit(self, service: ServiceCode, facts: UnitFacts, *, unit_id: UnitId) -> Unit:
        """Add a unit under an id of the asker's choice, so that repeating adds no second one.

        Raises `CallSignTaken`, `TooMany`.
        """

        def work(session: Session) -> Unit:
            known = session.get(UnitRow, unit_id)
            if known is not None and known.service == service:
                return _with_facts(session, known, facts)
            count = select(func.count()).select_from(UnitRow).where(UnitRow.service == service)
            if (session.scalar(count) or 0) >= UNITS_MAX:
                raise TooMany(UNITS_MAX)
            row = UnitRow(unit_id=unit_id if known is None else str(uuid.uuid4()), service=service)
            session.add(row)
            return _with_facts(session, row, facts)

        return await self._write(work, taken=CallSignTaken)

    async def change_unit(self, service: ServiceCode, unit_id: UnitId, facts: UnitFacts) -> Unit:
        """Change what a unit is, or retire it. Raises `UnknownUnit`, `CallSignTaken`."""
        return await self._write(
            lambda session: _with_facts(session, _own(session, service, unit_id), facts),
            taken=CallSignTaken,
        )

    async def retire_unit(self, service: ServiceCode, unit_id: UnitId) -> Unit:
        """Take the unit out of service; what it did stays. Raises `UnknownUnit`."""

        def work(session: Session) -> Unit:
            row = _own(session, service, unit_id)
            row.active = False
            session.flush()
            return reading.load_units(session, [row])[0]

        return await self._write(work)

    async def _write(self, work: Callable[[Session], T], taken: type[Exception] | None = None) -> T:
        try:
            return await self._db.write(work)
        except IntegrityError:
            # Another process told the same at the same time: now it is there.
            try:
                return await self._db.write(work)
            except IntegrityError as error:
                if taken is None:
                    raise
                raise taken from error


def _own(session: Session, service: str, unit_id: str) -> UnitRow:
    row = session.get(UnitRow, clean_text(unit_id), with_for_update=True)
    if row is None or row.service != service:
        raise UnknownUnit(unit_id)
    return row


def _with_facts(session: Session, row: UnitRow, facts: UnitFacts) -> Unit:
    row.call_sign = clean_text(facts.call_sign)
    row.kind = clean_text(facts.kind)
    row.capacity = facts.capacity
    row.active = facts.active
    session.flush()
    return reading.load_units(session, [row])[0]
