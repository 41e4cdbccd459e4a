"""Webhooks and their deliveries in the database."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import CursorResult, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ccserver.audit import AuditEntry, AuditTag
from ccserver.audit import record as audit
from ccserver.db import Database, clean_text
from ccserver.outbox import EventType, KeptEvent
from ccserver.outbox.cloud_events import as_cloud_event, probe_event
from ccserver.outbox.models import OutboxRow
from ccserver.outbox.store import newest, read_after
from ccserver.types import IncidentId, ServiceCode
from ccserver.webhooks.models import DeliveryRow, WebhookRow
from ccserver.webhooks.signing import new_secret
from ccserver.webhooks.values import (
    Delivery,
    DeliveryState,
    NewWebhook,
    UnknownWebhook,
    Webhook,
    WebhookChange,
    WebhookInvalid,
    WebhookTotals,
    checked_name,
    checked_service,
    checked_url,
)

WEBHOOKS_MAX = 100
"""Each costs a look at every event."""
PENDING_MAX = 10_000
"""Of one webhook. Beyond it its events stay in the outbox, which keeps them for a week."""
FORMER_SECRET_KEPT = timedelta(hours=24)
"""Both secrets sign meanwhile, so that the receiver can change over without a gap."""
DELIVERED_KEPT = timedelta(days=7)
DUE_PER_WEBHOOK_MAX = 50
"""Of one look, so that one receiver's backlog never stands before another's news."""
LIST_MAX = 100
ERROR_CHARS_MAX = 200
GONE = "gone"
CHANGEABLE = ("name", "url", "types", "active")

DELIVERIES: Table = DeliveryRow.__table__  # type: ignore[assignment]

Involved = Callable[[Session, Collection[IncidentId]], Mapping[IncidentId, Collection[ServiceCode]]]
"""Which services are involved in which incidents now; given by the room of services."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, with all that its sending needs."""

    delivery_id: int
    webhook_id: str
    url: str
    secrets: tuple[str, ...]
    event_id: str
    body: Mapping[str, object]
    attempts: int


class WebhookStore:
    """Every method may raise `ccserver.db.DatabaseUnavailable`.

    What people and programs do is audited in the same transaction; ``by`` is their login.
    """

    def __init__(self, db: Database, involved: Involved) -> None:
        self._db = db
        self._involved = involved

    async def add(self, new: NewWebhook, *, by: str, at: datetime) -> tuple[Webhook, str]:
        """Add a webhook; the second is its secret. It hears of what happens from now on.

        Raises `WebhookInvalid`.
        """
        name, url, secret = checked_name(new.name), checked_url(new.url), new_secret()
        service = checked_service(new.service)
        webhook_id = str(uuid.uuid4())

        def work(session: Session) -> Webhook:
            if (session.scalar(select(func.count()).select_from(WebhookRow)) or 0) >= WEBHOOKS_MAX:
                raise WebhookInvalid("name", f"There are {WEBHOOKS_MAX} webhooks already.")
            row = WebhookRow(
                webhook_id=webhook_id,
                name=name,
                url=url,
                service=service,
                types=[one.value for one in new.types],
                secret=secret,
                active=True,
                created_at=at,
                created_by=clean_text(by)[:64],
                position=newest(session),
            )
            session.add(row)
            webhook = _webhook(row, {})
            data = {"name": webhook.name, "service": webhook.service}
            _audit(session, AuditTag.WEBHOOK_ADDED, webhook_id, by=by, at=at, **data)
            return webhook

        return await self._db.write(work), secret

    async def webhooks(self, *, service: ServiceCode | None = None) -> list[Webhook]:
        """All of them by name, or those of one service."""

        def work(session: Session) -> list[Webhook]:
            query = select(WebhookRow).order_by(WebhookRow.name, WebhookRow.webhook_id)
            if service is not None:
                query = query.where(WebhookRow.service == service)
            counts = _counts(session)
            return [_webhook(row, counts) for row in session.scalars(query)]

        return await self._db.read(work)

    async def webhook(self, webhook_id: str) -> Webhook:
        """One of them. Raises `UnknownWebhook`."""
        return await self._db.read(
            lambda session: _webhook(_existing(session, webhook_id), _counts(session))
        )

    async def change(
        self, webhook_id: str, change: WebhookChange, *, by: str, at: datetime
    ) -> Webhook:
        """Change it; turned on again, it goes on where it stopped.

        Raises `UnknownWebhook`, `WebhookInvalid`.
        """
        name = None if change.name is None else checked_name(change.name)
        url = None if change.url is None else checked_url(change.url)

        def work(session: Session) -> Webhook:
            row = _existing(session, webhook_id)
            row.name = name or row.name
            row.url = url or row.url
            if change.types is not None:
                row.types = [one.value for one in change.types]
            if change.active is not None:
                row.active, row.stopped = change.active, None
            session.flush()
            told = ", ".join(one for one in CHANGEABLE if getattr(change, one) is not None)
            _audit(session, AuditTag.WEBHOOK_CHANGED, row.webhook_id, by=by, at=at, fields=told)
            return _webhook(row, _counts(session))

        return await self._db.write(work)

    async def rotate(self, webhook_id: str, *, by: str, at: datetime) -> str:
        """Give it a new secret; the former one signs, too, for a day. Raises `UnknownWebhook`."""
        secret = new_secret()

        def work(session: Session) -> None:
            row = _existing(session, webhook_id)
            row.former_secret, row.former_until = row.secret, at + FORMER_SECRET_KEPT
            row.secret = secret
            _audit(session, AuditTag.WEBHOOK_SECRET_SET, row.webhook_id, by=by, at=at)

        await self._db.write(work)
        return secret

    async def remove(self, webhook_id: str, *, by: str, at: datetime) -> None:
        """Remove it and its deliveries. Raises `UnknownWebhook`."""

        def work(session: Session) -> None:
            row = _existing(session, webhook_id)
            session.execute(delete(DeliveryRow).where(DeliveryRow.webhook_id == row.webhook_id))
            session.delete(row)
            _audit(session, AuditTag.WEBHOOK_REMOVED, webhook_id, by=by, at=at, name=row.name)

        await self._db.write(work)

    async def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None = None, before: int | None = None
    ) -> list[Delivery]:
        """Its deliveries, newest first. Raises `UnknownWebhook`."""

        def work(session: Session) -> list[Delivery]:
            _existing(session, webhook_id)
            query = (
                select(DeliveryRow)
                .where(DeliveryRow.webhook_id == webhook_id)
                .order_by(DeliveryRow.delivery_id.desc())
                .limit(LIST_MAX)
            )
            if state is not None:
                query = query.where(DeliveryRow.state == state.value)
            if before is not None:
                query = query.where(DeliveryRow.delivery_id < before)
            return [_delivery(row) for row in session.scalars(query)]

        return await self._db.read(work)

    async def replay(
        self, webhook_id: str, *, by: str, at: datetime, deliveries: Collection[int] | None = None
    ) -> int:
        """Send these again, or all dead letters; returns how many. Raises `UnknownWebhook`.

        A receiver knows a repetition by its ``webhook-id``.
        """

        def work(session: Session) -> int:
            _existing(session, webhook_id)
            again = update(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id)
            if deliveries is None:
                again = again.where(DeliveryRow.state == DeliveryState.DEAD.value)
            else:
                again = again.where(
                    DeliveryRow.delivery_id.in_(list(deliveries)),
                    DeliveryRow.state != DeliveryState.PENDING.value,
                )
            count = _rows(
                session, again.values(state=DeliveryState.PENDING.value, attempts=0, next_at=at)
            )
            _audit(session, AuditTag.WEBHOOK_REPLAYED, webhook_id, by=by, at=at, count=count)
            return count

        return await self._db.write(work)

    async def probe(self, webhook_id: str, *, at: datetime) -> Due:
        """A test event for it, to be posted once and not kept. Raises `UnknownWebhook`."""

        def work(session: Session) -> Due:
            row = _existing(session, webhook_id)
            event_id = str(uuid.uuid4())
            return Due(
                delivery_id=0,
                webhook_id=row.webhook_id,
                url=row.url,
                secrets=_secrets(row, at),
                event_id=event_id,
                body=probe_event(event_id, at, row.webhook_id),
                attempts=0,
            )

        return await self._db.read(work)

    async def totals(self) -> WebhookTotals:
        """What waits for all receivers together, and since when."""

        def work(session: Session) -> WebhookTotals:
            counts = _counts(session)
            first = (
                select(func.min(DeliveryRow.seq))
                .join(WebhookRow, WebhookRow.webhook_id == DeliveryRow.webhook_id)
                .where(DeliveryRow.state == DeliveryState.PENDING.value, WebhookRow.active)
                .scalar_subquery()
            )
            return WebhookTotals(
                pending=_sum(counts, DeliveryState.PENDING),
                dead=_sum(counts, DeliveryState.DEAD),
                waiting_since=session.scalar(select(OutboxRow.at).where(OutboxRow.seq == first)),
            )

        return await self._db.read(work)

    # -- for the sender -------------------------------------------------------------------------

    async def fan_out(self, *, at: datetime) -> int:
        """Turn new events into deliveries, a page for each webhook; returns events looked at."""
        return await self._db.write(lambda session: _fan_out(session, self._involved, at))

    async def due(self, *, at: datetime, quiet: Collection[str] = ()) -> list[Due]:
        """Deliveries whose time has come, oldest events first; none of the ``quiet`` webhooks."""
        return await self._db.read(lambda session: _due(session, at, quiet))

    async def next_due(self) -> datetime | None:
        """When the next delivery is to be tried; ``None`` if nothing is pending."""
        query = (
            select(func.min(DeliveryRow.next_at))
            .join(WebhookRow, WebhookRow.webhook_id == DeliveryRow.webhook_id)
            .where(DeliveryRow.state == DeliveryState.PENDING.value, WebhookRow.active)
        )
        return await self._db.read(lambda session: session.scalar(query))

    async def delivered(self, delivery_id: int, *, status: int, at: datetime) -> None:
        """The receiver took it."""
        await self._set(
            delivery_id,
            state=DeliveryState.DELIVERED.value,
            last_status=status,
            last_error=None,
            delivered_at=at,
        )

    async def failed(
        self, delivery_id: int, *, status: int | None, error: str, again_at: datetime | None
    ) -> None:
        """The receiver did not take it; without ``again_at`` it becomes a dead letter."""
        values: dict[str, object] = {
            "last_status": status,
            "last_error": clean_text(error)[:ERROR_CHARS_MAX],
            "attempts": DeliveryRow.attempts + 1,
        }
        if again_at is None:
            values["state"] = DeliveryState.DEAD.value
        else:
            values["next_at"] = again_at
        await self._set(delivery_id, **values)

    async def stop(self, webhook_id: str, reason: str) -> None:
        """Turn it off: the receiver wants no more. What is pending waits."""
        query = (
            update(WebhookRow)
            .where(WebhookRow.webhook_id == webhook_id)
            .values(active=False, stopped=reason)
        )
        await self._db.write(lambda session: session.execute(query) and None)

    async def purge(self, *, at: datetime) -> int:
        """Forget what was delivered long ago; dead letters stay until someone decides."""
        query = delete(DeliveryRow).where(
            DeliveryRow.state == DeliveryState.DELIVERED.value,
            DeliveryRow.delivered_at < at - DELIVERED_KEPT,
        )
        return await self._db.write(lambda session: _rows(session, query))

    async def _set(self, delivery_id: int, **values: object) -> None:
        query = update(DeliveryRow).where(DeliveryRow.delivery_id == delivery_id).values(**values)
        await self._db.write(lambda session: session.execute(query) and None)


def _fan_out(session: Session, involved: Involved, at: datetime) -> int:
    looked_at = 0
    rows = session.scalars(
        select(WebhookRow)
        .where(WebhookRow.active)
        .order_by(WebhookRow.webhook_id)
        .with_for_update()
    ).all()
    pages: dict[int, list[KeptEvent]] = {}
    counts = _counts(session)
    for row in rows:
        if counts.get((row.webhook_id, DeliveryState.PENDING.value), 0) >= PENDING_MAX:
            continue
        if row.position not in pages:
            pages[row.position] = read_after(session, row.position)
        page = pages[row.position]
        if not page:
            continue
        looked_at += len(page)
        wanted = _wanted(session, row, page, involved)
        _add_deliveries(session, row.webhook_id, wanted, at)
        row.position = page[-1].seq
    return looked_at


def _wanted(
    session: Session, row: WebhookRow, page: Sequence[KeptEvent], involved: Involved
) -> list[KeptEvent]:
    webhook = _webhook(row, {})
    events = [event for event in page if webhook.wants(event.type)]
    if webhook.service is None or not events:
        return events
    services = involved(session, {event.incident_id for event in events})
    return [
        event
        for event in events
        if event.concerns(webhook.service, services.get(event.incident_id, ()))
    ]


def _add_deliveries(
    session: Session, webhook_id: str, events: Sequence[KeptEvent], at: datetime
) -> None:
    if not events:
        return
    connection = session.connection()
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(DELIVERIES).on_conflict_do_nothing(index_elements=["webhook_id", "seq"])
    connection.execute(
        statement,
        [
            {
                "webhook_id": webhook_id,
                "seq": event.seq,
                "event_id": event.event_id,
                "body": as_cloud_event(event),
                "state": DeliveryState.PENDING.value,
                "attempts": 0,
                "next_at": at,
            }
            for event in events
        ],
    )


def _due(session: Session, at: datetime, quiet: Collection[str]) -> list[Due]:
    place = (
        func.row_number()
        .over(partition_by=DeliveryRow.webhook_id, order_by=(DeliveryRow.next_at, DeliveryRow.seq))
        .label("place")
    )
    ripe = (
        select(DeliveryRow.delivery_id, place)
        .where(
            DeliveryRow.state == DeliveryState.PENDING.value,
            DeliveryRow.next_at <= at,
            DeliveryRow.webhook_id.not_in(list(quiet)),
        )
        .subquery()
    )
    query = (
        select(DeliveryRow, WebhookRow)
        .join(ripe, ripe.c.delivery_id == DeliveryRow.delivery_id)
        .join(WebhookRow, WebhookRow.webhook_id == DeliveryRow.webhook_id)
        .where(ripe.c.place <= DUE_PER_WEBHOOK_MAX, WebhookRow.active)
        .order_by(DeliveryRow.next_at, DeliveryRow.seq)
    )
    return [
        Due(
            delivery_id=delivery.delivery_id,
            webhook_id=webhook.webhook_id,
            url=webhook.url,
            secrets=_secrets(webhook, at),
            event_id=delivery.event_id,
            body=delivery.body,
            attempts=delivery.attempts,
        )
        for delivery, webhook in session.execute(query)
    ]


def _secrets(row: WebhookRow, at: datetime) -> tuple[str, ...]:
    if row.former_secret is None or row.former_until is None or row.former_until <= at:
        return (row.secret,)
    return (row.secret, row.former_secret)


def _counts(session: Session) -> dict[tuple[str, str], int]:
    query = (
        select(DeliveryRow.webhook_id, DeliveryRow.state, func.count())
        .where(DeliveryRow.state != DeliveryState.DELIVERED.value)
        .group_by(DeliveryRow.webhook_id, DeliveryRow.state)
    )
    return {(webhook_id, state): count for webhook_id, state, count in session.execute(query)}


def _sum(counts: Mapping[tuple[str, str], int], state: DeliveryState) -> int:
    return sum(count for (_, named), count in counts.items() if named == state.value)


def _audit(
    session: Session,
    tag: AuditTag,
    webhook_id: str,
    *,
    by: str,
    at: datetime,
    **data: str | int | None,
) -> None:
    audit(session, AuditEntry(tag, at, by, data={"webhook_id": webhook_id, **data}))


def _existing(session: Session, webhook_id: str) -> WebhookRow:
    row = session.get(WebhookRow, clean_text(webhook_id))
    if row is None:
        raise UnknownWebhook("there is no such webhook")
    return row


def _rows(session: Session, statement: object) -> int:
    result = session.execute(statement)  # type: ignore[call-overload]
    assert isinstance(result, CursorResult)
    return result.rowcount


def _webhook(row: WebhookRow, counts: Mapping[tuple[str, str], int]) -> Webhook:
    return Webhook(
        webhook_id=row.webhook_id,
        name=row.name,
        url=row.url,
        service=None if row.service is None else ServiceCode(row.service),
        types=tuple(EventType(one) for one in row.types),
        active=row.active,
        created_at=row.created_at,
        created_by=row.created_by,
        position=row.position,
        stopped=row.stopped,
        pending=counts.get((row.webhook_id, DeliveryState.PENDING.value), 0),
        dead=counts.get((row.webhook_id, DeliveryState.DEAD.value), 0),
    )


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        webhook_id=row.webhook_id,
        seq=row.seq,
        event_id=row.event_id,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        last_status=row.last_status,
        last_error=row.last_error,
        delivered_at=row.delivered_at,
    )
