"""Events as CloudEvents 1.0 in JSON (structured mode). Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from ccserver.outbox.values import KeptEvent

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SOURCE = "/ccserver"
"""A URI-reference (§3.1): one installation is one source, told apart by the key or the secret."""
PROBE_TYPE = "org.ccserver.webhook.test.v1"
"""Of an event that tells of nothing: somebody wants to see whether events arrive."""


def as_cloud_event(kept: KeptEvent) -> dict[str, object]:
    """The event in CloudEvents' terms.

    ``sequence`` is the extension of the same name: the number from which a stream goes on.
    """
    data: Mapping[str, object] = {
        "incident_id": kept.incident_id,
        "service": kept.service,
        **kept.data,
    }
    return {
        "specversion": "1.0",
        "id": kept.event_id,
        "source": SOURCE,
        "type": kept.type.value,
        "subject": f"incidents/{kept.incident_id}",
        "time": _time(kept.at),
        "datacontenttype": "application/json",
        "sequence": f"{kept.seq:020d}",
        "data": data,
    }


def probe_event(event_id: str, at: datetime, webhook_id: str) -> dict[str, object]:
    """A test event; it has no place in the order of events, and so no ``sequence``."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": PROBE_TYPE,
        "time": _time(at),
        "datacontenttype": "application/json",
        "data": {"webhook_id": webhook_id},
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
