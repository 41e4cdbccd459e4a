"""Reading involvements and units: functions of one session, a fixed number of statements each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.orm import Session

from ccserver.services.models import (
    AssignmentRow,
    InvolvementRow,
    InvolvementStepRow,
    UnitRow,
    UnitStepRow,
)
from ccserver.services.states import (
    OVER,
    Report,
    ServiceState,
    UnitPosition,
    UnitState,
    out_of_order,
)
from ccserver.services.values import (
    AssignedUnit,
    Involvement,
    InvolvementId,
    Source,
    Step,
    Unit,
    UnitBusyWith,
    UnitStep,
)
from ccserver.types import IncidentId, ServiceCode, UnitId

OPEN_MAX = 500
"""Involvements of one service that are not over, in one list: a storm over the whole country. The
newest are shown; a desk that leaves so many open has other troubles than the rest of them."""

LIVE = InvolvementRow.state.not_in([state.value for state in OVER])
DONE = InvolvementRow.state.in_([ServiceState.CLOSED.value, ServiceState.REFUSED.value])
"""Nothing to do for the desk. What the centre withdraws stays until the desk has closed it:
somebody has to turn the units back."""
Row = TypeVar("Row", InvolvementStepRow, UnitStepRow)


def load(session: Session, rows: Sequence[InvolvementRow]) -> list[Involvement]:
    """The involvements of these rows whole, in their order."""
    ids = [row.involvement_id for row in rows]
    steps = _steps(session, ids)
    units = _units(session, ids)
    return [
        Involvement(
            involvement_id=InvolvementId(row.involvement_id),
            incident_id=IncidentId(row.incident_id),
            service=ServiceCode(row.service),
            state=ServiceState(row.state),
            sent_at=row.sent_at,
            sent_by=row.sent_by,
            note=row.note,
            due_at=row.due_at,
            alarms=row.alarms,
            seen_at=row.seen_at,
            revision=row.revision,
            moved_from=tuple(IncidentId(one) for one in row.moved_from),
            steps=steps[row.involvement_id],
            units=units[row.involvement_id],
        )
        for row in rows
    ]


def load_one(session: Session, involvement_id: str) -> Involvement | None:
    """The involvement whole."""
    row = session.get(InvolvementRow, involvement_id)
    return None if row is None else load(session, [row])[0]


def of_incident(session: Session, incident_id: str) -> list[Involvement]:
    """All that were ever sent to the incident, in the order in which they were."""
    query = (
        select(InvolvementRow)
        .where(InvolvementRow.incident_id == incident_id)
        .order_by(InvolvementRow.sent_at, InvolvementRow.involvement_id)
    )
    return load(session, session.scalars(query).all())


def services_of(session: Session, incident_ids: Iterable[str]) -> frozenset[ServiceCode]:
    """The services that any of these cards was ever sent to."""
    query = select(InvolvementRow.service).where(InvolvementRow.incident_id.in_(list(incident_ids)))
    return frozenset(ServiceCode(one) for one in session.scalars(query.distinct()))


def unfinished_of_service(session: Session, service: str) -> list[Involvement]:
    """What the service has still to do with: unread first, then the newest."""
    unread = case((and_(InvolvementRow.seen_at.is_(None), LIVE), 0), else_=1)
    query = (
        select(InvolvementRow)
        .where(InvolvementRow.service == service, ~DONE)
        .order_by(unread, InvolvementRow.sent_at.desc(), InvolvementRow.involvement_id)
        .limit(OPEN_MAX)
    )
    return load(session, session.scalars(query).all())


def all_of_service(
    session: Session, service: str, *, limit: int, before: tuple[datetime, str] | None
) -> list[Involvement]:
    """Everything that was sent to the service, newest first."""
    older: list[ColumnElement[bool]] = []
    if before is not None:
        at, involvement_id = before
        older = [
            or_(
                InvolvementRow.sent_at < at,
                and_(InvolvementRow.sent_at == at, InvolvementRow.involvement_id < involvement_id),
            )
        ]
    query = (
        select(InvolvementRow)
        .where(InvolvementRow.service == service, *older)
        .order_by(InvolvementRow.sent_at.desc(), InvolvementRow.involvement_id.desc())
        .limit(limit)
    )
    return load(session, session.scalars(query).all())


def overdue(session: Session, limit: int) -> list[Involvement]:
    """Those for whom alarms were raised, and whom nobody has seen since; newest first."""
    query = (
        select(InvolvementRow)
        .where(InvolvementRow.alarms > 0, InvolvementRow.seen_at.is_(None), LIVE)
        .order_by(InvolvementRow.sent_at.desc(), InvolvementRow.involvement_id)
        .limit(limit)
    )
    return load(session, session.scalars(query).all())


def cursor_of(text: str | None) -> tuple[datetime, str] | None:
    """The place that an `Involvement.cursor` names; any other text names the beginning."""
    at_text, _, involvement_id = (text or "").partition("~")
    try:
        at = datetime.fromisoformat(at_text)
    except ValueError:
        return None
    return None if at.tzinfo is None else (at, involvement_id)


def reports_of(rows: Iterable[Row]) -> list[Report]:
    """What the derivation reads of rows."""
    return [Report(row.state, row.at, row.key, row.happened_at) for row in rows]


def _steps(session: Session, ids: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    rows: dict[str, list[InvolvementStepRow]] = defaultdict(list)
    query = select(InvolvementStepRow).where(InvolvementStepRow.involvement_id.in_(ids))
    for row in session.scalars(query.order_by(InvolvementStepRow.at, InvolvementStepRow.step_id)):
        rows[row.involvement_id].append(row)
    found: dict[str, tuple[Step, ...]] = defaultdict(tuple)
    for involvement_id, of_one in rows.items():
        early = out_of_order(reports_of(of_one))
        found[involvement_id] = tuple(
            Step(
                row.state,
                row.at,
                row.key,
                Source(row.source),
                row.author,
                row.reason,
                row.note,
                row.happened_at,
                row.key in early,
            )
            for row in of_one
        )
    return found


def _units(session: Session, ids: Sequence[str]) -> dict[str, tuple[AssignedUnit, ...]]:
    steps: dict[tuple[str, str], list[UnitStep]] = defaultdict(list)
    query = select(UnitStepRow).where(UnitStepRow.involvement_id.in_(ids))
    for row in session.scalars(query.order_by(UnitStepRow.at, UnitStepRow.step_id)):
        steps[row.involvement_id, row.unit_id].append(
            UnitStep(
                UnitState(row.state),
                row.at,
                row.key,
                Source(row.source),
                row.author,
                row.reason,
                row.note,
                row.happened_at,
            )
        )
    assigned = (
        select(AssignmentRow, UnitRow)
        .join(UnitRow, UnitRow.unit_id == AssignmentRow.unit_id)
        .where(AssignmentRow.involvement_id.in_(ids))
        .order_by(UnitRow.call_sign)
    )
    found: dict[str, list[AssignedUnit]] = defaultdict(list)
    for assignment, unit in session.execute(assigned):
        found[assignment.involvement_id].append(
            AssignedUnit(
                UnitId(unit.unit_id),
                unit.call_sign,
                unit.kind,
                position_of(assignment),
                tuple(steps[assignment.involvement_id, unit.unit_id]),
            )
        )
    return defaultdict(tuple, {key: tuple(units) for key, units in found.items()})


def position_of(row: AssignmentRow) -> UnitPosition:
    """Where the unit stands."""
    return UnitPosition(UnitState(row.state), row.since, row.delayed)


# -- units ----------------------------------------------------------------------------------------


def units_of_service(session: Session, service: str) -> list[Unit]:
    """All units of the service by their call signs, with what binds each."""
    query = select(UnitRow).where(UnitRow.service == service).order_by(UnitRow.call_sign)
    return load_units(session, session.scalars(query).all())


def load_units(session: Session, rows: Sequence[UnitRow]) -> list[Unit]:
    """The units of these rows, in their order."""
    bound = busy_with(session, [row.unit_id for row in rows])
    return [
        Unit(
            UnitId(row.unit_id),
            ServiceCode(row.service),
            row.call_sign,
            row.kind,
            row.capacity,
            row.active,
            bound[row.unit_id],
        )
        for row in rows
    ]


def busy_with(session: Session, unit_ids: Sequence[str]) -> dict[str, tuple[UnitBusyWith, ...]]:
    """What binds each of the units now."""
    query = (
        select(AssignmentRow, InvolvementRow.incident_id)
        .join(InvolvementRow, InvolvementRow.involvement_id == AssignmentRow.involvement_id)
        .where(AssignmentRow.unit_id.in_(list(unit_ids)), AssignmentRow.bound)
        .order_by(AssignmentRow.since, AssignmentRow.involvement_id)
    )
    found: dict[str, list[UnitBusyWith]] = defaultdict(list)
    for assignment, incident_id in session.execute(query):
        found[assignment.unit_id].append(
            UnitBusyWith(
                InvolvementId(assignment.involvement_id),
                IncidentId(incident_id),
                position_of(assignment),
            )
        )
    return defaultdict(tuple, {key: tuple(one) for key, one in found.items()})
