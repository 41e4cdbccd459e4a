"""The outbox in the database: written with what it tells of, read in the order of commits."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import CursorResult, Table, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ccserver.db import Database
from ccserver.outbox.models import OutboxRow
from ccserver.outbox.values import EventType, KeptEvent, OutboxEvent
from ccserver.types import IncidentId, ServiceCode

EVENT_NAMESPACE = uuid.UUID("6f0b7a4e-3f43-5d5c-9b8e-6c1f0f5a2d11")
"""Makes one event's id out of its key, so that the same event told twice has the same id."""
LOCK = 0x6363_6F75_7462_6F78
"""PostgreSQL's advisory lock of those who write events ("ccoutbox"). Held to the commit, it makes
the order of numbers the order of commits, so a reader that goes on from a number misses nothing."""
PAGE_MAX = 500
PURGE_ROWS_MAX = 10_000
"""Of one transaction, so that nobody waits long for the lock."""

TABLE: Table = OutboxRow.__table__  # type: ignore[assignment]


def record(session: Session, *events: OutboxEvent) -> None:
    """Write events in the transaction of what they tell of: all are there, or nothing is."""
    if not events:
        return
    connection = session.connection()
    rows = [_values(event) for event in events]
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        insert: sqlite.Insert | postgresql.Insert = postgresql.insert(TABLE)
    else:
        insert = sqlite.insert(TABLE)
    connection.execute(insert.on_conflict_do_nothing(index_elements=["event_id"]), rows)


class OutboxStore:
    """Every method may raise `ccserver.db.DatabaseUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def after(
        self, seq: int, *, limit: int = PAGE_MAX, types: Collection[EventType] | None = None
    ) -> list[KeptEvent]:
        """The next events after ``seq``, oldest first; at most `PAGE_MAX`."""
        return await self._db.read(
            lambda session: read_after(session, seq, limit=limit, types=types)
        )

    async def newest(self) -> int:
        """The number of the newest event; 0 if there never was one."""
        return await self._db.read(newest)

    async def oldest(self) -> int:
        """The number of the oldest event that is kept; one above the newest if none is."""
        return await self._db.read(oldest)

    async def purge(self, before: datetime) -> int:
        """Forget events older than ``before``, a bounded number at a time; returns how many.

        The newest one always stays, so that numbers are never given twice.
        """
        return await self._db.write(lambda session: _purge(session, before))


def read_after(
    session: Session,
    seq: int,
    *,
    limit: int = PAGE_MAX,
    types: Collection[EventType] | None = None,
) -> list[KeptEvent]:
    """The next events after ``seq``, oldest first."""
    query = (
        select(OutboxRow)
        .where(OutboxRow.seq > seq)
        .order_by(OutboxRow.seq)
        .limit(max(1, min(limit, PAGE_MAX)))
    )
    if types is not None:
        query = query.where(OutboxRow.type.in_([one.value for one in types]))
    return [_kept(row) for row in session.scalars(query)]


def read_some(session: Session, seqs: Sequence[int]) -> dict[int, KeptEvent]:
    """These events, as far as they are still kept."""
    query = select(OutboxRow).where(OutboxRow.seq.in_(seqs))
    return {row.seq: _kept(row) for row in session.scalars(query)}


def newest(session: Session) -> int:
    """The number of the newest event; 0 if there never was one."""
    return session.scalar(select(func.max(OutboxRow.seq))) or 0


def oldest(session: Session) -> int:
    """The number of the oldest event that is kept."""
    first = session.scalar(select(func.min(OutboxRow.seq)))
    return newest(session) + 1 if first is None else first


def _purge(session: Session, before: datetime) -> int:
    old = (
        select(OutboxRow.seq)
        .where(OutboxRow.at < before, OutboxRow.seq < newest(session))
        .order_by(OutboxRow.seq)
        .limit(PURGE_ROWS_MAX)
    )
    result = session.execute(delete(OutboxRow).where(OutboxRow.seq.in_(old)))
    assert isinstance(result, CursorResult)
    return result.rowcount


def _values(event: OutboxEvent) -> dict[str, object]:
    return {
        "event_id": str(uuid.uuid5(EVENT_NAMESPACE, event.key)),
        "type": event.type.value,
        "incident_id": event.incident_id,
        "service": event.service,
        "at": event.at,
        "data": dict(event.data),
    }


def _kept(row: OutboxRow) -> KeptEvent:
    return KeptEvent(
        seq=row.seq,
        event_id=row.event_id,
        type=EventType(row.type),
        incident_id=IncidentId(row.incident_id),
        at=row.at,
        service=None if row.service is None else ServiceCode(row.service),
        data=row.data,
    )
