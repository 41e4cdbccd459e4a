"""Events as CloudEvents 1.0 in JSON (structured mode). Pure."""

from collections.abc import Mapping
from datetime import UTC

from ccserver.outbox.values import KeptEvent

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SOURCE = "/ccserver"
"""A URI-reference (§3.1): one installation is one source, told apart by the key or the secret."""


def as_cloud_event(kept: KeptEvent) -> dict[str, object]:
    """The event in CloudEvents' terms.

    ``sequence`` is the extension of the same name: the number from which a stream goes on.
    """
    data: Mapping[str, object] = {
        "incident_id": kept.incident_id,
        "service": kept.service,
        **kept.data,
    }
    at = kept.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "specversion": "1.0",
        "id": kept.event_id,
        "source": SOURCE,
        "type": kept.type.value,
        "subject": f"incidents/{kept.incident_id}",
        "time": at,
        "datacontenttype": "application/json",
        "sequence": f"{kept.seq:020d}",
        "data": data,
    }
