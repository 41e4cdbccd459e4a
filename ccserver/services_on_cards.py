"""Builds the services room: over the cards, the catalogue and the panels' stream."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ccserver.card import LocationTold, Moved, MoveKind, TimelineEntry, TimelineTag
from ccserver.card.models import ContactRow, IncidentRow, IncidentTimelineRow
from ccserver.card.spill import JournalItem
from ccserver.catalogue import CurrentCatalogue
from ccserver.db import Database
from ccserver.metrics import Metrics
from ccserver.outbox import EventType, OutboxEvent, record
from ccserver.services import (
    Incident,
    ServiceDesk,
    ServiceStore,
    StoryTag,
    Terms,
    Told,
    on_merge,
    on_unmerge,
)
from ccserver.types import IncidentId, ServiceCode

TIMELINE = cast("Table", IncidentTimelineRow.__table__)
ADD_ENTRIES: Mapping[str, postgresql.Insert | sqlite.Insert] = {
    name: make(TIMELINE).inline().on_conflict_do_nothing(index_elements=["incident_id", "key"])
    for name, make in cast(
        "dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]]",
        {"sqlite": sqlite.insert, "postgresql": postgresql.insert},
    ).items()
}


TEXT_TAGS = frozenset(
    {
        TimelineTag.TEXT_RECEIVED,
        TimelineTag.TEXT_RODE_ALONG,
        TimelineTag.TEXT_SENT,
        TimelineTag.TEXT_FAILED,
    }
)


def concerns_services(item: JournalItem) -> bool:
    """Whether services on their way must hear of it at once: a place, or what is written."""
    match item:
        case LocationTold():
            return True
        case TimelineEntry():
            return item.tag in TEXT_TAGS
        case _:
            return False


class CardIncidents:
    """`ccserver.services.Incidents` over the card's tables."""

    def find(
        self, session: Session, incident_ids: Collection[str], *, lock: bool = False
    ) -> Mapping[str, Incident]:
        """The cards at a glance, with the number of whoever called first."""
        ids = sorted(incident_ids)
        query = (
            select(IncidentRow)
            .where(IncidentRow.incident_id.in_(ids))
            .order_by(IncidentRow.incident_id)
        )
        if lock:
            # Not against who adds a contact to the card: a call never waits for us.
            query = query.with_for_update(key_share=True)
        rows = session.scalars(query).all()
        numbers = _first_numbers(session, ids)
        return {
            row.incident_id: Incident(
                incident_id=IncidentId(row.incident_id),
                number=row.number,
                opened_at=row.opened_at,
                type_code=row.type_code,
                priority=row.priority,
                address=row.address_text,
                latitude=row.latitude,
                longitude=row.longitude,
                caller_number=numbers.get(row.incident_id),
                merged_into=IncidentId(row.merged_into) if row.merged_into else None,
            )
            for row in rows
        }

    def tell(self, session: Session, entries: Sequence[Told]) -> None:
        """Write on the cards' own timelines and in the outbox; a known key changes nothing."""
        connection = session.connection()
        connection.execute(
            ADD_ENTRIES[connection.dialect.name],
            [
                {
                    "incident_id": entry.incident_id,
                    "tag": TimelineTag(entry.tag.value).value,
                    "at": entry.at,
                    "key": entry.key,
                    "agent_id": None,
                    "author": entry.author,
                    "data": dict(entry.data),
                }
                for entry in entries
            ],
        )
        record(session, *map(_event, entries))


def move_along(session: Session, moved: Moved) -> None:
    """Take the services with the card that becomes a part of another, or is given back."""
    source, target = moved.source.incident_id, moved.target.incident_id
    match moved.kind:
        case MoveKind.MERGED | MoveKind.SPLIT_UNDONE:
            on_merge(session, source, target)
        case MoveKind.MERGE_UNDONE:
            on_unmerge(session, target, source)
        case MoveKind.SPLIT:
            pass  # a person decides who is needed at the other place


def _event(entry: Told) -> OutboxEvent:
    opened = entry.tag is StoryTag.SENT
    return OutboxEvent(
        type=EventType.INVOLVEMENT_OPENED if opened else EventType.INVOLVEMENT_CHANGED,
        key=entry.key,
        incident_id=entry.incident_id,
        at=entry.at,
        service=entry.service,
        data={"involvement_id": entry.involvement_id, "tag": entry.tag.value},
    )


def _first_numbers(session: Session, incident_ids: Sequence[str]) -> dict[str, str | None]:
    order = func.row_number().over(
        partition_by=ContactRow.incident_id,
        order_by=(ContactRow.arrived_at, ContactRow.contact_id),
    )
    ranked = (
        select(ContactRow.incident_id, ContactRow.caller_number, order.label("place"))
        .where(ContactRow.incident_id.in_(incident_ids))
        .where(ContactRow.direction == "inbound")
        .subquery()
    )
    first = select(ranked.c.incident_id, ranked.c.caller_number).where(ranked.c.place == 1)
    numbers: dict[str, str | None] = {}
    for incident_id, number in session.execute(first):
        numbers[incident_id] = number
    return numbers


class CatalogueBook:
    """`ccserver.services.Book` over the catalogue in force."""

    def __init__(self, catalogue: CurrentCatalogue) -> None:
        self._catalogue = catalogue

    def terms(self, service: ServiceCode) -> Terms | None:
        """``None`` for a service that the catalogue does not have, or not any more."""
        found = self._catalogue.prepared.services.get(service)
        return Terms(found.seen_timeout_s) if found is not None and found.active else None

    def refusal_reasons(self) -> Collection[str]:
        """Why help cannot come."""
        return [one.code for one in self._catalogue.prepared.catalogue.refusal_reasons]

    def delay_reasons(self) -> Collection[str]:
        """Why help comes late."""
        return [one.code for one in self._catalogue.prepared.catalogue.delay_reasons]


def build_services(
    database: Database,
    *,
    publish: Callable[[Mapping[str, object], ServiceCode], None],
    changed: Callable[[IncidentId], None],
    metrics: Metrics,
    now: Callable[[], datetime],
    catalogue: CurrentCatalogue,
) -> ServiceDesk:
    """The desk of all services.

    ``publish`` sends a message to the centre and to a service; ``changed`` has them fetch a card
    again.
    """

    return ServiceDesk(
        ServiceStore(database, CardIncidents()),
        CatalogueBook(catalogue),
        publish=publish,
        changed=changed,
        now=now,
        metrics=metrics,
    )
