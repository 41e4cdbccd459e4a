"""Audited acts in the database: written with what they tell of, read by supervisors."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ccserver.audit.models import AuditRow
from ccserver.audit.values import COMMENT_CHARS_MAX, AuditEntry, AuditTag, KeptEntry
from ccserver.db import Database, clean_text
from ccserver.types import AgentId

LIMIT_MAX = 100
AUTHOR_CHARS_MAX = 64


def record(session: Session, entry: AuditEntry) -> None:
    """Write an entry in the transaction of what it tells of: both are there, or neither."""
    if session.scalar(select(AuditRow.entry_id).where(AuditRow.key == entry.key)) is not None:
        return
    session.add(
        AuditRow(
            key=entry.key,
            tag=entry.tag.value,
            at=entry.at,
            author=clean_text(entry.author)[:AUTHOR_CHARS_MAX],
            login=entry.login,
            agent_id=entry.agent_id,
            comment=clean_text(entry.comment)[:COMMENT_CHARS_MAX],
            data=dict(entry.data),
        )
    )
    session.flush()


class AuditStore:
    """Every method may raise `ccserver.db.DatabaseUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def record(self, entry: AuditEntry) -> None:
        """Write one entry by itself; one that is there changes nothing."""
        await self._db.write(lambda session: record(session, entry))

    async def entries(
        self, *, limit: int, before: int | None = None, person: str | None = None
    ) -> list[KeptEntry]:
        """Newest first, from below the number ``before``.

        ``person``: only what this login did, or what was done to it.
        """
        query = (
            select(AuditRow).order_by(AuditRow.entry_id.desc()).limit(max(1, min(limit, LIMIT_MAX)))
        )
        if before is not None:
            query = query.where(AuditRow.entry_id < before)
        if person is not None:
            key = clean_text(person)
            query = query.where(or_(AuditRow.author == key, AuditRow.login == key))
        return await self._db.read(
            lambda session: [_kept(row) for row in session.scalars(query).all()]
        )


def _kept(row: AuditRow) -> KeptEntry:
    return KeptEntry(
        row.entry_id,
        AuditEntry(
            tag=AuditTag(row.tag),
            at=row.at,
            author=row.author,
            login=row.login,
            agent_id=AgentId(row.agent_id) if row.agent_id else None,
            comment=row.comment,
            data=row.data,
            key=row.key,
        ),
    )
