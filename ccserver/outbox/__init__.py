"""What the world outside is told of incidents: numbered events, kept until everybody had them."""

from ccserver.outbox.store import OutboxStore, record
from ccserver.outbox.values import EventType, KeptEvent, OutboxEvent

__all__ = ["EventType", "KeptEvent", "OutboxEvent", "OutboxStore", "record"]
