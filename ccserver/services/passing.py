"""What befalls involvements that nobody tells of: time passes, and cards are merged."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ccserver.services.casework import Case, change_of, incident_of
from ccserver.services.models import InvolvementRow
from ccserver.services.values import Change, Incidents, StoryTag

ALARMS_MAX = 2
"""The desk and the call taker first, then the supervisor; a third would tell nobody new."""
DUE_AT_ONCE_MAX = 100
"""Of one transaction; what is left is due still, and comes next."""


def fall_due(session: Session, cards: Incidents, now: datetime) -> list[Change]:
    """Raise the alarms of all that should have been seen by now and was not."""
    query = (
        select(InvolvementRow)
        .where(InvolvementRow.due_at <= now)
        .order_by(InvolvementRow.involvement_id)
        .limit(DUE_AT_ONCE_MAX)
        .with_for_update()
    )
    changes = []
    for row in session.scalars(query).all():
        incident = incident_of(session, cards, row.incident_id)
        row.alarms += 1
        more = row.alarms < ALARMS_MAX
        row.due_at = now + timedelta(seconds=row.timeout_s) if more else None
        row.revision += 1
        key = f"service-overdue-{row.involvement_id}-{row.alarms}"
        Case(session, cards, row).tell(StoryTag.OVERDUE, key, now, None, alarm=row.alarms)
        changes.append(change_of(session, row, incident, ()))
    return changes


def next_due(session: Session) -> datetime | None:
    """When the next alarm is due."""
    return session.scalar(select(func.min(InvolvementRow.due_at)))


def on_merge(session: Session, source: str, target: str) -> None:
    """The card ``source`` becomes a part of ``target``: its services follow.

    A service that both had keeps both involvements, each with its chain: units were sent on
    account of each of them, and only the service can say which it needs.
    """
    for row in _rows_of(session, source):
        row.moved_from = [*row.moved_from, source]
        row.incident_id = target
        row.revision += 1
    session.flush()


def on_unmerge(session: Session, source: str, target: str) -> None:
    """The card ``source`` leaves ``target`` again, with the services that it brought."""
    for row in _rows_of(session, target):
        if source in row.moved_from:
            # Of one that came by several cards: those before stay a part of the one that leaves.
            row.moved_from = row.moved_from[: row.moved_from.index(source)]
            row.incident_id = source
            row.revision += 1
    session.flush()


def _rows_of(session: Session, incident_id: str) -> Sequence[InvolvementRow]:
    query = (
        select(InvolvementRow)
        .where(InvolvementRow.incident_id == incident_id)
        .order_by(InvolvementRow.involvement_id)
        .with_for_update()
    )
    return session.scalars(query).all()
