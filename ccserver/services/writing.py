"""Writing involvements: functions of one session, each whole or not at all.

Whoever changes an involvement locks its row first and the rows of units in the order of their
ids, so that two who tell of the same things wait for one another and never in a circle.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.services import reading
from ccserver.services.casework import (
    Case,
    add_step,
    change_of,
    cleaned_note,
    incident_of,
    locked,
    moment_of,
    settle,
    steps_of,
)
from ccserver.services.models import InvolvementRow, UnitStepRow
from ccserver.services.states import OVER, ServiceState, UnitState, admit, derive
from ccserver.services.unit_writing import locked_units, tell_of_units
from ccserver.services.values import (
    INVOLVEMENTS_MAX,
    NOTE,
    Change,
    Incident,
    Incidents,
    KeyTaken,
    Reported,
    Source,
    TooMany,
    Unit,
)
from ccserver.types import ServiceCode, UnitId

UNIT_STATE_OF: Mapping[ServiceState, UnitState] = {
    ServiceState.ACCEPTED: UnitState.ASSIGNED,
    ServiceState.DISPATCHED: UnitState.DISPATCHED,
    ServiceState.EN_ROUTE: UnitState.EN_ROUTE,
    ServiceState.ON_SCENE: UnitState.ON_SCENE,
    ServiceState.CLEARED: UnitState.CLEARED,
}
"""What a step of the service says of the units named with it."""


def involve(
    session: Session,
    cards: Incidents,
    incident_id: str,
    timeouts: Mapping[ServiceCode, float],
    *,
    by: str,
    note: str,
    key: str | None,
    at: datetime,
) -> list[Change]:
    """Send the incident to these services; a service that has it already is left as it is.

    A note that such a service has not been told yet is added to its steps.
    """
    incident = incident_of(session, cards, incident_id, lock=True)
    query = select(InvolvementRow).where(InvolvementRow.incident_id == incident_id)
    known = session.scalars(query.order_by(InvolvementRow.sent_at)).all()
    changes: list[Change] = []
    fresh = [one for one in timeouts if _holder(known, one, key) is None]
    if len(known) + len(fresh) > INVOLVEMENTS_MAX:
        raise TooMany(INVOLVEMENTS_MAX)
    for service, timeout_s in timeouts.items():
        row = _holder(known, service, key)
        if row is not None:
            again = Reported(NOTE, f"again-{uuid.uuid4()}", by, Source.CENTRE, note=note)
            changes.append(_told_again(Case(session, cards, row), incident, again, at))
            continue
        row = InvolvementRow(
            involvement_id=str(uuid.uuid4()),
            incident_id=incident_id,
            service=service,
            request_key=key,
            sent_at=at,
            sent_by=by,
            note=cleaned_note(note),
            timeout_s=timeout_s,
            moved_from=[],
            state=ServiceState.SENT.value,
            due_at=at + timedelta(seconds=timeout_s),
            alarms=0,
            revision=0,
        )
        session.add(row)
        session.flush()
        sent = Reported(ServiceState.SENT.value, "sent", by, Source.CENTRE, note=note)
        add_step(Case(session, cards, row), sent, at)
        first = not known and not changes
        changes.append(change_of(session, row, incident, (ServiceState.SENT,), first=first))
    return changes


def _holder(
    known: Sequence[InvolvementRow], service: str, key: str | None
) -> InvolvementRow | None:
    """The involvement that a request for the service would repeat."""
    own = [row for row in known if row.service == service]
    by_key = [row for row in own if key is not None and row.request_key == key]
    going_on = [row for row in own if ServiceState(row.state) not in OVER]
    return next(iter(by_key or going_on), None)


def _told_again(case: Case, incident: Incident, again: Reported, at: datetime) -> Change:
    session, row = case.session, case.row
    note = cleaned_note(again.note)
    said = [step.note for step in steps_of(session, row)]
    if not note or note in said:
        return change_of(session, row, incident, (), repeated=True)
    add_step(case, again, moment_of(session, row, at))
    row.revision += 1
    return change_of(session, row, incident, ())


# -- steps of a service ---------------------------------------------------------------------------


def report(
    session: Session, cards: Incidents, involvement_id: str, told: Reported, at: datetime
) -> Change:
    """Take what was told of an involvement, and of the units named with it."""
    row = locked(session, involvement_id)
    incident = incident_of(session, cards, row.incident_id)
    steps = steps_of(session, row)
    known = next((step for step in steps if step.key == told.key), None)
    if known is not None:
        if known.state != told.state:
            raise KeyTaken("the key belongs to another step")
        return change_of(session, row, incident, (), repeated=True)
    if told.state != NOTE:
        admit(derive(reading.reports_of(steps)), ServiceState(told.state))
    case = Case(session, cards, row)
    # Every lock of rows before the first word to others, who may have a lock of their own.
    locked_units(session, row.service, told.units)
    add_step(case, told, moment_of(session, row, at))
    units: Sequence[Unit] = ()
    if told.units:
        units = tell_of_units(case, told, UNIT_STATE_OF[ServiceState(told.state)], at)
    return replace(settle(session, row, incident, steps), units=tuple(units))


# -- steps of units -------------------------------------------------------------------------------


def report_unit(
    session: Session,
    cards: Incidents,
    involvement_id: str,
    unit_id: UnitId,
    *,
    told: Reported,
    at: datetime,
) -> Change:
    """Take what was told of a unit, and what follows from it for its service."""
    row = locked(session, involvement_id)
    incident = incident_of(session, cards, row.incident_id)
    query = select(UnitStepRow.state).where(
        UnitStepRow.involvement_id == involvement_id,
        UnitStepRow.unit_id == unit_id,
        UnitStepRow.key == told.key,
    )
    known = session.scalar(query)
    if known is not None:
        if known != told.state:
            raise KeyTaken("the key belongs to another step")
        return change_of(session, row, incident, (), repeated=True)
    before = steps_of(session, row)
    of_it = replace(told, units=(unit_id,))
    units = tell_of_units(Case(session, cards, row), of_it, UnitState(told.state), at)
    return replace(settle(session, row, incident, before), units=tuple(units))
