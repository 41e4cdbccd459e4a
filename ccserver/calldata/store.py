"""What came with calls, in the database; every write is idempotent.

Every method may raise `ccserver.db.DatabaseUnavailable`.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ccserver.calldata.models import CallDataRow
from ccserver.calldata.spool import Envelope, Via
from ccserver.db import Database, clean_text
from ccserver.types import ContactId

TABLE = cast("Table", CallDataRow.__table__)

PAGE_MAX = 200
"""Messages read at a time. A car that sends every ten seconds for half an hour sends as many."""

KEY_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Kept:
    """One message as it came.

    ``cut_length``: how long it was where this is its beginning; 0: nobody knows. ``source``: of
    what was fetched its address, of what another system sent its login. ``media_type``: of octets
    that are no SIP message.
    """

    key: str
    via: Via
    received_at: datetime
    octets: bytes
    contact_id: ContactId | None = None
    call_id: str = ""
    trunk: str = ""
    service: str | None = None
    ack: str = ""
    status: int | None = None
    cut_length: int | None = None
    source: str = ""
    media_type: str = ""

    @classmethod
    def of(cls, name: str, envelope: Envelope, *, now: datetime) -> "Kept":
        """What a file of the spool holds; ``name`` is the file's, unique to it."""
        return cls(
            key=key_of(name, envelope.octets),
            via=envelope.via,
            received_at=min(envelope.at, now),
            octets=envelope.octets,
            contact_id=envelope.contact_id,
            call_id=clean_text(envelope.call_id),
            trunk=envelope.trunk,
            service=envelope.service,
            ack=envelope.ack,
            status=envelope.status,
            cut_length=envelope.cut_length if envelope.whole else envelope.cut_length or 0,
        )


def key_of(name: str, octets: bytes) -> str:
    """What makes a message the same one when it is met a second time."""
    return hashlib.sha256(name.encode() + b"\0" + octets).hexdigest()[:KEY_DIGITS]


class CallDataStore:
    """The messages of all calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, kept: Sequence[Kept]) -> None:
        """Keep messages; durable when it returns. One that is there already stays as it is."""
        rows = [_row(one) for one in kept]

        def work(session: Session) -> None:
            connection = session.connection()
            make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = make(TABLE).on_conflict_do_nothing(index_elements=["key"])
            connection.execute(statement, rows)

        if rows:
            await self._database.write(work)

    async def of_contact(self, contact_id: ContactId) -> list[Kept]:
        """What came with a contact, oldest first; of more than `PAGE_MAX` the newest."""
        query = (
            select(CallDataRow)
            .where(CallDataRow.contact_id == clean_text(contact_id))
            .order_by(CallDataRow.received_at.desc(), CallDataRow.data_id.desc())
            .limit(PAGE_MAX)
        )
        found = await self._database.read(
            lambda session: [_kept(row) for row in session.scalars(query)]
        )
        return found[::-1]

    async def contact_of_call(self, call_id: str) -> ContactId | None:
        """The newest contact whose data came with this Call-ID."""
        query = (
            select(CallDataRow.contact_id)
            .where(CallDataRow.call_id == clean_text(call_id), CallDataRow.contact_id.is_not(None))
            .order_by(CallDataRow.data_id.desc())
            .limit(1)
        )
        found = await self._database.read(lambda session: session.scalars(query).first())
        return None if found is None else ContactId(found)

    async def assign(self, call_id: str, contact_id: ContactId) -> list[Kept]:
        """Data that came by this call, of which nobody knew the contact, is this contact's.

        Returns it.
        """
        theirs = (TABLE.c.call_id == clean_text(call_id)) & TABLE.c.contact_id.is_(None)

        def work(session: Session) -> list[Kept]:
            keys = list(session.execute(select(TABLE.c.key).where(theirs)).scalars())
            session.execute(update(TABLE).where(theirs).values(contact_id=contact_id))
            query = select(CallDataRow).where(CallDataRow.key.in_(keys))
            return [_kept(row) for row in session.scalars(query.order_by(CallDataRow.data_id))]

        return await self._database.write(work)

    async def untold(self, since: datetime, *, after: int = 0) -> list[tuple[int, Kept]]:
        """Messages since then that no card has yet, with their rows, those behind row ``after``.

        At most `PAGE_MAX`.
        """
        query = (
            select(CallDataRow)
            .where(
                CallDataRow.told_at.is_(None),
                CallDataRow.received_at > since,
                CallDataRow.data_id > after,
            )
            .order_by(CallDataRow.data_id)
            .limit(PAGE_MAX)
        )
        return await self._database.read(
            lambda session: [(row.data_id, _kept(row)) for row in session.scalars(query)]
        )

    async def has(self, key: str) -> bool:
        """Whether a message is there."""
        query = select(CallDataRow.data_id).where(CallDataRow.key == key)
        return await self._database.read(lambda session: session.scalars(query).first()) is not None

    async def settle(self, keys: Collection[str], at: datetime) -> None:
        """The cards have these."""
        statement = (
            update(TABLE)
            .where(TABLE.c.key == bindparam("of_key"), TABLE.c.told_at.is_(None))
            .values(told_at=at)
        )
        rows = [{"of_key": key} for key in keys]
        if rows:
            await self._database.write(
                lambda session: session.connection().execute(statement, rows).close()
            )


def _row(kept: Kept) -> dict[str, object]:
    return {
        "key": kept.key,
        "via": kept.via.value,
        "received_at": kept.received_at,
        "contact_id": kept.contact_id,
        "call_id": clean_text(kept.call_id),
        "trunk": kept.trunk,
        "service": kept.service,
        "ack": kept.ack,
        "status": kept.status,
        "cut_length": kept.cut_length,
        "source": clean_text(kept.source)[:255],
        "media_type": clean_text(kept.media_type)[:100],
        "octets": kept.octets,
        "told_at": None,
    }


def _kept(row: CallDataRow) -> Kept:
    return Kept(
        key=row.key,
        via=Via(row.via),
        received_at=row.received_at,
        octets=row.octets,
        contact_id=None if row.contact_id is None else ContactId(row.contact_id),
        call_id=row.call_id,
        trunk=row.trunk,
        service=row.service,
        ack=row.ack,
        status=row.status,
        cut_length=row.cut_length,
        source=row.source,
        media_type=row.media_type,
    )
