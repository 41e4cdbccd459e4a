"""AML messages that wait for their call, in the database; every write is idempotent.

`hold` is a function of a session, for whoever takes a message in a transaction of its own.
`AMLStore` raises `ccserver.db.DatabaseUnavailable`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ccserver.aml.models import AMLHeldRow
from ccserver.aml.values import Sighting, Transport, as_json, location_of
from ccserver.db import Database, clean_text
from ccserver.types import ContactId

log = structlog.get_logger(__name__)

TABLE = cast("Table", AMLHeldRow.__table__)

PAGE_MAX = 500
"""Rows read at a time: two milliseconds."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message in the database."""

    row_id: int
    sighting: Sighting


def hold(session: Session, sightings: Sequence[Sighting], *, keep_s: float) -> None:
    """Keep messages until ``keep_s`` after they came; one that is there already stays as it is."""
    rows = [_row(sighting, keep_s) for sighting in sightings if not sighting.is_nameless]
    if not rows:
        return
    connection = session.connection()
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(make(TABLE).on_conflict_do_nothing(index_elements=["key"]), rows)


def _row(sighting: Sighting, keep_s: float) -> dict[str, object]:
    kept = as_json(sighting)
    if "unreadable" in kept:
        kept["unreadable"] = clean_text(str(kept["unreadable"]))
    return {
        "key": sighting.key,
        "transport": sighting.transport.value,
        "number": sighting.digits,
        "imei": sighting.device,
        "received_at": sighting.received_at,
        "expires_at": sighting.received_at + timedelta(seconds=keep_s),
        "message": kept,
    }


class AMLStore:
    """The messages that are held. ``keep_s``: how long one may wait for its call."""

    def __init__(self, database: Database, *, keep_s: float) -> None:
        self._database = database
        self.keep_s = keep_s

    async def hold(self, sightings: Sequence[Sighting]) -> None:
        """Keep messages; durable when it returns."""
        await self._database.write(lambda session: hold(session, sightings, keep_s=self.keep_s))

    async def waiting(self, *, after: int, now: datetime) -> list[Held]:
        """The messages behind row ``after`` that are on no card yet, at most `PAGE_MAX`."""
        query = (
            select(AMLHeldRow)
            .where(
                AMLHeldRow.row_id > after,
                AMLHeldRow.matched_at.is_(None),
                AMLHeldRow.expires_at > now,
            )
            .order_by(AMLHeldRow.row_id)
            .limit(PAGE_MAX)
        )
        return await self._database.read(lambda session: _readable(session.scalars(query)))

    async def on_cards(self, *, now: datetime) -> list[Sighting]:
        """The newest of those that are on cards, oldest first: whose phone is whose."""
        query = (
            select(AMLHeldRow)
            .where(AMLHeldRow.matched_at.is_not(None), AMLHeldRow.expires_at > now)
            .order_by(AMLHeldRow.row_id.desc())
            .limit(PAGE_MAX)
        )
        found = await self._database.read(
            lambda session: [held.sighting for held in _readable(session.scalars(query))]
        )
        return found[::-1]

    async def settle(self, contacts: Mapping[str, ContactId], at: datetime) -> None:
        """The messages of these keys are on the cards of these contacts: keep no more of them."""
        if not contacts:
            return
        statement = (
            update(TABLE)
            .where(TABLE.c.key == bindparam("of_key"), TABLE.c.matched_at.is_(None))
            .values(matched_contact_id=bindparam("contact"), matched_at=at, message=None)
        )
        rows = [{"of_key": key, "contact": contact_id} for key, contact_id in contacts.items()]
        await self._database.write(
            lambda session: session.connection().execute(statement, rows).close()
        )

    async def expire(self, now: datetime) -> int:
        """Delete what has waited for its time; returns how many were on no card."""

        def work(session: Session) -> int:
            old = TABLE.c.expires_at <= now
            unmatched = session.execute(delete(TABLE).where(old, TABLE.c.matched_at.is_(None)))
            session.execute(delete(TABLE).where(old))
            return cast("CursorResult[Any]", unmatched).rowcount

        return await self._database.write(work)


def _readable(rows: Iterable[AMLHeldRow]) -> list[Held]:
    """The messages of rows; one that cannot be read, which is a fault of ours, stops no others."""
    found = []
    for row in rows:
        try:
            found.append(_held(row))
        except Exception as error:
            log.error("aml_row_unreadable", row_id=row.row_id, reason=type(error).__name__)
    return found


def _held(row: AMLHeldRow) -> Held:
    kept = row.message or {}
    return Held(
        row.row_id,
        Sighting(
            key=row.key,
            transport=Transport(row.transport),
            digits=row.number,
            device=row.imei,
            received_at=row.received_at,
            location=location_of(kept, row.received_at),
            unreadable=kept.get("unreadable"),
        ),
    )
