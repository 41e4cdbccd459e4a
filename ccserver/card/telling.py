"""Telling in an incident's own timeline what was done to it, and the world outside that it was."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.card.models import IncidentTimelineRow
from ccserver.card.values import TimelineTag
from ccserver.outbox import EventType, OutboxEvent, record
from ccserver.types import AgentId, IncidentId


def tell(
    session: Session,
    incident_id: str,
    tag: TimelineTag,
    key: str,
    *,
    at: datetime,
    author: str | None,
    agent_id: AgentId | None = None,
    data: Mapping[str, object],
) -> None:
    """Add an entry, in the transaction of what it tells of; ``key`` must be new to the incident.

    The entry's data stay here. The world outside hears its tag, and may read the card.
    """
    session.add(
        IncidentTimelineRow(
            incident_id=incident_id,
            tag=tag.value,
            at=at,
            key=key,
            agent_id=agent_id,
            author=author,
            data=dict(data),
        )
    )
    record(session, changed(incident_id, tag, key, at))


def is_told(session: Session, incident_id: str, key: str) -> bool:
    """Whether the incident's own timeline has an entry of this key."""
    row = select(IncidentTimelineRow.entry_id).where(
        IncidentTimelineRow.incident_id == incident_id, IncidentTimelineRow.key == key
    )
    return session.scalar(row) is not None


def changed(incident_id: str, tag: TimelineTag, key: str, at: datetime) -> OutboxEvent:
    """Return what the world outside is told of an entry."""
    return OutboxEvent(
        type=EventType.CARD_CHANGED,
        key=f"{incident_id}:{key}",
        incident_id=IncidentId(incident_id),
        at=at,
        data={"tag": tag.value},
    )
