"""Audited acts in the database: written with what they tell of, chained, read and verified."""

from collections.abc import AsyncIterator
from dataclasses import replace

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ccserver.audit.chain import FIRST, Anchor, ChainedAct, Verifier
from ccserver.audit.models import AuditRow
from ccserver.audit.values import COMMENT_CHARS_MAX, AuditEntry, AuditTag, KeptEntry
from ccserver.db import Database, clean_text
from ccserver.types import AgentId

LIMIT_MAX = 100
AUTHOR_CHARS_MAX = 64

CHUNK = 500
"""Acts read at a time when all are walked: half a megabyte at most."""

LOCK = 0x6175_6469_74
"""Name of PostgreSQL's lock under which the chain grows: "audit" in ASCII."""


def record(session: Session, entry: AuditEntry) -> None:
    """Write an entry in the transaction of what it tells of: both are there, or neither.

    Whoever records an act is alone with the chain until the end of the transaction, also among
    several processes, so it should come last in it.
    """
    _be_alone(session)
    if session.scalar(select(AuditRow.entry_id).where(AuditRow.key == entry.key)) is not None:
        return
    newest = select(AuditRow.hash).order_by(AuditRow.entry_id.desc()).limit(1)
    act = ChainedAct(
        number=0,  # given by the database, and no part of the hash
        key=entry.key,
        tag=entry.tag.value,
        at=entry.at,
        author=clean_text(entry.author)[:AUTHOR_CHARS_MAX],
        login=entry.login,
        agent_id=entry.agent_id,
        comment=clean_text(entry.comment)[:COMMENT_CHARS_MAX],
        data=dict(entry.data),
        previous_hash=session.scalar(newest) or FIRST,
        hash="",
    )
    act = replace(act, hash=act.digest())
    session.add(
        AuditRow(
            key=act.key,
            tag=act.tag,
            at=act.at,
            author=act.author,
            login=act.login,
            agent_id=act.agent_id,
            comment=act.comment,
            data=act.data,
            previous_hash=act.previous_hash,
            hash=act.hash,
        )
    )
    session.flush()


def _be_alone(session: Session) -> None:
    """Wait until nobody else adds to the chain. SQLite lets in one writer at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))


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

    async def acts(self, *, after: int = 0) -> AsyncIterator[ChainedAct]:
        """All acts above the number ``after`` as they are stored, a chunk at a time."""
        while chunk := await self._chunk(after):
            for act in chunk:
                yield act
            after = chunk[-1].number

    async def verify(self, anchor: Anchor | None = None) -> Verifier:
        """Walk the whole chain; raises `ccserver.audit.ChainBroken`."""
        verifier = Verifier(anchor)
        async for act in self.acts():
            verifier.take(act)
        verifier.finish()
        return verifier

    async def _chunk(self, after: int) -> list[ChainedAct]:
        query = (
            select(AuditRow)
            .where(AuditRow.entry_id > after)
            .order_by(AuditRow.entry_id)
            .limit(CHUNK)
        )
        return await self._db.read(
            lambda session: [_chained(row) for row in session.scalars(query).all()]
        )


def _chained(row: AuditRow) -> ChainedAct:
    return ChainedAct(
        number=row.entry_id,
        key=row.key,
        tag=row.tag,
        at=row.at,
        author=row.author,
        login=row.login,
        agent_id=row.agent_id,
        comment=row.comment,
        data=row.data,
        previous_hash=row.previous_hash,
        hash=row.hash,
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
