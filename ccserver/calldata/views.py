"""What came with a call, as the API shows it. Pure."""

from ccserver.calldata.items import Item
from ccserver.calldata.store import Kept
from ccserver.calldata.vehicle import ReceivedMSD, iso, oddities_json, oddities_of, view_of
from ccserver.ecall.urn import ECallKind, ecall_kind

HEX_BYTES_MAX = 4_096
"""Of binary data that are shown: an MSD has 140."""

TEXT_CHARS_MAX = 16_384


def item_json(kept: Kept, number: int, item: Item, *, test_called: bool) -> dict[str, object]:
    """One item; ``number`` is its place in the message."""
    text = _text(item)
    received = None
    oddities = item.oddities
    if item.msd is not None:
        received = ReceivedMSD(item.msd, item.octets, kept.received_at)
        oddities = tuple(
            dict.fromkeys((*oddities, *oddities_of(received, test_called=test_called)))
        )
    return {
        "item_id": f"{kept.key}-{number}",
        "at": iso(kept.received_at),
        "via": kept.via.value,
        "kind": item.kind.value,
        "content_type": item.content_type or None,
        "content_id": item.content_id or None,
        "purpose": item.purpose or None,
        "size": len(item.octets),
        "hex": item.octets[:HEX_BYTES_MAX].hex() if text is None else None,
        "text": text,
        "msd": None
        if received is None
        # Of what lies in the past, how old it was when it came.
        else view_of(received, now=kept.received_at, test_called=test_called),
        "detail": _detail(item),
        "oddities": oddities_json(oddities),
        "error": item.error,
        "fault": None if item.fault is None else item.fault.as_json(),
    }


def is_test_called(service: str | None) -> bool:
    """Whether the call itself says that it is a test."""
    return ecall_kind(service) is ECallKind.TEST


def _text(item: Item) -> str | None:
    """The octets as text, where they are one that people can read."""
    if item.msd is not None or not item.octets:
        return None
    try:
        text = item.octets.decode()
    except UnicodeDecodeError:
        return None
    readable = all(one.isprintable() or one in "\r\n\t" for one in text[:TEXT_CHARS_MAX])
    return text[:TEXT_CHARS_MAX] if readable else None


def _detail(item: Item) -> dict[str, object] | None:
    if item.control is not None:
        return {
            "acks": [{"ref": one.ref, "received": one.received} for one in item.control.acks],
            "requests": [one.action for one in item.control.requests],
            "can_send_msd": item.control.can_send_msd,
            "results": [
                {"action": one.action, "success": one.success, "reason": one.reason}
                for one in item.control.action_results
            ],
        }
    return None if item.detail is None else dict(item.detail)
