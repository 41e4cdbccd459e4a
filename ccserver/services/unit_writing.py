"""Writing what units did: functions of one session, each whole or not at all."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.db import clean_text
from ccserver.services import reading
from ccserver.services.casework import (
    Case,
    add_step,
    common_values,
    moment_of,
    steps_of,
    story_data,
)
from ccserver.services.models import AssignmentRow, InvolvementRow, UnitRow, UnitStepRow
from ccserver.services.states import (
    ServiceState,
    StepRefused,
    UnitState,
    allowed,
    derive_unit,
    service_steps_of_units,
)
from ccserver.services.values import (
    STEPS_MAX,
    Reported,
    Source,
    StoryTag,
    TooMany,
    Unit,
    UnitBusy,
    UnitInactive,
    UnknownUnit,
)
from ccserver.types import UnitId


def tell_of_units(case: Case, told: Reported, state: UnitState, at: datetime) -> list[Unit]:
    """Write a step of each of the units; raises before anything is written.

    Raises `UnknownUnit`, `UnitBusy`, `UnitInactive`, `StepRefused`, `TooMany`.
    """
    session, row = case.session, case.row
    units = locked_units(session, row.service, told.units)
    if state is UnitState.ASSIGNED and _withdrawn(session, row):
        current = ServiceState(row.state)
        raise StepRefused(current, allowed(current))
    if state is not UnitState.CLEARED:
        _refuse_bound(session, row, units, confirm=told.confirm)
    for unit in units:
        if state is UnitState.ASSIGNED and not unit.active:
            raise UnitInactive(UnitId(unit.unit_id))
        _add_unit_step(case, unit, told, state, at)
    return reading.load_units(session, units)


def _withdrawn(session: Session, row: InvolvementRow) -> bool:
    return any(step.state == ServiceState.WITHDRAWN.value for step in steps_of(session, row))


def _refuse_bound(
    session: Session, row: InvolvementRow, units: Sequence[UnitRow], *, confirm: bool
) -> None:
    """Nobody is to be on two incidents at once by mistake; who is here already is not asked."""
    if confirm:
        return
    busy = reading.busy_with(session, [unit.unit_id for unit in units])
    elsewhere = {
        UnitId(unit_id): bound
        for unit_id, bound in busy.items()
        if all(one.involvement_id != row.involvement_id for one in bound)
    }
    if elsewhere:
        raise UnitBusy(elsewhere)


def _add_unit_step(
    case: Case, unit: UnitRow, told: Reported, state: UnitState, at: datetime
) -> None:
    session, row = case.session, case.row
    key = clean_text(told.key)
    of_unit = select(UnitStepRow).where(
        UnitStepRow.involvement_id == row.involvement_id, UnitStepRow.unit_id == unit.unit_id
    )
    steps = session.scalars(of_unit).all()
    if any(step.key == key for step in steps):
        return
    if len(steps) >= STEPS_MAX:
        raise TooMany(STEPS_MAX)
    moment = moment_of(session, row, at)
    step = UnitStepRow(
        involvement_id=row.involvement_id,
        unit_id=unit.unit_id,
        state=state.value,
        key=key,
        **common_values(row, told, moment),
    )
    session.add(step)
    _place(session, row, unit, [*steps, step])
    session.flush()
    tag = StoryTag.UNIT_ASSIGNED if state is UnitState.ASSIGNED else StoryTag.UNIT_STATUS
    more = {"unit": unit.call_sign, "state": state.value}
    entry = f"unit-{row.involvement_id}-{step.step_id}"
    case.tell(tag, entry, moment, told.by or None, **story_data(told), **more)
    _follow_unit(case, unit, told, state, at)


def _place(
    session: Session, row: InvolvementRow, unit: UnitRow, steps: Sequence[UnitStepRow]
) -> None:
    """Say in the assignment's row what follows from the unit's steps."""
    position = derive_unit(reading.reports_of(steps))
    assert position is not None, "a unit with a step stands somewhere"
    assignment = session.get(AssignmentRow, (row.involvement_id, unit.unit_id))
    if assignment is None:
        assignment = AssignmentRow(involvement_id=row.involvement_id, unit_id=unit.unit_id)
        session.add(assignment)
    assignment.state = position.state.value
    assignment.since = position.since
    assignment.delayed = position.delayed
    assignment.bound = position.active


def _follow_unit(case: Case, unit: UnitRow, told: Reported, state: UnitState, at: datetime) -> None:
    """Add what the unit's step says of its service and the service has not said itself."""
    session, row = case.session, case.row
    others = session.scalars(
        select(AssignmentRow).where(AssignmentRow.involvement_id == row.involvement_id)
    )
    positions = [reading.position_of(one) for one in others]
    reports = reading.reports_of(steps_of(session, row))
    for follows in service_steps_of_units(reports, state, positions):
        step = Reported(
            follows.value,
            f"unit-{unit.unit_id}-{told.key}-{follows.value}",
            told.by,
            Source.UNITS,
            happened_at=told.happened_at,
        )
        add_step(case, step, moment_of(session, row, at))


def locked_units(session: Session, service: str, unit_ids: Sequence[str]) -> list[UnitRow]:
    """The units' rows in the order asked for, locked in the order of their ids."""
    query = (
        select(UnitRow)
        .where(UnitRow.unit_id.in_(sorted({clean_text(one) for one in unit_ids})))
        .where(UnitRow.service == service)
        .order_by(UnitRow.unit_id)
        .with_for_update()
    )
    found = {row.unit_id: row for row in session.scalars(query)}
    for unit_id in unit_ids:
        if unit_id not in found:
            raise UnknownUnit(unit_id)
    return [found[one] for one in dict.fromkeys(unit_ids)]
