"""What a kept message says: its octets become items, each time anew."""

import structlog

from ccserver.calldata.faults import Fault, FaultCode, of_hand_over
from ccserver.calldata.items import (
    Item,
    ItemKind,
    item_of_document,
    item_of_msd,
    items_of,
)
from ccserver.calldata.message import SIPMessage, SIPMessageInvalid
from ccserver.calldata.spool import Via
from ccserver.calldata.store import Kept
from ccserver.calldata.third_party import HandOver, HandOverInvalid
from ccserver.location.oddities import Oddity

log = structlog.get_logger(__name__)

READER_FAILED = "This could not be read, because of a fault in ccserver."

MESSAGE_CUT = "message_cut"
"""The message was longer than the edge passes on, or the file had no end."""


def items_in(kept: Kept) -> tuple[Item, ...]:
    """Everything that a message tells; never raises.

    A fault of ours with one message must hold up the data of no other car.
    """
    try:
        return _read(kept)
    except Exception:
        log.exception("call_data_reader_failed", key=kept.key, via=kept.via.value)
        fault = Fault(FaultCode.READER_FAILED, READER_FAILED)
        return (Item(ItemKind.OTHER, kept.octets, fault=fault),)


def _read(kept: Kept) -> tuple[Item, ...]:
    match kept.via:
        case Via.API:
            return _of_hand_over(kept)
        case Via.REFERENCE:
            detail = {"uri": kept.source}
            return (item_of_document(kept.media_type, kept.octets, detail=detail),)
        case _:
            return _of_message(kept)


def _of_message(kept: Kept) -> tuple[Item, ...]:
    cut = kept.cut_length is not None
    told = f"{len(kept.octets)} of {kept.cut_length or 'unknown'}"
    oddities = (Oddity(MESSAGE_CUT, told),) if cut else ()
    try:
        message = SIPMessage.parse(kept.octets)
    except SIPMessageInvalid as error:
        fault = Fault(FaultCode.NO_SIP, str(error))
        return (Item(ItemKind.OTHER, kept.octets, oddities=oddities, fault=fault),)
    items = items_of(message)
    if cut and not items:
        return (Item(ItemKind.OTHER, b"", oddities=oddities),)
    return items


def _of_hand_over(kept: Kept) -> tuple[Item, ...]:
    try:
        told = HandOver.parse(kept.octets, kept.media_type)
    except HandOverInvalid as error:
        return (
            Item(
                ItemKind.OTHER,
                kept.octets,
                content_type=kept.media_type,
                fault=of_hand_over(error),
            ),
        )
    return (
        item_of_msd(told.octets),
        Item(
            ItemKind.ADDITIONAL,
            kept.octets,
            content_type=kept.media_type,
            detail={"block": "HandOver", "fields": told.fields()},
        ),
    )
